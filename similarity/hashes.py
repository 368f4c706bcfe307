"""From pixels to fingerprints: a perceptual hash, the colours of 8x8 cells and the greys of 16x16.

The hash's bits alone would call a red toad and a blue toad twins, and the colours alone two toads in one palette.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
import scipy.fft
from numpy.typing import NDArray
from PIL import Image

from errors import BadValue
from similarity.colours import thumbnails
from similarity.lanczos import lanczos
from similarity.prints import COLOUR_SIDE, GREY_SIDE, LARGE, Prints

# what imagehash calls them; "phash" is computed here, for many pictures at once
ALGORITHMS: dict[str, Callable[..., Any]] = {
    "phash": imagehash.phash,
    "ahash": imagehash.average_hash,
    "dhash": imagehash.dhash,
    "dhash_vertical": imagehash.dhash_vertical,
    "whash": imagehash.whash,
}
SIZES = (8, 16, 32)
VERSION = 1  # of the fingerprints as they are made here: to be raised with any change in what they are

_PIXELS_AT_ONCE = 8 * 256 * 256

Pixels = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


@dataclass(frozen=True)
class Hashing:
    """Which perceptual hash: one of `ALGORITHMS`, of size x size bits. Raises BadValue for others."""

    algorithm: str = "phash"
    size: int = 16

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise BadValue("hash algorithm", self.algorithm, ", ".join(ALGORITHMS))
        if self.size not in SIZES:
            raise BadValue("hash size", self.size, ", ".join(map(str, SIZES)))

    @property
    def bits(self) -> int:
        return self.size**2

    def __str__(self) -> str:
        """What fingerprints are stored with: those of another algorithm or version are not compared with these."""
        return f"{self.algorithm} {self.size}x{self.size}, imagehash {imagehash.__version__}, prints {VERSION}"


DEFAULT = Hashing()


def fingerprint(image: Image.Image, hashing: Hashing = DEFAULT) -> Prints:
    """Of one image of any size and mode, N = 1; transparent parts count as white."""
    return fingerprints([np.asarray(on_white(image))], hashing)


def fingerprints(pixels: Pixels, hashing: Hashing = DEFAULT) -> Prints:
    """Of N images: uint8 [N, H, W, 3], or a list of uint8 [H, W, 3] of any sizes.

    The bits of "phash" are the DCT hash (N. Krawetz, "Looks Like It", 2011) bit for bit as `imagehash.phash` gives it,
    taken without the last eighth of the width and height: in an image that is its own mirror image every other
    coefficient is zero up to rounding, and its bit would be a coin's toss. The other algorithms are imagehash's, of
    whole images. An image's fingerprint does not depend on the others. Raises BadValue for other shapes.
    """
    count = len(pixels)
    bits = np.empty((count, hashing.bits // 8), np.uint8)
    colours = np.empty((count, COLOUR_SIDE, COLOUR_SIDE, 3), np.float32)
    greys = np.empty((count, GREY_SIDE, GREY_SIDE), np.uint8)
    sides = np.empty(count, np.uint8)

    _keep_freed_memory()
    for which in _stacks(pixels):
        pictures = np.stack([pixels[number] for number in which])
        grey = _grey(pictures)
        bits[which] = _bits(pictures, grey, hashing)
        colours[which] = thumbnails(pictures)
        greys[which] = _grey_cells(grey)
        sides[which] = min(LARGE, *grey.shape[1:])
    return Prints(bits, colours, greys, sides)


def mirrored_bits(pixels: Pixels, hashing: Hashing = DEFAULT) -> NDArray[np.uint8]:
    """The bits [N, B] of the images' mirror images, left and right changed; for `Prints.turned`."""
    bits = np.empty((len(pixels), hashing.bits // 8), np.uint8)
    for which in _stacks(pixels):
        pictures = np.stack([pixels[number][:, ::-1] for number in which])
        bits[which] = _bits(pictures, _grey(pictures), hashing)
    return bits


def on_white(image: Image.Image) -> Image.Image:
    """The image as RGB, its alpha blended with white: what most pages show. imagehash itself would ignore alpha."""
    if image.mode in ("RGB", "L", "P", "1") and not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _keep_freed_memory() -> None:
    """Let the C library (glibc) keep blocks that are freed, as it does once it has seen a larger one freed. Else it
    gives each back to the system at once, and taking new ones page by page doubles the time of a hash."""
    np.empty(16 << 20, np.uint8)


def _stacks(pixels: Pixels) -> Iterator[list[int]]:
    """The images' numbers by size, in stacks that are small enough for the processor's cache."""
    of_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, picture in enumerate(pixels):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise BadValue("pixels", f"{picture.dtype} {picture.shape}", "uint8 (height, width, 3)")
        of_shape[picture.shape].append(number)
    for (height, width, _), numbers in of_shape.items():
        most = max(1, _PIXELS_AT_ONCE // (height * width))
        for start in range(0, len(numbers), most):
            yield numbers[start : start + most]


def _grey(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N, H, W, 3] -> [N, H, W], as Pillow turns colours into grey (ITU-R BT.601)."""
    count, height, width, _ = pictures.shape
    tall = Image.fromarray(pictures.reshape(count * height, width, 3))  # all at once
    return np.asarray(tall.convert("L")).reshape(count, height, width)


def _grey_cells(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N, H, W] -> [N, 16, 16]: the mean of each cell, halves rounded up. A cell may cover parts of pixels."""
    count, height, width = grey.shape
    # whole numbers under 2**53 are exact, in whatever order a product adds them
    if height % GREY_SIDE:
        sums = _parts(height) @ grey.astype(np.float64)
    else:  # faster, in small words most of all
        word = np.uint16 if height <= 256 * GREY_SIDE else np.uint32
        sums = GREY_SIDE * grey.reshape(count, GREY_SIDE, -1, width).sum(axis=2, dtype=word).astype(np.float64)
    cells = (sums @ _parts(width).T).astype(np.int64)
    area = height * width
    return ((cells + area // 2) // area).astype(np.uint8)


def _parts(length: int) -> NDArray[np.float64]:
    """[16, length]: how many sixteenths of each pixel lie in each of 16 equal cells."""
    cell, pixel = np.arange(GREY_SIDE)[:, None] * length, np.arange(length) * GREY_SIDE
    return np.clip(np.minimum(cell + length, pixel + GREY_SIDE) - np.maximum(cell, pixel), 0, None).astype(np.float64)


def _bits(pictures: NDArray[np.uint8], grey: NDArray[np.uint8], hashing: Hashing) -> NDArray[np.uint8]:
    """uint8 [N, H, W, 3] and their grey [N, H, W] -> uint8 [N, B]."""
    if hashing.algorithm == "phash":
        return _phash(_without_last_eighth(pictures, grey, 4 * hashing.size), hashing.size)
    hash_of = ALGORITHMS[hashing.algorithm]
    found = [hash_of(Image.fromarray(picture), hash_size=hashing.size).hash.ravel() for picture in pictures]
    return np.packbits(found, axis=1)


def _without_last_eighth(pictures: NDArray[np.uint8], grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """[N, side, side], what the hash sees: the first 7/8 both ways.

    Where 8 does not divide the sides they are stretched to a multiple first: rounding would take another part of a 36
    px toad than of the same toad at 288 px, and 32 bits would differ.
    """
    _, *given, _ = pictures.shape
    height, width = (-(-side // 8) * 8 for side in given)
    if [height, width] != given:
        images = [Image.fromarray(picture) for picture in pictures]
        grey = _grey(np.stack([np.asarray(one.resize((width, height), Image.Resampling.LANCZOS)) for one in images]))
    return lanczos(grey[:, : height - height // 8, : width - width // 8], side, side)


def _phash(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """uint8 [N, 4 size, 4 size] -> uint8 [N, B]: is each of the size x size lowest coefficients above their median?

    The same fast transform as imagehash's, stacked. A product with a matrix of cosines would be faster, and would round
    the coefficients that symmetry makes zero to the other side of it.
    """
    down = scipy.fft.dct(grey, axis=1)[:, :size]
    low = scipy.fft.dct(down, axis=2)[:, :, :size].reshape(-1, size**2)
    half = size**2 // 2
    middle = np.partition(low, (half - 1, half), axis=1)[:, half - 1 : half + 1]  # np.median takes longer
    return np.packbits(low > middle.mean(axis=1, keepdims=True), axis=1)
