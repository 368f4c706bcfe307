"""The shuffle: its rule, its record, and the two files that it is kept in."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import chisquare

from errors import BadShuffle, BadValue, NothingLeft
from minting.shuffle_record import COMMITTED, REVEALED, below, mixed, provenance_sha256, shuffled, words_of
from minting.shuffling import RECORD, SEED, Initial, check, checked_block_hash, commit, read, reveal

ROOT = Path(__file__).parents[2]
BLOCK_HASH = "0x" + "4e" * 32


def digest(*what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()


def order_of(count: int = 7) -> Initial:
    numbers = range(count)
    return Initial(tuple(digest("image", n) for n in numbers), tuple(digest("recipe", n) for n in numbers))


def manifest(folder: Path, initial: Initial, **changes: Any) -> Path:
    tokens = [
        {"number": number, "recipe": recipe, "image": {"sha256": image}}
        for number, (image, recipe) in enumerate(zip(initial.images, initial.recipes, strict=True), start=1)
    ]
    told = {"format": 1, "tokens": tokens, "provenance": {"sha256": provenance_sha256(initial.images)}, **changes}
    file = folder / "manifest.json"
    file.write_text(json.dumps(told))
    return file


def revealed(folder: Path, count: int = 7) -> dict[str, Any]:
    commit(folder, order_of(count), 1, 21_000_000)
    return copy.deepcopy(dict(reveal(folder, BLOCK_HASH).record))


# The rule


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
def test_order_is_a_permutation(count: int) -> None:
    for seed in range(20):
        assert sorted(shuffled(hashlib.sha256(bytes([seed])).digest(), count)) == list(range(count))


def test_every_permutation_is_equally_likely() -> None:
    keys = (hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(24_000))
    met = Counter(tuple(shuffled(key, 4)) for key in keys)
    assert set(met) == set(permutations(range(4)))
    assert chisquare(list(met.values())).pvalue > 0.01


def test_every_place_gets_every_token_equally_often() -> None:
    count, met = 10, Counter[tuple[int, int]]()
    for n in range(5000):
        met.update(enumerate(shuffled(hashlib.sha256(n.to_bytes(4, "big")).digest(), count)))
    assert len(met) == count**2
    assert chisquare(list(met.values())).pvalue > 0.01


def test_words_that_would_favour_small_numbers_are_left_out() -> None:
    last = 2**64 - 1  # 2**64 is 1 more than a multiple of 3, so this one word is too many
    assert below(3, iter([last, last, 7])) == 1
    assert below(3, iter([last - 1])) == 2
    assert below(2**63 + 1, iter([2**63 + 1, last, 2**63])) == 2**63


def test_any_other_ingredient_gives_another_order() -> None:
    parts = [bytes([n]) * 32 for n in (1, 2, 3)]
    keys = [mixed(*parts)]
    for place in range(3):
        other = list(parts)
        other[place] = bytes(31) + b"\x01"
        keys.append(mixed(*other))
    assert len({tuple(shuffled(key, 50)) for key in keys}) == 4


def test_golden_order_never_changes() -> None:
    key = mixed(bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96)))
    assert key.hex() == hashlib.sha256(b"toadworks shuffle 1\n" + bytes(range(96))).hexdigest()
    words = words_of(key)
    assert next(words) == int(hashlib.sha256(key + bytes(8)).hexdigest()[:16], 16)
    assert shuffled(key, 12) == [11, 7, 4, 5, 3, 6, 10, 0, 2, 8, 9, 1]


# Commit and reveal


def test_reveal_numbers_the_tokens_anew(tmp_path: Path) -> None:
    initial = order_of(50)
    promised = commit(tmp_path, initial, 1, 21_000_000)
    assert promised.state == "committed" and promised.recipes == list(initial.recipes)
    assert promised.numbers() == {recipe: number for number, recipe in enumerate(initial.recipes, start=1)}
    shuffle = reveal(tmp_path, BLOCK_HASH)
    assert shuffle.state == "revealed"
    assert {key: shuffle.record[key] for key in COMMITTED} == promised.record
    order = shuffle.record["order"]
    assert shuffle.numbers() == {initial.recipes[place]: number for number, place in enumerate(order, start=1)}
    assert order != list(range(50))
    images = "".join(initial.images[place] for place in order)
    assert shuffle.record["provenance_sha256"] == hashlib.sha256(images.encode()).hexdigest()
    assert read(tmp_path) == shuffle and check(shuffle.record) == []


def test_nothing_is_read_where_nothing_was_committed(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    with pytest.raises(NothingLeft, match="shuffle commit"):
        reveal(tmp_path, BLOCK_HASH)


def test_seed_is_for_its_owner_alone(tmp_path: Path) -> None:
    record = commit(tmp_path, order_of(), 1, 5).record
    seed = json.loads((tmp_path / SEED).read_text())["seed"]
    assert (tmp_path / SEED).stat().st_mode & 0o777 == 0o600
    assert hashlib.sha256(bytes.fromhex(seed)).hexdigest() == record["seed_sha256"]
    assert seed not in (tmp_path / RECORD).read_text()


def test_two_collections_get_two_seeds(tmp_path: Path) -> None:
    records = []
    for name in "ab":
        (tmp_path / name).mkdir()
        records.append(commit(tmp_path / name, order_of(), 1, 5).record)
    assert records[0]["seed_sha256"] != records[1]["seed_sha256"]


def test_commitment_stands(tmp_path: Path) -> None:
    before = commit(tmp_path, order_of(), 1, 5)
    for initial, block in ((order_of(), 5), (order_of(), 6), (order_of(8), 5)):
        with pytest.raises(BadShuffle, match="commits to block 5 of chain 1, and stands: `toadworks shuffle reveal`"):
            commit(tmp_path, initial, 1, block)
    assert read(tmp_path) == before
    reveal(tmp_path, BLOCK_HASH)
    with pytest.raises(BadShuffle, match="it is revealed with block 5"):
        commit(tmp_path, order_of(), 1, 5)


def test_another_block_hash_is_refused_later(tmp_path: Path) -> None:
    record = revealed(tmp_path)
    assert reveal(tmp_path, BLOCK_HASH.upper().replace("X", "x")).record == record
    with pytest.raises(BadShuffle, match="was revealed with block hash 0x4e4e"):
        reveal(tmp_path, "0x" + "4f" * 32)
    assert dict(read(tmp_path).record) == record  # type: ignore[union-attr]


@pytest.mark.parametrize("given", ["", "0x", "4e" * 31, "0x" + "4g" * 32, "0x" + "00" * 32, "0x0x" + "4e" * 31])
def test_what_is_no_block_hash_is_refused(tmp_path: Path, given: str) -> None:
    commit(tmp_path, order_of(), 1, 5)
    with pytest.raises(BadValue, match="block hash"):
        reveal(tmp_path, given)


def test_block_hash_may_lack_its_prefix() -> None:
    assert checked_block_hash(f" {'4E' * 32}\n") == BLOCK_HASH


@pytest.mark.parametrize(("chain_id", "block"), [(0, 5), (-1, 5), (1, 0), (2**63, 5), (1, 2**63)])
def test_impossible_chains_and_blocks_are_refused(tmp_path: Path, chain_id: int, block: int) -> None:
    with pytest.raises(BadValue):
        commit(tmp_path, order_of(), chain_id, block)
    assert list(tmp_path.iterdir()) == []


# What was lost or changed


def test_lost_record_comes_back_from_the_seed(tmp_path: Path) -> None:
    commit(tmp_path, order_of(), 1, 5)
    before = (tmp_path / RECORD).read_bytes()
    (tmp_path / RECORD).unlink()
    with pytest.raises(BadShuffle, match="promises something else than is asked for now"):
        commit(tmp_path, order_of(), 1, 6)
    assert (tmp_path / RECORD).read_bytes() == before
    (tmp_path / RECORD).unlink()
    commit(tmp_path, order_of(), 1, 5)
    assert (tmp_path / RECORD).read_bytes() == before


def test_lost_seed_is_asked_for(tmp_path: Path) -> None:
    commit(tmp_path, order_of(), 1, 5)
    kept = (tmp_path / SEED).rename(tmp_path / "elsewhere")
    with pytest.raises(BadShuffle, match="put back your copy"):
        reveal(tmp_path, BLOCK_HASH)
    kept.rename(tmp_path / SEED)
    assert reveal(tmp_path, BLOCK_HASH).state == "revealed"


def test_seed_of_another_commitment_is_refused(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        commit(tmp_path / name, order_of(), 1, 5)
    (tmp_path / "a" / SEED).replace(tmp_path / "b" / SEED)
    with pytest.raises(BadShuffle, match="another commitment"):
        reveal(tmp_path / "b", BLOCK_HASH)


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_seed_that_others_may_read_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, order_of(), 1, 5)
    (tmp_path / SEED).chmod(0o644)
    with pytest.raises(BadShuffle, match="others may read it"):
        reveal(tmp_path, BLOCK_HASH)


def test_damaged_seed_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    commit(tmp_path, order_of(), 1, 5)
    told = json.loads((tmp_path / SEED).read_text())
    secret = told["seed"]
    for damaged in (json.dumps(told)[:80], json.dumps(told | {"seed": secret[::-1]}), json.dumps(told | {"seed": 5})):
        (tmp_path / SEED).write_text(damaged)
        with pytest.raises(BadShuffle, match="is damaged") as caught:
            reveal(tmp_path, BLOCK_HASH)
        assert secret[:8] not in str(caught.value) and secret[::-1][:8] not in str(caught.value)


CHANGED: dict[str, Any] = {
    "format": 2,
    "rule": "toadworks shuffle 2",
    "seed_sha256": digest(1),
    "chain_id": 137,
    "block": 21_000_001,
    "count": 6,
    "initial": [digest("image", n) for n in (1, 0, 2, 3, 4, 5, 6)],
    "recipes": [digest("recipe", n) for n in (1, 0, 2, 3, 4, 5, 6)],
    "initial_provenance_sha256": digest(2),
    "committed_at": "2020-01-01T00:00:00Z",
    "commitment": digest(3),
    "seed": digest(4),
    "block_hash": "0x" + "4f" * 32,
    "key": digest(5),
    "order": [6, 5, 4, 3, 2, 1, 0],
    "provenance_sha256": digest(6),
}


def test_every_field_is_tried() -> None:
    assert set(CHANGED) == {*COMMITTED, *REVEALED}


@pytest.mark.parametrize("key", CHANGED)
def test_changed_field_is_found(tmp_path: Path, key: str) -> None:
    for record in (dict(commit(tmp_path, order_of(), 1, 21_000_000).record), dict(reveal(tmp_path, BLOCK_HASH).record)):
        if key in record:
            assert check(record) == []
            assert check(record | {key: CHANGED[key]}) != []
            for nonsense in (None, [], {}, "x", -1, 0.5, [None], [[]], True):
                assert check(record | {key: nonsense}) != []
            (tmp_path / RECORD).write_text(json.dumps(record | {key: CHANGED[key]}))
            with pytest.raises(BadShuffle, match=r"shuffle\.json: .+; put back the one that was published"):
                read(tmp_path)
            (tmp_path / RECORD).write_text(json.dumps(record))


def test_block_hash_is_found_even_where_it_changes_no_order(tmp_path: Path) -> None:
    record = revealed(tmp_path, count=1)
    assert check(record | {"block_hash": "0x" + "4f" * 32}) != []


@pytest.mark.parametrize("key", [*COMMITTED, *REVEALED])
def test_missing_field_is_found(tmp_path: Path, key: str) -> None:
    record = revealed(tmp_path)
    del record[key]
    assert check(record) == [f"{key} is missing from its record"]


def test_time_of_two_lines_cannot_pass_for_a_token(tmp_path: Path) -> None:
    # the commitment of this record's text would be that of a record with one token less
    record = dict(commit(tmp_path, order_of(2), 1, 5).record)
    images, recipes = record["initial"], record["recipes"]
    record["committed_at"] += f"\n{images[0]} {recipes[0]}"
    record |= {"initial": images[1:], "recipes": recipes[1:], "count": 1}
    record["initial_provenance_sha256"] = provenance_sha256(images[1:])
    assert check(record) == ["its committed_at is no time"]


@pytest.mark.parametrize("record", [None, [], "x", {}, {"format": 1}])
def test_what_is_no_record_is_no_crash(record: object) -> None:
    assert check(record) != []


def test_unknown_field_is_found(tmp_path: Path) -> None:
    assert check(revealed(tmp_path) | {"sead": 1}) == ["sead is no part of its record"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x00", "[" * 5000])
def test_damaged_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(BadShuffle, match=r"shuffle\.json"):
        read(tmp_path)


# The manifest that it starts from


def test_manifest_gives_the_initial_order(tmp_path: Path) -> None:
    assert Initial.of_manifest(manifest(tmp_path, order_of())) == order_of()


def test_lack_of_a_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingLeft, match="toadworks export"):
        Initial.of_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("numbers", [[2, 3, 4], [1, 3, 4], [1, 2, 2], [1, 3, 2], [1, 2, None]])
def test_numbers_with_gaps_are_refused(tmp_path: Path, numbers: list[Any]) -> None:
    initial = order_of(3)
    told = json.loads(manifest(tmp_path, initial).read_text())
    for token, number in zip(told["tokens"], numbers, strict=True):
        token["number"] = number
    with pytest.raises(BadShuffle, match="from 1 without a gap"):
        Initial.of_manifest(manifest(tmp_path, initial, tokens=told["tokens"]))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tokens": []}, "lists no images"),
        ({"tokens": None}, "no release's manifest"),
        ({"stage": "placeholder"}, "is that of a placeholder"),
        ({"provenance": {"sha256": "0" * 64}}, "provenance hash"),
    ],
)
def test_manifest_that_says_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(BadShuffle, match=told):
        Initial.of_manifest(manifest(tmp_path, order_of(), **changes))


def test_recipe_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    initial = Initial(order_of(2).images, order_of(1).recipes * 2)
    with pytest.raises(BadShuffle, match="a recipe twice"):
        Initial.of_manifest(manifest(tmp_path, initial))


# Killed between any two steps

KILLED = """
import json, os, signal, sys
from pathlib import Path
from minting import shuffling
folder, what, at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
steps = 0
def counted(step):
    def run(*given, **named):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*given, **named)
    return run
