"""Fingerprints: what they ignore, what they notice, and the colours and greys they name."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import lanczos
from similarity.colours import linear_light, oklab, thumbnails
from similarity.distances import Thresholds
from similarity.groups import alike
from similarity.hashes import ALGORITHMS, DEFAULT, SIZES, Hashing, fingerprint, fingerprints, mirrored_bits, on_white
from similarity.prints import Prints


def picture(seed: int = 0, size: int = 64) -> Image.Image:
    """Coloured blocks that are nobody's mirror image."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((size, size), Image.Resampling.NEAREST)


def apart(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.bitwise_count(a ^ b).sum())


def equal(one: Prints, other: Prints) -> bool:
    """To the last bit."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in Prints.__annotations__)


def test_fingerprint_has_its_shapes() -> None:
    made = fingerprint(picture())
    assert (made.bits.dtype, made.bits.shape) == (np.uint8, (1, 32))
    assert (made.colours.dtype, made.colours.shape) == (np.float32, (1, 8, 8, 3))
    assert (made.greys.dtype, made.greys.shape) == (np.uint8, (1, 16, 16))


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


def by_imagehash(pixels: np.ndarray, hashing: Hashing = DEFAULT) -> np.ndarray:
    """The bits as the definition has them, with Pillow and imagehash alone."""
    image = Image.fromarray(pixels)
    if hashing.algorithm == "phash":
        width, height = (-(-side // 8) * 8 for side in image.size)
        if (width, height) != image.size:
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        image = image.crop((0, 0, width * 7 // 8, height * 7 // 8))
    named = {
        "phash": imagehash.phash,
        "ahash": imagehash.average_hash,
        "dhash": imagehash.dhash,
        "dhash_vertical": imagehash.dhash_vertical,
        "whash": imagehash.whash,
    }
    return np.packbits(named[hashing.algorithm](image, hash_size=hashing.size).hash)


SIDES = [(36, 36), (64, 64), (100, 100), (256, 256), (30, 70), (320, 64), (64, 320), (37, 91), (1, 1), (7, 200)]
EVERY = [Hashing(algorithm, size) for algorithm in ALGORITHMS for size in SIZES]


@pytest.mark.parametrize("sides", SIDES)
def test_bits_are_those_of_imagehash(sides: tuple[int, int]) -> None:
    rng = np.random.default_rng(sides)
    sprites = [sprite(rng, *sides) for _ in range(220)]
    assert np.array_equal(fingerprints(sprites).bits, [by_imagehash(pixels) for pixels in sprites])


@pytest.mark.parametrize("hashing", EVERY, ids=str)
def test_every_hash_is_that_of_imagehash(hashing: Hashing) -> None:
    rng = np.random.default_rng(17)
    sprites = [sprite(rng, side, side) for side in (36, 64, 256) for _ in range(20)]
    sprites += [sprite(rng, *sides) for sides in SIDES]
    expected = np.array([by_imagehash(pixels, hashing) for pixels in sprites])
    assert expected.shape[1] == hashing.bits // 8 and len(np.unique(expected, axis=0)) > 25
    assert np.array_equal(fingerprints(sprites, hashing).bits, expected)
    assert np.array_equal(fingerprint(Image.fromarray(sprites[0]), hashing).bits, expected[:1])


def test_all_sizes_and_algorithms_are_there() -> None:
    assert {hashing.bits for hashing in EVERY} == {64, 256, 1024} and len(EVERY) == 15
    assert len({str(hashing) for hashing in EVERY}) == 15
    assert Hashing("phash", 16) == DEFAULT


def test_the_hash_changes_the_bits_alone() -> None:
    pixels = [np.asarray(picture(seed)) for seed in range(3)]
    usual = fingerprints(pixels)
    for hashing in EVERY:
        made = fingerprints(pixels, hashing)
        assert np.array_equal(made.bits, usual.bits) == (hashing == DEFAULT)
        assert np.array_equal(made.colours, usual.colours) and np.array_equal(made.greys, usual.greys)


def test_unknown_hashes_name_the_known() -> None:
    with pytest.raises(BadValue, match=r"'md5'.* phash, ahash, dhash, dhash_vertical, whash"):
        Hashing("md5")
    with pytest.raises(BadValue, match=r"12 .* 8, 16, 32"):
        Hashing("phash", 12)


def test_bits_of_real_toads_are_those_of_imagehash(toads: list[Image.Image]) -> None:
    both = [np.asarray(image) for toad in toads for image in (toad, toad.resize((256, 256), Image.Resampling.BICUBIC))]
    assert np.array_equal(fingerprints(both).bits, [by_imagehash(pixels) for pixels in both])


def test_a_pillow_that_resizes_otherwise_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    sprites = [sprite(np.random.default_rng(seed), 64, 64) for seed in range(20)]
    expected = fingerprints(sprites)
    monkeypatch.setattr(lanczos, "_order", lambda *sizes: None)
    assert np.array_equal(fingerprints(sprites).bits, expected.bits)


@pytest.mark.parametrize("sides", SIDES)
def test_thumbnail_is_the_mean_light_of_cells(sides: tuple[int, int]) -> None:
    pixels = sprite(np.random.default_rng(7), *sides)
    light = linear_light(pixels / 255).repeat(8, axis=0).repeat(8, axis=1)  # 8 divides the sides now
    cells = light.reshape(8, sides[0], 8, sides[1], 3).mean(axis=(1, 3))
    assert np.allclose(thumbnails(pixels[None])[0], 100 * oklab(cells), atol=2e-3)


def grey_means(pixels: np.ndarray) -> np.ndarray:
    """The means of 16x16 cells as whole numbers have them, halves up, with Pillow's grey."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    height, width = grey.shape
    cells = grey.repeat(16, axis=0).repeat(16, axis=1).reshape(16, height, 16, width)  # 16 divides the sides now
    sums = cells.sum(axis=(1, 3), dtype=np.int64)
    return (2 * sums + height * width) // (2 * height * width)


