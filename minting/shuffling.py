"""A shuffle of the token numbers that anyone can check: commit to a secret seed and a block that is still to come,
then reveal the seed and mix it with that block's hash.

The rule is in `shuffle_record`; docs/numbering.md says why nobody can choose the outcome.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from durable import write_whole
from errors import BadShuffle, BadValue, NothingLeft, RunFailed
from minting.shuffle_record import RULE, check, commitment, is_hash, list_faults, mixed, provenance_sha256, shuffled

__all__ = ["RECORD", "SEED", "Initial", "Shuffle", "check", "checked_block_hash", "commit", "read", "reveal"]

RECORD, SEED, _BUSY = "shuffle.json", ".shuffle.seed", ".shuffle.busy"
LARGEST_CHAIN_ID = 2**63 - 37  # EIP-2294
LARGEST_BLOCK = 2**63 - 1

State = Literal["committed", "revealed"]


@dataclass(frozen=True)
class Shuffle:
    """A shuffle, by its public record, which was checked. The record's keys: see docs/numbering.md."""

    record: Mapping[str, Any]

    @property
    def state(self) -> State:
        return "revealed" if "order" in self.record else "committed"

    @property
    def promise(self) -> tuple[tuple[str, ...], tuple[str, ...], int, int]:
        """What was committed to: images and recipes in the initial order, chain id, block."""
        initial, recipes = self.record["initial"], self.record["recipes"]
        return tuple(initial), tuple(recipes), self.record["chain_id"], self.record["block"]

    @property
    def recipes(self) -> list[str]:
        """The ids of the tokens' recipes, in the initial order."""
        return list(self.record["recipes"])

    def numbers(self) -> dict[str, int]:
        """The number of each recipe's token, from 1: in the initial order as long as that is only committed to."""
        order = self.record.get("order", range(self.record["count"]))
        recipes = self.record["recipes"]
        return {recipes[place]: number for number, place in enumerate(order, start=1)}


@dataclass(frozen=True)
class Initial:
    """The order before the shuffle: each token's image (its file's SHA-256) and recipe id, number 1 first."""

    images: tuple[str, ...]
    recipes: tuple[str, ...]

    @classmethod
    def of_manifest(cls, file: Path) -> Initial:
        """What a release's manifest.json says. Raises NothingLeft where there is none, BadShuffle where its numbers
        have gaps, it is a placeholder's, or its hashes are none."""
        try:
            manifest = json.loads(file.read_bytes())
            stage, tokens = manifest.get("stage", "release"), manifest["tokens"]
            numbers = [token["number"] for token in tokens]
            initial = cls(
                tuple(token["image"]["sha256"] for token in tokens), tuple(token["recipe"] for token in tokens)
            )
            provenance = manifest["provenance"]["sha256"]
        except FileNotFoundError as error:
            told = f"there is no {file}: the shuffle starts from a release, which `toadworks export` writes"
            raise NothingLeft(told) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadShuffle(file, "is no release's manifest; `toadworks export` writes one") from error
        if stage != "release":
            raise BadShuffle(file, f"is that of a {stage}; export the release itself, which is not public yet")
        for expected, number in enumerate(numbers, start=1):
            if number != expected:
                told = f"token numbers must run from 1 without a gap: {number!r} is where {expected} belongs"
                raise BadShuffle(file, told)
        if faults := [*list_faults("image", initial.images), *list_faults("recipe", initial.recipes)]:
            raise BadShuffle(file, faults[0])
        if provenance != provenance_sha256(initial.images):
            raise BadShuffle(file, "its provenance hash is not that of its images; `toadworks export` writes it anew")
        return initial


