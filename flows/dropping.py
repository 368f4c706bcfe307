"""The drop on a network: what is still to be done is worked out from the chain, shown, agreed to, and done once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collection_db import Table
from durable import write_json, write_whole
from errors import NodeFailed, NothingLeft, StepRefused, WrongChain
from flows.allowlisting import allowlist_of
from flows.alone import alone_in
from flows.drop_terms import check_rehearsed, drop_folder, network_folder, release_to_reveal, terms_of
from flows.settings import Settings
from minting.chain.addresses import checked_address
from minting.chain.mints import mints_of
from minting.chain.networks import Network
from minting.chain.node import Node
from minting.chain.snapshot import first_block
from minting.drop.auditing import caip19
from minting.drop.calls import Call, deployment, gas_of
from minting.drop.contract import INPUT
from minting.drop.journal import DEPLOY, Done, Journal
from minting.drop.sending import Priced, Sender, Waiting
from minting.drop.steps import FREEZE, MINT, NO_ROOT, OPEN, REVEAL, STOP, WITHDRAW, Drop
from minting.drop.terms import Terms
from minting.ethereum import LocalAccount
from minting.signing import read_keystore

__all__ = ["DEPLOY", "FREEZE", "MINT", "OPEN", "REVEAL", "STOP", "WITHDRAW", "Call", "Deployment", "Network"]
__all__ += ["Outcome", "Priced", "adopt", "deployment_of", "do", "read_keystore", "write_unsigned"]

KINDS = (DEPLOY, OPEN, STOP, MINT, REVEAL, FREEZE, WITHDRAW)
REHEARSED = (DEPLOY, OPEN, MINT)  # what is done only as it was rehearsed
PATIENT = Waiting()
CONTRACT = "contract.json"  # the standard JSON that explorers verify from


@dataclass(frozen=True)
class Deployment:
    """Where the contract lies, and the block that it came with."""

    address: str
    block: int


@dataclass(frozen=True)
class Outcome:
    """What was done now, and the contract's address ("" where there is none yet). `agreed`: whether it was wanted."""

    done: list[tuple[Call, Done]]
    address: str
    agreed: bool = True


def deployment_of(settings: Settings, network: Network) -> Deployment:
    """Raises NothingLeft where nothing was deployed."""
    folder = network_folder(settings, network)
    journal = Journal(folder) if folder.is_dir() else None
    found = journal.deployment if journal else None
    if journal:
        journal.close()
    if not found:
        raise NothingLeft(f"nothing was deployed on {network.name}: `toadworks deploy --network {network.name}` first")
    return Deployment(*found)


def do(
    settings: Settings,
    network: Network,
    kind: str,
    account: LocalAccount,
    *,
    agree: Callable[[Network, list[Priced], str], bool],
    say: Callable[[str], None],
    dry_run: bool = False,
    waiting: Waiting = PATIENT,
) -> Outcome:
    """Do what is still to be done of a kind (see KINDS). First, whatever was agreed to and signed before is brought to
    its end; with `dry_run` nothing at all is sent.

    `agree` is told the calls with what they cost, and who signs; after a no, nothing more is sent. Raises BadSetting,
    BadRelease and NothingLeft for what is not ready; WrongChain where chain or contract are not those dealt with
    before; StepRefused, StepFailed and NodeFailed.
    """
    terms = _checked_terms(settings, kind)
    with at_work(settings, network) as (node, journal):
        sender = Sender(node, journal, account, say=say, waiting=waiting)
        for entry in journal.pending:
            say(f"going on with what {entry.last.sender} signed before: {entry.last.what}")
        sender.settle(only_look=dry_run)
        calls = still_to_do(settings, node, journal, kind, terms, account.address, waiting)
        if kind == WITHDRAW:
            calls = list(_payable(node, calls, account.address, say))
        done: list[tuple[Call, Done]] = []
        if calls:
            priced = sender.price(calls)
            if not agree(network, priced, account.address) or dry_run:
                return Outcome([], _address(journal), agreed=False)
            sender.check_funds(priced)
            for one in priced:
                done.append((one.call, sender.send(one.call, one)))
                say(f"done: {one.call.what} ({network.money(done[-1][1].paid)} for gas)")
        address = _address(journal)
        if address:
            _leave_source(network_folder(settings, network))
        if kind == MINT and not dry_run:
            _mark(settings, node, journal, address)
    return Outcome(done, address)


