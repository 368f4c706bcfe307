"""A made picture carries its recipe, one that was changed is refused, and it can be made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from errors import BadSource, NothingLeft, RunFailed
from flows.making import TEXT_CHUNK, Maker, Order, candidate_png, chosen_device, options_of, parts_of
from flows.show import carried, make_again
from flows.sources import SourceImage, read_image
from glide.models import TADPOLE, Model, Parts, weights_hashes
from glide.request import Options
from styles.recipes import Recipe

Picture = Callable[..., Image.Image]
RECIPE = Recipe(
    source_sha256="a" * 64,
    prompt='蛙 "quoted" caf\u00e9',
    guidance_scale=2.5,
    insertion_step=1,
    steps=3,
    seed=2**53 - 1,
    weights_sha256="b" * 64,
    sampler="ddim",
)
ABOUT = {"source": "17", "style": "crayon", "model": "tadpole", "made_with": {"batch": 4, "torch": "2"}}
PIXELS = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def with_text(folder: Path, text: str | None) -> Path:
    """A PNG whose text chunk is `text`."""
    chunks = PngImagePlugin.PngInfo()
    if text is not None:
        chunks.add_text(TEXT_CHUNK, text)
    Image.fromarray(PIXELS).save(folder / "given.png", pnginfo=chunks)
    return folder / "given.png"


def told(**changes: Any) -> str:
    return json.dumps({"id": RECIPE.id, "recipe": json.loads(RECIPE.canonical_json()), **ABOUT} | changes)


def test_picture_carries_its_recipe(tmp_path: Path) -> None:
    file = tmp_path / "made.png"
    file.write_bytes(candidate_png(PIXELS, RECIPE, ABOUT))
    found = carried(file)
    assert (found.file, found.recipe, found.about) == (file, RECIPE, ABOUT)
    with Image.open(file) as opened:
        assert opened.mode == "RGB" and np.array_equal(np.asarray(opened), PIXELS)


def test_same_picture_gives_the_same_bytes() -> None:
    backwards = dict(reversed(ABOUT.items()))
    assert candidate_png(PIXELS, RECIPE, ABOUT) == candidate_png(PIXELS.copy(), replace(RECIPE), backwards)
    assert candidate_png(PIXELS, RECIPE, ABOUT) != candidate_png(PIXELS, replace(RECIPE, seed=1), ABOUT)


@pytest.mark.parametrize("change", [{"seed": 1}, {"prompt": "another"}, {"eta": 0.5}, {"guidance_scale": 2.4}])
def test_changed_recipe_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    other = json.loads(replace(RECIPE, **change).canonical_json())
    with pytest.raises(BadSource, match=rf"given\.png: its recipe was changed: it says id {RECIPE.id[:12]}"):
        carried(with_text(tmp_path, told(recipe=other)))


def test_picture_without_a_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"given\.png: carries no recipe"):
        carried(with_text(tmp_path, None))


UNREADABLE = {
    "not JSON": "{",
    "a list": "[]",
    "a number": "3",
    "no recipe": "{}",
    "no id": json.dumps({"recipe": json.loads(RECIPE.canonical_json())}),
    "id a number": told(id=3),
    "recipe a list": told(recipe=[]),
    "unknown key": told(recipe=json.loads(RECIPE.canonical_json()) | {"colour": "red"}),
    "missing key": told(recipe={"seed": 1}),
    "scale NaN": told(recipe=json.loads(RECIPE.canonical_json()) | {"guidance_scale": float("nan")}),
    "nested too deep": "[" * 100_000,
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_unreadable_recipe_is_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises(BadSource, match=r"given\.png: its recipe"):
        carried(with_text(tmp_path, UNREADABLE[what]))


@pytest.mark.parametrize("content", [b"", b"no picture", candidate_png(PIXELS, RECIPE, ABOUT)[:2000]])
def test_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "given.png").write_bytes(content)
    with pytest.raises(BadSource, match=r"given\.png: does not decode"):
        carried(tmp_path / "given.png")
    with pytest.raises(BadSource, match=r"gone\.png"):
        carried(tmp_path / "gone.png")


def test_device_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert chosen_device("auto") == chosen_device("cpu") == "cpu"
    with pytest.raises(RunFailed, match=r"model\.device is 'cuda:1'"):
        chosen_device("cuda:1")


@pytest.fixture
def made(tadpole: Model, one_thread: None, images: Path, picture: Picture) -> tuple[Path, Path]:
    """A candidate of tadpole's, made among others, and its source: (PNG, source file)."""
    orders = []
    for number in range(3):
        file = images / f"{number}.png"
        picture(number, channels=3 + number % 2).save(file)
        source: SourceImage = read_image(file)
        changes = {
            "source_sha256": source.pixels_sha256,
            "weights_sha256": weights_hashes(TADPOLE).base,
            "seed": number,
        }
        orders.append(Order(replace(RECIPE, **changes), source.image))
    maker = Maker(tadpole, batch=2)
    pictures = [
        outcome.pixels for outcome in maker.make([maker.request(order) for order in orders], options_of(RECIPE))
    ]
    made = images.parent / "made.png"
    made.write_bytes(candidate_png(pictures[1], orders[1].recipe, ABOUT | {"made_with": maker.made_with}))
    return made, images / "1.png"


