"""Fingerprints: what they ignore, what they notice, and the colours they name."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from similarity.hashes import colour_thumbnail, fingerprint, oklab


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
    assert np.allclose(colour_thumbnail(stripes)[..., 0], 100 * 0.5 ** (1 / 3), atol=1e-3)


def test_thumbnail_shares_pixels_between_cells() -> None:
    ramp = np.zeros((12, 12, 3), np.uint8)
    ramp[:, 1] = 255  # pixel 1 covers 1..2; cells are 1.5 wide, so the first two get half of it each
    lightness = colour_thumbnail(ramp)[0, :3, 0]
    assert np.allclose(lightness, [100 * (0.5 / 1.5) ** (1 / 3)] * 2 + [0], atol=1e-3)