def read(folder: Path) -> Shuffle | None:
    """The shuffle of the collection in `folder`, or None. Raises BadShuffle for a record that is damaged, or in which
    anything does not follow from the rest."""
    file = folder / RECORD
    try:
        record = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunFailed(f"{file} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise BadShuffle(file, f"is damaged ({error}); put back the one that was published") from error
    if faults := check(record):
        raise BadShuffle(file, f"{faults[0]}; put back the one that was published")
    return Shuffle(record)


def commit(folder: Path, initial: Initial, chain_id: int, block: int) -> Shuffle:
    """Make a secret seed and commit to it, to the initial order and to a block that is still to come, for the
    collection in `folder`: write the seed (with the record, and for its owner alone), then the record. Where that was
    broken off in between, or the record was lost since, the same record is written again.

    Raises BadShuffle where something is committed to already, BadValue for a chain or block that cannot be.
    """
    _check_number("chain id", chain_id, LARGEST_CHAIN_ID)
    _check_number("block", block, LARGEST_BLOCK)
    with _alone(folder):
        if shuffle := read(folder):
            raise BadShuffle(folder / RECORD, _standing(shuffle))
        if kept := _kept_secret(folder):
            write_whole(folder / RECORD, _text(kept[1]))
            shuffle = Shuffle(kept[1])
            if shuffle.promise != (initial.images, initial.recipes, chain_id, block):
                told = f"was missing, and is here again from {SEED}; it promises something else than is asked for now"
                raise BadShuffle(folder / RECORD, f"{told}: {_standing(shuffle)}")
            return shuffle
        seed = secrets.token_bytes(32)
        record = {
            "format": 1,
            "rule": RULE,
            "seed_sha256": hashlib.sha256(seed).hexdigest(),
            "chain_id": chain_id,
            "block": block,
            "count": len(initial.images),
            "initial": list(initial.images),
            "recipes": list(initial.recipes),
            "initial_provenance_sha256": provenance_sha256(initial.images),
            "committed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        record["commitment"] = commitment(record)
        # the seed first: a record whose seed is nowhere could never be revealed
        write_whole(folder / SEED, _text({"seed": seed.hex(), "record": record}), 0o600)
        write_whole(folder / RECORD, _text(record))
        return Shuffle(record)


def reveal(folder: Path, block_hash: str) -> Shuffle:
    """Mix the seed with the block's hash (64 hexadecimal digits, behind "0x" or not), and write seed, hash and order
    into the record. Revealing again with the same hash changes nothing.

    Raises NothingLeft where nothing is committed to, BadShuffle for another hash than was revealed with, and where the
    seed is not there or another one; BadValue for what is no hash.
    """
    block_hash = checked_block_hash(block_hash)
    with _alone(folder):
        shuffle = read(folder)
        if shuffle is None:
            raise NothingLeft(f"{folder / RECORD}: nothing is committed to yet; `toadworks shuffle commit` comes first")
        if shuffle.state == "revealed":
            if shuffle.record["block_hash"] != block_hash:
                told = f"was revealed with block hash {shuffle.record['block_hash']}, and stays so"
                raise BadShuffle(folder / RECORD, f"{told}: holders have seen it")
            return shuffle
        kept = _kept_secret(folder)
        if kept is None:
            raise BadShuffle(folder / SEED, "is not there, and nothing can be revealed without it; put back your copy")
        seed, promised = kept
        if dict(shuffle.record) != promised:
            raise BadShuffle(folder / SEED, f"belongs to another commitment than {RECORD}; put back the one that does")
        record = promised | {"seed": seed.hex(), "block_hash": block_hash}
        key = mixed(seed, bytes.fromhex(block_hash[2:]), bytes.fromhex(promised["commitment"]))
        order = shuffled(key, promised["count"])
        images = [promised["initial"][place] for place in order]
        record |= {"key": key.hex(), "order": order, "provenance_sha256": provenance_sha256(images)}
        write_whole(folder / RECORD, _text(record))
        return Shuffle(record)


def checked_block_hash(given: str) -> str:
    """The hash as "0x" and 64 lower-case digits. Raises BadValue for what is none, and for zeros."""
    digits = given.strip().lower().removeprefix("0x")
    if not is_hash(digits):
        raise BadValue("block hash", given, "0x and 64 hexadecimal digits, as block explorers and nodes show it")
    if not digits.strip("0"):  # what a contract's BLOCKHASH says of a block it no longer knows
        raise BadValue("block hash", given, "the hash of the block itself; zeros stand for one that is not known")
    return f"0x{digits}"


def _kept_secret(folder: Path) -> tuple[bytes, dict[str, Any]] | None:
    """The seed and the record that was committed to with it. The errors say nothing of what is in the file."""
    file = folder / SEED
    try:
        mode = file.stat().st_mode
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunFailed(f"{file} cannot be read: {error.strerror or error}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        told = "others may read it, and whoever knows it and has a say in the block can choose the order"
        raise BadShuffle(file, f"{told}; `chmod 600` it if nobody has, or else commit anew")
    try:
        told = json.loads(data)
        seed, record = bytes.fromhex(told["seed"]), told["record"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadShuffle(file, "is damaged; put back your copy of it") from None
    if check(record) or "order" in record or hashlib.sha256(seed).hexdigest() != record["seed_sha256"]:
        raise BadShuffle(file, "is damaged: its record commits to another seed; put back your copy of it")
    return seed, record


def _standing(shuffle: Shuffle) -> str:
    """To commit again and again until the outcome pleases is what a commitment is there to prevent."""
    block = f"block {shuffle.record['block']} of chain {shuffle.record['chain_id']}"
    if shuffle.state == "revealed":
        return f"it is revealed with {block}, and stays so; `toadworks export` numbers the tokens by it"
    return f"it commits to {block}, and stands: `toadworks shuffle reveal` with that block's hash comes next"


def _check_number(what: str, value: int, largest: int) -> None:
    if not 1 <= value <= largest:
        raise BadValue(what, value, f"1..{largest}")


def _text(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / _BUSY):
            yield
    except OSError as error:
        raise RunFailed(f"{folder / RECORD} cannot be written: {error.strerror or error}") from error
