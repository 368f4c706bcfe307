"""Masks that a person drew: which source has which, and what is said of those that have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from collection_db import AssetFolder
from errors import BadSource, NothingLeft, RunFailed
from flows import ingest, pair
from flows.masking import mask_name, masks_of, own_mask
from flows.settings import Settings
from glide.masks import mask_from_bytes
from styles.recipes import Recipe

Collection = Callable[..., Settings]
IDS = ["1", "2", "3"]
GRID = '[grid]\nstyles = ["oil"]\nguidance_scales = [2]\ninsertion_steps = [1]\n'


def mask(file: Path, white: int) -> Path:
    """A mask whose first `white` columns are repainted."""
    file.parent.mkdir(exist_ok=True)
    pixels = np.zeros((36, 36), np.uint8)
    pixels[:, :white] = 255
    Image.fromarray(pixels).save(file)
    return file


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Good masks of the first two of three sources."""
    mask(tmp_path / "masks" / "1.png", 10)
    return mask(tmp_path / "masks" / "2.png", 20).parent


@pytest.fixture
def planned(collection: Collection, images: Path, picture: Callable[..., Image.Image]) -> Callable[[str], object]:
    """planned(text): plan three sources with the masks that `text` asks for; what `plan_recipes` returns."""
    for id in IDS:
        picture(int(id)).save(images / f"{id}.png")

    def plan(text: str) -> object:
        settings = collection(GRID + text)
        ingest.ingest_batch.fn(str(settings.folder), [(id, str(images / f"{id}.png")) for id in IDS], 0)
        return pair.plan_recipes.fn(str(settings.folder))

    return plan


def test_words_need_no_drawing(collection: Collection) -> None:
    for text in ("", '[inpainting]\nmask = "subject"', '[inpainting]\nmask = "background"'):
        word = text.split('"')[1] if text else ""
        assert masks_of(collection(text), IDS) == (dict.fromkeys(IDS, word), [])


def test_one_image_serves_all(collection: Collection, tmp_path: Path) -> None:
    mask(tmp_path / "all.png", 7)
    found, skipped = masks_of(collection('[inpainting]\nmask = "all.png"'), IDS)
    assert list(found) == IDS and len(set(found.values())) == 1 and not skipped
    assert mask_from_bytes(found["2"]).sum() == 7 * 36


def test_one_bad_image_for_all_is_an_error(collection: Collection, tmp_path: Path) -> None:
    mask(tmp_path / "all.png", 0)
    with pytest.raises(BadSource, match=r"all\.png"):
        masks_of(collection('[inpainting]\nmask = "all.png"'), IDS)


def test_each_source_has_its_own(collection: Collection, masks: Path) -> None:
    found, skipped = masks_of(collection('[inpainting]\nmask = "masks"'), IDS)
    assert {id: mask_from_bytes(data).sum() for id, data in found.items()} == {"1": 360, "2": 720}
    assert skipped == [("3.png", "there is no mask of this source")]


def test_other_files_in_the_folder_do_not_matter(collection: Collection, masks: Path) -> None:
    (masks / "1.kra").write_text("a drawing program's own")
    (masks / "9.png").write_text("of no source")
    found, skipped = masks_of(collection('[inpainting]\nmask = "masks"'), IDS)
    assert set(found) == {"1", "2"} and [file for file, _ in skipped] == ["3.png"]


def test_two_masks_of_one_source_are_refused(collection: Collection, masks: Path) -> None:
    Image.open(masks / "1.png").save(masks / "1.bmp")
    found, skipped = masks_of(collection('[inpainting]\nmask = "masks"'), IDS)
    assert set(found) == {"2"}
    assert sorted(file for file, _ in skipped) == ["1.bmp", "1.png", "3.png"]


def test_others_may_take_a_word(planned: Callable[[str], object], collection: Collection, masks: Path) -> None:
    assert planned('[inpainting]\nmask = "masks"\nothers = "background"\n') == (3, 0, [])
    settings = collection(GRID + '[inpainting]\nmask = "masks"\nothers = "background"\n')
    found, _ = masks_of(settings, IDS)
    grid = pair.grid_of(settings, [(id, id * 64) for id in IDS], found)
    told = {cell.source_id: cell.recipe.mask for cell in grid.cells()}
    assert told == {"1": mask_name(found["1"]), "2": mask_name(found["2"]), "3": "background"}


def test_bad_mask_leaves_its_source_out_even_if_others_have_a_word(collection: Collection, masks: Path) -> None:
    mask(masks / "1.png", 0)
    Image.open(masks / "2.png").save(masks / "2.BMP")
    found, skipped = masks_of(collection('[inpainting]\nmask = "masks"\nothers = "subject"'), IDS)
    assert found == {"3": "subject"}
    assert sorted(file for file, _ in skipped) == ["1.png", "2.BMP", "2.png"]


def test_without_a_word_others_are_left_out(planned: Callable[[str], object], masks: Path) -> None:
    assert planned('[inpainting]\nmask = "masks"\n') == (2, 0, [("3.png", "there is no mask of this source")])


def test_folder_of_nothing_plans_nothing_and_keeps_the_old_plan(
    planned: Callable[[str], object], tmp_path: Path, masks: Path
) -> None:
    assert planned("") == (3, 0, [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingLeft, match="no source has a mask that can be used"):
        planned('[inpainting]\nmask = "empty"\n')
    assert planned("") == (0, 3, [])


def test_mask_is_read_back_from_the_assets(tmp_path: Path, collection: Collection, masks: Path) -> None:
    found, _ = masks_of(collection('[inpainting]\nmask = "masks"'), IDS)
    assets = AssetFolder(tmp_path / "assets")
    name = assets.put(found["1"], ".pbm")
    recipe = Recipe(
        source_sha256="s",
        prompt="p",
        guidance_scale=1.0,
        insertion_step=0,
        steps=1,
        seed=1,
        weights_sha256="w",
        mask=name,
    )
    again = own_mask(recipe, assets)
    assert name == mask_name(found["1"]) and again is not None and np.array_equal(again, mask_from_bytes(found["1"]))
    assets.path(name).unlink()
    with pytest.raises(RunFailed, match="the asset is missing"):
        own_mask(recipe, assets)
