"""Look-alikes through the table: groups, twins, sources, earlier collections; batch after batch as all at once."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from collection_db import AssetFolder, PlannedRecipe, Table
from errors import BadSetting
from flows import group as stage
from flows import twins
from flows.group import group_candidates
from flows.hashing import hash_missing, hash_rows
from flows.ingest import png
from flows.look_alike_sheets import GROUPS, NEAREST, TWINS, draw_look_alikes
from flows.look_alikes import listed, notes_on
from flows.settings import Settings
from flows.sources import SourceImage
from styles.recipes import Recipe


def drawing(seed: int, shift: int = 0) -> Image.Image:
    """Coloured blocks, another picture for each seed, a little brighter by `shift`."""
    blocks = np.random.default_rng(seed).integers(30, 220, (8, 8, 3), dtype=np.uint8) + np.uint8(shift)
    return Image.fromarray(blocks).resize((64, 64), Image.Resampling.NEAREST)


class Pond:
    """A collection whose sources and candidates are put into the table by hand."""

    def __init__(self, settings: Settings, sources: Sequence[Image.Image]) -> None:
        self.settings, self.sources = settings, list(sources)
        self.table, self.assets = Table.open(settings.database_url), AssetFolder(settings.assets)
        self.planned: list[PlannedRecipe] = []
        self.style = "ink"
        for number, image in enumerate(sources):
            row = {"id": str(number), "position": number, "file": f"{number}.png", "width": 64, "height": 64}
            sha256 = SourceImage(image, 1).pixels_sha256
            self.table.add_sources([row | {"pixels_sha256": sha256, "image_sha256": self.assets.put(png(image))}])
        self.table.set_present(map(str, range(len(sources))))

    def recipe(self, source: int, seed: int) -> PlannedRecipe:
        sha256 = SourceImage(self.sources[source], 1).pixels_sha256
        recipe = Recipe(
            source_sha256=sha256,
            prompt="a toad",
            guidance_scale=3.0,
            insertion_step=4,
            steps=15,
            seed=seed,
            weights_sha256="0" * 64,
        )
        return PlannedRecipe(recipe, str(source), self.style, "tadpole")

    def add(self, made: Sequence[tuple[int, Image.Image]], seeds: Sequence[int] | None = None) -> list[str]:
        """Candidates of (source, picture), hashed; their ids. `seeds` tell recipes of one source apart."""
        start = len(self.planned)
        new = [self.recipe(source, (seeds or range(start, start + len(made)))[n]) for n, (source, _) in enumerate(made)]
        self.planned += new
        self.table.plan(self.planned)
        self.table.add_candidates(
            {"id": item.recipe.id, "image_sha256": self.assets.put(png(image)), "seconds": 1.0}
            for item, (_, image) in zip(new, made, strict=True)
        )
        self.hash()
        return [item.recipe.id for item in new]

    def hash(self) -> int:
        return hash_missing(self.settings, self.table, partial(hash_rows, self.settings, self.table))

    def look(self, id: str):
        return next(row for row in self.table.looks() if row.id == id)

    def seen(self) -> dict[str, tuple]:
        names = ("leader_id", "twin_id", "unchanged", "copy_of", "earlier", "score", "flat")
        return {row.id: tuple(getattr(row, name) for name in names) for row in self.table.looks()}


@pytest.fixture
def pond(collection: Callable[..., Settings]) -> Callable[..., Pond]:
    """pond(sources, text): a collection with these source pictures, `text` in its collection.toml."""

    def made(sources: Sequence[Image.Image] = (drawing(0), drawing(1)), text: str = "") -> Pond:
        return Pond(collection(text), sources)

    return made


def changed(pond: Pond, text: str) -> Pond:
    """The same collection with other settings."""
    pond.settings.file.write_text(f'[sources]\nimages = "images"\n{text}', encoding="utf-8")
    pond.settings = Settings.read(pond.settings.file)
    return pond


def mixed(count: int = 60) -> list[tuple[int, Image.Image]]:
    """Candidates of three sources: families of near copies, some of a family in two sources, some flat, some that are
    their own source."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(count):
        source, family = int(rng.integers(3)), int(rng.integers(100, 108))
        picture = [drawing(family, int(rng.integers(4))), drawing(source), Image.new("RGB", (64, 64), (9, family, 9))]
        made.append((source, picture[0 if number % 10 < 8 else number % 10 - 7]))
    return made


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