def adopt(settings: Settings, network: Network, address: str) -> str:
    """Go on with a contract that another program deployed, as a multisig does with what `write_unsigned` wrote: its
    address, with its checksum. Raises WrongChain where it is not this contract with these terms; StepRefused where one
    was deployed before, or is being deployed."""
    terms = terms_of(settings)
    check_rehearsed(settings, terms, deploying=True)
    with at_work(settings, network) as (node, journal):
        if journal.deployment or journal.pending:
            told = journal.deployment[0] if journal.deployment else "another one"
            raise StepRefused(network.name, "adopt", f"{told} was deployed here before, or is being deployed")
        drop = Drop(node, checked_address(address), terms)
        drop.check_code()
        drop.check_terms(drop.ask("owner"))
        if terms.owner and drop.ask("owner") != terms.owner:
            raise WrongChain(network.name, f"{address} belongs to {drop.ask('owner')}, not to {terms.owner}")
        if (found := drop.ask("provenance").hex()) != terms.provenance:
            raise WrongChain(network.name, f"{address} has the provenance hash {found}, not {terms.provenance}")
        with node.asking("the last block"):
            last = node.web3.eth.block_number
        journal.note_adopted(drop.address, first_block(node, drop.address, last, say=lambda text: None))
        _leave_source(network_folder(settings, network))
    return drop.address


def write_unsigned(settings: Settings, network: Network, kind: str) -> tuple[Path, list[Call]] | None:
    """Write what is still to be done for a multisig to sign: a batch of Safe's Transaction Builder. None where nothing
    is. Nothing is sent.

    Raises as `do` does, and StepRefused where the owner is to deploy but is not named.
    """
    terms = _checked_terms(settings, kind)
    if kind == DEPLOY and not (terms and terms.owner):
        raise StepRefused(network.name, "deploy", "who is to own the contract? Set drop.owner")
    with at_work(settings, network) as (node, journal):
        Sender(node, journal).settle(only_look=True)
        calls = still_to_do(settings, node, journal, kind, terms, "")
    if not calls:
        return None
    file = network_folder(settings, network) / f"unsigned-{kind}.json"
    batch = [{"to": one.to or None, "value": str(one.value), "data": one.data, "contractMethod": None} for one in calls]
    told = "; ".join(one.what for one in calls)
    about = {"name": kind, "description": told}
    write_json(file, {"version": "1.0", "chainId": str(network.chain_id), "meta": about, "transactions": batch})
    return file, calls


def still_to_do(
    settings: Settings,
    node: Node,
    journal: Journal,
    kind: str,
    terms: Terms | None,
    signer: str,
    waiting: Waiting = PATIENT,
) -> list[Call]:
    """All of it is asked at one block, which holds everything that was done. `signer`: "" for the contract's owner,
    whoever that is."""
    address = _address(journal)
    drop = Drop(node, address, terms, _head(node, journal.last_block, waiting))
    if kind == DEPLOY:
        if not address:
            return [deployment(drop.terms, signer or drop.terms.owner)]
        drop.check_code()
        drop.check_terms(journal.deployer)
        return []
    if not address:
        raise NothingLeft(f"nothing was deployed on {node.network.name}: `toadworks deploy` comes first")
    drop.check_code()
    if signer and kind != WITHDRAW:  # which anybody may do
        drop.check_signer(signer)
    if kind in (OPEN, MINT):
        drop.check_terms(journal.deployer)
    if kind == OPEN:
        return list(drop.opening(_root(settings, node.network, address, drop.terms)))
    if kind in (REVEAL, FREEZE):
        release, known = release_to_reveal(settings)
        drop.check_provenance(known)
        return list(
            drop.revealing(release.base_uri, release.contract_uri)
            if kind == REVEAL
            else drop.freezing(release.base_uri)
        )
    return list({STOP: drop.stopping, MINT: drop.minting, WITHDRAW: drop.withdrawing}[kind]())


