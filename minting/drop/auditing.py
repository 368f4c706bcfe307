"""Is the contract on the chain what the collection says? Everything that it can be asked is read back at one block, and
held against the manifest, the settings and the allowlist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from errors import NodeFailed
from minting.chain.mints import Mint, mints_of
from minting.chain.node import Node
from minting.chain.reading import TRIES, Block, Reorganized, ask, pinned, steady
from minting.drop.contract import compiled
from minting.drop.promised import provenances
from minting.drop.state import NOBODY, Sale, State, code_at, plain, read_state, token_uris
from minting.drop.steps import NO_ROOT
from minting.manifest import Manifest

OK, DIFFERS, UNCHECKED = "ok", "differs", "not checked"
MOST_NAMED = 5  # tokens in a line
LONGEST_WRONG = 1 << 24  # bytes of wrong URIs, after which no more are read
RUN_IT = "if nobody meant this, the contract is not yours any more: tell your holders"
Meter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. `state`: OK, DIFFERS or UNCHECKED; `told`: what was found, what was expected, or
    why nothing was looked at; `remedy`: what to do where it differs."""

    what: str
    state: str
    told: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the collection says of its contract; None: it says nothing, so that is not checked.

    `release`, `placeholder`: the manifests; `payees`: basis points by address; `royalty`: receiver ("" for
    anybody) and basis points; `presale`: start and end; `public`: start, end, wei, tokens a wallet;
    `root`: of the allowlist, 0x and 64 digits. Addresses are in EIP-55's form.
    """

    release: Manifest | None = None
    placeholder: Manifest | None = None
    supply: int | None = None
    owner: str | None = None
    payees: Mapping[str, int] | None = None
    royalty: tuple[str, int] | None = None
    presale: tuple[int, int] | None = None
    public: tuple[int, int, int, int] | None = None
    root: str | None = None

    @property
    def manifest(self) -> Manifest:
        found = self.release or self.placeholder
        if found is None:
            raise ValueError("neither a release nor a placeholder")
        return found


@dataclass(frozen=True, kw_only=True)
class Report:
    """`block`: where the chain was read; `contract`: as CAIP-19 has it; `stage`: whose URIs the chain shows, "release",
    "placeholder", or "" for neither; `mints`: None where they are not all known."""

    network: str
    address: str
    contract: str
    block: Block
    stage: str = ""
    lines: list[Line] = field(default_factory=list)
    mints: dict[int, Mint] | None = None

    @property
    def clean(self) -> bool:
        return all(line.state != DIFFERS for line in self.lines)

    def json(self) -> dict[str, Any]:
        about = {key: getattr(self, key) for key in ("network", "address", "contract", "stage", "clean")}
        minted = len(self.mints) if self.mints is not None else None
        return {**about, "block": asdict(self.block), "minted": minted, "lines": list(map(asdict, self.lines))}


@contextmanager
def silent(stage: str, total: int) -> Iterator[Callable[[int], None]]:
    """A Meter that shows nothing."""
    yield lambda done: None


def audit(
    node: Node,
    address: str,
    expected: Expected,
    *,
    block: str | int = "finalized",
    from_block: int = 0,
    meter: Meter = silent,
) -> Report:
    """Read the contract back at `block` (a number, "finalized", "safe" or "latest"; mints since `from_block`), and
    compare. All is of one block: where the chain is reorganized meanwhile, it is read again.

    Raises NodeFailed where the node does not answer, or its chain does not come to rest.
    """
    for _ in range(TRIES):
        at = pinned(node, block)
        try:
            with steady(node, at):
                return _audited(node, address, expected, at, from_block, meter)
        except Reorganized:
            continue
    raise NodeFailed(
        node.network.name,
        f"its chain was reorganized {TRIES} times while it was read; --block finalized reads what stays",
    )


def caip19(chain_id: int, address: str) -> str:
    """An ERC-721 contract's name on all chains (CAIP-19)."""
    return f"eip155:{chain_id}/erc721:{address}"