def changed_copy(settings: Settings, folder: Path) -> Settings:
    (folder / "collection.toml").write_text(settings.file.read_text(encoding="utf-8"), encoding="utf-8")
    return Settings.read(folder)


def test_nothing_is_compared_twice(pond: Callable[..., Pond], monkeypatch: pytest.MonkeyPatch) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add(mixed())
    group_candidates(full.settings)
    grouped, compared = [], []
    follow, between = stage.follow, stage.pairs_between

    def grouping(pairs, scores, forced):
        grouped.append(len(scores))
        return follow(pairs, scores, forced)

    def comparing(new, old, *limits):
        compared.append((len(new), len(old)))
        return between(new, old, *limits)

    monkeypatch.setattr(stage, "follow", grouping)
    for where in (stage, twins):
        monkeypatch.setattr(where, "pairs_between", comparing)
    group_candidates(full.settings)
    assert grouped == compared == []
    full.add([(1, drawing(500)), (1, drawing(501))])
    group_candidates(full.settings)
    assert len(grouped) == 1 and grouped[0] == sum(row.source_id == "1" for row in full.table.looks())
    assert [new for new, _ in compared] == [2, 2]  # with sources, with other leaders


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


def darker(image: Image.Image) -> Image.Image:
    """The same picture with one part that is plainly darker."""
    pixels = np.asarray(image).copy()
    pixels[8:12, 8:12] = pixels[8:12, 8:12] * 0.8
    return Image.fromarray(pixels)


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


