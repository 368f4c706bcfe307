"""Shuffling a collection's numbers: what the commands of `toadworks shuffle` do in its folder."""

from __future__ import annotations

from collections.abc import Iterator

from collection_db import Table
from errors import BadShuffle, NothingLeft
from flows.settings import Settings
from minting import shuffling
from minting.shuffling import RECORD, SEED, Initial, Shuffle

__all__ = ["RECORD", "SEED", "commit", "reveal", "told"]

MANIFEST = "manifest.json"
SHOWN = 10  # tokens


def commit(settings: Settings, chain_id: int, block: int) -> Shuffle:
    """Commit to the order of the release as it is exported. Raises BadShuffle where tokens are published, whose numbers
    stay; and what `shuffling.commit` and `Initial.of_manifest` raise."""
    table = Table.open(settings.database_url)
    published = sum(row.published_at is not None for row in table.tokens())
    table.close()
    if published:
        told = f"cannot be: {published} of the tokens are published, and their numbers stay; if none was minted,"
        raise BadShuffle(settings.folder / RECORD, f"{told} `toadworks export --renumber` gives all numbers up")
    initial = Initial.of_manifest(settings.release_folder / MANIFEST)
    return shuffling.commit(settings.folder, initial, chain_id, block)


def reveal(settings: Settings, block_hash: str) -> Shuffle:
    return shuffling.reveal(settings.folder, block_hash)


def told(settings: Settings) -> Iterator[str]:
    """How the collection's shuffle stands, line by line. Raises NothingLeft where there is none, BadShuffle for one
    that does not hold."""
    shuffle = shuffling.read(settings.folder)
    if shuffle is None:
        raise NothingLeft(
            f"{settings.folder / RECORD}: nothing is committed to; `toadworks shuffle commit` begins a shuffle"
        )
    record = shuffle.record
    yield f"state       {shuffle.state}; the record follows the rule"
    yield f"tokens      {record['count']}"
    yield f"commitment  {record['commitment']}, {record['committed_at']}"
    yield f"block       {record['block']} of chain {record['chain_id']}"
    if shuffle.state == "committed":
        there = (settings.folder / SEED).exists()
        yield f"seed        {'here, and secret' if there else 'MISSING: put back your copy of ' + SEED}"
        yield "next        once the block is there: `toadworks shuffle reveal --block-hash HASH`"
        return
    yield f"block hash  {record['block_hash']}"
    yield f"provenance  {record['provenance_sha256']}"
    for number, place in enumerate(record["order"][:SHOWN], start=1):
        yield f"token {number:<5} is initial number {place + 1}"
    if record["count"] > SHOWN:
        yield f"... and {record['count'] - SHOWN} more, in {RECORD}"
    yield "next        `toadworks export` numbers the tokens so"
