"""Groups through the table: batch after batch as all at once, who leads, what settings change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from collection_db import AssetFolder
from errors import RunFailed
from flows import group as stage
from flows import twins
from flows.group import group_candidates
from flows.known import known_sources
from tests.flows.ponds import Pond, changed, changed_copy, darker, drawing, mixed


def test_batches_give_what_all_at_once_gives(pond: Callable[..., Pond], tmp_path: Path) -> None:
    sources, made = [drawing(0), drawing(1), drawing(2)], mixed()
    whole = pond(sources)
    whole.add(made)
    group_candidates(whole.settings)
    expected = whole.seen()
    for column, fewest in ((1, 5), (2, 3), (6, 3)):  # twins, unchanged, flat
        assert sum(bool(look[column]) for look in expected.values()) >= fewest
    assert len({look[0] for look in expected.values()}) < 40
    order = np.random.default_rng(1).permutation(len(made))
    for folder, cuts in (("a", (0, 1, 30, 31, 60)), ("b", (0, 60))):
        (tmp_path / folder / "images").mkdir(parents=True)
        other = Pond(changed_copy(whole.settings, tmp_path / folder), sources)
        for start, end in pairwise(cuts):
            some = order[start:end].tolist()
            other.add([made[n] for n in some], seeds=some)
            group_candidates(other.settings)
        assert other.seen() == expected


def test_nothing_is_compared_twice(pond: Callable[..., Pond], monkeypatch: pytest.MonkeyPatch) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add(mixed())
    group_candidates(full.settings)
    grouped, compared = [], []
    follow, either_way = stage.follow, stage.pairs_either_way

    def grouping(pairs, scores, forced):
        grouped.append(len(scores))
        return follow(pairs, scores, forced)

    def comparing(new, new_turned, old, *more):
        compared.append((len(new), len(old)))
        return either_way(new, new_turned, old, *more)

    monkeypatch.setattr(stage, "follow", grouping)
    for where in (stage, twins):
        monkeypatch.setattr(where, "pairs_either_way", comparing)
    group_candidates(full.settings)
    assert grouped == compared == []
    full.add([(1, drawing(500)), (1, drawing(501))])
    group_candidates(full.settings)
    assert len(grouped) == 1 and grouped[0] == sum(row.source_id == "1" for row in full.table.looks())
    assert [new for new, _ in compared] == [2, 2, 2]  # with sources, earlier tokens, other leaders


def test_groups_are_of_one_source(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b, c = two.add([(0, drawing(9)), (0, drawing(9, 2)), (1, drawing(9, 1))])
    assert group_candidates(two.settings) == 2
    leader = two.look(a).leader_id
    assert leader in (a, b) and two.look(b).leader_id == leader and two.look(c).leader_id == c
    (pair,) = two.table.twins()
    assert {pair.left_id, pair.right_id} == {leader, c} and pair.bits <= 4 and 0 < pair.colour < 2.5
    best = max((leader, c), key=lambda id: two.look(id).structure)
    worse = ({leader, c} - {best}).pop()
    assert (two.look(best).twin_id, two.look(worse).twin_id) == (None, best)
    assert two.table.leaders() == [best]


def test_variants_of_one_style_may_differ_in_a_part(pond: Callable[..., Pond]) -> None:
    two = pond()
    plain, variant, other = two.add([(0, drawing(9)), (0, darker(drawing(9))), (1, darker(drawing(9)))])
    two.style = "neon"
    (neon,) = two.add([(0, darker(drawing(9)))])
    two.table.choose_leaders([plain], True, "ann")
    assert group_candidates(two.settings) == 3
    assert [two.look(id).leader_id for id in (plain, variant, neon, other)] == [plain, neon, neon, other]  # the nearest
    assert [{pair.left_id, pair.right_id} for pair in two.table.twins()] == [{neon, other}]
    two.table.choose_leaders([variant], True, "ann")
    assert group_candidates(two.settings) == 2
    assert [two.look(id).leader_id for id in (plain, variant, neon, other)] == [variant, variant, variant, other]


@pytest.mark.parametrize("text", ["", "mirrored = true"])
def test_too_many_pairs_are_grouped_in_blocks(
    pond: Callable[..., Pond], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)], f"[look_alikes]\n{text}\n")
    full.add(mixed())
    group_candidates(full.settings)
    expected = full.seen()
    monkeypatch.setattr(stage, "MOST_PAIRS", 1)
    changed(full, f"[look_alikes]\nbits = 41\n{text}\n")
    group_candidates(full.settings)
    assert full.seen() == expected


def test_choice_of_leader_is_kept(pond: Callable[..., Pond]) -> None:
    one = pond()
    ids = one.add([(0, drawing(9, shift)) for shift in range(4)])
    group_candidates(one.settings)
    best = one.look(ids[0]).leader_id
    chosen = next(id for id in ids if id != best)
    one.table.choose_leaders([chosen], True, "ann")
    group_candidates(one.settings)
    assert {one.look(id).leader_id for id in ids} == {chosen}
    (new,) = one.add([(0, drawing(9, 5))])
    group_candidates(one.settings)
    assert one.look(new).leader_id == chosen
    changed(one, "[look_alikes]\nbits = 39\n")
    group_candidates(one.settings)
    assert {one.look(id).leader_id for id in [*ids, new]} == {chosen}
    one.table.choose_leaders([chosen], False, "ann")
    group_candidates(one.settings)
    assert {one.look(id).leader_id for id in ids} == {best}


def test_accepted_ones_lead(pond: Callable[..., Pond]) -> None:
    one = pond()
    ids = one.add([(0, drawing(9, shift)) for shift in range(5)])
    group_candidates(one.settings)
    worst = min(ids, key=lambda id: one.look(id).structure)
    other = next(id for id in ids if id not in (worst, one.look(worst).leader_id))
    one.table.decide([worst, other], "accept", "ann")
    group_candidates(one.settings)
    assert one.look(worst).leader_id == worst and one.look(other).leader_id == other
    assert {one.look(id).leader_id for id in ids} == {worst, other}
    assert one.table.leaders() == []


def test_flat_candidates_are_flagged(pond: Callable[..., Pond]) -> None:
    two = pond()
    colours = [(200, 30, 30), (200, 30, 30), (30, 30, 200), (200, 30, 30)]
    ids = two.add([(int(n == 3), Image.new("RGB", (64, 64), colour)) for n, colour in enumerate(colours)])
    assert group_candidates(two.settings) == 3
    assert all(two.look(id).flat for id in ids)
    assert two.look(ids[0]).leader_id == two.look(ids[1]).leader_id != two.look(ids[2]).leader_id
    assert two.table.twins() == [] and two.table.leaders() == []


def test_other_thresholds_group_anew(pond: Callable[..., Pond]) -> None:
    two = pond()
    made = [(source, drawing(9, shift)) for source in (0, 1) for shift in (0, 2)]
    two.add(made)
    assert group_candidates(two.settings) == 2 and len(two.table.twins()) == 1
    changed(two, "[look_alikes]\ncolour = 0.0\n")
    assert group_candidates(two.settings) == 4 and len(two.table.twins()) <= 2
    assert all(pair.colour == 0 for pair in two.table.twins())
    changed(two, "")
    assert group_candidates(two.settings) == 2 and len(two.table.twins()) == 1


@pytest.mark.parametrize(("algorithm", "size"), [("phash", 8), ("phash", 32), ("dhash", 16), ("whash", 8)])
def test_other_hashes_are_made_and_stored(pond: Callable[..., Pond], algorithm: str, size: int) -> None:
    one = pond()
    ids = one.add([(0, drawing(9)), (0, drawing(9, 1)), (0, drawing(10))])
    group_candidates(one.settings)
    limit = size**2 // 8
    told = f'[look_alikes]\nalgorithm = "{algorithm}"\nsize = {size}\nbits = {limit}\nsource_bits = {limit // 4}\n'
    changed(one, told)
    assert one.hash() == 3
    assert group_candidates(one.settings) == 2
    assert one.look(ids[0]).hashed_with.startswith(f"{algorithm} {size}x{size}, imagehash ")
    assert len(one.table.fingerprints(ids)[0].hash_bits) == size**2 // 8


def test_candidates_that_are_not_hashed_yet_are_left_out(pond: Callable[..., Pond]) -> None:
    one = pond()
    one.add([(0, drawing(9)), (0, drawing(9, 1))])
    late = one.recipe(0, 99)  # its picture is not there
    one.table.plan([*one.planned, late])
    one.table.add_candidates([{"id": late.recipe.id, "image_sha256": "0" * 64, "seconds": 1.0}])
    assert group_candidates(one.settings) == 1
    assert one.look(late.recipe.id).leader_id is None


def test_later_choice_counts(pond: Callable[..., Pond]) -> None:
    one = pond()
    ids = one.add([(0, drawing(9, shift)) for shift in range(4)])
    for chosen in (ids[0], ids[2], ids[1]):
        one.table.choose_leaders([chosen], True, "ann")
        group_candidates(one.settings)
        assert {one.look(id).leader_id for id in ids} == {chosen}
        assert one.table.leaders() == [chosen]
    one.table.decide([ids[3]], "accept", "ann")
    group_candidates(one.settings)
    assert {one.look(id).leader_id for id in ids} == {ids[3]} and one.table.leaders() == []


def test_what_is_not_hashed_is_hashed_before_grouping(pond: Callable[..., Pond]) -> None:
    two = pond()
    two.add([(source, drawing(9, shift)) for source in (0, 1) for shift in (0, 2)])
    group_candidates(two.settings)
    for text in ("mirrored = true", 'algorithm = "dhash"', "size = 8\nbits = 10\nsource_bits = 3"):
        changed(two, f"[look_alikes]\n{text}\n")
        assert group_candidates(two.settings) == 2 and len(two.table.twins()) == 1


def test_assets_out_of_reach_leave_no_candidate_out(pond: Callable[..., Pond], monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*given: object) -> bytes:
        raise RunFailed("s3://toads: the service does not answer")

    made = pond()
    made.add([(0, drawing(5))])
    changed(made, '[look_alikes]\nalgorithm = "dhash"')  # all is hashed anew
    for hashing in (made.hash, lambda: known_sources(made.settings, made.table)):
        with monkeypatch.context() as patched, pytest.raises(RunFailed, match="does not answer"):
            patched.setattr(AssetFolder, "read", away)
            hashing()
        assert hashing()


def test_damaged_picture_stops_no_other(pond: Callable[..., Pond], capsys: pytest.CaptureFixture[str]) -> None:
    one = pond()
    row = one.recipe(0, 50)
    one.planned.append(row)
    one.table.plan(one.planned)
    one.table.add_candidates([{"id": row.recipe.id, "image_sha256": "0" * 64, "seconds": 1.0}])
    ids = one.add([(0, drawing(9)), (0, drawing(9, 1))])
    assert group_candidates(one.settings) == 1
    assert one.look(ids[0]).leader_id == one.look(ids[1]).leader_id
    assert f"candidate {row.recipe.id[:12]} is left out of look-alikes: " in capsys.readouterr().err


def test_nothing_groups_to_nothing(pond: Callable[..., Pond]) -> None:
    assert group_candidates(pond().settings) == 0
