"""Restyling: an image depends on its own request alone, and each part of the request has its effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from errors import BadValue
from glide.guidance import Guided, Prompts
from glide.models import Model
from glide.request import MODES, Options, Request, Step
from glide.restyle import restyle
from glide.samplers import SAMPLERS
from glide.schedules import make_schedule

T = 5
PROMPTS = ("a crayon toad", "neon", "", "a long prompt that is cut somewhere")


def source(seed: int, side: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def asked(number: int = 1, side: int = 16, **changes: Any) -> Request:
    """A request unlike that of every other number."""
    made = Request(source(number, side), PROMPTS[number % 4], 1.0 + number % 3, number % T, seed=1000 + number)
    return replace(made, **changes)


@pytest.fixture
def make(small_model: Model) -> Any:
    def made(*requests: Request, width: int = 4, on_evaluation: Any = None, **options: Any) -> list[np.ndarray]:
        outcomes = restyle(
            small_model, requests, Options(**{"steps": T} | options), width=width, on_evaluation=on_evaluation
        )
        assert not any(outcome.problem for outcome in outcomes)
        return [outcome.pixels for outcome in outcomes]

    return made


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(map(np.array_equal, a, b))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_all_steps_kept_gives_back_the_source(make: Any, sampler: str, mode: str) -> None:
    request = asked(insertion_step=T, mode=mode)
    every_value = np.arange(16 * 16 * 3, dtype=np.uint16).reshape(16, 16, 3).astype(np.uint8)
    for picture in (request.source, every_value):
        [image] = make(replace(request, source=picture), sampler=sampler)
        assert np.array_equal(image, picture)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_steps_kept_forgets_the_source(make: Any, sampler: str, mode: str) -> None:
    requests = [asked(1, insertion_step=0, mode=mode, source=source(n)) for n in (1, 2)]
    first, second = make(*requests, sampler=sampler)
    assert np.array_equal(first, second)
    kept = [replace(request, insertion_step=1) for request in requests]
    assert not np.array_equal(*make(*kept, sampler=sampler))


@pytest.mark.parametrize("width", [4, 16])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_neighbours_change_no_byte(make: Any, sampler: str, width: int) -> None:
    requests = [asked(number, mode=MODES[number % 2]) for number in range(16)]  # steps 0..4 in both modes
    together = make(*requests, sampler=sampler, width=width)
    assert len({image.tobytes() for image in together}) == 16
    assert same(make(*requests[::-1], sampler=sampler, width=width)[::-1], together)
    for number in (0, 8, 13):  # first, in the middle, and alone
        assert same(make(requests[number], sampler=sampler, width=width), [together[number]])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_another_width_is_at_most_one_step_of_colour_off(make: Any, sampler: str) -> None:
    requests = [asked(number) for number in range(6)]
    few, many = (np.stack(make(*requests, sampler=sampler, width=width)).astype(int) for width in (2, 16))
    assert np.abs(few - many).max() <= 1


@pytest.mark.parametrize(("width", "threads"), [(1, 1), (3, 1), (8, 1), (3, 2), (8, 2)])
def test_place_in_an_evaluation_changes_no_bit(small_model: Model, width: int, threads: int) -> None:
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(3)
    tokens, mask = torch.randint(0, 256, (9, 16), generator=generator), torch.ones(9, 16, dtype=torch.bool)
    x, schedule = torch.randn(9, 3, 16, 16, generator=generator), make_schedule("squaredcos_cap_v2", "20")
    with torch.no_grad():
        texts = small_model.base.unet.encode_text(tokens, mask)
        prompts = Prompts(texts, torch.arange(9), torch.linspace(1, 5, 9))
        guided = Guided(network=small_model.base.unet, schedule=schedule, prompts=prompts, rows=2 * width)
        alone = guided(x[:1], 7, torch.tensor([0]))
        for place in {0, width // 2, width - 1}:
            on = torch.arange(1, width + 1).clamp(max=8)
            on[place] = 0
            among = guided(x[on], 7, on)
            assert torch.equal(among.x0[place], alone.x0[0]) and torch.equal(among.fraction[place], alone.fraction[0])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"prompt": "an oil toad"}, {"guidance_scale": 2.5}, {"insertion_step": 0}]
)
def test_every_part_of_a_request_counts(make: Any, sampler: str, change: dict[str, Any]) -> None:
    first = asked(1, mode="noised", guidance_scale=2.0)
    one, other, again = make(first, replace(first, **change), first, sampler=sampler)
    assert not np.array_equal(one, other)
    assert np.array_equal(one, again)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_modes_and_samplers_differ(make: Any, sampler: str) -> None:
    clean, noised = make(asked(2, mode="clean"), asked(2, mode="noised"), sampler=sampler)
    assert not np.array_equal(clean, noised)
    for name in set(SAMPLERS) - {sampler}:
        [other] = make(asked(2), sampler=name)
        assert not np.array_equal(clean, other)


def test_fresh_noise_enters_ddim_only_by_eta(make: Any) -> None:
    one, other = (asked(3, seed=seed, insertion_step=2) for seed in (1, 2))
    assert np.array_equal(*make(one, other, sampler="ddim", eta=0.0))
    assert not np.array_equal(*make(one, other, sampler="ddim", eta=0.5))


def test_scale_and_prompt_belong_to_their_image(make: Any) -> None:
    first = asked(1, prompt="one", guidance_scale=1.0)
    second = replace(first, prompt="two", guidance_scale=6.0)
    mixed = [replace(first, guidance_scale=6.0), replace(second, guidance_scale=1.0)]
    together = make(first, second, *mixed)
    assert same(together, [image for request in (first, second, *mixed) for image in make(request)])
    assert len({image.tobytes() for image in together}) == 4


def test_scale_zero_leaves_the_prompt_out(make: Any) -> None:
    images = make(*(asked(1, prompt=prompt, guidance_scale=0.0) for prompt in ("one", "two", "")), sampler="ddim")
    assert same(images, [images[0]] * 3)


def test_only_remaining_steps_are_evaluated(make: Any) -> None:
    moved: list[int] = []
    make(*(asked(1, insertion_step=step) for step in (0, 2, 2, T)), on_evaluation=moved.append)
    assert moved == [1, 1, 3, 3, 3]


def test_requests_are_left_as_they_were(make: Any) -> None:
    request = asked(1)
    state = torch.random.get_rng_state()
    make(request)
    assert np.array_equal(request.source, source(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert make() == []


@pytest.mark.parametrize("change", [{"mode": "fuzzy"}, {"insertion_step": T + 1}, {"insertion_step": -1}])
def test_wrong_request_names_what_is_allowed(make: Any, change: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="clean, noised" if "mode" in change else rf"0\.\.{T}"):
        make(asked(1), asked(1, **change))


def test_unknown_sampler_names_the_known(make: Any) -> None:
    with pytest.raises(BadValue, match="ddpm, ddim, dpm-solver"):
        make(asked(1), sampler="euler")


def test_neighbours_change_no_byte_of_tadpole_s(tadpole: Model) -> None:
    requests = [asked(number, 64) for number in range(4)]

    def made(requests: list[Request]) -> list[np.ndarray]:
        return [outcome.pixels for outcome in restyle(tadpole, requests, Options(steps=T), width=4)]

    together = made(requests)
    assert same(made(requests[3:]), together[3:]) and same(made(requests[::-1])[::-1], together)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_watching_the_steps_changes_no_byte(small_model: Model, make: Any, sampler: str) -> None:
    requests = [asked(n, insertion_step=n) for n in range(4)]  # 5, 4, 3 and 2 steps
    seen: list[Step] = []
    watched = restyle(small_model, requests, Options(steps=T, sampler=sampler), width=4, on_step=seen.append)
    assert same([outcome.pixels for outcome in watched], make(*requests, sampler=sampler))
    for n, outcome in enumerate(watched):
        mine = [step for step in seen if step.request == n]
        assert [step.i for step in mine] == list(range(T - n - 1, -1, -1))
        assert all(step.image.shape == (16, 16, 3) and step.image.dtype == np.uint8 for step in mine)
        assert np.array_equal(mine[-1].image, outcome.pixels)  # at the last step what is foreseen comes true
        assert not np.array_equal(mine[0].image, outcome.pixels)
    assert not any(step.sample or step.upsampling for step in seen)