def _audited(node: Node, address: str, expected: Expected, at: Block, from_block: int, meter: Meter) -> Report:
    contract = caip19(node.network.chain_id, address)
    report = Report(network=node.network.name, address=address, contract=contract, block=at)
    code = code_at(node, address, at)
    if not compiled().is_code(code):
        return replace(report, lines=[_strange(code, at), Line("all else", UNCHECKED, "it would tell nothing")])
    state = read_state(node, address, at)
    stage, shown = _stage(state, expected)
    minted = mints_of(node, address, min(from_block, at.number), at.number)
    whole = len(minted) == state.minted and list(minted) == list(range(1, len(minted) + 1))
    # not as many as a node says that there are: it may say any number
    last = min(state.minted, max(len(minted), len(shown.tokens)))
    lines = [
        Line(
            "code", OK, f"is that of {compiled().contract.rsplit(':', 1)[-1]}, compiled by solc {compiled().compiler}"
        ),
        *_names(state, expected),
        _supply(state, expected),
        _numbers(state, minted, whole, expected),
        _base(state, expected, stage),
        _uris(node, address, at, last, shown, meter),
        _text("contractURI", state.contract_uri, shown.contract_uri, "setContractURI"),
        _provenance(state, expected),
        _royalty(state, expected),
        _root(state, expected),
        *_people(state, expected),
        *_sale(state, expected, node),
        _frozen(state, stage),
        _money(node, address, state, minted if whole else None),
    ]
    return replace(report, stage=stage, lines=lines, mints=minted if whole else None)


def _strange(code: bytes, at: Block) -> Line:
    if code:
        told = f"another contract lies there: {len(code)} bytes that Drop.sol does not compile to"
        return Line("code", DIFFERS, told, "look at the address, and with which version of Toadworks it was deployed")
    told = f"there is no contract in block {at.number} ({at.asked})"
    return Line("code", DIFFERS, told, "look at the address; what is not final yet is read with --block latest")


def _stage(state: State, expected: Expected) -> tuple[str, Manifest]:
    """Whose URIs the chain shows, and the manifest that they are held against."""
    for manifest in filter(None, (expected.release, expected.placeholder)):
        if state.base_uri == manifest.base_uri.encode():
            return manifest.stage, manifest
    return "", expected.manifest


def _same(what: str, found: object, wanted: object, remedy: str, told: str = "") -> Line:
    if found == wanted:
        return Line(what, OK, told or str(found))
    return Line(what, DIFFERS, f"the chain says {told or found}, and the collection {wanted}", remedy)


def _text(what: str, found: bytes, wanted: str, setter: str) -> Line:
    if found == wanted.encode():
        return Line(what, OK, plain(found))
    remedy = f"set it again ({setter}), or export what was deployed" if setter else "it can never be changed"
    return Line(what, DIFFERS, f"the chain says {plain(found)!r}, and the manifest {plain(wanted)!r}", remedy)


def _names(state: State, expected: Expected) -> Iterator[Line]:
    about = expected.manifest.collection
    yield _text("name", state.name, about.name, "")
    yield _text("symbol", state.symbol, about.symbol, "")


def _supply(state: State, expected: Expected) -> Line:
    wanted = expected.supply if expected.supply is not None else len(expected.manifest.tokens)
    return _same("maximum supply", state.supply, wanted, "it can never be changed")


def _numbers(state: State, minted: Mapping[int, Mint], whole: bool, expected: Expected) -> Line:
    what, known = "tokens", len(expected.manifest.tokens)
    if not whole:
        told = f"it counts {state.minted} minted, and its logs have {len(minted)}: {ranges(minted)}"
        return Line(what, DIFFERS, told, "ask at another node, or from an earlier block on (--from-block)")
    if state.minted > known:
        told = f"{state.minted} are minted, and the manifest has {known}"
        return Line(what, DIFFERS, told, "accept more, export and publish: the others have no metadata")
    return Line(what, OK, f"{state.minted} of {state.supply} are minted, from 1 without a gap")


def _base(state: State, expected: Expected, stage: str) -> Line:
    if stage:
        return Line("base URI", OK, f"{plain(state.base_uri)} (the {stage}'s)")
    wanted = " or ".join(one.base_uri for one in (expected.release, expected.placeholder) if one)
    remedy = "it is frozen, so it can never be changed" if state.frozen else "`toadworks reveal` sets the release's"
    return Line(
        "base URI", DIFFERS, f"the chain says {plain(state.base_uri)!r}, and the manifest {plain(wanted)}", remedy
    )