def test_accepted_twin_is_the_better_one(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b = two.add([(0, drawing(9)), (1, drawing(9, 1))])
    group_candidates(two.settings)
    for accepted, other in ((a, b), (b, a)):
        two.table.decide([accepted], "accept", "ann")
        two.table.decide([other], "undecide", "ann")
        group_candidates(two.settings)
        assert (two.look(accepted).twin_id, two.look(other).twin_id) == (None, accepted)
    two.table.decide([a, b], "accept", "ann")  # somebody wants both
    group_candidates(two.settings)
    assert two.look(a).twin_id is two.look(b).twin_id is None


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


def test_unchanged_and_copied_are_told(pond: Callable[..., Pond]) -> None:
    two = pond()
    grey = ImageOps.grayscale(drawing(0)).convert("RGB")
    own, recoloured, copied, fresh = two.add([(0, drawing(0, 3)), (0, grey), (1, drawing(0, 3)), (1, drawing(77))])
    group_candidates(two.settings)
    assert [two.look(id).unchanged for id in (own, recoloured, copied, fresh)] == [True, True, False, False]
    assert [two.look(id).copy_of for id in (own, recoloured, copied, fresh)] == [None, None, "0", None]
    assert two.look(own).source_bits <= 12 < two.look(copied).source_bits
    assert two.table.leaders() == [fresh]
    changed(two, "[look_alikes]\nsource_bits = 0\n")
    group_candidates(two.settings)
    assert [two.look(id).copy_of for id in (own, recoloured, fresh)] == [None, None, None]
    assert two.table.counts()["copies"] <= 1


def test_what_speaks_against_a_candidate_keeps_it_from_leading(pond: Callable[..., Pond]) -> None:
    one = pond()
    rng = np.random.default_rng(3)
    noisy = Image.fromarray(np.clip(np.asarray(drawing(0)) + rng.normal(0, 14, (64, 64, 3)), 0, 255).astype(np.uint8))
    changed(one, "[look_alikes]\nsource_bits = 1\nbits = 100\ncolour = 9.0\nchroma = 20.0\ngrey = 99\n")
    own, other = one.add([(0, drawing(0)), (0, noisy)])
    assert one.look(own).structure > one.look(other).structure
    assert group_candidates(one.settings) == 1
    assert (one.look(own).unchanged, one.look(other).unchanged) == (True, False)
    assert one.look(own).leader_id == other


def test_flat_candidates_are_flagged(pond: Callable[..., Pond]) -> None:
    two = pond()
    colours = [(200, 30, 30), (200, 30, 30), (30, 30, 200), (200, 30, 30)]
    ids = two.add([(int(n == 3), Image.new("RGB", (64, 64), colour)) for n, colour in enumerate(colours)])
    assert group_candidates(two.settings) == 3
    assert all(two.look(id).flat for id in ids)
    assert two.look(ids[0]).leader_id == two.look(ids[1]).leader_id != two.look(ids[2]).leader_id
    assert two.table.twins() == [] and two.table.leaders() == []


def test_earlier_collections_are_compared(pond: Callable[..., Pond], tmp_path: Path) -> None:
    (tmp_path / "old" / "images").mkdir(parents=True)
    (tmp_path / "sold" / "images").mkdir(parents=True)
    (tmp_path / "loose").mkdir()
    new = pond(text='[look_alikes]\nagainst = ["old", "sold", "loose"]\n')
    (tmp_path / "old" / "collection.toml").write_text('[sources]\nimages = "images"\n')
    old = Pond(Settings.read(tmp_path / "old"), [drawing(0)])
    sold, kept, _ = old.add([(0, drawing(60)), (0, drawing(61)), (0, drawing(62))])
    old.table.decide([sold, kept], "accept", "ann")
    old.table.set_tokens(
        [{"number": 7, "candidate_id": sold, "name": "T", "image_sha256": old.look(sold).image_sha256}]
    )
    drawing(63).resize((512, 512), Image.Resampling.NEAREST).save(tmp_path / "sold" / "images" / "3.png")
    drawing(64).save(tmp_path / "loose" / "x.jpg", quality=90)
    (tmp_path / "loose" / "broken.png").write_bytes(b"\x89PNG")
    ids = new.add([(0, drawing(60 + n, 2)) for n in range(6)])
    group_candidates(new.settings)
    expected = ["old #7", f"old {kept[:10]}", None, "sold #3", "loose #x", None]
    assert [new.look(id).earlier for id in ids] == expected
    assert set(new.table.leaders()) == {ids[2], ids[5]}
    drawing(65).save(tmp_path / "sold" / "images" / "4.png")
    group_candidates(new.settings)
    assert new.look(ids[5]).earlier == "sold #4"
    (tmp_path / "sold" / "images" / "4.png").unlink()
    group_candidates(new.settings)
    assert new.look(ids[5]).earlier is None


def test_earlier_collection_that_is_none_is_told(pond: Callable[..., Pond], tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"look_alikes.against: there is no folder 'gone'"):
        pond(text='[look_alikes]\nagainst = ["gone"]\n')
    (tmp_path / "empty").mkdir()
    empty = pond(text='[look_alikes]\nagainst = ["empty"]\n')
    empty.add([(0, drawing(5))])
    with pytest.raises(BadSetting, match=r"look_alikes.against: empty: there are no images"):
        group_candidates(empty.settings)


def test_mirror_images_count_on_request(pond: Callable[..., Pond], tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    drawing(72).save(tmp_path / "old" / "1.png")
    both = pond(text='[look_alikes]\nagainst = ["old"]\n')
    turned = [ImageOps.mirror(drawing(seed)) for seed in (70, 71, 72, 0, 1)]
    made = [
        (0, drawing(70)),
        (0, turned[0]),
        (1, drawing(71)),
        (0, turned[1]),
        (0, turned[2]),
        (0, turned[3]),
        (0, turned[4]),
    ]
    ids = both.add(made)
    group_candidates(both.settings)
    looks = [both.look(id) for id in ids]
    assert [look.leader_id for look in looks] == ids and not any(look.twin_id for look in looks)
    assert not any(look.earlier or look.unchanged or look.copy_of for look in looks)
    changed(both, '[look_alikes]\nagainst = ["old"]\nmirrored = true\n')
    assert both.hash() == len(ids)  # once more, for the mirror images
    group_candidates(both.settings)
    looks = [both.look(id) for id in ids]
    assert looks[0].leader_id == looks[1].leader_id
    assert {looks[2].twin_id, looks[3].twin_id} - {None} < {ids[2], ids[3]}
    assert looks[4].earlier == "old #1"
    assert looks[5].unchanged and looks[6].copy_of == "1"
    assert both.hash() == 0


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


def test_candidate_that_comes_back_is_compared_with_what_came_meanwhile(pond: Callable[..., Pond]) -> None:
    two = pond()
    (gone,) = two.add([(0, drawing(9))])
    group_candidates(two.settings)
    away, two.planned = two.planned, []
    (new,) = two.add([(1, drawing(9, 1))])
    group_candidates(two.settings)
    two.table.plan([*away, *two.planned])
    group_candidates(two.settings)
    assert {two.look(gone).twin_id, two.look(new).twin_id} - {None} < {gone, new}


def test_too_many_twins_are_compared_anew(
    pond: Callable[..., Pond], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add(mixed())
    group_candidates(full.settings)
    expected, count = full.seen(), len(full.table.twins())
    full.table.clear_twins()
    monkeypatch.setattr(twins, "MOST_TWINS", count - 1)
    group_candidates(full.settings)
    assert full.seen() == expected and full.table.twins() == []
    assert "too many to remember" in capsys.readouterr().err
    monkeypatch.setattr(twins, "MOST_TWINS", count)
    group_candidates(full.settings)
    assert full.seen() == expected and len(full.table.twins()) == count


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


def test_chosen_twin_of_an_accepted_one_is_not_offered(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b = two.add([(0, drawing(9)), (1, drawing(9, 1))])
    two.table.decide([a], "accept", "ann")
    two.table.choose_leaders([b], True, "ann")
    group_candidates(two.settings)
    assert two.look(b).twin_id == a and two.table.leaders() == []


def test_what_is_not_hashed_is_hashed_before_grouping(pond: Callable[..., Pond]) -> None:
    two = pond()
    two.add([(source, drawing(9, shift)) for source in (0, 1) for shift in (0, 2)])
    group_candidates(two.settings)
    for text in ("mirrored = true", 'algorithm = "dhash"', "size = 8\nbits = 10\nsource_bits = 3"):
        changed(two, f"[look_alikes]\n{text}\n")
        assert group_candidates(two.settings) == 2 and len(two.table.twins()) == 1


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


def test_flat_sources_are_no_originals(pond: Callable[..., Pond]) -> None:
    two = pond([Image.new("RGB", (64, 64), (30, 30, 200)), Image.new("RGB", (64, 64), (200, 30, 30))])
    ids = two.add([(0, Image.new("RGB", (64, 64), (200, 200, 30))), (0, Image.new("RGB", (64, 64), (200, 30, 30)))])
    group_candidates(two.settings)
    assert [(look.unchanged, look.copy_of, look.flat) for look in map(two.look, ids)] == [(False, None, True)] * 2


def test_own_mirror_image_is_no_copy_of_another(pond: Callable[..., Pond]) -> None:
    two = pond([drawing(0), ImageOps.mirror(drawing(0))], "[look_alikes]\nmirrored = true\n")
    (id,) = two.add([(0, ImageOps.mirror(drawing(0)))])
    group_candidates(two.settings)
    assert (two.look(id).unchanged, two.look(id).copy_of) == (True, None)


def test_replaced_source_leaves_old_candidates_as_they_were(pond: Callable[..., Pond]) -> None:
    one = pond()
    (id,) = one.add([(0, drawing(0, 2))])
    one.table.decide([id], "accept", "ann")
    group_candidates(one.settings)
    before = one.look(id)
    other = drawing(5)
    row = {"id": "0", "position": 0, "file": "0.png", "width": 64, "height": 64}
    one.table.add_sources(
        [row | {"pixels_sha256": SourceImage(other, 1).pixels_sha256, "image_sha256": one.assets.put(png(other))}]
    )
    changed(one, "[look_alikes]\nmirrored = true\n")
    assert one.hash() == 1
    group_candidates(one.settings)
    after = one.look(id)
    assert (after.structure, after.source_bits, after.unchanged) == (before.structure, before.source_bits, True)


def test_follower_without_its_leader_is_not_drawn(pond: Callable[..., Pond]) -> None:
    one = pond()
    ids = one.add([(0, drawing(9, shift)) for shift in range(3)])
    group_candidates(one.settings)
    leader = one.look(ids[0]).leader_id
    one.table.plan([item for item in one.planned if item.recipe.id != leader])
    assert GROUPS not in [file.name for file in draw_look_alikes(one.settings)]


@pytest.mark.parametrize("name", [".", "../{}", "collection.toml", "release"])
def test_own_collection_is_not_an_earlier_one(pond: Callable[..., Pond], tmp_path: Path, name: str) -> None:
    (tmp_path / "release").mkdir()
    with pytest.raises(BadSetting, match="of this collection itself"):
        pond(text=f'[look_alikes]\nagainst = ["{name.format(tmp_path.name)}"]\n')


def test_earlier_pictures_that_cannot_be_read_stop_nothing(
    pond: Callable[..., Pond], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("7.png", "7.jpg", "8.png"):
        drawing(int(name[0])).save(old / name)
    new = pond(text='[look_alikes]\nagainst = ["old"]\n')
    (id,) = new.add([(0, drawing(8, 1))])
    group_candidates(new.settings)
    assert new.look(id).earlier == "old #8"
    assert "7.jpg and 7.png have the same id" in capsys.readouterr().err.replace("7.png and 7.jpg", "7.jpg and 7.png")
    stamp = (old / "8.png").stat()
    (old / "8.png").write_bytes(b"x" * stamp.st_size)
    os.utime(old / "8.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    changed(new, '[look_alikes]\nagainst = ["old"]\nsize = 8\nbits = 10\nsource_bits = 3\n')
    group_candidates(new.settings)
    assert new.look(id).earlier is None
    assert "not compared with old #8: " in capsys.readouterr().err


def test_nothing_groups_to_nothing(pond: Callable[..., Pond]) -> None:
    assert group_candidates(pond().settings) == 0


def test_sheets_are_drawn_and_removed(pond: Callable[..., Pond]) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add(mixed())
    group_candidates(full.settings)
    drawn = draw_look_alikes(full.settings)
    assert [file.name for file in drawn] == [GROUPS, TWINS, NEAREST]
    for file in drawn:
        image = Image.open(io.BytesIO(file.read_bytes()))
        assert image.width > 600 and len(image.getcolors(1 << 24)) > 20
    changed(full, "[look_alikes]\nbits = 0\ncolour = 0.0\nsource_bits = 0\n")
    full.table.plan([])
    assert draw_look_alikes(full.settings) == [] and list(full.settings.sheets.iterdir()) == []


def test_list_tells_every_kind(pond: Callable[..., Pond]) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add([*mixed(), (0, drawing(1))])
    group_candidates(full.settings)
    lines = "\n".join(listed(full.settings, 2))
    for kind in ("groups of look-alikes", "twins, leaders", "unchanged", "copies", "earlier", "flat"):
        assert kind in lines
    assert "(--limit 0 prints all)" in lines and "(--limit" not in "\n".join(listed(full.settings, 0))
    assert "61  candidates compared" in lines and " 1  copies of other sources" in lines


def test_accepting_a_look_alike_is_told(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b, c, own = two.add([(0, drawing(9)), (1, drawing(9, 2)), (1, drawing(10)), (0, drawing(0))])
    group_candidates(two.settings)
    two.table.decide([a, c], "accept", "ann")
    assert notes_on([a, c], two.settings, two.table) == []
    two.table.decide([b, own], "accept", "ann")
    first, second = sorted(notes_on([b, own], two.settings, two.table), key=lambda note: "source" in note)
    assert first.startswith(f"{b[:8]} of 1 looks like {a[:8]} of 0, accepted too (")
    assert second == f"{own[:8]} of 0 is practically its own source (0 bits apart)"
