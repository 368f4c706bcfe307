"""Previews: from the source to the very picture that was accepted, made once, and never of another picture."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from collection_db import PlannedRecipe
from flows import again, previews
from flows.export import token_of
from flows.previews import KEPT, Previews, Watched, write_previews
from flows.settings import Settings
from glide.masks import repainted
from glide.prepare import prepare
from glide.request import Step
from minting.metadata import Token
from minting.preview import MOST_FRAMES
from styles.recipes import Recipe
from tests.flows.made import Opened, copied, made, toad

STEPS = 4
GRID = f"""
[grid]
styles = ["oil", "ink"]
guidance_scales = [2]
insertion_steps = [1]
[model]
steps = {STEPS}
batch = 4
[release]
image_size = 128
"""
EVERYTHING = """
[grid]
styles = ["oil"]
guidance_scales = [2]
insertion_steps = [1]
mode = "clean"
[model]
name = "untrained"
sampler = "ddpm"
steps = 3
batch = 4
[choosing]
samples = 2
[inpainting]
mask = "subject"
[upsampler]
use = true
respacing = "2"
[release]
image_size = 0
"""

pytestmark = pytest.mark.usefixtures("one_thread_here")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, one_thread_here: None) -> Settings:
    """Two sources in two styles, made once; and with previews."""
    settings = made(tmp_path_factory.mktemp("previews") / "kept", GRID)
    opened = Opened(settings)
    opened.table.decide(opened.ids, "accept", "ann")
    assert len(write_previews(settings, tokens_of(opened)).files) == 4
    opened.table.close()
    return settings


@pytest.fixture
def pond(kept: Settings, tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(copied(kept, tmp_path / "pond"))
    yield opened
    opened.table.close()


def tokens_of(pond: Opened) -> list[Token]:
    return [token_of(number, row, pond.assets) for number, row in enumerate(pond.table.accepted(), start=1)]


def previewed(pond: Opened, **changes: Any) -> tuple[Previews, list[int]]:
    done: list[int] = []
    told = write_previews(pond.settings, tokens_of(pond), done.append)
    assert sum(done) == 4
    return told, done


def frames(file: Path) -> list[np.ndarray]:
    with Image.open(file) as opened:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(opened)]


def without_previews(pond: Opened) -> None:
    for file in (pond.settings.folder / KEPT).iterdir():
        file.unlink()


@pytest.fixture
def no_making(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("nothing is to be made")

    monkeypatch.setattr(again, "maker", refuse)


def test_preview_goes_from_the_source_to_the_accepted_picture(pond: Opened) -> None:
    told, _ = previewed(pond)
    assert told.notes == [] and sorted(told.files) == [1, 2, 3, 4]
    for token in tokens_of(pond):
        seen = frames(told.files[token.number])
        source = prepare(toad(int(token.source)))
        accepted = np.asarray(Image.open(token.image).convert("RGB"))
        assert np.array_equal(seen[0], source.repeat(2, axis=0).repeat(2, axis=1))
        assert np.array_equal(seen[-1], accepted.repeat(2, axis=0).repeat(2, axis=1))
        assert len(seen) == 1 + STEPS - 1  # the source, and three steps of which the last is the picture
        assert not any(np.array_equal(one, other) for one, other in pairwise(seen))


def test_second_export_makes_nothing(pond: Opened, no_making: None) -> None:
    before = {file: file.stat().st_mtime_ns for file in (pond.settings.folder / KEPT).iterdir()}
    told, done = previewed(pond)
    assert {file: file.stat().st_mtime_ns for file in told.files.values()} == before
    assert done[0] == 4


def test_stopped_export_goes_on(pond: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = previewed(pond)
    expected = {number: file.read_bytes() for number, file in first.files.items()}
    without_previews(pond)
    written, write = [], previews.write_whole

    def stopped(file: Path, data: bytes) -> None:
        if written:
            file.with_name(f".{file.name}.new").write_bytes(data[:99])
            raise KeyboardInterrupt
        written.append(file)
        write(file, data)

    with monkeypatch.context() as patched:
        patched.setattr(previews, "write_whole", stopped)
        with pytest.raises(KeyboardInterrupt):
            previewed(pond)
    at = written[0].stat().st_mtime_ns
    told, done = previewed(pond)
    assert {number: file.read_bytes() for number, file in told.files.items()} == expected
    assert written[0].stat().st_mtime_ns == at and done == [1, 3]
    assert len(list((pond.settings.folder / KEPT).iterdir())) == 4


def test_picture_that_comes_out_otherwise_has_no_preview(pond: Opened, request: pytest.FixtureRequest) -> None:
    token = tokens_of(pond)[1]
    with Image.open(token.image) as opened:
        pixels = np.asarray(opened.convert("RGB")).copy()
    pixels[3, 3] ^= 1
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG")
    with_other = json.dumps(pond.table.candidates([token.recipe_id])[0].made_with | {"torch": "1.0"})
    pond.sql(
        "UPDATE candidates SET image_sha256 = ?, made_with = ? WHERE id = ?",
        pond.assets.put(packed.getvalue()),
        with_other,
        token.recipe_id,
    )
    told, _ = previewed(pond)
    assert sorted(told.files) == [1, 3, 4]
    [note] = told.notes
    assert note.startswith("no preview of token 2: made again it is not the same picture (torch 1.0 then, ")
    request.getfixturevalue("no_making")  # that it cannot be made here is remembered
    assert previewed(pond)[0] == told


def test_weights_that_are_not_here_are_noted_once(pond: Opened, no_making: None) -> None:
    recipes = [PlannedRecipe(recipe_of(token, "0" * 64), token.source, "oil", "tadpole") for token in tokens_of(pond)]
    pond.table.plan(recipes)
    image = pond.image_of(pond.ids[0])
    pond.table.add_candidates({"id": one.recipe.id, "image_sha256": image, "seconds": 1.0} for one in recipes)
    pond.table.decide([one.recipe.id for one in recipes], "accept", "ann")
    told = write_previews(pond.settings, tokens_of(pond))
    assert sorted(told.files) == [1, 2, 3, 4]
    [note] = told.notes
    assert note.startswith("no preview of tokens 5, 6, 7, 8: this was planned with weights 000000000000 of tadpole")


def recipe_of(token: Token, weights: str) -> Any:
    return Recipe.from_json(json.dumps(dict(token.recipe) | {"weights_sha256": weights}))


def test_long_walks_are_thinned_out_as_they_are_made(pond: Opened) -> None:
    row = pond.table.whole(pond.ids[:1])[0]._mapping
    recipe = json.loads(row["json"]) | {"steps": 1000, "insertion_step": 1, "upsampler_sha256": "1" * 64}
    watched = Watched([SimpleNamespace(id="one", json=json.dumps(recipe))])
    image = np.zeros((1, 1, 3), np.uint8)
    for upsampling, count in ((False, 999), (True, 27)):
        for i in reversed(range(count)):
            watched("one", Step(0, 0, upsampling, i, image))
    for upsampling, most in ((False, MOST_FRAMES), (True, MOST_FRAMES // 2)):
        kept = [step.i for step in watched.steps["one"] if step.upsampling is upsampling]
        assert most // 2 < len(kept) <= most and kept[-1] == 0
        assert len({earlier - later for earlier, later in pairwise(kept)}) == 1


def test_other_sizes_take_the_place_of_the_first(pond: Opened, changed: Callable[[Opened, str, str], None]) -> None:
    changed(pond, "image_size = 128", "image_size = 64")
    told, _ = previewed(pond)
    assert {frames(file)[0].shape for file in told.files.values()} == {(64, 64, 3)}
    assert sorted((pond.settings.folder / KEPT).iterdir()) == sorted(told.files.values())


@pytest.fixture
def changed() -> Callable[[Opened, str, str], None]:
    def change(pond: Opened, old: str, new: str) -> None:
        text = pond.settings.file.read_text(encoding="utf-8")
        assert old in text
        pond.settings.file.write_text(text.replace(old, new), encoding="utf-8")
        pond.settings = Settings.read(pond.settings.file)

    return change


@pytest.mark.slow
def test_every_part_of_the_model_has_its_steps(tmp_path: Path) -> None:
    # a mask, two samples of which one is kept, and the upsampler
    pond = Opened(made(tmp_path / "pond", EVERYTHING, alpha=True))
    pond.table.decide(pond.ids, "accept", "ann")
    told = write_previews(pond.settings, tokens_of(pond))
    assert told.notes == []
    for token in tokens_of(pond):
        seen = frames(told.files[token.number])
        # the source; two steps of the base image that was kept; two of the upsampler, of which the last is the picture
        assert [frame.shape for frame in seen] == [(256, 256, 3)] * 5
        assert np.array_equal(seen[-1], np.asarray(Image.open(token.image).convert("RGB")))
        source = toad(int(token.source), int(token.source) == 2)
        stays = ~repainted("subject", source, "area", 64).repeat(4, axis=0).repeat(4, axis=1)
        assert stays.any() and all(np.array_equal(frame[stays], seen[0][stays]) for frame in seen[1:3])
    pond.table.close()