def _checked_terms(settings: Settings, kind: str) -> Terms | None:
    """The terms, as they were rehearsed; none for what has to work whatever became of the release."""
    if kind in (STOP, WITHDRAW):
        return None
    terms = terms_of(settings)
    if kind in REHEARSED:
        check_rehearsed(settings, terms, deploying=kind == DEPLOY)
    return terms


def _head(node: Node, least: int, waiting: Waiting) -> int:
    """The last block, as soon as the node has what was done: behind one address may be nodes some blocks apart."""
    end = time.monotonic() + waiting.doubt
    while True:
        with node.asking("the last block"):
            head = node.web3.eth.block_number
        if head >= least:
            return head
        if time.monotonic() > end:
            raise NodeFailed(
                node.network.name, f"the node is at block {head}, behind {least}, in which a step was done"
            )
        time.sleep(waiting.pause)


def _payable(node: Node, calls: list[Call], signer: str, say: Callable[[str], None]) -> Iterator[Call]:
    """A payee that takes no money must not keep the others from theirs."""
    for one in calls:
        try:
            gas_of(node, one, signer)
            yield one
        except StepRefused as error:
            say(f"left out: {error}")


@contextmanager
def at_work(settings: Settings, network: Network) -> Iterator[tuple[Node, Journal]]:
    """The network's node and journal, for one process at a time. Raises WrongChain where the chain is another one than
    the journal's: two chains may have one id, as every test chain that is started anew."""
    folder = network_folder(settings, network)
    drop_folder(settings).mkdir(mode=0o700, exist_ok=True)
    with alone_in(folder, f"works on {network.name}"):
        node = Node.open(network)
        with node.asking("the first block"):
            genesis = node.web3.eth.get_block(0)["hash"].to_0x_hex()
        journal = Journal(folder)
        try:
            about = {"chain_id": network.chain_id, "genesis": genesis}
            if (journal.chain or journal.deployment or journal.entries) and journal.chain != about:
                told = f"this is another chain than the one that {journal.file} speaks of; nothing was sent"
                raise WrongChain(network.name, told)
            if not journal.chain:
                journal.note_chain(about)
            yield node, journal
        finally:
            journal.close()


def _address(journal: Journal) -> str:
    return journal.deployment[0] if journal.deployment else ""


def _root(settings: Settings, network: Network, address: str, terms: Terms) -> str:
    """Of the allowlist for this very contract. Raises NothingLeft and BadSource."""
    if not terms.presale.start:
        return NO_ROOT
    allowlist = allowlist_of(settings, network, address)
    if allowlist is None:
        told = "there is no allowlist, and drop.presale_start says that there is a presale"
        raise NothingLeft(f"{told}: `toadworks allowlist --network {network.name}` makes it, or take the time away")
    check_rehearsed(settings, terms, allowlist.entries)
    return allowlist.root


def _mark(settings: Settings, node: Node, journal: Journal, address: str) -> None:
    """Every token that was minted for the team is marked in the table with its transaction, also those of a process
    that was killed before it could mark them; holders' own mints are marked by the audit."""
    blocks = {one.done.block for one in journal.entries.values() if one.done and one.last.kind == MINT}
    table = Table.open(settings.database_url)
    try:
        for block in sorted(blocks):
            minted = mints_of(node, address, block, block)
            marks = {number: (mint.tx, mint.block) for number, mint in minted.items()}
            table.mark_minted(caip19(node.network.chain_id, address), marks)
    finally:
        table.close()


def _leave_source(folder: Path) -> None:
    if not (folder / CONTRACT).exists():
        write_whole(folder / CONTRACT, INPUT.read_bytes())