def test_made_again_it_is_the_same(made: tuple[Path, Path]) -> None:
    file, source = made
    again, same, sentence = make_again(carried(file), source, None)
    assert same and sentence == "the same, pixel for pixel"
    assert again == file.read_bytes()


def test_enlarged_it_is_still_the_same(made: tuple[Path, Path]) -> None:
    file, source = made
    chunks = PngImagePlugin.PngInfo()
    with Image.open(file) as opened:
        chunks.add_text(TEXT_CHUNK, opened.info[TEXT_CHUNK])
        opened.resize((256, 256), Image.Resampling.NEAREST).save(file.with_name("large.png"), pnginfo=chunks)
    assert make_again(carried(file.with_name("large.png")), source, None)[1:] == (True, "the same, pixel for pixel")


def test_retouched_picture_is_told_from_it(made: tuple[Path, Path]) -> None:
    file, source = made
    given = carried(file)
    with Image.open(file) as opened:
        pixels = np.asarray(opened).copy()
    pixels[3, 5, 1] ^= 8
    file.write_bytes(candidate_png(pixels, given.recipe, given.about))
    _, same, sentence = make_again(given, source, None)
    assert not same and sentence.startswith(
        "not the same: 1 pixels differ, by 8/255 at most (the picture was changed since)"
    )


def test_another_source_or_weights_are_refused(made: tuple[Path, Path]) -> None:
    file, source = made
    given = carried(file)
    with pytest.raises(BadSource, match=r"2\.png: is not the source of .*made\.png"):
        make_again(given, source.with_name("2.png"), None)
    with pytest.raises(NothingLeft, match="is not at hand"):
        make_again(given, None, None)
    with pytest.raises(NothingLeft, match="was planned with weights bbbbbbbbbbbb of tadpole"):
        make_again(replace(given, recipe=RECIPE), source, None)


@pytest.fixture
def orders(images: Path, picture: Picture) -> list[Order]:
    """Four candidates of tadpole's to make, each of another seed."""
    picture(1).save(images / "1.png")
    source = read_image(images / "1.png")
    return [Order(replace(RECIPE, seed=seed), source.image) for seed in range(4)]


def with_memory_for(rows: int, model: Model, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the model fail as it does on a GPU that cannot hold more than `rows` rows; returns the widths it is asked
    for."""
    asked: list[int] = []
    forward = model.base.unet.forward

    def limited(x: torch.Tensor, *others: Any) -> torch.Tensor:
        asked.append(len(x))
        if len(x) > rows:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(x, *others)

    monkeypatch.setattr(model.base.unet, "forward", limited)
    return asked


def test_too_little_memory_halves_the_batch_and_goes_on(
    tadpole: Model, one_thread: None, orders: list[Order], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    maker = Maker(tadpole, batch=8)
    requests = [maker.request(order) for order in orders]
    asked = with_memory_for(4, tadpole, monkeypatch)
    outcomes = maker.make(requests, options_of(RECIPE))
    assert asked[0] == 8 and set(asked[1:]) == {4} and maker.batch == 4
    assert maker.made_with["batch"] == 4  # what a candidate says of itself is what was done
    assert len(outcomes) == 4 and not any(outcome.problem for outcome in outcomes)
    assert "going on with model.batch = 4" in capsys.readouterr().err
    maker.make(requests, options_of(RECIPE))
    assert set(asked[1:]) == {4}  # it is not tried again


def test_memory_for_nothing_is_told(
    tadpole: Model, one_thread: None, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker(tadpole, batch=8)
    asked = with_memory_for(0, tadpole, monkeypatch)
    with pytest.raises(RunFailed, match="memory is too small, even for 4 rows at once"):
        maker.make([maker.request(order) for order in orders], options_of(RECIPE))
    assert asked == [8, 4]


def test_recipe_has_every_option_with_its_default() -> None:
    plain = replace(RECIPE, sampler="ddpm")
    assert options_of(plain) == Options(steps=plain.steps)
    assert parts_of(plain) == Parts()
    assert parts_of(
        replace(plain, mask="subject", upsampler_sha256="u", clip_sha256="c", precision="float16")
    ) == Parts(masked=True, upsampled=True, clip=True, precision="float16")
