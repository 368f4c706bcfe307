"""From a source to the network's square: nothing is shifted, tinted or invented on the way."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from glide.prepare import PREPARE, area_average, border_colour, prepare


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("method", PREPARE)
@pytest.mark.parametrize("side", [1, 7, 36, 64, 100])
def test_constant_picture_stays_constant(method: str, side: int) -> None:
    made = prepare(Image.new("RGB", (side, side), (250, 3, 128)), method)
    assert made.shape == (64, 64, 3) and made.dtype == np.uint8
    assert (made == (250, 3, 128)).all()


def test_area_is_the_exact_average() -> None:
    old = noise(36, 36)
    fine = old.repeat(16, 0).repeat(16, 1).astype(int)  # 576 = 9 x 64: every new pixel is 9 x 9 of these
    exact = fine.reshape(64, 9, 64, 9, 3).sum(axis=(1, 3))
    assert np.array_equal(area_average(old, 64), (2 * exact + 81) // 162)


def test_area_keeps_the_mean() -> None:
    old = noise(36, 36)
    assert np.allclose(area_average(old, 64).mean(axis=(0, 1)), old.mean(axis=(0, 1)), atol=0.05)


@pytest.mark.parametrize("method", [method for method in PREPARE if method != "nearest"])  # which has uneven pixels
@pytest.mark.parametrize("side", [36, 64, 96, 128])
def test_mirrored_picture_gives_the_mirrored_square(method: str, side: int) -> None:
    pixels = noise(side, side)
    pixels[[0, -1]] = pixels[:, [0, -1]] = 40
    made = prepare(Image.fromarray(pixels), method)
    assert np.array_equal(prepare(Image.fromarray(pixels[:, ::-1].copy()), method), made[:, ::-1])
    assert np.array_equal(prepare(Image.fromarray(pixels[::-1].copy()), method), made[::-1])


def test_enlarged_original_gives_the_same_square() -> None:
    small = noise(36, 36)
    large = Image.fromarray(small).resize((1440, 1440), Image.Resampling.NEAREST)
    assert np.array_equal(prepare(large, "area"), prepare(Image.fromarray(small), "area"))


@pytest.mark.parametrize("method", PREPARE)
def test_right_size_is_left_alone(method: str) -> None:
    assert np.array_equal(prepare(Image.fromarray(noise(64, 64)), method), noise(64, 64))


def test_transparent_pixels_show_the_backdrop() -> None:
    pixels = noise(64, 64, 4)
    pixels[..., 3] = 255
    pixels[:20, :, 3] = 0
    made = prepare(Image.fromarray(pixels), "area", "#102030")
    assert (made[:20] == (0x10, 0x20, 0x30)).all()
    assert np.array_equal(made[20:], pixels[20:, :, :3])


def test_half_transparent_pixels_are_mixed() -> None:
    half = Image.new("RGBA", (64, 64), (200, 0, 100, 128))
    assert np.abs(prepare(half, "area", "#000000").astype(int) - (100, 0, 50)).max() <= 1


def test_palette_transparency_shows_the_backdrop() -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 64, 32))
    image.info["transparency"] = 1
    made = prepare(image, "area", "#0000ff")
    assert (made[:32] == (0, 0, 255)).all() and (made[32:] == (255, 0, 0)).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr", "RGBA"])
def test_any_mode_is_taken(mode: str) -> None:
    white = Image.new("RGB", (36, 36), "white").convert(mode)
    assert (prepare(white) == 255).all()


def test_oblong_is_centred_on_its_border_colour() -> None:
    pixels = np.full((32, 64, 3), 9, np.uint8)
    pixels[8:24, 16:48] = noise(16, 32)
    made = prepare(Image.fromarray(pixels))
    assert np.array_equal(made[16:48], pixels)
    assert (made[:16] == 9).all() and (made[48:] == 9).all()


def test_border_colour_is_the_commonest() -> None:
    pixels = np.full((10, 10, 3), 77, np.uint8)
    pixels[0, :9] = 5
    pixels[1:9, 1:9] = 200
    assert border_colour(pixels) == (77, 77, 77)


def test_pad_keeps_hard_pixels_of_one_size() -> None:
    pixels = noise(20, 20)
    pixels[[0, -1]] = pixels[:, [0, -1]] = 40
    made = prepare(Image.fromarray(pixels), "pad")
    assert np.array_equal(made[2:62, 2:62], pixels.repeat(3, 0).repeat(3, 1))
    assert (made[:2] == 40).all() and (made[62:] == 40).all() and (made[:, :2] == 40).all()


def test_unknown_way_names_the_known() -> None:
    with pytest.raises(BadValue, match="area, nearest, bicubic, lanczos, pad"):
        prepare(Image.new("RGB", (8, 8)), "bilinear")


@pytest.mark.parametrize("colour", ["", "greenish", "#12", "#gggggg", "rgb(1,2)"])
def test_unknown_colour_says_what_is_one(colour: str) -> None:
    with pytest.raises(BadValue, match="#ffffff"):
        prepare(Image.new("RGBA", (8, 8)), "area", colour)
