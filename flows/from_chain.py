"""Source tokens from a contract: what `new --contract` does before there is a collection.

Beside the ordinary folders of images and metadata it leaves what they came from. Everything that a token says is
hostile until it was checked: a token that cannot be taken is listed with its reason, and the rest goes on.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from durable import write_json, write_whole
from errors import BadSource, BadValue, RunFailed
from flows.progress import meter, say
from flows.tokens import MB, Fetcher, Token
from minting.chain.addresses import checked_address
from minting.chain.node import Node
from minting.origins.contract import Block, Contract, block_of, checked_ids
from minting.origins.gateways import Gateways
from minting.origins.notes import Notes
from minting.origins.uris import harmless, shown
from minting.origins.web import NotFetched, Web
from minting.uploading.asking import checked_url
from minting.uploading.together import in_parallel

__all__ = [
    "CHAIN",
    "FOLDER",
    "GATEWAYS",
    "NOT_TAKEN",
    "Asked",
    "Taken",
    "checked_address",
    "checked_ids",
    "take_from_chain",
]

FOLDER = "sources"  # in the collection's: images/, metadata/ and what they came from
CHAIN, TOKENS, ORIGIN, NOT_TAKEN, LOCK = "chain.jsonl", "tokens.jsonl", "origin.json", "not-taken.csv", ".lock"
GATEWAYS = ("https://trustless-gateway.link", "https://ipfs.io")
ARWEAVE = "https://arweave.net"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a user asks for.

    `address`: the contract's; `licence`: of the sources; `ids`: these tokens, or () for all; `limit`: the first so
    many, 0 for all; `block`: a number, latest, finalized or safe; `from_block`: where the search for minted tokens
    begins; `gateways`: of IPFS, in order; `image_mb`: the largest image, in MB; `parallel`: tokens at a time;
    `per_second`: requests to a host; `patience_s`: how long a host that is away is waited for; `allow_http`,
    `allow_private`: see Web.
    """

    address: str
    licence: str = ""
    ids: tuple[int, ...] = ()
    limit: int = 0
    block: str = ""
    from_block: int | None = None
    gateways: tuple[str, ...] = GATEWAYS
    image_mb: float = 50.0
    parallel: int = 4
    per_second: float = 8.0
    patience_s: float = 60.0
    allow_http: bool = False
    allow_private: bool = False


@dataclass(frozen=True)
class Taken:
    """What came of it: tokens asked for, how many of them are there, how many came now, and (id, address, reason) of
    the others; `unverified`: files that no gateway proved to be what their CID names."""

    asked: int
    taken: int
    new: int
    refused: list[tuple[str, str, str]]
    unverified: int
    licence: str


def take_from_chain(folder: Path, node: Node, asked: Asked) -> Taken:
    """Take the tokens of a contract into `folder`/sources: images/ID.png (or .gif, ...), metadata/ID.json, svg/ID.svg
    of what was drawn, origin.json (what each came from, with its SHA-256), and not-taken.csv where some were not.

    What is there and right is not fetched again, so that this may be stopped at any moment and asked for again; the
    block of the first time stays the block. Raises BadValue (no such contract, another one than before), NodeFailed,
    RunFailed where another process does this.
    """
    address = checked_address(asked.address)
    for gateway in asked.gateways:
        checked_url(gateway)
    sources = folder / FOLDER
    begun = (sources / CHAIN).exists()
    if not begun and sources.exists() and any(not file.name.startswith(".") for file in sources.iterdir()):
        raise BadValue("collection", str(folder), f"a new NAME: there is something in {sources} already")
    sources.mkdir(parents=True, exist_ok=True)
    with _alone(sources), closing(Notes(sources / CHAIN)) as chain, closing(Notes(sources / TOKENS)) as tokens:
        head = _head(chain, node, address, asked)
        contract = Contract(node, address, Block(head["block"], head["block_hash"]))
        say(f"{contract.standard} {address} of chain {node.network.chain_id}, as at block {contract.block.number}")
        ids = list(asked.ids) or _listed(chain, contract, asked)
        ids = ids[: asked.limit] if asked.limit else ids
        uris = _uris(chain, contract, ids, asked.parallel)
        web = Web(
            anywhere=asked.allow_private,
            plain_http=asked.allow_http,
            per_second=asked.per_second,
            patience_s=asked.patience_s,
        )
        with closing(web):
            gateways = Gateways(web, asked.gateways)
            fetcher = Fetcher(sources, web, gateways, ARWEAVE, int(asked.image_mb * MB))
            known = _known(tokens, sources)
            new = _fetch(fetcher, tokens, {id: uri for id, uri in uris.items() if id not in known}, asked.parallel)
        return _told(sources, head, contract, tokens, ids, uris, new)


