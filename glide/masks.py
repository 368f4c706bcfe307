"""Which part of a source a style may change: only the toad, only what is behind it, or what a mask image says.

A mask is bool [H, W]: True where the style may paint ("repainted"), False where the source is kept.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from errors import BadSource, BadValue
from glide.prepare import Colour, Pixels, border, opaque, resized, squared

Mask = NDArray[np.bool_]

MASKS = ("subject", "background")

# Recipes say "subject", not what that comes to: these may never change, or old recipes would give other pictures.
# Chosen by what they do to 5,969 CrypToadz (docs/inpainting.md). With a tolerance below 19 the speckles of 440
# backgrounds count as subject, at 24 the smoke and mist of 68 toads as background; a step of 64 takes parts of ten
# toads for background.
TOLERANCE = 20  # per channel, 0..255: how far a pixel may be from a colour of the background
STEP = 48  # per channel: how far apart neighbouring colours of one background may be
SHARE = 0.01  # of the border: a rarer colour says nothing of the background
FLAT = 0.5  # of the border: what the background has to fill at least
CUT_OUT = 0.02  # of the picture: with fewer transparent pixels, as four toads have, nothing is cut out by them
SMALLEST, LARGEST = 0.02, 0.9  # of the picture: the subject

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_HALF = 127.5 - 1e-6  # a half that was summed up from rounded parts counts as a half
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, MemoryError, struct.error, IndexError, TypeError, KeyError)
_PBM = re.compile(rb"P4\n([1-9][0-9]{0,5}) ([1-9][0-9]{0,5})\n")


def repainted(mask: str | Mask, image: Image.Image, method: str = "area", size: int = 64) -> Mask:
    """Where `prepare(image, method, size=size)` may be changed: bool [size, size].

    `mask`: "subject" (see `subject_of`), "background" (all the rest, to the pixel), or bool [H, W] as `read_mask` gives
    it. What lies outside of a picture that is not square is background; under a given mask it is what most of the
    mask's border is, as `prepare` paints it in what most of the picture's border is. Raises BadValue for another name,
    where no subject can be told, and where nothing is left to repaint at this size.
    """
    if not isinstance(mask, str):
        made = prepared_mask(mask, image.size, method, size, outside=bool(border(mask).mean() > 0.5))
    elif mask in MASKS:
        subject = prepared_mask(subject_of(image), image.size, method, size, outside=False)
        made = subject if mask == "subject" else ~subject
    else:
        raise BadValue("mask", mask, f"{', '.join(MASKS)} or a mask image")
    if not made.any():
        raise BadValue("a mask with a repainted part of", f"0 of {size} x {size} pixels", "1 pixel and more")
    return made


def subject_of(image: Image.Image) -> Mask:
    """The subject of an image of any mode: bool [H, W], True on it.

    Where pixels are transparent, those of alpha 128 and more. Elsewhere what is not background: the background has the
    border's commonest colour and those that lead on from it in small steps along the border (shading, speckles), and
    reaches the border through pixels of its own, up, down, left or right. So a spot of the background's colour
    inside the subject belongs to the subject, as do stars, flies and a ground of another colour.

    Raises BadValue, which asks for a mask image, where less than half of the border is background (no flat border), or
    where the subject is less than 2 % or more than 90 % of the picture.
    """
    subject = _cut_out(image)
    if subject is None:
        subject = _on_flat_background(opaque(image))
    share = float(subject.mean())
    if not SMALLEST <= share <= LARGEST:
        raise BadValue(
            "a subject with a share of the picture of",
            f"{share:.1%}",
            f"{SMALLEST:.0%} to {LARGEST:.0%}; for this source give a mask image",
        )
    return subject


def _cut_out(image: Image.Image) -> Mask | None:
    if not image.has_transparency_data:
        return None
    solid = np.asarray(image.convert("RGBA").getchannel("A")) >= 128
    return solid if (~solid).mean() >= CUT_OUT else None


def _on_flat_background(pixels: Pixels) -> Mask:
    near = np.zeros((256, 256, 256), np.bool_)  # by colour: a look-up takes the same time for one shade or a hundred
    for colour in background_colours(pixels):
        red, green, blue = (slice(max(0, value - TOLERANCE), value + TOLERANCE + 1) for value in colour)
        near[red, green, blue] = True
    like_background = near[pixels[..., 0], pixels[..., 1], pixels[..., 2]]
    share = float(border(like_background).mean())
    if share < FLAT:
        raise BadValue(
            "a border with a share in the background's colours of",
            f"{share:.0%}",
            f"{FLAT:.0%} and more; for this source give a mask image",
        )
    pieces, count = ndimage.label(like_background)
    outside = np.zeros(count + 1, np.bool_)
    outside[border(pieces)] = True
    outside[0] = False  # the label of all that is not like the background
    return ~outside[pieces]


def background_colours(pixels: Pixels) -> list[Colour]:
    """The colours of the background of uint8 [H, W, 3]: the border's commonest, then each that fills 1 % of the border
    and is within `STEP` of another that was taken."""
    outermost = border(pixels)
    counted = Counter(map(tuple, outermost.tolist())).most_common()
    colours = [colour for place, (colour, n) in enumerate(counted) if place == 0 or n >= SHARE * len(outermost)]
    values = np.array(colours)
    linked = np.abs(values[:, None] - values[None]).max(axis=-1) <= STEP
    taken = np.arange(len(colours)) == 0
    while (more := linked[taken].any(axis=0)).sum() > taken.sum():
        taken = more
    return [colour for colour, is_taken in zip(colours, taken, strict=True) if is_taken]


def read_mask(file: Path) -> Mask:
    """A user's mask image as bool [H, W]: white (128 and more of 255) is repainted, black and transparent kept.

    Any image that Pillow reads, other modes as grey; of an animation the first frame. Raises BadSource for what does
    not decode and for a mask without white, under which nothing would change.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                opened.load()
                grey = _grey(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadSource(file, "is too large for a mask; draw it in the source's size") from error
    except _UNREADABLE as error:
        raise BadSource(file, "does not decode as an image; a mask is a black and white picture") from error
    mask = grey >= 128
    if not mask.any():
        raise BadSource(file, "is all black: nothing would be repainted; paint white where the style may change it")
    return mask


def _grey(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow would clip some of them at 255
        return (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(opaque(image, "#000000")).convert("L"))


def prepared_mask(mask: Mask, image_size: tuple[int, int], method: str, size: int, outside: bool) -> Mask:
    """bool [H, W] of a source of `image_size` (width, height) as bool [size, size]: every pixel where `prepare` with
    this `method` puts the source's. A pixel that is half repainted is repainted.

    `outside`: what the pixels are that `prepare` adds around the picture. A mask of another size than the source is
    first brought to it (nearest pixel). Raises BadValue for an unknown method.
    """
    picture = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    if picture.size != image_size:
        picture = picture.resize(image_size, Image.Resampling.NEAREST)
    around = _WHITE if outside else _BLACK
    square = squared(np.asarray(picture.convert("RGB")), around)
    return resized(square, method, size, around)[..., 0] >= _HALF


def mask_bytes(mask: Mask) -> bytes:
    """bool [H, W] as a binary PBM (Netpbm's P4): the same mask has the same bytes for ever.

    A viewer shows it as the user's mask image: repainted is white (bit 0 in this format), kept is black (1). Rows are
    filled up to whole bytes with 0.
    """
    height, width = mask.shape
    return b"P4\n%d %d\n" % (width, height) + np.packbits(~mask, axis=1).tobytes()


def mask_from_bytes(data: bytes) -> Mask:
    """What `mask_bytes` wrote, as bool [H, W]. Raises BadValue for anything else."""
    allowed = "a binary PBM as Toadworks writes it; this one is damaged or cut short"
    header = _PBM.match(data)
    if not header:
        raise BadValue("mask", data[:16], allowed)
    width, height = int(header[1]), int(header[2])
    rows = np.frombuffer(data, np.uint8, offset=header.end())
    if len(rows) != height * -(-width // 8):
        raise BadValue("mask", data[:16], allowed)
    mask = np.unpackbits(rows.reshape(height, -1), axis=1)[:, :width] == 0
    if mask_bytes(mask) != data:  # the bits that fill a row up are 0, or one mask would have two files
        raise BadValue("mask", data[:16], allowed)
    return mask
