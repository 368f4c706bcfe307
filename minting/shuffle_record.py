"""The rule of a shuffle and its public record: what is committed to and revealed, and how everybody recomputes it.

The rule, `RULE`. With hashes as 32 bytes, and texts as UTF-8:

    commitment = SHA-256 of lines joined by "\\n": RULE, seed_sha256, chain id, block, committed_at, then for each token
                 in the initial order its image's SHA-256, a blank, its recipe's id (all hashes as lower-case hex)
    key        = SHA-256(RULE + "\\n" + seed + block hash + commitment)
    word c     = the first 8 bytes, as a big-endian number, of SHA-256(key + c as 8 bytes, big-endian), c = 0, 1, 2, ...
    order      = 0, 1, ..., N - 1; then for i = N - 1 down to 1: draw j from 0..i, exchange order[i] and order[j]
    drawing    = the next word w, leaving out words from the largest multiple of i + 1 up to 2**64; j = w mod (i + 1)

Token number n is the one at place order[n - 1] of the initial order. The shuffle is Fisher's and Yates's in
Durstenfeld's form (CACM 7, 1964, algorithm 235): every permutation is equally likely.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

RULE = "toadworks shuffle 1"
COMMITTED = (
    *("format", "rule", "seed_sha256", "chain_id", "block", "count", "initial", "recipes"),
    *("initial_provenance_sha256", "committed_at", "commitment"),
)
REVEALED = ("seed", "block_hash", "key", "order", "provenance_sha256")
_WORDS = 2**64
_HASH = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9-]{10}T[0-9:]{8}Z")  # no line break, which would let one line pass for two


def check(record: object) -> list[str]:
    """The faults of a public record, a sentence each: everything that can be worked out is worked out anew. A record
    without faults follows the rule; that it is the one that was published, only who kept that can say."""
    if not isinstance(record, Mapping):
        return ["is no record of a shuffle"]
    revealed = any(key in record for key in REVEALED)
    expected = {*COMMITTED, *(REVEALED if revealed else ())}
    if missing := [key for key in (*COMMITTED, *REVEALED) if key in expected and key not in record]:
        return [f"{', '.join(missing)} is missing from its record"]
    faults = [f"{key} is no part of its record" for key in record if key not in expected]
    if record["format"] is True or record["format"] != 1 or record["rule"] != RULE:
        return [*faults, f"it follows {record['rule']!r}; this version of Toadworks knows {RULE!r}"]
    return faults + (_form_faults(record, revealed) or _sum_faults(record, revealed))


def _form_faults(record: Mapping[str, Any], revealed: bool) -> list[str]:
    faults = [*list_faults("image", record["initial"]), *list_faults("recipe", record["recipes"])]
    if faults:
        return faults
    hashes = ["seed_sha256", "initial_provenance_sha256", "commitment"]
    hashes += ["seed", "key", "provenance_sha256"] if revealed else []
    faults += [f"its {key} is no hash" for key in hashes if not is_hash(record[key])]
    if revealed and not (isinstance(record["block_hash"], str) and is_hash(record["block_hash"][2:])):
        faults.append("its block_hash is no hash")
    if not all(type(record[key]) is int and record[key] > 0 for key in ("chain_id", "block", "count")):
        faults.append("its chain_id, block and count must be whole numbers from 1")
    if not isinstance(record["committed_at"], str) or not _TIME.fullmatch(record["committed_at"]):
        faults.append("its committed_at is no time")
    if not len(record["initial"]) == len(record["recipes"]) == record["count"]:
        told = f"{len(record['initial'])} images and {len(record['recipes'])} recipes"
        faults.append(f"its initial order has {told}, its count is {record['count']}")
    return faults


def _sum_faults(record: Mapping[str, Any], revealed: bool) -> list[str]:
    faults = []
    if record["initial_provenance_sha256"] != provenance_sha256(record["initial"]):
        faults.append("its initial_provenance_sha256 is not that of its images in the initial order")
    if record["commitment"] != commitment(record):
        faults.append("its commitment is not that of what it commits to")
    if not revealed:
        return faults
    seed, order = bytes.fromhex(record["seed"]), record["order"]
    if hashlib.sha256(seed).hexdigest() != record["seed_sha256"]:
        faults.append("its seed is not the one that was committed to")
    key = mixed(seed, bytes.fromhex(record["block_hash"][2:]), bytes.fromhex(record["commitment"]))
    if record["key"] != key.hex() or record["block_hash"][:2] != "0x":
        faults.append("its key is not that of its seed, block_hash and commitment")
    count = record["count"]
    whole = isinstance(order, list) and all(type(place) is int for place in order)
    if not whole or sorted(order) != [*range(count)]:
        return [*faults, "its order is no permutation of its tokens"]
    if order != shuffled(key, count):
        faults.append("its order is not the one that seed and block hash give")
    if record["provenance_sha256"] != provenance_sha256([record["initial"][place] for place in order]):
        faults.append("its provenance_sha256 is not that of its images in the new order")
    return faults


def provenance_sha256(images: Sequence[str]) -> str:
    """SHA-256 over the images' SHA-256 digests, as text in lower-case hexadecimal, in order, with nothing between."""
    return hashlib.sha256("".join(images).encode()).hexdigest()


def commitment(record: Mapping[str, Any]) -> str:
    """One hash of all that is promised: the seed's hash, chain, block, time, and the initial order."""
    lines = [RULE, record["seed_sha256"], str(record["chain_id"]), str(record["block"]), record["committed_at"]]
    lines += [f"{image} {recipe}" for image, recipe in zip(record["initial"], record["recipes"], strict=True)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def mixed(seed: bytes, block_hash: bytes, commitment: bytes) -> bytes:
    """The key of the shuffle, 32 bytes, from 32 bytes each."""
    return hashlib.sha256(f"{RULE}\n".encode() + seed + block_hash + commitment).digest()


def shuffled(key: bytes, count: int) -> list[int]:
    """The places 0..count - 1 in the order that `key` gives."""
    words = words_of(key)
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        j = below(i + 1, words)
        order[i], order[j] = order[j], order[i]
    return order


def words_of(key: bytes) -> Iterator[int]:
    """Endless numbers 0..2**64 - 1."""
    for counter in itertools.count():
        yield int.from_bytes(hashlib.sha256(key + counter.to_bytes(8, "big")).digest()[:8], "big")


def below(limit: int, words: Iterator[int]) -> int:
    """A number 0..limit - 1, each from equally many words: those beyond the last whole multiple are left out."""
    usable = _WORDS - _WORDS % limit
    return next(word for word in words if word < usable) % limit


def list_faults(what: str, given: object) -> list[str]:
    """What is wrong with a list of hashes of images, or of recipes."""
    if not isinstance(given, list | tuple) or not given:
        return [f"it lists no {what}s"]
    if wrong := [one for one in given if not is_hash(one)]:
        return [f"{wrong[0]!r} is no {what}'s hash"]
    if what == "recipe" and len(set(given)) < len(given):
        return ["it lists a recipe twice"]
    return []


def is_hash(given: object) -> bool:
    return isinstance(given, str) and _HASH.fullmatch(given) is not None
