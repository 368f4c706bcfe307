"""Who held an ERC-721 collection at a block: read from its Transfer logs, held against what the contract says."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from eth_utils.address import to_checksum_address

from durable import write_json, write_whole
from errors import BadValue, NodeFailed, NodeRefused
from minting.chain.balances import NO_ANSWER, balances_at, total_supply_at
from minting.chain.begun import Begun, Pinned
from minting.chain.holders import TOPICS, Holders
from minting.chain.logs import logs_of
from minting.chain.node import Node
from minting.chain.raw import ask, number_in

FORMAT = 1
HEADER = ("address", "tokens", "token_ids")
TAGS = ("latest", "safe", "finalized")
MOST_SHOWN = 3  # wallets of which something is wrong

Meter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""`with meter(stage, total) as advance`: shows how far a stage is."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Snapshot:
    """What lies beside the CSV, as JSON. `block`, `hash`, `time`: at whose end this was so, ISO 8601 in UTC; `rpc`: the
    host that was asked; `first_block`: from which on logs were read; `balances_checked`: holders whose number of tokens
    is what balanceOf said at that block, `total_supply`: what the contract said then, None where either could not be
    asked: `unchecked` says why; `strange`: transfers from a wallet that did not hold the token by the logs before;
    `sha256`: of the CSV."""

    chain_id: int
    network: str
    contract: str
    block: int
    hash: str
    time: str
    rpc: str
    first_block: int
    transfers: int
    holders: int
    tokens: int
    burned: int
    strange: int
    balances_checked: int | None
    total_supply: int | None
    unchecked: str
    sha256: str
    format: int = FORMAT


def about_file(file: Path) -> Path:
    """The JSON that says what the CSV is of."""
    return file.with_suffix(".json")


def take_snapshot(
    node: Node, contract: str, asked: str, file: Path, *, first: int | None = None, meter: Meter, say: Say
) -> Snapshot:
    """Write the holders of `contract` to the CSV `file`, and what it is of beside it. The same command goes on with one
    that was killed, at the block that was pinned then.

    `asked`: a block's number, or one of TAGS; `first`: the block to read from, None to find that of the deployment.
    Raises BadValue where this is no ERC-721, NothingLeft where another process is at it, NodeFailed and NodeRefused for
    the node, and WrongHolders; nothing is written then.
    """
    contract = to_checksum_address(contract)
    _check_place(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = Begun(file)
    try:
        pinned, holders = _read(node, contract, asked, first, begun, meter, say)
        checked = _checked(node, pinned, holders, meter, say)
        snapshot = _write(file, node, pinned, holders, *checked)
        begun.forget()
        return snapshot
    except (WrongHolders, BadValue):
        begun.forget()  # it would only lead here again
        raise
    finally:
        begun.close()


def _check_place(file: Path) -> None:
    """Raises BadValue where something else than an earlier snapshot would be overwritten."""
    beside = about_file(file)
    if file == beside:
        raise BadValue("file", str(file), "one that ends in .csv: beside it goes a .json")
    try:
        known = "holders" in json.loads(beside.read_bytes())
    except FileNotFoundError:
        return
    except (ValueError, TypeError):
        known = False
    if not known:
        raise BadValue("file", str(file), f"another name: {beside.name} beside it would be overwritten")


def _read(
    node: Node, contract: str, asked: str, first: int | None, begun: Begun, meter: Meter, say: Say
) -> tuple[Pinned, Holders]:
    """What the logs say."""
    earlier = begun.earlier(node.network.chain_id, contract, asked, first)
    if earlier and _block(node, hex(earlier[0].block), str(earlier[0].block))[1] != earlier[0].hash:
        say(f"block {earlier[0].block}, of the snapshot that was begun, is another now: it begins anew")
        earlier = None
    if earlier:
        begun.go_on()
        pinned, holders, done = earlier
        say(f"goes on with the snapshot of block {pinned.block} ({_utc(pinned.time)}), after block {done}")
    else:
        pinned = _pin(node, contract, asked, first, say)
        holders, done = Holders(contract), pinned.first - 1
        begun.begin(pinned)
    with meter("blocks", pinned.block - done) as advance:
        for until, logs in logs_of(node, contract, TOPICS, done + 1, pinned.block):
            begun.note(until, holders.take(logs), holders)
            advance(until - done)
            done = until
    if not holders.transfers:
        allowed = f"an ERC-721; up to block {pinned.block} this has no Transfer log (an ERC-1155 never has one)"
        raise BadValue("contract", contract, allowed)
    return pinned, holders


class WrongHolders(NodeFailed):
    """Logs from which something else follows than the contract says, or of blocks that the chain has no more."""


def _pin(node: Node, contract: str, asked: str, first: int | None, say: Say) -> Pinned:
    block, found, at = _block(node, asked if asked in TAGS else hex(int(asked)), asked)
    return Pinned(
        chain_id=node.network.chain_id,
        contract=contract,
        asked=asked,
        first=first_block(node, contract, block, say) if first is None else first,
        block=block,
        hash=found,
        time=at,
    )


def _block(node: Node, which: str, shown: str) -> tuple[int, str, int]:
    """Number, hash and time of a block."""
    answer = ask(node, f"the block {shown}", "eth_getBlockByNumber", which, False)
    if not isinstance(answer, Mapping):
        raise NodeFailed(node.network.name, f"the node at {node.network.host} has no block {shown} (yet)")
    number, at = (number_in(node, answer.get(key), f"a block's {key}") for key in ("number", "timestamp"))
    return number, str(answer.get("hash")), at


def first_block(node: Node, contract: str, last: int, say: Say) -> int:
    """The first block with code at the address; 0 where the node does not know what was then."""

    def has_code(block: int) -> bool:
        return str(ask(node, f"the code of {contract}", "eth_getCode", contract, hex(block))) != "0x"

    try:
        if not has_code(last):
            raise BadValue(
                "contract", contract, f"one that is on {node.network.name}: at block {last} there is no code"
            )
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if has_code(middle) else (middle + 1, high)
        return low
    except NodeRefused:
        say("note: this node knows no old state, so logs are read from block 0 on; --from-block shortens that")
        return 0


def _checked(
    node: Node, pinned: Pinned, holders: Holders, meter: Meter, say: Say
) -> tuple[int | None, int | None, str]:
    """How many balances were compared, totalSupply, and what could not be asked. Raises WrongHolders."""
    name, block, held = node.network.name, pinned.block, holders.counts()
    balances: list[int] = []
    total, unchecked = None, ""
    try:
        total = total_supply_at(node, pinned.contract, block)
        with meter("balances", len(held)) as advance:
            balances = balances_at(node, pinned.contract, list(held), block, advance)
    except NodeRefused as error:
        total, balances = None, []
        unchecked = f"the node would not tell balanceOf and totalSupply at block {block}"
        say(f"note: {error}")  # its words stay out of what may be published
    if _block(node, hex(block), str(block))[1] != pinned.hash:
        told = f"block {block} was {pinned.hash} at the start and is another now: the chain was reorganised"
        raise WrongHolders(name, f"{told}; take the snapshot again, of a finalized block")
    pairs = zip(held.items(), balances, strict=False)
    wrong = [(wallet, count, said) for (wallet, count), said in pairs if count != said]
    if wrong:
        shown = "; ".join(
            f"{to_checksum_address(wallet)} holds {count} by the logs, "
            + ("and balanceOf fails" if said == NO_ANSWER else f"{said} by balanceOf")
            for wallet, count, said in wrong[:MOST_SHOWN]
        )
        more = f"; and {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
        raise WrongHolders(name, f"{pinned.contract} at block {block}: {shown}{more}{_ASK_AGAIN}")
    there, burned = sum(held.values()), holders.burned
    if total is not None and total != there:
        told = f"by the logs there are {there} tokens at block {block}, totalSupply says {total}"
        if total != there + burned:
            raise WrongHolders(name, f"{pinned.contract}: {told}{_ASK_AGAIN}")
        say(f"note: {told}: it counts the {burned} that were burned")
    if holders.strange:
        say(f"note: {holders.strange} transfers came from wallets that did not hold the token by the logs before")
    if total is None and not unchecked:
        unchecked = "the contract has no totalSupply"
    return len(balances) or None, total, unchecked


_ASK_AGAIN = "; nothing was written: ask another node, or from an earlier --from-block"


def _write(
    file: Path, node: Node, pinned: Pinned, holders: Holders, balances: int | None, total: int | None, unchecked: str
) -> Snapshot:
    held = holders.tokens()
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(HEADER)
    lines.writerows([wallet, len(tokens), " ".join(map(str, tokens))] for wallet, tokens in held.items())
    data = text.getvalue().encode()
    snapshot = Snapshot(
        chain_id=pinned.chain_id,
        network=node.network.name,
        contract=pinned.contract,
        block=pinned.block,
        hash=pinned.hash,
        time=_utc(pinned.time),
        rpc=node.network.host,
        first_block=pinned.first,
        transfers=holders.transfers,
        holders=len(held),
        tokens=sum(map(len, held.values())),
        burned=holders.burned,
        strange=holders.strange,
        balances_checked=balances,
        total_supply=total,
        unchecked=unchecked,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    write_whole(file, data)
    write_json(about_file(file), asdict(snapshot))
    return snapshot


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
