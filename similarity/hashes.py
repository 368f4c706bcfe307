"""What an image looks like, in 32 bytes of shape and 8x8 colours: enough to tell whether two images look alike.

The shape's bits alone would call a red toad and a blue toad twins, and the colours alone two toads in one palette.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from PIL import Image

from errors import BadValue
from similarity.colours import COLOUR_SIDE, thumbnails
from similarity.lanczos import lanczos

HASH_SIDE = 16
FLAT = 3.0  # of 255 grey levels: with a standard deviation under this, rounding alone may change a fifth of the bits

_GREY_SIDE = 4 * HASH_SIDE
_PIXELS_AT_ONCE = 8 * 256 * 256

Pixels = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


class Fingerprint(NamedTuple):
    """`bits`: uint8 [32], 256 packed bits of shape; `colours`: float32 [8, 8, 3], Oklab times 100 (L in 0..100).
    For N images, both have N in front."""

    bits: NDArray[np.uint8]
    colours: NDArray[np.float32]


def fingerprint(image: Image.Image) -> Fingerprint:
    """Shape and colours of an image of any size and mode; transparent parts count as white."""
    bits, colours = fingerprints([np.asarray(on_white(image))])
    return Fingerprint(bits[0], colours[0])


def fingerprints(pixels: Pixels) -> Fingerprint:
    """Shape and colours of N images: uint8 [N, H, W, 3], or a list of uint8 [H, W, 3] of any sizes.

    The bits are the DCT hash "pHash" (N. Krawetz, "Looks Like It", 2011) with 16x16 coefficients, bit for bit as
    `imagehash.phash` gives it, taken without the last eighth of the width and height: in an image that is its own
    mirror image every other coefficient is zero up to rounding, and its bit would be a coin's toss. An image's
    fingerprint does not depend on the others. Raises BadValue for other shapes.
    """
    bits = np.empty((len(pixels), HASH_SIDE**2 // 8), np.uint8)
    colours = np.empty((len(pixels), COLOUR_SIDE, COLOUR_SIDE, 3), np.float32)

    _keep_freed_memory()
    for which in _stacks(pixels):
        pictures = np.stack([pixels[number] for number in which])
        bits[which] = _phash(_grey(pictures))
        colours[which] = thumbnails(pictures)
    return Fingerprint(bits, colours)


def is_flat(pixels: Pixels) -> NDArray[np.bool_]:
    """bool [N]: is the image so nearly of one brightness that its shape's bits mean nothing? `pixels` as above.

    Images of exactly one colour have the same bits (but one for black), and those of nearly one have bits at random.
    Only colours tell such images apart; two of them in different colours are not alike, however equal their bits.
    """
    flat = np.zeros(len(pixels), bool)
    for which in _stacks(pixels):
        flat[which] = _grey(np.stack([pixels[number] for number in which])).std(axis=(1, 2)) < FLAT
    return flat


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
    """[N, H, W, 3] -> [N, 64, 64], what the hash sees: the first 7/8 both ways, as grey.

    Where 8 does not divide the sides they are stretched to a multiple first: rounding would take another part of a 36
    px toad than of the same toad at 288 px, and 32 bits would differ.
    """
    count, *given, _ = pictures.shape
    height, width = (-(-side // 8) * 8 for side in given)
    if [height, width] != given:
        images = [Image.fromarray(picture) for picture in pictures]
        pictures = np.stack([np.asarray(one.resize((width, height), Image.Resampling.LANCZOS)) for one in images])
    tall = Image.fromarray(pictures.reshape(count * height, width, 3))  # Pillow's grey, for all at once
    grey = np.asarray(tall.convert("L")).reshape(count, height, width)
    return lanczos(grey[:, : height - height // 8, : width - width // 8], _GREY_SIDE, _GREY_SIDE)


def _phash(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [N, 64, 64] -> uint8 [N, 32]: is each of the 16x16 lowest coefficients above their median?

    The same fast transform as imagehash's, stacked. A product with a matrix of cosines would be faster, and would round
    the coefficients that symmetry makes zero to the other side of it.
    """
    down = scipy.fft.dct(grey, axis=1)[:, :HASH_SIDE]
    low = scipy.fft.dct(down, axis=2)[:, :, :HASH_SIDE].reshape(-1, HASH_SIDE**2)
    return np.packbits(low > np.median(low, axis=1, keepdims=True), axis=1)
