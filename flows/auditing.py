"""What `toadworks audit` answers: the contract of a network's drop, held against the collection; what it minted is
marked in the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from collection_db import Table
from errors import BadRelease, BadValue, NothingLeft, RunFailed
from flows.allowlisting import allowlist_of
from flows.drop_terms import network_folder
from flows.dropping import DEPLOY, deployment_of
from flows.progress import shown
from flows.settings import Settings
from flows.verifying import verify_published
from minting.chain.addresses import checked_address
from minting.chain.networks import Network
from minting.chain.node import Node
from minting.chain.reading import TAGS
from minting.drop.auditing import DIFFERS, OK, UNCHECKED, Expected, Line, Report, audit, caip19
from minting.drop.journal import Journal
from minting.drop.terms import WHOLE, read_drop
from minting.manifest import FILE, Manifest, read_manifest
from minting.verifying import verify

MOST_FAULTS = 20  # of the files
MARKS = {OK: "ok ", DIFFERS: "BAD", UNCHECKED: "-  "}


@dataclass(frozen=True)
class Found:
    """A contract to be audited. `block`: the first in which it may have minted; `deployer`: an address, "" where it is
    not known."""

    address: str
    block: int
    deployer: str = ""


def audit_collection(
    settings: Settings, name: str, *, block: str, gateway: str, contract: str, from_block: int
) -> Report:
    """Audit the drop on the network called `name`; `contract`: its address, "" for the one that was deployed there, and
    mints are then looked for since its block. `gateway`: where the files are fetched, "" for those on this disk.

    Raises NothingLeft where nothing was deployed or exported, BadSetting, BadRelease, BadSource, BadValue, NodeFailed.
    """
    network, at = settings.network(name), _block(block)
    found = _found(settings, network, contract, from_block)
    expected = expected_of(settings, network, found)
    report = audit(Node.open(network), found.address, expected, block=at, from_block=found.block, meter=shown)
    folder = settings.placeholder_folder if report.stage == "placeholder" else settings.release_folder
    folder = folder if (folder / FILE).exists() else settings.placeholder_folder
    report = replace(report, lines=[*report.lines, *_files(folder, gateway)])
    return replace(report, lines=[*report.lines, _marked(settings, report)])


def expected_of(settings: Settings, network: Network, found: Found) -> Expected:
    """What collection.toml, the release, the placeholder and the network's allowlist say of the contract.

    Raises NothingLeft where nothing was exported, BadSetting, BadRelease, BadSource for an allowlist that is damaged,
    or of another contract.
    """
    release, placeholder = _manifest(settings.release_folder), _manifest(settings.placeholder_folder)
    manifest = release or placeholder
    if manifest is None:
        raise NothingLeft("there is no release to hold the contract against: `toadworks export` writes one")
    drop, about = read_drop(settings["drop"], settings.file), settings["release"]
    promised = placeholder.promise.count if placeholder and placeholder.promise else len(manifest.tokens)
    owner, points = drop.owner or found.deployer, about["royalty_basis_points"]
    receiver = checked_address(about["royalty_recipient"]) if points and about["royalty_recipient"] else owner
    public = drop.public
    allowlist = allowlist_of(settings, network, found.address)
    return Expected(
        release=release,
        placeholder=placeholder,
        supply=drop.supply or promised,
        owner=owner or None,
        payees=drop.payees or ({owner: WHOLE} if owner else None),
        royalty=(receiver, points),
        presale=(drop.presale.start, drop.presale.end),
        public=(public.start, public.end, public.price, public.limit),
        root=allowlist.root if allowlist else None,
    )


def forget(settings: Settings, name: str, contract: str) -> int:
    """Take all marks of the network's contract out of the table; how many there were."""
    network = settings.network(name)
    address = _found(settings, network, contract, 0).address
    table = Table.open(settings.database_url)
    try:
        return table.mark_minted(caip19(network.chain_id, address), {}, whole=True)
    finally:
        table.close()


def told(report: Report) -> Iterator[str]:
    """The report for a person."""
    at = report.block
    yield f"contract {report.address} on {report.network}, block {at.number} ({at.asked}), {at.hash}"
    for line in report.lines:
        yield f"{MARKS[line.state]}  {line.what:<16} {line.told}"
        if line.remedy:
            yield f"{'':<21} what to do: {line.remedy}"
    bad = sum(line.state == DIFFERS for line in report.lines)
    left = sum(line.state == UNCHECKED for line in report.lines)
    tail = f"; {left} not checked, marked -" if left else ""
    yield f"{bad} to look at, marked BAD{tail}" if bad else f"the chain says what the collection says{tail}"


def _found(settings: Settings, network: Network, contract: str, from_block: int) -> Found:
    if contract:
        return Found(checked_address(contract), from_block)
    deployed = deployment_of(settings, network)
    journal = Journal(network_folder(settings, network))
    done = [entry.last for entry in journal.entries.values() if entry.done and entry.last.kind == DEPLOY]
    journal.close()
    return Found(deployed.address, from_block or deployed.block, done[0].sender if done else "")


def _block(given: str) -> str | int:
    if given in TAGS:
        return given
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    raise BadValue("block", given, f"{', '.join(TAGS)} or a block's number")


def _manifest(folder: Path) -> Manifest | None:
    return read_manifest(folder / FILE) if (folder / FILE).exists() else None


def _files(folder: Path, gateway: str) -> Iterator[Line]:
    """Those behind the URIs: as a gateway gives them, or on this disk."""
    what, remedy = "files", "publish them again (`toadworks publish --recheck`)"
    try:
        if gateway:
            verify_published(folder / FILE, gateway, None, ipfs=True)
            yield Line(what, OK, "every file that has a CID came from the gateway, and is as the manifest says")
            return
        manifest = read_manifest(folder / FILE)
        with shown("verify", len(manifest.all_files())) as advance:
            faults = list(map(str, verify(folder, advance).faults))
        if not faults:
            yield Line(what, OK, f"all of {folder} are as its manifest says; --gateway URL fetches what the world gets")
    except BadRelease as error:
        faults = error.faults
    except RunFailed as error:
        faults = [str(error)]
    for fault in faults[:MOST_FAULTS]:
        yield Line(what, DIFFERS, fault, remedy)
    if len(faults) > MOST_FAULTS:
        yield Line(what, DIFFERS, f"... and {len(faults) - MOST_FAULTS} more", remedy)


def _marked(settings: Settings, report: Report) -> Line:
    what = "table"
    if report.mints is None:
        return Line(what, UNCHECKED, "no token is marked, as not all mints are known")
    table = Table.open(settings.database_url)
    try:
        known = {row.number for row in table.tokens()}
        minted = {number: (mint.tx, mint.block) for number, mint in report.mints.items()}
        fresh = table.mark_minted(report.contract, minted, whole=True)
    finally:
        table.close()
    if strange := sorted(minted.keys() - known):
        told = f"{len(strange)} tokens were minted that the table does not have, the first is {strange[0]}"
        return Line(what, DIFFERS, told, "accept as many again as there were, and export")
    return Line(what, OK, f"{len(minted)} tokens are marked as minted, {fresh} marks are new or others")