def _uris(node: Node, address: str, at: Block, last: int, shown: Manifest, meter: Meter) -> Line:
    what, wrong, example, read, size = "token URIs", [], "", 0, 0
    with meter("tokens", last) as advance:
        for number, uri in token_uris(node, address, at, last, advance):
            read = number
            wanted = f"{shown.base_uri}{number}".encode()
            if uri != wanted:
                wrong.append(number)
                said = "that there is none" if uri is None else repr(plain(uri))
                example = example or f"token {number}: the chain says {said}, and the manifest {plain(wanted)!r}"
                size += len(uri or b"")
                if size > LONGEST_WRONG:
                    break
    if wrong:
        left = f"; {last - read} were not read, as they are so long" if read < last else ""
        told = f"{len(wrong)} of {last} are others ({ranges(wrong)}); {example}{left}"
        return Line(what, DIFFERS, told, "the base URI has to be the manifest's")
    return Line(what, OK, f"all {last} are the manifest's" if last else "nothing is minted yet")


def _provenance(state: State, expected: Expected) -> Line:
    what, found, remedy = (
        "provenance",
        state.provenance,
        "it was fixed by the first mint: the images, or their order, are others",
    )
    if not state.minted:
        remedy = "set it before the first mint (setProvenance)"
    promise = expected.placeholder.promise if expected.placeholder else None
    if expected.release:
        known = provenances(expected.release, promise.count if promise else None)
    elif promise:
        known = {promise.provenance_sha256: "SHA-256, as the placeholder promises it"}
    else:
        return Line(what, UNCHECKED, "there is no release, and the placeholder promises none")
    if found in known:
        return Line(what, OK, f"0x{found} ({known[found]} over the images')")
    return Line(what, DIFFERS, f"the chain says 0x{found}, and the manifest 0x{next(iter(known))}", remedy)


def _royalty(state: State, expected: Expected) -> Line:
    what, found = "royalty", (state.royalty_receiver, state.royalty_basis_points)
    if expected.royalty is None:
        return Line(what, UNCHECKED, "nothing is said of it")
    receiver, points = expected.royalty
    wanted = (receiver or state.royalty_receiver, points)
    told = f"{found[1] / 100:g} % to {found[0]}"
    if found == wanted:
        return Line(what, OK, told)
    other = f"{points / 100:g} % to {wanted[0]}"
    return Line(what, DIFFERS, f"the chain says {told}, and [release] {other}", "set it again (setRoyalty)")


def _root(state: State, expected: Expected) -> Line:
    what, found = "allowlist", "none" if state.root == NO_ROOT else f"the root {state.root}"
    closed = expected.presale is not None and not expected.presale[1]
    if state.root == NO_ROOT and (closed or expected.root is None):
        return Line(what, OK, "there is none")
    if expected.root is None:
        return Line(what, UNCHECKED, f"the chain has {found}, and there is no allowlist.json to hold it against")
    if state.root == expected.root:
        return Line(what, OK, f"its root is {state.root}")
    told = f"the chain has {found}, and allowlist.json the root {expected.root}"
    return Line(what, DIFFERS, told, "`toadworks open` sets the root of allowlist.json")


def _people(state: State, expected: Expected) -> Iterator[Line]:
    if expected.owner is None:
        yield Line("owner", UNCHECKED, f"is {state.owner}; drop.owner names nobody")
    else:
        yield _same("owner", state.owner, expected.owner, "acceptOwnership, by whom it was offered to; else " + RUN_IT)
    if state.pending:
        told = f"{state.pending} was offered the contract, and has not taken it"
        yield Line("new owner", DIFFERS, told, "let it be accepted, or transferOwnership to the zero address")
    else:
        yield Line("new owner", OK, "nobody was offered the contract")
    found = {address: payee.share for address, payee in state.payees.items()}
    wanted = dict(expected.payees or {})
    if expected.payees is None:
        yield Line("payees", UNCHECKED, f"{_shares(found)}; nothing is said of them")
    elif found == wanted:
        yield Line("payees", OK, _shares(found))
    else:
        told = f"the chain says {_shares(found)}, and drop.payees {_shares(wanted)}"
        yield Line("payees", DIFFERS, told, "it can never be changed")


