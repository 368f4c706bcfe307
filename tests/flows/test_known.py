"""Candidates beside sources, earlier collections, and mirror images."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from errors import BadSetting
from flows.group import group_candidates
from flows.ingest import png
from flows.settings import Settings
from flows.sources import SourceImage
from tests.flows.ponds import Pond, changed, drawing


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