def _head(chain: Notes, node: Node, address: str, asked: Asked) -> dict[str, Any]:
    """What was decided when this was begun: it holds until the end. Raises BadValue where something else is asked."""
    chain_id = node.network.chain_id
    if not chain.lines:
        if not asked.licence:
            raise BadValue("--licence", "", 'the licence of the sources, such as "CC0-1.0": take only what you may use')
        block = block_of(node, asked.block or "latest")
        Contract(node, address, block)  # before anything is written of it
        head = {"chain_id": chain_id, "contract": address, "block": block.number, "block_hash": block.hash}
        chain.add(head | {"licence": asked.licence})
    head = chain.lines[0]
    for what, found, wanted in (
        ("chain", chain_id, head.get("chain_id")),
        ("contract", address, head.get("contract")),
        ("--licence", asked.licence or head.get("licence"), head.get("licence")),
        ("--block", int(asked.block) if asked.block.isdecimal() else head.get("block"), head.get("block")),
    ):
        if found != wanted:
            raise BadValue(what, found, f"{wanted}, with which this collection was begun, or a new NAME")
    return head


def _listed(chain: Notes, contract: Contract, asked: Asked) -> list[int]:
    for line in chain.lines:
        if "listed" in line and line["limit"] in (0, asked.limit):
            return [int(id) for id in line["listed"]]
    ids = contract.ids(asked.limit, asked.from_block, asked.parallel)
    if not ids:
        raise BadValue("contract", contract.address, f"one with tokens; at block {contract.block.number} it has none")
    chain.add({"listed": [str(id) for id in ids], "limit": asked.limit})
    return ids


def _uris(chain: Notes, contract: Contract, ids: Sequence[int], parallel: int) -> dict[int, str | None]:
    """The tokens' URIs, None for one that has none. They are all read before anything is fetched: nodes keep the state
    of a block for some minutes only."""
    known = {int(line["id"]): line["uri"] for line in chain.lines if "uri" in line}
    missing = [id for id in ids if id not in known]
    with meter("token URIs", len(missing)) as bar:

        def ask(id: int) -> None:
            try:
                uri: str | None = contract.uri(id)
            except BadSource:
                uri = None
            chain.add({"id": str(id), "uri": uri})
            known[id] = uri
            bar.advance()

        in_parallel(parallel, ask, missing)
    return {id: known[id] for id in ids}


def _known(tokens: Notes, sources: Path) -> set[int]:
    """The tokens that are there, byte for byte as they were taken."""
    last = {line["id"]: line for line in tokens.lines if "id" in line}
    known = set()
    for id, line in last.items():
        files = {f"images/{line.get('image')}": "image_sha256", f"metadata/{id}.json": "metadata_sha256"}
        if "problem" not in line and all(_sha256(sources / file) == line.get(key) for file, key in files.items()):
            known.add(int(id))
    return known


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _fetch(fetcher: Fetcher, tokens: Notes, uris: dict[int, str | None], parallel: int) -> int:
    """Take these tokens, and note what came of each; how many could be."""
    with meter("tokens", len(uris)) as bar:

        def take(given: tuple[int, str | None]) -> bool:
            id, uri = given
            token = Token(str(id), uri or "")
            try:
                if uri is None:
                    raise BadSource("", "the contract gives no URI for it; it may not be minted, or burnt")
                tokens.add(fetcher.take(token))
                return True
            except (BadSource, NotFetched) as error:
                problem = harmless(error.problem if isinstance(error, BadSource) else str(error))
                say(f"not taken: {id}: {problem}")
                tokens.add({"id": str(id), "problem": problem, "address": shown(token.at)})
                return False
            finally:
                bar.advance()

        return sum(in_parallel(parallel, take, list(uris.items())))


def _told(
    sources: Path,
    head: dict[str, Any],
    contract: Contract,
    tokens: Notes,
    ids: Sequence[int],
    uris: dict[int, str | None],
    new: int,
) -> Taken:
    """Write origin.json and not-taken.csv. Tokens of an earlier time that are not asked for now stay in the former."""
    last = {line["id"]: line for line in tokens.lines if "id" in line}
    good = [line for line in sorted(last.values(), key=lambda line: int(line["id"])) if "problem" not in line]
    write_json(sources / ORIGIN, head | {"standard": contract.standard, "tokens": good})
    refused = [(str(id), last[str(id)]) for id in ids if "problem" in last[str(id)]]
    listed = [(id, line["address"], line["problem"]) for id, line in refused]
    if listed:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("id", "address", "reason"), *map(_cells, listed)])
        write_whole(sources / NOT_TAKEN, text.getvalue().encode())
    else:
        (sources / NOT_TAKEN).unlink(missing_ok=True)
    unverified = sum(line.get(key) is False for line in good for key in ("metadata_verified", "image_verified"))
    return Taken(len(ids), len(ids) - len(listed), new, listed, unverified, head["licence"])


def _cells(row: tuple[str, str, str]) -> tuple[str, ...]:
    """A spreadsheet takes what begins so for a formula."""
    return tuple(f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in row)


@contextmanager
def _alone(sources: Path) -> Iterator[None]:
    lock = FileLock(sources / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunFailed(f"{sources}: another process fills it; wait until it has ended") from None
    try:
        yield
    finally:
        lock.release()