def _sale(state: State, expected: Expected, node: Node) -> Iterator[Line]:
    sale = state.sale
    if expected.presale is None:
        yield Line("presale", UNCHECKED, f"{_times(sale.presale_start, sale.presale_end)}; [drop] says nothing of it")
    else:
        found, wanted = _times(sale.presale_start, sale.presale_end), _times(*expected.presale)
        yield _same("presale", found, wanted, "`toadworks open` sets what [drop] says")
    if expected.public is None:
        yield Line("public sale", UNCHECKED, f"{_public(_of(sale), node)}; [drop] says nothing of it")
    else:
        found, wanted = _public(_of(sale), node), _public(expected.public, node)
        yield _same("public sale", found, wanted, "`toadworks open` sets what [drop] says")
    told = "minting is paused" if sale.paused else "minting is not paused"
    yield Line(
        "pause", DIFFERS if sale.paused else OK, told, "the owner lets it go on (setPaused)" if sale.paused else ""
    )


def _frozen(state: State, stage: str) -> Line:
    if not state.frozen:
        return Line("freeze", OK, "not frozen: the owner can still change every token's URI")
    if stage == "release":
        return Line("freeze", OK, "frozen: no token's URI will ever change")
    told = "frozen, and the base URI is not the release's"
    return Line("freeze", DIFFERS, told, "nothing can be done with this contract: the tokens will never be revealed")


def _money(node: Node, address: str, state: State, minted: Mapping[int, Mint] | None) -> Line:
    """What was paid in is known where the contract itself was called: it takes exact payment, and only for mints."""
    what, held, show = "money", state.balance + state.released, node.network.money
    told = f"holds {show(state.balance)}, paid out {show(state.released)}"
    paid_out = sum(payee.released for payee in state.payees.values())
    if paid_out != state.released:
        return Line(what, DIFFERS, f"{told}, and its payees got {show(paid_out)}", "do not trust this node")
    if minted is None:
        return Line(what, UNCHECKED, f"{told}; not all mints are known")
    hashes = list(dict.fromkeys(mint.tx for mint in minted.values()))
    answers = ask(node, "the transactions of mints", [("eth_getTransactionByHash", [tx]) for tx in hashes])
    paid, unknown = 0, 0
    with node.asking("the transactions of mints"):
        for answer in answers:
            if answer is not None and (answer["to"] or NOBODY).lower() == address.lower():
                paid += int(answer["value"], 16)
            else:
                unknown += 1
    if held < paid:
        return Line(what, DIFFERS, f"{told}, and its mints paid {show(paid)}", "do not trust this node")
    if unknown:
        known = f"{show(paid)} of it by mints, besides {unknown} transactions that paid through another contract"
        return Line(what, OK, f"{told}; {known}")
    more = f"; {show(held - paid)} came in without a mint" if held > paid else ", which is what its mints paid"
    return Line(what, OK, told + more)


def ranges(numbers: Mapping[int, object] | Sequence[int]) -> str:
    """1-3, 7: ascending numbers, the first few runs of them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [f"{first}-{last}" if last > first else str(first) for first, last in runs[:MOST_NAMED]]
    return ", ".join([*told, *(["..."] if len(runs) > MOST_NAMED else [])]) or "none"


def _of(sale: Sale) -> tuple[int, int, int, int]:
    return sale.public_start, sale.public_end, sale.public_price, sale.public_limit


def _public(given: tuple[int, int, int, int], node: Node) -> str:
    start, end, price, limit = given
    if not end:
        return "never"
    return f"{_times(start, end)}, {node.network.money(price)} each, {limit or 'any number'} a wallet"


def _times(start: int, end: int) -> str:
    return f"{_time(start)} to {_time(end)}" if end else "never"


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _shares(shares: Mapping[str, int]) -> str:
    told = [f"{share / 100:g} % to {address}" for address, share in sorted(shares.items())]
    return ", ".join([*told[:MOST_NAMED], *(["..."] if len(told) > MOST_NAMED else [])]) or "nobody"
