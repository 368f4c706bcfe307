"""Fingerprints: what they ignore, what they notice, and the colours they name."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import lanczos
from similarity.colours import linear_light, oklab, thumbnails
from similarity.groups import Thresholds, alike
from similarity.hashes import fingerprint, fingerprints, is_flat, on_white


def picture(seed: int = 0, size: int = 64) -> Image.Image:
    """Coloured blocks that are nobody's mirror image."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((size, size), Image.Resampling.NEAREST)


def apart(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.bitwise_count(a ^ b).sum())


def test_fingerprint_has_its_shapes() -> None:
    bits, colours = fingerprint(picture())
    assert (bits.dtype, bits.shape) == (np.uint8, (32,))
    assert (colours.dtype, colours.shape) == (np.float32, (8, 8, 3))


def test_bits_are_phash_without_last_eighth() -> None:
    expected = imagehash.phash(picture().crop((0, 0, 56, 56)), hash_size=16).hash
    assert np.array_equal(np.unpackbits(fingerprint(picture()).bits).reshape(16, 16), expected)


def sprite(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3]: a few flat shapes, the same on its left and on its right or not, or plain noise."""
    kind = rng.integers(4)
    if kind == 0:
        return rng.integers(0, 256, (height, width, 3), np.uint8)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = rng.integers(0, 256, 3)
    for _ in range(rng.integers(0, 6)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        image[top : top + rng.integers(1, height + 1), left : left + rng.integers(1, width + 1)] = rng.integers(
            0, 256, 3
        )
    if kind >= 2:
        image[:, width - width // 2 :] = image[:, : width // 2][:, ::-1]
    if kind == 3:
        image[height - height // 2 :] = image[: height // 2][::-1]
    return image


def by_imagehash(pixels: np.ndarray) -> np.ndarray:
    """The bits as the definition has them, with Pillow and imagehash alone."""
    image = Image.fromarray(pixels)
    width, height = (-(-side // 8) * 8 for side in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.packbits(imagehash.phash(image.crop((0, 0, width * 7 // 8, height * 7 // 8)), hash_size=16).hash)


SIZES = [(36, 36), (64, 64), (100, 100), (256, 256), (30, 70), (320, 64), (64, 320), (37, 91), (1, 1), (7, 200)]


@pytest.mark.parametrize("size", SIZES)
def test_bits_are_those_of_imagehash(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(size)
    sprites = [sprite(rng, *size) for _ in range(220)]
    assert np.array_equal(fingerprints(sprites).bits, [by_imagehash(pixels) for pixels in sprites])


def test_bits_of_real_toads_are_those_of_imagehash(toads: list[Image.Image]) -> None:
    both = [np.asarray(image) for toad in toads for image in (toad, toad.resize((256, 256), Image.Resampling.BICUBIC))]
    assert np.array_equal(fingerprints(both).bits, [by_imagehash(pixels) for pixels in both])


def test_a_pillow_that_resizes_otherwise_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    sprites = [sprite(np.random.default_rng(seed), 64, 64) for seed in range(20)]
    expected = fingerprints(sprites)
    monkeypatch.setattr(lanczos, "_order", lambda *sizes: None)
    assert np.array_equal(fingerprints(sprites).bits, expected.bits)


@pytest.mark.parametrize("size", SIZES)
def test_thumbnail_is_the_mean_light_of_cells(size: tuple[int, int]) -> None:
    pixels = sprite(np.random.default_rng(7), *size)
    light = linear_light(pixels / 255).repeat(8, axis=0).repeat(8, axis=1)  # 8 divides the sides now
    cells = light.reshape(8, size[0], 8, size[1], 3).mean(axis=(1, 3))
    assert np.allclose(thumbnails(pixels[None])[0], 100 * oklab(cells), atol=2e-3)


def test_company_does_not_change_a_fingerprint() -> None:
    rng = np.random.default_rng(11)
    sprites = [sprite(rng, *SIZES[number % 5]) for number in range(60)]
    together = fingerprints(sprites)
    for number, pixels in enumerate(sprites):
        alone = fingerprint(Image.fromarray(pixels))
        assert np.array_equal(alone.bits, together.bits[number])
        assert np.array_equal(alone.colours, together.colours[number])


def test_list_and_array_give_the_same() -> None:
    stack = np.stack([np.asarray(picture(seed)) for seed in range(3)])
    for one, other in zip(fingerprints(stack), fingerprints(list(stack)), strict=True):
        assert len(one) == 3 and np.array_equal(one, other)


def test_no_images_have_no_fingerprints() -> None:
    assert fingerprints([]).bits.shape == (0, 32) and fingerprints([]).colours.shape == (0, 8, 8, 3)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3), (8, 0, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadValue, match="pixels"):
        fingerprints([np.zeros(shape, np.uint8)])


def test_flat_images_are_flagged() -> None:
    rng = np.random.default_rng(2)
    red, nearly = np.full((64, 64, 3), (200, 30, 30), np.uint8), rng.integers(118, 122, (100, 80, 3), np.uint8)
    dark = np.asarray(picture()) // 8  # dark, but drawn
    assert is_flat([red, nearly, np.asarray(picture()), dark]).tolist() == [True, True, False, False]


def test_real_toads_are_not_flat(toads: list[Image.Image]) -> None:
    assert not is_flat([np.asarray(toad) for toad in toads]).any()


def test_flat_images_in_two_colours_are_not_alike() -> None:
    codes = np.array([(r, g, b) for r in (0, 90, 255) for g in (0, 90, 255) for b in (0, 90, 255)], np.uint8)
    flat = [np.broadcast_to(code, (64, 64, 3)) for code in [*codes, *codes]]
    bits, colours = fingerprints(flat)
    assert is_flat(flat).all() and max(apart(bits[0], other) for other in bits) <= 1
    assert np.array_equal(alike(bits, colours, bits, colours, Thresholds()), np.tile(np.eye(27, dtype=bool), (2, 2)))


def test_enlarging_keeps_the_bits_near() -> None:
    small = Image.fromarray(np.random.default_rng(3).integers(0, 256, (36, 36, 3), dtype=np.uint8))
    large = small.resize((288, 288), Image.Resampling.NEAREST)
    assert apart(fingerprint(small).bits, fingerprint(large).bits) <= 20
    assert np.allclose(fingerprint(small).colours, fingerprint(large).colours, atol=1e-3)


def test_mirror_symmetry_leaves_no_coin_tosses() -> None:
    half = np.random.default_rng(5).integers(0, 250, (64, 32, 3), dtype=np.uint8)
    symmetric = np.concatenate([half, half[:, ::-1]], axis=1)
    brighter = Image.fromarray(symmetric + 1)
    assert apart(fingerprint(Image.fromarray(symmetric)).bits, fingerprint(brighter).bits) <= 4


def test_transparent_parts_count_as_white() -> None:
    drawing = picture().convert("RGBA")
    hole = Image.new("L", drawing.size, 255)
    hole.paste(0, (0, 0, 32, 32))
    drawing.putalpha(hole)
    filled = picture()
    filled.paste("white", (0, 0, 32, 32))
    seen, expected, ignored = fingerprint(drawing), fingerprint(filled), fingerprint(picture())
    assert np.array_equal(seen.bits, expected.bits) and np.array_equal(seen.colours, expected.colours)
    assert not np.array_equal(seen.bits, ignored.bits)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_opaque_images_are_not_blended(mode: str) -> None:
    image = picture().convert(mode)
    assert np.array_equal(np.asarray(on_white(image)), np.asarray(image.convert("RGBA").convert("RGB")))


def test_mode_makes_no_difference() -> None:
    paletted = picture().quantize(64)
    assert np.array_equal(fingerprint(paletted).bits, fingerprint(paletted.convert("RGB")).bits)


@pytest.mark.parametrize(
    ("light", "expected"),
    [((1, 1, 1), (1, 0, 0)), ((1, 0, 0), (0.6280, 0.2249, 0.1258)), ((0, 0, 1), (0.4520, -0.0325, -0.3115))],
)
def test_oklab_matches_published_colours(light: tuple[int, ...], expected: tuple[float, ...]) -> None:
    assert np.allclose(oklab(np.array(light, np.float64)), expected, atol=2e-4)


def test_thumbnail_averages_light_not_codes() -> None:
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.allclose(thumbnails(stripes[None])[..., 0], 100 * 0.5 ** (1 / 3), atol=1e-3)


def test_thumbnail_shares_pixels_between_cells() -> None:
    ramp = np.zeros((12, 12, 3), np.uint8)
    ramp[:, 1] = 255  # pixel 1 covers 1..2; cells are 1.5 wide, so the first two get half of it each
    lightness = thumbnails(ramp[None])[0, 0, :3, 0]
    assert np.allclose(lightness, [100 * (0.5 / 1.5) ** (1 / 3)] * 2 + [0], atol=1e-3)
