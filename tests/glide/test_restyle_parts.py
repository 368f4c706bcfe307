"""Restyling with the other networks: masks, the upsampler, CLIP, and the choice among several base images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from errors import BadValue
from glide.models import Model, ModelSpec, Parts, load_model
from glide.request import MODES, Options, Request, Restyled, Step, derived_seed
from glide.restyle import as_pixels, restyle
from glide.samplers import SAMPLERS

T = 4
SHORT = Options(steps=T, sampler="ddim", upsampler_respacing="3")
LEFT = np.arange(16)[None, :].repeat(16, axis=0) < 8  # the left half is repainted
LARGE_LEFT = LEFT.repeat(2, axis=0).repeat(2, axis=1)


def asked(number: int = 1, **changes: Any) -> Request:
    rng = np.random.default_rng(number)
    source = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return replace(Request(source, "a neon toad", 2.0, 1, seed=100 + number), **changes)


def masked(number: int = 1, **changes: Any) -> Request:
    request = asked(number, repaint=LEFT, large_repaint=LARGE_LEFT)
    large = request.source.repeat(2, axis=0).repeat(2, axis=1)
    return replace(request, large_source=large, **changes)


def made(model: Model, *requests: Request, options: Options = SHORT, width: int = 4) -> list[Restyled]:
    return restyle(model, requests, options, width=width)


def without_upsampler(model: Model) -> Model:
    return replace(model, upsampler=None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_is_kept_is_the_source_s(masked_model: Model, sampler: str, mode: str) -> None:
    options = replace(SHORT, sampler=sampler, clip_scale=3.0)
    request = masked(mode=mode)
    [outcome] = made(without_upsampler(masked_model), request, options=options)
    assert np.array_equal(outcome.pixels[~LEFT], request.source[~LEFT])
    assert not np.array_equal(outcome.pixels[LEFT], request.source[LEFT])


def test_upsampled_keeps_the_source_at_its_own_size(masked_model: Model) -> None:
    request = masked()
    assert request.large_source is not None
    for sampler in SAMPLERS:
        [outcome] = made(masked_model, request, options=replace(SHORT, upsampler_sampler=sampler))
        assert outcome.pixels.shape == (32, 32, 3)
        assert np.array_equal(outcome.pixels[~LARGE_LEFT], request.large_source[~LARGE_LEFT])
        assert not np.array_equal(outcome.pixels[LARGE_LEFT], request.large_source[LARGE_LEFT])


def test_every_image_has_its_own_mask(masked_model: Model) -> None:
    right = replace(masked(2), repaint=~LEFT)
    model = without_upsampler(masked_model)
    one, two = made(model, masked(1), right)
    assert np.array_equal(one.pixels[~LEFT], masked(1).source[~LEFT])
    assert np.array_equal(two.pixels[LEFT], right.source[LEFT])
    assert np.array_equal(made(model, right)[0].pixels, two.pixels)


def test_masks_and_networks_must_fit(small_model: Model, masked_model: Model) -> None:
    with pytest.raises(BadValue, match="mask"):
        made(small_model, masked())
    with pytest.raises(BadValue, match="mask"):
        made(masked_model, asked())
    with pytest.raises(BadValue, match="large source"):
        made(masked_model, replace(masked(), large_source=None))


def test_upsampled_image_follows_its_base_image(whole_model: Model) -> None:
    [large] = made(whole_model, asked())
    assert large.pixels.shape == (32, 32, 3)
    [other] = made(whole_model, asked(insertion_step=0))
    assert not np.array_equal(large.pixels, other.pixels)


@pytest.mark.parametrize(
    "change",
    [
        {"upsampler_prompt": "sharp"},
        {"upsampler_prompt": ""},
        {"upsampler_sampler": "ddpm"},
        {"upsampler_respacing": "2"},
        {"upsampler_eta": 0.5},
        {"upsampler_temperature": 0.5},
    ],
)
def test_every_option_of_the_upsampler_counts(whole_model: Model, change: dict[str, Any]) -> None:
    [usual] = made(whole_model, asked())
    [changed] = made(whole_model, asked(), options=replace(SHORT, **change))
    assert not np.array_equal(usual.pixels, changed.pixels)


def test_upsampler_prompt_may_stand_around_the_own(whole_model: Model) -> None:
    written = replace(SHORT, upsampler_prompt="a neon toad!")
    template = replace(SHORT, upsampler_prompt="{prompt}!")
    one, other = (made(whole_model, asked(), options=options)[0] for options in (written, template))
    assert np.array_equal(one.pixels, other.pixels)


def test_upsampler_sees_eight_bits(whole_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    inner = whole_model.upsampler.unet.forward  # type: ignore[union-attr]

    def forward(x: torch.Tensor, t: torch.Tensor, text: Any) -> torch.Tensor:
        seen.append(x[0, 3:])
        return inner(x, t, text)

    monkeypatch.setattr(whole_model.upsampler.unet, "forward", forward)  # type: ignore[union-attr]
    made(whole_model, asked())
    [base] = made(without_upsampler(whole_model), asked())
    low_res = torch.from_numpy(base.pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    enlarged = torch.nn.functional.interpolate(low_res, (32, 32), mode="bilinear", align_corners=False)
    assert len(seen) == 3 and all(torch.equal(given, enlarged[0]) for given in seen)


def test_neighbours_change_no_byte_of_any_part(whole_model: Model) -> None:
    options = replace(SHORT, clip_scale=2.0, samples=2, guidance_until=0.9, dynamic_thresholding=0.99)
    requests = [asked(n, insertion_step=n % T, guidance_scale=1.0 + n % 3) for n in range(6)]
    together = made(whole_model, *requests, options=options)
    assert len({outcome.pixels.tobytes() for outcome in together}) == 6
    backwards = made(whole_model, *requests[::-1], options=options)[::-1]
    alone = made(whole_model, requests[4], options=options)
    for one, other in [*zip(together, backwards, strict=True), (together[4], alone[0])]:
        assert np.array_equal(one.pixels, other.pixels)
        assert (one.scores, one.kept, one.clip_score) == (other.scores, other.kept, other.clip_score)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_clip_guidance_raises_the_clip_score(whole_model: Model, sampler: str) -> None:
    requests = [asked(n, insertion_step=0, mode="noised") for n in range(8)]
    scores = []
    for scale in (0.0, 3.0):
        options = replace(SHORT, steps=10, sampler=sampler, clip_scale=scale)
        outcomes = made(without_upsampler(whole_model), *requests, options=options)
        scores.append([outcome.clip_score for outcome in outcomes])
    assert np.mean(scores[1]) > np.mean(scores[0]) + 0.02


def test_guiding_by_clip_needs_clip(small_model: Model) -> None:
    with pytest.raises(BadValue, match="CLIP is not loaded"):
        made(small_model, asked(), options=replace(SHORT, clip_scale=1.0))
    with pytest.raises(BadValue, match="CLIP is not loaded"):
        made(small_model, asked(), options=replace(SHORT, samples=2, scorer="clip"))
    assert made(small_model, asked())[0].clip_score is None


@pytest.mark.parametrize("scorer", ["evidence", "clip"])
def test_best_of_the_drawn_is_kept(whole_model: Model, scorer: str) -> None:
    model, options = without_upsampler(whole_model), replace(SHORT, samples=4, scorer=scorer)
    request = asked(insertion_step=0)
    [outcome] = made(model, request, options=options)
    assert len(outcome.scores) == 4 and outcome.kept == int(np.argmax(outcome.scores))
    seed = derived_seed(request.seed, f"sample {outcome.kept}") if outcome.kept else request.seed
    [alone] = made(model, replace(request, seed=seed))
    assert np.array_equal(outcome.pixels, alone.pixels)
    assert alone.scores == () and alone.kept == 0
    if scorer == "clip":
        assert outcome.clip_score == pytest.approx(max(outcome.scores), abs=1e-6)


def test_only_the_kept_are_upsampled(whole_model: Model) -> None:
    moved: list[int] = []
    options = replace(SHORT, samples=3)
    restyle(whole_model, [asked(insertion_step=0)] * 2, options, width=4, on_evaluation=moved.append)
    assert moved == [6] * T + [2] * 3


def test_evidence_is_for_the_prompt_that_made_it(tadpole: Model) -> None:
    options = Options(steps=10, sampler="ddim", samples=2)
    rng = np.random.default_rng(1)
    source = np.full((64, 64, 3), 90, np.uint8) + rng.integers(0, 9, (64, 64, 3), dtype=np.uint8)
    request = Request(source, "stained glass window of a toad", 4.0, 0, seed=5, mode="noised")
    [with_prompt] = restyle(tadpole, [request], options, width=4)
    [without] = restyle(tadpole, [replace(request, guidance_scale=0.0)], options, width=4)
    assert min(with_prompt.scores) > max(without.scores)


@pytest.mark.parametrize("options", [{"samples": 0}, {"samples": 2, "scorer": "beauty"}])
def test_wrong_choice_names_what_is_allowed(small_model: Model, options: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="1 or more, evidence or clip"):
        made(small_model, asked(), options=replace(SHORT, **options))


def test_respacing_must_keep_as_many_steps(small_model: Model) -> None:
    assert made(small_model, asked(), options=Options(steps=4, respacing="2,1,1"))
    with pytest.raises(BadValue, match="one that keeps 4 steps"):
        made(small_model, asked(), options=Options(steps=4, respacing="fast27"))


@pytest.mark.parametrize("parts", [Parts(), Parts(upsampled=True), Parts(masked=True), Parts(True, True)])
def test_image_that_is_no_image_is_told(small_spec: ModelSpec, parts: Parts) -> None:
    broken = load_model(small_spec, parts)
    broken.base.unet.out[2].bias.fill_(torch.nan)
    ask = masked if parts.masked else asked
    outcomes = made(broken, ask(1), ask(2, insertion_step=T))
    assert "NaN" in outcomes[0].problem and outcomes[1].problem == ""


@pytest.mark.parametrize("parts", [Parts(), Parts(upsampled=True), Parts(masked=True), Parts(True, True)])
def test_black_image_is_told_but_not_that_of_a_black_source(small_spec: ModelSpec, parts: Parts) -> None:
    dark = load_model(small_spec, parts)
    dark.base.unet.out[2].weight.zero_()
    dark.base.unet.out[2].bias.fill_(1e4)  # so much noise is taken away that nothing is left
    ask = masked if parts.masked else asked
    black = ask(2, source=np.zeros((16, 16, 3), np.uint8), insertion_step=T)
    outcomes = made(dark, ask(1), black)
    assert "black" in outcomes[0].problem and outcomes[1].problem == ""


def test_upsampled_image_that_is_none_is_told(small_spec: ModelSpec) -> None:
    broken = load_model(small_spec, Parts(upsampled=True))
    assert broken.upsampler
    broken.upsampler.unet.out[2].bias.fill_(torch.nan)
    [outcome] = made(broken, asked(1))
    assert "NaN" in outcome.problem


def test_pixels_round_and_stay_in_range() -> None:
    x = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert as_pixels(x)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_steps_of_every_sample_and_of_the_upsampler_are_told(masked_model: Model) -> None:
    options, seen = replace(SHORT, samples=3, sampler="ddpm"), list[Step]()
    requests = [masked(1), masked(2)]
    outcomes = restyle(masked_model, requests, options, width=4, on_step=seen.append)
    assert all(
        map(
            np.array_equal,
            [one.pixels for one in outcomes],
            [one.pixels for one in made(masked_model, *requests, options=options)],
        )
    )
    base = [step for step in seen if not step.upsampling]
    assert sorted({(step.request, step.sample) for step in base}) == [
        (n, sample) for n in range(2) for sample in range(3)
    ]
    assert all(np.array_equal(step.image[~LEFT], requests[step.request].source[~LEFT]) for step in base)
    enlarged = [step for step in seen if step.upsampling]
    assert [(step.request, step.i) for step in enlarged] == [(n, i) for i in (2, 1, 0) for n in range(2)]
    for step in enlarged[-2:]:
        assert np.array_equal(step.image, outcomes[step.request].pixels)
