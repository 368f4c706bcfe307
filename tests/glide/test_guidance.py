"""What steers an image: each part has the effect that its paper says, and none where it is off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from glide.guidance import ClipGuidance, Guidance, Guided, Known, Prompts
from glide.models import Model
from glide.samplers import implied_x0
from glide.schedules import make_schedule
from glide.unet import TextEncoding

N = 5
INDEX = 12
ON = torch.arange(N)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def plain(whole_model: Model) -> Guided:
    """Five images, each with a prompt and a scale of its own."""
    unet = whole_model.base.unet
    tokens = torch.randint(0, 256, (N + 1, 16), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        encodings = unet.encode_text(tokens, torch.ones(N + 1, 16) > 0)
    prompts = Prompts(encodings, 1 + ON, torch.tensor([1.0, 2.0, 3.0, 0.0, 7.0]))
    return Guided(network=unet, schedule=make_schedule("squaredcos_cap_v2", "20"), prompts=prompts, rows=8)


@pytest.fixture
def x() -> Tensor:
    return drawn(N, 3, 16, 16, seed=3)


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def unguided(guided: Guided, scale: float) -> Guided:
    return replace(guided, prompts=replace(guided.prompts, scales=torch.full((N,), scale)))


def test_scale_weighs_prompt_against_none(plain: Guided, x: Tensor) -> None:
    with_prompt, _ = unguided(plain, 1.0).noise(x, INDEX, ON)
    without, _ = unguided(plain, 0.0).noise(x, INDEX, ON)
    eps, _ = plain.noise(x, INDEX, ON)
    expected = without + plain.prompts.scales[:, None, None, None] * (with_prompt - without)
    assert torch.allclose(eps, expected, atol=1e-5)
    assert not torch.allclose(with_prompt, without, atol=1e-2)


def test_variance_is_that_of_the_prompt(plain: Guided, x: Tensor) -> None:
    assert torch.allclose(plain.noise(x, INDEX, ON)[1], unguided(plain, 1.0).noise(x, INDEX, ON)[1], atol=1e-5)


def test_outside_the_interval_nothing_is_guided(plain: Guided, x: Tensor) -> None:
    share = float(1 - plain.schedule.alphas_cumprod[INDEX]) ** 0.5
    inside = replace(plain, guidance=Guidance(interval=(share - 0.01, share + 0.01)))
    assert torch.equal(inside.noise(x, INDEX, ON)[0], plain.noise(x, INDEX, ON)[0])
    for interval in ((0.0, share - 0.01), (share + 0.01, 1.0)):
        outside = replace(plain, guidance=Guidance(interval=interval))
        assert torch.equal(outside.noise(x, INDEX, ON)[0], unguided(plain, 1.0).noise(x, INDEX, ON)[0])


class Counting(torch.nn.Module):
    """A network that counts the evaluations it is asked for."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.count = network, 0

    def forward(self, x: Tensor, t: Tensor, text: TextEncoding) -> Tensor:
        self.count += 1
        return self.network(x, t, text)


def test_outside_the_interval_half_the_work_is_saved(plain: Guided) -> None:
    counted = []
    for interval in ((0.0, 1.0), (0.0, 0.1)):
        network = Counting(plain.network)
        guided = replace(plain, network=network, guidance=Guidance(interval=interval))
        unguided(guided, 3.0).noise(drawn(8, 3, 16, 16), INDEX, ON.repeat(2)[:8])
        counted.append(network.count)
    assert counted == [2, 1]


def test_rescale_brings_the_spread_back(plain: Guided, x: Tensor) -> None:
    wanted, _ = unguided(plain, 1.0).noise(x, INDEX, ON)
    strong = unguided(plain, 9.0)
    for share in (0.5, 1.0):
        eps, _ = replace(strong, guidance=Guidance(rescale=share)).noise(x, INDEX, ON)
        plain_eps, _ = strong.noise(x, INDEX, ON)
        spreads = [values.flatten(1).std(dim=1) for values in (eps, wanted, plain_eps)]
        assert torch.allclose(spreads[0], share * spreads[1] + (1 - share) * spreads[2], atol=1e-5)


