"""Masks: the toad is told from what is behind it, and every pixel of a mask lies where the picture's pixel lies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from errors import BadSource, BadValue
from glide.masks import (
    MASKS,
    background_colours,
    mask_bytes,
    mask_from_bytes,
    prepared_mask,
    read_mask,
    repainted,
    subject_of,
)
from glide.prepare import PREPARE, prepare

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def disc(height: int = 36, width: int = 36) -> np.ndarray:
    """An ellipse around the middle, bool [H, W]: a third of the picture."""
    y, x = np.ogrid[:height, :width]
    return ((y - height / 2 + 0.5) / height) ** 2 + ((x - width / 2 + 0.5) / width) ** 2 < 0.33**2


def picture(mask: np.ndarray, subject: tuple[int, ...] = RED, behind: tuple[int, ...] = BLUE) -> Image.Image:
    return Image.fromarray(np.where(mask[..., None], subject, behind).astype(np.uint8))


def random_mask(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width)) < 0.5


@pytest.mark.parametrize(("height", "width"), [(36, 36), (20, 50), (51, 17), (300, 301)])
def test_subject_on_a_flat_background_is_found(height: int, width: int) -> None:
    assert np.array_equal(subject_of(picture(disc(height, width))), disc(height, width))


def test_hole_of_the_backgrounds_colour_belongs_to_the_subject() -> None:
    holed = disc()
    holed[16:19, 16:19] = False  # a white eye on a toad before white
    assert np.array_equal(subject_of(picture(holed, RED, WHITE)), disc())


def test_background_does_not_leak_through_a_corner() -> None:
    frame = np.zeros((12, 12), bool)
    frame[3:9, 3:9] = True
    frame[4:8, 4:8] = frame[3, 3] = False  # inside and outside touch only diagonally
    found = subject_of(picture(frame))
    assert found[4:8, 4:8].all() and not found[3, 3]


def test_subject_may_stand_on_the_lower_border() -> None:
    standing = np.zeros((36, 36), bool)
    standing[12:, 6:30] = True
    assert np.array_equal(subject_of(picture(standing)), standing)


def test_alpha_of_half_and_more_is_the_subject() -> None:
    pixels = np.full((36, 36, 4), 90, np.uint8)  # one colour: nothing but alpha tells them apart
    pixels[..., 3] = np.where(disc(), 128, 127)
    assert np.array_equal(subject_of(Image.fromarray(pixels)), disc())


def test_palette_transparency_is_the_background() -> None:
    image = Image.fromarray(disc().astype(np.uint8), "L").convert("P")
    image.info["transparency"] = 0
    assert np.array_equal(subject_of(image), disc())


@pytest.mark.parametrize("clear", [0, 1, 20])  # pixels; real toads have such strays
def test_hardly_transparent_picture_is_judged_by_colour(clear: int) -> None:
    image = picture(disc()).convert("RGBA")
    alpha = np.full(36 * 36, 255, np.uint8)
    alpha[18 * 36 + 10 : 18 * 36 + 10 + clear] = 0
    image.putalpha(Image.fromarray(alpha.reshape(36, 36)))
    assert np.array_equal(subject_of(image), disc())


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA"])
def test_subject_is_found_in_any_mode(mode: str) -> None:
    assert np.array_equal(subject_of(picture(disc(), (0, 0, 0), WHITE).convert(mode)), disc())


@pytest.mark.parametrize("quality", [60, 75, 95])
def test_jpeg_changes_only_the_rim(quality: int) -> None:
    packed = io.BytesIO()
    picture(disc(288, 288), (40, 170, 60), (150, 120, 200)).save(packed, "JPEG", quality=quality)
    wrong = subject_of(Image.open(packed)) != disc(288, 288)
    assert wrong.mean() < 0.02
    assert not wrong[:24].any() and not wrong[120:168, 120:168].any()


def test_speckled_background_is_background() -> None:
    shades = np.random.default_rng(3).choice([-30, 0, 30], (36, 36, 1))
    pixels = np.where(disc()[..., None], RED, np.array((160, 150, 190)) + shades).astype(np.uint8)
    assert np.array_equal(subject_of(Image.fromarray(pixels)), disc())


def test_graded_background_is_background() -> None:
    shades = np.linspace(60, 250, 36)[:, None, None]  # its ends are far more than one step apart
    pixels = np.where(disc()[..., None], RED, shades * (1, 1, 1)).astype(np.uint8)
    assert np.array_equal(subject_of(Image.fromarray(pixels)), disc())


def test_background_takes_no_colour_from_afar() -> None:
    pixels = np.full((36, 36, 3), 100, np.uint8)
    pixels[30:], pixels[:, 33:] = 148, 197  # one step, and a little more than one from there
    assert background_colours(pixels) == [(100, 100, 100), (148, 148, 148)]


@pytest.mark.parametrize(("difference", "told"), [(21, True), (20, False)])
def test_subject_may_be_close_to_the_backgrounds_colour(difference: int, told: bool) -> None:
    mixed = disc()
    mixed[10:14] = False  # a third of it, of a colour that is hardly another
    pixels = np.where(mixed[..., None], RED, np.where(disc()[..., None], (100, 100 + difference, 100), 100))
    assert np.array_equal(subject_of(Image.fromarray(pixels.astype(np.uint8))), disc() if told else mixed)


def test_no_flat_border_asks_for_a_mask_image() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (36, 36, 3), dtype=np.uint8)
    with pytest.raises(BadValue, match=r"border .* 50% and more; for this source give a mask image"):
        subject_of(Image.fromarray(noise))


def test_border_of_two_halves_is_still_flat_enough() -> None:
    pixels = np.full((40, 40, 3), BLUE, np.uint8)
    pixels[20:] = RED
    assert np.array_equal(subject_of(Image.fromarray(pixels)), np.arange(40)[:, None].repeat(40, 1) >= 20)


@pytest.mark.parametrize("side", [1, 2, 36])
def test_one_colour_has_no_subject(side: int) -> None:
    with pytest.raises(BadValue, match=r"'0.0%'.* 2% to 90%; for this source give a mask image"):
        subject_of(Image.new("RGB", (side, side), BLUE))


def test_transparent_everywhere_has_no_subject() -> None:
    with pytest.raises(BadValue, match="mask image"):
        subject_of(Image.new("RGBA", (36, 36), (9, 9, 9, 0)))


def test_nearly_everything_is_no_subject() -> None:
    full = np.ones((36, 36), bool)
    full[0] = full[:20, [0, -1]] = False  # half of the border, and hardly any of the picture
    with pytest.raises(BadValue, match="2% to 90%"):
        subject_of(picture(full))


@pytest.mark.parametrize("method", PREPARE)
@pytest.mark.parametrize("shape", [(36, 36), (16, 16), (100, 100), (20, 50), (31, 30), (384, 384)])
@pytest.mark.parametrize("size", [64, 256])
def test_mask_lies_where_the_picture_lies(method: str, shape: tuple[int, int], size: int) -> None:
    image = picture(disc(*shape))
    made = repainted("subject", image, method, size)
    assert made.dtype == np.bool_ and made.shape == (size, size)
    assert np.array_equal(made, prepare(image, method, size=size)[..., 0] >= 128)


@pytest.mark.parametrize("method", PREPARE)
@pytest.mark.parametrize("shape", [(36, 36), (24, 37)])
@pytest.mark.parametrize("size", [64, 63, 256])
def test_background_is_the_rest_of_the_subject(method: str, shape: tuple[int, int], size: int) -> None:
    image = picture(disc(*shape))
    both = [repainted(name, image, method, size) for name in MASKS]
    assert np.array_equal(both[0], ~both[1])


def test_half_a_pixel_is_repainted() -> None:
    for mask in (disc(), ~disc(), random_mask(36, 36)):
        fine = mask.repeat(25, 0).repeat(25, 1)  # 900 = 50 x 18: every new pixel is 18 x 18 of these
        counts = fine.reshape(50, 18, 50, 18).sum(axis=(1, 3))
        assert (2 * counts == 18 * 18).any()
        assert np.array_equal(prepared_mask(mask, (36, 36), "area", 50, False), 2 * counts >= 18 * 18)


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("method", PREPARE)
def test_outside_is_what_was_asked(method: str, outside: bool) -> None:
    made = prepared_mask(np.full((16, 32), not outside), (32, 16), method, 64, outside)
    assert (made[:16] == outside).all() and (made[48:] == outside).all()
    assert (made[18:46] != outside).all()


def test_pad_surrounds_with_outside() -> None:
    made = prepared_mask(np.ones((20, 20), bool), (20, 20), "pad", 64, False)
    assert made[2:62, 2:62].all() and made.sum() == 60 * 60


@pytest.mark.parametrize("around", [False, True])
def test_given_mask_goes_on_as_its_border_does(around: bool) -> None:
    given = disc(20, 40) != around
    assert (repainted(given, picture(disc(20, 40)))[:16] == around).all()


def test_mask_of_another_size_is_brought_to_the_sources() -> None:
    large = random_mask(36, 36).repeat(5, 0).repeat(5, 1)
    image = picture(disc())
    assert np.array_equal(repainted(large, image, "nearest"), repainted(random_mask(36, 36), image, "nearest"))


def test_mask_at_its_own_size_is_left_alone() -> None:
    assert np.array_equal(repainted(random_mask(64, 64), picture(disc(64, 64))), random_mask(64, 64))


def test_mask_too_fine_for_the_size_is_refused() -> None:
    dot = np.zeros((512, 512), bool)
    dot[100, 100] = True
    with pytest.raises(BadValue, match="0 of 64 x 64"):
        repainted(dot, picture(disc(512, 512)))


def test_unknown_mask_names_the_known() -> None:
    with pytest.raises(BadValue, match="subject, background or a mask image"):
        repainted("toad", picture(disc()))


def test_unknown_way_names_the_known() -> None:
    with pytest.raises(BadValue, match="area, nearest, bicubic, lanczos, pad"):
        repainted("subject", picture(disc()), "bilinear")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_white_is_repainted_in_any_mode(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "mask.tif"
    picture(random_mask(9, 13), WHITE, (0, 0, 0)).convert("L").convert(mode).save(file)
    assert np.array_equal(read_mask(file), random_mask(9, 13))


@pytest.mark.parametrize("bits", [8, 16])
def test_half_grey_is_repainted(bits: int, tmp_path: Path) -> None:
    greys = np.array([[0, 127, 128, 255]]) << (bits - 8)
    Image.fromarray(greys.astype(f"uint{bits}")).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png").tolist() == [[False, False, True, True]]


def test_transparent_white_is_kept(tmp_path: Path) -> None:
    pixels = np.full((1, 4, 4), 255, np.uint8)
    pixels[0, :, 3] = (0, 127, 128, 255)
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png").tolist() == [[False, False, True, True]]


def test_black_mask_is_refused(tmp_path: Path) -> None:
    Image.new("L", (36, 36), 127).save(tmp_path / "mask.png")
    with pytest.raises(BadSource, match=r"mask\.png: is all black: nothing would be repainted"):
        read_mask(tmp_path / "mask.png")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"P4\n9 9\n"])
def test_mask_that_does_not_decode_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(content)
    with pytest.raises(BadSource, match=r"mask\.png: does not decode"):
        read_mask(tmp_path / "mask.png")


def test_mask_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="does not decode"):
        read_mask(tmp_path / "mask.png")


def test_huge_mask_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mask.pbm").write_bytes(b"P4\n20000 20000\n")
    with pytest.raises(BadSource, match="too large"):
        read_mask(tmp_path / "mask.pbm")


def test_bytes_are_those_of_the_format() -> None:
    mask = np.zeros((2, 10), bool)
    mask[0, 0] = mask[1, 8:] = True
    assert mask_bytes(mask) == b"P4\n10 2\n" + bytes([0b01111111, 0b11000000, 0b11111111, 0b00000000])


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (7, 8), (5, 9), (36, 36), (13, 4), (2, 10)])
def test_bytes_give_the_mask_again(shape: tuple[int, int]) -> None:
    mask = random_mask(*shape)
    assert np.array_equal(mask_from_bytes(mask_bytes(mask)), mask)
    assert mask_from_bytes(mask_bytes(mask)).dtype == np.bool_


@pytest.mark.parametrize("width", [7, 8, 36])
def test_pillow_shows_repainted_as_white(width: int, tmp_path: Path) -> None:
    file = tmp_path / "mask.pbm"
    file.write_bytes(mask_bytes(random_mask(11, width)))
    with Image.open(file) as shown:
        assert np.array_equal(np.asarray(shown.convert("L")) == 255, random_mask(11, width))
    assert np.array_equal(read_mask(file), random_mask(11, width))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"P4\n",
        b"P4\n10 1\n\x7f",  # cut short
        b"P4\n10 1\n\x7f\xc0\x00",  # too long
        b"P4\n10 1\n\x7f\xc1",  # a bit behind the row's end
        b"P4\n0 1\n",
        b"P4\n010 1\n\x7f\xc0",
        b"P4\n# mine\n10 1\n\x7f\xc0",
        b"P1\n1 1\n1",
        b"P4\n99999999999 1\n\x00",
    ],
)
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadValue, match="PBM"):
        mask_from_bytes(data)


def test_real_toads_have_a_subject(toadz: Path) -> None:
    files = sorted((toadz / "images").iterdir())[::100]
    shares = []
    for file in files:
        with Image.open(file) as image:
            try:
                shares.append(repainted("subject", image).mean())
            except BadValue:
                continue
    assert len(shares) >= 0.98 * len(files)  # of all 5,969: 99.9 %
    assert np.mean([0.18 < share < 0.57 for share in shares]) >= 0.95  # of all: 99.5 %
