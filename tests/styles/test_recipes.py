"""Recipes: an id is for ever, and one for each set of inputs that changes pixels."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, replace
from typing import Any

import pytest

from styles.recipes import Recipe

PLAIN = Recipe(
    source_sha256="a" * 64,
    prompt="a crayon doodle of a toad",
    guidance_scale=3.5,
    insertion_step=8,
    steps=20,
    seed=1,
    weights_sha256="b" * 64,
)
FULL = replace(PLAIN, mode="noised", sampler="ddim", eta=0.5, prepare="pad", backdrop="#102030")

NEW: dict[str, Any] = {
    "respacing": "fast27",
    "guidance_from": 0.1,
    "guidance_until": 0.9,
    "guidance_rescale": 0.5,
    "dynamic_thresholding": 0.995,
    "clip_scale": 3.0,
    "clip_sha256": "d" * 64,
    "mask": "subject",
    "precision": "float16",
    "samples": 4,
    "scorer": "clip",
    "upsampler_sha256": "e" * 64,
    "upsampler_prompt": "{prompt}, sharp",
    "upsampler_sampler": "ddpm",
    "upsampler_respacing": "27",
    "upsampler_eta": 0.5,
    "upsampler_temperature": 1.0,
}
EVERYTHING = replace(FULL, **NEW)


def test_known_recipes_have_their_known_ids() -> None:
    assert PLAIN.id == "b1ed74cadc2945da586bdf29bc65b1a3bfe36c586b5a140922ec464801fc196c"
    assert FULL.id == "d3f404acef3d5f1c5057a197bbcd9e99727751a1e29f6ac8d695628eac2aaf35"
    assert EVERYTHING.id == "b246c88708008e1dee24c37fc062eee4a0678660c49d678f9c43ef7c97044eab"


def test_canonical_json_is_written_one_way() -> None:
    assert PLAIN.canonical_json() == (
        '{"guidance_scale":3.5,"insertion_step":8,"prompt":"a crayon doodle of a toad","seed":1,'
        f'"source_sha256":"{"a" * 64}","steps":20,"weights_sha256":"{"b" * 64}"}}'
    )


def test_defaults_are_left_out() -> None:
    spelled_out = replace(PLAIN, mode="clean", sampler="ddpm", eta=0, prepare="area", backdrop="#ffffff")
    assert spelled_out.id == PLAIN.id
    assert len(json.loads(EVERYTHING.canonical_json())) == len(fields(Recipe))


def test_whole_numbers_are_written_one_way() -> None:
    assert replace(PLAIN, guidance_scale=3.0).id == replace(PLAIN, guidance_scale=3).id
    assert '"guidance_scale":3,' in replace(PLAIN, guidance_scale=3.0).canonical_json()
    assert replace(FULL, eta=1.0).id == replace(FULL, eta=1).id
    assert replace(PLAIN, guidance_scale=-0.0).id == replace(PLAIN, guidance_scale=0).id


def test_two_ways_of_writing_a_letter_are_one() -> None:
    assert replace(PLAIN, prompt="caf\u00e9").id == replace(PLAIN, prompt="cafe\u0301").id != PLAIN.id


@pytest.mark.parametrize(
    "change",
    [
        {"source_sha256": "c" * 64},
        {"prompt": "A crayon doodle of a toad"},
        {"guidance_scale": 3.5000001},
        {"insertion_step": 9},
        {"steps": 21},
        {"seed": 2},
        {"weights_sha256": "c" * 64},
        {"mode": "noised"},
        {"sampler": "ddim"},
        {"eta": 0.1},
        {"prepare": "pad"},
        {"backdrop": "#fffffe"},
        *({name: value} for name, value in NEW.items()),
    ],
)
def test_every_input_changes_the_id(change: dict[str, Any]) -> None:
    changed = replace(PLAIN, **change)
    assert changed.id != PLAIN.id and re.fullmatch(r"[0-9a-f]{64}", changed.id)


@pytest.mark.parametrize(
    "recipe", [PLAIN, FULL, EVERYTHING, replace(PLAIN, prompt='蛙 "quoted" \\ \u2028 \U0001f438', seed=2**63 - 1)]
)
def test_recipe_survives_its_json(recipe: Recipe) -> None:
    again = Recipe.from_json(recipe.canonical_json())
    assert again == recipe and again.id == recipe.id


@pytest.mark.parametrize("text", ["", "[]", '"toad"', "null", "{}", '{"prompt": "a toad"}'])
def test_other_json_is_no_recipe(text: str) -> None:
    with pytest.raises(ValueError):
        Recipe.from_json(text)


def test_unknown_key_is_named_with_the_known() -> None:
    with pytest.raises(ValueError, match=r"insertion_step.*weights_sha256"):
        Recipe.from_json(json.dumps(json.loads(PLAIN.canonical_json()) | {"colour": "red"}))


@pytest.mark.parametrize("scale", [math.nan, math.inf, -math.inf])
def test_scale_that_is_no_number_has_no_id(scale: float) -> None:
    with pytest.raises(ValueError):
        _ = replace(PLAIN, guidance_scale=scale).id