@pytest.mark.parametrize(
    "sides", [*SIDES, (16, 16), (17, 15), (24, 32), (2, 2), (48, 20), (257, 255), (4096, 5), (4128, 16)]
)
def test_greys_are_the_mean_of_cells(sides: tuple[int, int]) -> None:
    rng = np.random.default_rng(sides)
    sprites = [rng.integers(0, 256, (*sides, 3), np.uint8), np.full((*sides, 3), 255, np.uint8)]
    sprites += [sprite(rng, *sides) for _ in range(8)]
    assert np.array_equal(fingerprints(sprites).greys, [grey_means(pixels) for pixels in sprites])


@pytest.mark.parametrize("sides", [(32, 32), (32, 24), (96, 40)])  # 16 divides both, or one alone
def test_halves_of_greys_go_up(sides: tuple[int, int]) -> None:
    rows = np.full((*sides, 3), 10, np.uint8)
    rows[::2] = 11
    assert (fingerprints([rows, rows + 1]).greys == [[[11]], [[12]]]).all()  # of 10.5 and 11.5


def test_company_does_not_change_a_fingerprint() -> None:
    rng = np.random.default_rng(11)
    sprites = [sprite(rng, *SIDES[number % 5]) for number in range(60)]
    together = fingerprints(sprites)
    for number, pixels in enumerate(sprites):
        assert equal(fingerprint(Image.fromarray(pixels)), together.take(slice(number, number + 1)))


@pytest.mark.parametrize("hashing", EVERY, ids=str)
def test_turned_prints_are_those_of_the_mirror_image(hashing: Hashing) -> None:
    rng = np.random.default_rng(13)
    sprites = [sprite(rng, *SIDES[number % len(SIDES)]) for number in range(40)]
    mirrored = fingerprints([np.ascontiguousarray(pixels[:, ::-1]) for pixels in sprites], hashing)
    turned = fingerprints(sprites, hashing).turned(mirrored_bits(sprites, hashing))
    assert equal(turned, mirrored)
    assert not np.array_equal(mirrored.bits, fingerprints(sprites, hashing).bits)


def test_turned_prints_of_a_stack_are_those_of_a_list() -> None:
    stack = np.stack([np.asarray(picture(seed)) for seed in range(3)])
    assert np.array_equal(mirrored_bits(stack), mirrored_bits(list(stack)))
    assert mirrored_bits([]).shape == (0, 32)


def test_mirrored_toads_have_the_turned_prints(toads: list[Image.Image]) -> None:
    pixels = [np.asarray(toad) for toad in toads[:100]]
    mirrored = fingerprints([one[:, ::-1] for one in pixels])
    turned = fingerprints(pixels).turned(mirrored_bits(pixels))
    assert equal(turned, mirrored)


def test_list_and_array_give_the_same() -> None:
    stack = np.stack([np.asarray(picture(seed)) for seed in range(3)])
    assert len(fingerprints(stack)) == 3 and equal(fingerprints(stack), fingerprints(list(stack)))


def test_no_images_have_no_fingerprints() -> None:
    assert equal(fingerprints([]), Prints.none()) and len(fingerprints([])) == 0
    assert equal(fingerprints([], Hashing("dhash", 8)), Prints.none(8))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3), (8, 0, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    for made in (fingerprints, mirrored_bits):
        with pytest.raises(BadValue, match="pixels"):
            made([np.zeros(shape, np.uint8)])


def test_flat_images_are_flagged() -> None:
    rng = np.random.default_rng(2)
    red, nearly = np.full((64, 64, 3), (200, 30, 30), np.uint8), rng.integers(118, 122, (100, 80, 3), np.uint8)
    dark = np.asarray(picture()) // 8  # dark, but drawn
    assert fingerprints([red, nearly, np.asarray(picture()), dark]).flat.tolist() == [True, True, False, False]


def test_real_toads_are_not_flat(toads: list[Image.Image]) -> None:
    assert not fingerprints([np.asarray(toad) for toad in toads]).flat.any()


def test_flat_images_in_two_colours_are_not_alike() -> None:
    codes = np.array([(r, g, b) for r in (0, 90, 255) for g in (0, 90, 255) for b in (0, 90, 255)], np.uint8)
    flat = [np.broadcast_to(code, (64, 64, 3)) for code in [*codes, *codes]]
    prints = fingerprints(flat)
    assert prints.flat.all() and max(apart(prints.bits[0], other) for other in prints.bits) <= 1
    assert np.array_equal(alike(prints, prints, Thresholds()), np.tile(np.eye(27, dtype=bool), (2, 2)))


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
    assert equal(seen, expected)
    assert not np.array_equal(seen.bits, ignored.bits)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_opaque_images_are_not_blended(mode: str) -> None:
    image = picture().convert(mode)
    assert np.array_equal(np.asarray(on_white(image)), np.asarray(image.convert("RGBA").convert("RGB")))


def test_mode_makes_no_difference() -> None:
    paletted = picture().quantize(64)
    assert equal(fingerprint(paletted), fingerprint(paletted.convert("RGB")))


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


def test_small_pictures_are_told() -> None:
    sizes = [(36, 36), (63, 200), (200, 27), (64, 64), (300, 256)]
    assert fingerprints([np.zeros((*size, 3), np.uint8) for size in sizes]).sides.tolist() == [36, 63, 27, 64, 64]
