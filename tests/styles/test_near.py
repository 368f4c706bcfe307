"""Recipes near one that somebody liked."""

from dataclasses import fields, replace

import pytest

from styles.near import SEEDS, draws_noise, near
from styles.recipes import Recipe

LIKED = Recipe(
    source_sha256="a" * 64,
    prompt="a toad",
    guidance_scale=3.0,
    insertion_step=4,
    steps=15,
    seed=7,
    weights_sha256="b" * 64,
    mode="noised",
    sampler="ddim",
)
QUIET = replace(LIKED, mode="clean")  # ddim without fresh noise


@pytest.mark.parametrize("liked", [LIKED, QUIET], ids=["noise", "no noise"])
def test_near_recipes_are_others_and_always_the_same(liked):
    found = list(near(liked))
    assert [one.id for one in near(liked)] == [one.id for one in found]
    assert len({one.id for one in found} | {liked.id}) == 9
    changed = [
        {field.name for field in fields(Recipe) if getattr(one, field.name) != getattr(liked, field.name)}
        for one in found
    ]
    assert set().union(*changed) == ({"seed"} if draws_noise(liked) else set()) | {"insertion_step", "guidance_scale"}
    if draws_noise(liked):
        assert sum(names == {"seed"} for names in changed) == SEEDS


@pytest.mark.parametrize("step", [1, 14])
def test_steps_stay_within_the_sampler(step):
    found = list(near(replace(LIKED, insertion_step=step)))
    assert all(1 <= one.insertion_step < 15 for one in found) and len(found) == SEEDS + 3


@pytest.mark.parametrize(
    ("change", "draws"),
    [
        ({}, True),
        ({"mode": "clean"}, False),
        ({"mode": "clean", "eta": 0.5}, True),
        ({"mode": "clean", "sampler": "ddpm"}, True),
        ({"mode": "clean", "sampler": "dpm-solver++"}, False),
        ({"mode": "clean", "insertion_step": 0}, True),
        ({"mode": "clean", "upsampler_sha256": "c" * 64}, True),
    ],
)
def test_seed_counts_only_where_noise_is_drawn(change, draws):
    assert draws_noise(replace(LIKED, **change)) == draws