for name in ("replace", "fsync", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
if what == "commit":
    shuffling.commit(folder, shuffling.Initial(*map(tuple, json.load(sys.stdin))), 1, 5)
else:
    shuffling.reveal(folder, "0x" + "4e" * 32)
print(steps)
"""


def killed(folder: Path, what: str, at: int) -> int:
    """What a process in which the step number `at` is its last ends with."""
    initial = order_of()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), what, str(at)],
        input=json.dumps([initial.images, initial.recipes]),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode


def test_kills_lose_nothing(tmp_path: Path) -> None:
    states = []
    for at in range(1, 12):
        folder = tmp_path / str(at)
        folder.mkdir()
        status = killed(folder, "commit", at)
        seed = (folder / SEED).read_bytes() if (folder / SEED).exists() else None
        record = (folder / RECORD).read_bytes() if (folder / RECORD).exists() else None
        assert not record or seed  # never a record without its seed
        states.append((bool(seed), bool(record)))
        if record is None:
            commit(folder, order_of(), 1, 5)
        after = (folder / SEED).read_bytes(), (folder / RECORD).read_bytes()
        assert after == (seed or after[0], record or after[1])
        if status == 0:
            break
        assert status == -9
        for later in range(1, 12):
            promised = read(folder)
            assert promised is not None
            if killed(folder, "reveal", later) == 0:
                break
        assert reveal(folder, BLOCK_HASH).state == "revealed"
    assert status == 0  # every step was one at which it was killed
    assert states[0] == (False, False) and states[-1] == (True, True) and (True, False) in states
    assert all(earlier <= later for earlier, later in pairwise(states))
