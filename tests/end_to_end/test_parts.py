"""Every part of the model through `toadworks run`: both insertions, masks, CLIP, a choice of samples, the upsampler.

The model "untrained" has all six networks at tadpole's size; but for the base network they are untrained, so these
tests are of the pipeline and of what must be exact, not of pictures.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from collection_db import AssetFolder
from flows.new import paint_sources
from flows.settings import Settings
from glide.masks import repainted
from glide.prepare import prepare

COMMON = """\
[sources]
images = "../toads/images"
[grid]
styles = ["crayon", "neon"]
guidance_scales = [3.0]
insertion_steps = [2]
"""
EVERYTHING = """\
mode = "clean"
[model]
name = "untrained"
steps = 4
sampler = "ddpm"
batch = 4
[guidance]
clip_scale = 2.0
until = 0.95
[choosing]
samples = 2
[inpainting]
mask = "subject"
[upsampler]
use = true
respacing = "2"
"""
DRAWN = """\
mode = "noised"
[model]
steps = 4
sampler = "dpm-solver++"
batch = 4
[inpainting]
mask = "masks"
"""


def collection(home: Path, name: str, text: str, toads: int = 2) -> Path:
    paint_sources(home / "toads", toads, seed=7)
    (home / name).mkdir()
    (home / name / "collection.toml").write_text(COMMON + text)
    return home / name


def candidates(pond: Path, toadworks) -> pd.DataFrame:
    assert toadworks("candidates", "--csv", "all.csv", cwd=pond).returncode == 0
    return pd.read_csv(pond / "all.csv", dtype={"source": str})


def pictures(pond: Path, frame: pd.DataFrame) -> list[np.ndarray]:
    assets = AssetFolder(Settings.read(pond).assets)
    return [np.asarray(Image.open(io.BytesIO(assets.read(sha256)))) for sha256 in frame["image_sha256"]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, toadworks):
    """A run with every part of the model at once."""
    pond = collection(tmp_path_factory.mktemp("whole"), "pond", EVERYTHING)
    told = toadworks("run", "--accept", "leaders", cwd=pond)
    assert told.returncode == 0, told.stderr
    assert "4 candidates made" in told.stdout
    return pond


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, toadworks):
    """A run of tadpole with masks that a person drew: the first source has a good one, the second one that is black,
    the third none."""
    home = tmp_path_factory.mktemp("drawn")
    pond = collection(home, "pond", DRAWN, toads=3)
    (pond / "masks").mkdir()
    first, second, _ = sorted(file.stem for file in (home / "toads" / "images").glob("*.png"))
    with Image.open(home / "toads" / "images" / f"{first}.png") as source:
        mask = Image.new("L", source.size, 0)
    mask.paste(255, (0, 0, mask.width // 2, mask.height))
    mask.save(pond / "masks" / f"{first}.png")
    Image.new("L", mask.size, 0).save(pond / "masks" / f"{second}.png")
    told = toadworks("run", cwd=pond)
    assert told.returncode == 0, told.stderr
    return pond, told


def test_only_the_subject_changes_at_four_times_the_size(whole, toadworks):
    frame = candidates(whole, toadworks)
    for row, picture in zip(frame.itertuples(), pictures(whole, frame), strict=True):
        source = Image.open(whole.parent / "toads" / "images" / f"{row.source}.png")
        changed = repainted("subject", source, "area", 256)
        assert picture.shape == (256, 256, 3)
        assert np.array_equal(picture[~changed], prepare(source, "area", size=256)[~changed])
        assert not np.array_equal(picture[changed], prepare(source, "area", size=256)[changed])


def test_scores_of_every_sample_are_in_the_table(whole, toadworks):
    frame = candidates(whole, toadworks)
    assert frame["clip_score"].between(-1, 1).all()
    for told in map(json.loads, frame["sample_scores"]):
        assert told["scorer"] == "evidence" and len(told["scores"]) == 2
        assert told["kept"] == int(np.argmax(told["scores"]))


def test_recipe_tells_what_changed_pixels(whole, toadworks):
    frame = candidates(whole, toadworks)
    file = AssetFolder(Settings.read(whole).assets).path(frame["image_sha256"][0])
    told = toadworks("show", file, cwd=whole).stdout
    for line in ("mask: subject", "clip_scale: 2", "samples: 2", "guidance_until: 0.95", "upsampler_respacing: 2"):
        assert f"{line}\n" in told or f"{line}.0\n" in told, line


@pytest.mark.parametrize("at_hand", ["the table", "the file"])
def test_made_again_it_is_the_same(whole, toadworks, at_hand):
    frame = candidates(whole, toadworks)
    row = frame.iloc[1]
    file = AssetFolder(Settings.read(whole).assets).path(row["image_sha256"])
    given = ["--source", whole.parent / "toads" / "images" / f"{row['source']}.png"] if at_hand == "the file" else []
    told = toadworks("show", file, "--again", "--to", whole / "again.png", *given, cwd=whole)
    assert told.returncode == 0, told.stderr
    assert "the same, pixel for pixel" in told.stdout
    assert (whole / "again.png").read_bytes() == file.read_bytes()


def test_large_candidates_become_tokens(whole, toadworks):
    assert toadworks("export", cwd=whole).returncode == 0
    images = sorted((whole / "release" / "images").iterdir())
    assert images and all(Image.open(image).size == (512, 512) for image in images)


def test_drawn_mask_keeps_what_is_black(drawn, toadworks):
    pond, _ = drawn
    frame = candidates(pond, toadworks)
    assert len(frame) == 2 and frame["source"].nunique() == 1
    source = prepare(Image.open(pond.parent / "toads" / "images" / f"{frame['source'][0]}.png"))
    for picture in pictures(pond, frame):
        assert np.array_equal(picture[:, 32:], source[:, 32:])
        assert not np.array_equal(picture[:, :32], source[:, :32])


def test_sources_without_a_usable_mask_are_named(drawn):
    pond, told = drawn
    _, black, without = sorted(file.stem for file in (pond.parent / "toads" / "images").glob("*.png"))
    assert "2 source files were skipped" in told.stdout
    assert f"{black}.png: " in told.stdout and f"{without}.png: there is no mask of this source" in told.stdout


def test_drawn_mask_is_found_again(drawn, toadworks):
    pond, _ = drawn
    file = AssetFolder(Settings.read(pond).assets).path(candidates(pond, toadworks)["image_sha256"][0])
    assert "the same, pixel for pixel" in toadworks("show", file, "--again", cwd=pond).stdout
    away = toadworks("show", file, "--again", "--source", pond.parent / "toads" / "images" / "1.png", cwd=pond.parent)
    assert away.returncode == 2 and "the mask of" in away.stderr


def test_source_without_a_subject_fails_alone(tmp_path, toadworks):
    pond = collection(tmp_path, "pond", '[model]\nsteps = 3\nbatch = 8\n[inpainting]\nmask = "background"\n')
    noise = np.random.default_rng(1).integers(0, 256, (36, 36, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "toads" / "images" / "noise.png")
    told = toadworks("run", cwd=pond)
    assert told.returncode == 1
    assert "4 candidates made, 6 in the plan" in told.stdout  # also those that would have shared its batch
    assert "not made: source noise: " in told.stdout and "give a mask image" in told.stdout


def test_words_that_do_not_fit_are_told(tmp_path, toadworks):
    pond = collection(tmp_path, "pond", "[model]\nsteps = 2\nbatch = 4\n", toads=1)
    styles = '[[styles]]\nname = "long"\nprompt = "' + "very " * 18 + 'fine toad"\n'
    (pond / "own.toml").write_text("guidance_scales = [2.0]\ninsertion_steps = [1]\n" + styles)
    text = (pond / "collection.toml").read_text().replace('styles = ["crayon", "neon"]', 'catalogue = "own.toml"')
    (pond / "collection.toml").write_text(text)
    told = toadworks("run", cwd=pond)
    assert told.returncode == 0, told.stderr
    assert "the prompt of 'long' is longer than tadpole reads; lost: toad" in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[model]\nname = "frog"', "model.name: 'frog' is not known; allowed: tadpole, untrained, glide"),
        ("[upsampler]\nuse = true", "upsampler.use: tadpole has no upsampler; allowed: with model untrained, glide"),
        ("[guidance]\nclip_scale = 3.0", "guidance.clip_scale: tadpole has no CLIP"),
        ('[inpainting]\nmask = "sky.png"', "inpainting.mask: there is no"),
        ('[model]\nrespacing = "fast28"', "model.respacing: 'fast28' cannot be"),
        ("[guidance]\nfrom = 0.8\nuntil = 0.2", "guidance.until: is below guidance.from"),
        ("[choosing]\nsamples = 0", "choosing.samples: 0 is outside 1..64"),
        ('[model]\nname = "glide"', "base.pt: is not there; `toadworks weights fetch glide` gets it"),
        ('[model]\nprecision = "float16"\ndevice = "cpu"', "allowed: float32 on a CPU"),
    ],
)
def test_parts_that_cannot_be_are_one_sentence(tmp_path, toadworks, environment, monkeypatch, text, words):
    monkeypatch.setitem(environment, "TOADWORKS_WEIGHTS", str(tmp_path / "weights"))
    told = toadworks("plan", cwd=collection(tmp_path, "pond", text + "\n", toads=1))
    assert told.returncode == 2 and words in told.stderr
    assert told.stderr.count("\n") == 1 and "Traceback" not in told.stderr