def test_thresholding_fits_what_clamping_cuts(plain: Guided, x: Tensor) -> None:
    strong = unguided(plain, 9.0)
    whole = implied_x0(x, strong.noise(x, INDEX, ON)[0], float(plain.schedule.alphas_cumprod[INDEX]))
    assert float(whole.abs().max()) > 1.2
    clamped = strong(x, INDEX, ON).x0
    assert torch.equal(clamped, whole.clamp(-1, 1))
    fitted = replace(strong, guidance=Guidance(thresholding=1.0))(x, INDEX, ON).x0
    largest = whole.flatten(1).abs().amax(dim=1).clamp(min=1)
    assert torch.allclose(fitted, whole / largest[:, None, None, None], atol=1e-6)
    some = replace(strong, guidance=Guidance(thresholding=0.9))(x, INDEX, ON).x0
    assert float(some.abs().max()) == 1 and not torch.equal(some, clamped)


def test_small_images_are_not_stretched_by_thresholding(plain: Guided) -> None:
    x = 0.01 * drawn(N, 3, 16, 16, seed=4)
    calm = replace(plain, prompts=replace(plain.prompts, scales=torch.ones(N)))
    x0 = implied_x0(x, calm.noise(x, 0, ON)[0], float(plain.schedule.alphas_cumprod[0]))
    within = replace(calm, guidance=Guidance(thresholding=0.99))(x, 0, ON).x0
    quiet = x0.flatten(1).abs().amax(dim=1) < 1
    assert bool(quiet.any()) and torch.equal(within[quiet], x0[quiet])


def test_known_pixels_are_pasted_in(plain: Guided, x: Tensor) -> None:
    image, keep = drawn(N, 3, 16, 16, seed=5).clamp(-1, 1), (drawn(N, 1, 16, 16, seed=6) > 0).float()
    x0 = replace(plain, known=Known(image, keep))(x, INDEX, ON).x0
    kept = keep.expand_as(x0) > 0
    assert torch.equal(x0[kept], image[kept])
    assert torch.equal(x0[~kept], plain(x, INDEX, ON).x0[~kept])


def test_known_pixels_are_left_alone_by_thresholding(plain: Guided, x: Tensor) -> None:
    image, keep = drawn(N, 3, 16, 16, seed=5).clamp(-1, 1), (drawn(N, 1, 16, 16, seed=6) > 0).float()
    guided = replace(unguided(plain, 9.0), guidance=Guidance(thresholding=0.9), known=Known(image, keep))
    x0 = guided(x, INDEX, ON).x0
    assert torch.equal(x0[keep.expand_as(x0) > 0], image[keep.expand_as(x0) > 0])
    assert float(x0.abs().max()) <= 1


def test_clip_raises_its_own_score(plain: Guided, whole_model: Model, x: Tensor) -> None:
    assert whole_model.clip
    text = torch.nn.functional.normalize(drawn(N, 32, seed=7), dim=1)
    guided = replace(plain, clip=ClipGuidance(whole_model.clip, text, scale=2.0))
    gradient = guided(x, INDEX, ON).gradient
    assert gradient is not None and gradient.shape == x.shape
    t = torch.full((N,), int(plain.schedule.timesteps[INDEX]))
    moved = x + 1e-3 * gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]
    gained = whole_model.clip.similarity(moved, t, text) - whole_model.clip.similarity(x, t, text)
    assert bool((gained > 0).all())
    twice = replace(plain, clip=ClipGuidance(whole_model.clip, text, scale=4.0))(x, INDEX, ON).gradient
    assert twice is not None and torch.allclose(twice, 2 * gradient)
    assert plain(x, INDEX, ON).gradient is None


def test_clip_gradient_has_no_neighbours(plain: Guided, whole_model: Model, x: Tensor) -> None:
    assert whole_model.clip
    text = torch.nn.functional.normalize(drawn(N, 32, seed=7), dim=1)
    guided = replace(plain, clip=ClipGuidance(whole_model.clip, text, scale=2.0))
    together, alone = guided(x, INDEX, ON).gradient, guided(x[3:4], INDEX, ON[3:4]).gradient
    assert together is not None and alone is not None and torch.equal(together[3:4], alone)
