"""Image operations shared by the looks: separating toad from background, finding contours, making textures.

Images are float32 arrays (H, W, 3) with values 0..1; maps are float32 (H, W); masks are bool (H, W).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped, unused-ignore]

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Colour = tuple[float, float, float]


def grid(image: Array) -> tuple[Array, Array]:
    """Row and column numbers of every pixel, as two (H, W) maps."""
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    return rows, columns


def luminance(image: Array) -> Array:
    """Perceived brightness 0..1 of an (H, W, 3) image, as (H, W)."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return (image @ weights).astype(np.float32)


def blur(values: Array, sigma: float) -> Array:
    """Gaussian blur over the first two axes; `sigma` in pixels."""
    sigmas = (sigma, sigma, 0.0)[: values.ndim]
    return np.asarray(ndimage.gaussian_filter(values, sigmas, truncate=3.0, mode="nearest"), dtype=np.float32)


def flat(shape: tuple[int, int], colour: Colour) -> Array:
    """A plain (H, W, 3) image of one colour."""
    return np.broadcast_to(np.array(colour, dtype=np.float32), (*shape, 3)).copy()


def mix(under: Array, over: Array | Colour, amount: Array | float) -> Array:
    """`over` laid on `under`; `amount` 0..1 is a number or an (H, W) map."""
    top = np.asarray(over, dtype=np.float32)
    weight = np.clip(np.asarray(amount, dtype=np.float32), 0.0, 1.0)
    if weight.ndim == 2:
        weight = weight[..., None]
    return (under + (top - under) * weight).astype(np.float32)


def ramp(values: Array, stops: tuple[Colour, ...]) -> Array:
    """Map values 0..1 through evenly spaced colour stops: (H, W) to (H, W, 3)."""
    table = np.array(stops, dtype=np.float32)
    places = np.linspace(0.0, 1.0, len(stops))
    clipped = np.clip(values, 0.0, 1.0)
    return np.stack([np.interp(clipped, places, table[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def saturate(image: Array, amount: float) -> Array:
    """Push colours away from grey (`amount` above 1) or towards it (below 1)."""
    grey = luminance(image)[..., None]
    return np.clip(grey + (image - grey) * amount, 0.0, 1.0).astype(np.float32)


def border_colour(image: Array) -> Array:
    """The most common colour along the image's border, shape (3,)."""
    border = np.concatenate([image[0], image[:, 0], image[:, -1]])
    codes = np.round(border * 15.0).astype(np.int64) @ np.array([256, 16, 1])
    common = np.bincount(codes).argmax()
    return np.asarray(border[codes == common].mean(axis=0), dtype=np.float32)


def subject_mask(image: Array) -> Mask:
    """Where the toad is (True), judged by difference from the border's colours.

    Each pixel is compared with the border's commonest colour and with both ends of its own row, so that
    banded and graded backgrounds also count as background; a noisy border raises the threshold.
    """
    main = border_colour(image)
    distance = np.abs(image - main).max(axis=-1)
    for side in (image[:, :1], image[:, -1:]):
        distance = np.minimum(distance, np.abs(image - side).max(axis=-1))
    # Noise shows as a row's end differing from its neighbour a few pixels inwards.
    noise = float(np.abs(image[:, 1] - image[:, 6]).max(axis=-1).mean())
    found = distance > 0.13 + 1.5 * noise
    if noise > 0.01:
        found = ndimage.binary_opening(found, iterations=2)
    # Background is what reaches the border; holes inside the toad belong to it.
    pieces, count = ndimage.label(~found)
    outside = np.zeros(count + 1, dtype=np.bool_)
    for side in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        outside[side] = True
    outside[0] = False
    return np.asarray(~outside[pieces], dtype=np.bool_)


def soften(mask: Mask, sigma: float = 1.0) -> Array:
    """A mask as a smooth map 0..1."""
    return blur(mask.astype(np.float32), sigma)


def grow(values: Array, size: int) -> Array:
    """Largest value within a square of `size` pixels; images are grown channel by channel."""
    window = (size, size, 1)[: values.ndim]
    return np.asarray(ndimage.maximum_filter(values, size=window, mode="nearest"), dtype=np.float32)


def shrink(values: Array, size: int) -> Array:
    """Smallest value within a square of `size` pixels."""
    window = (size, size, 1)[: values.ndim]
    return np.asarray(ndimage.minimum_filter(values, size=window, mode="nearest"), dtype=np.float32)


def edges(image: Array) -> Array:
    """Strength 0..1 of colour steps between neighbouring pixels, about 2 pixels wide."""
    return np.asarray((grow(image, 3) - shrink(image, 3)).max(axis=-1), dtype=np.float32)


def dark_lines(image: Array) -> Array:
    """Strength 0..1 of thin dark lines such as a drawn black outline (a black top-hat of the brightness)."""
    grey = luminance(image)
    return np.clip((shrink(grow(grey, 9), 9) - grey) * 3.0 - 0.25, 0.0, 1.0).astype(np.float32)


def contours(image: Array, mask: Mask) -> Array:
    """One line map 0..1 of the drawing: its own dark outlines, and steps between flat colours elsewhere.

    Lines away from the toad (noise or bands in the background) are left out.
    """
    drawn = dark_lines(image)
    steps = np.clip(edges(image) * 4.0 - 0.35, 0.0, 1.0)
    # A black outline has a step on either side: keep the outline, drop those two.
    free = grow(drawn, 7) < 0.3
    steps = steps * free
    rim = edges(mask.astype(np.float32)[..., None]) * free
    near = ndimage.binary_dilation(mask, iterations=2)
    return (np.maximum(np.maximum(drawn, steps), rim) * near).astype(np.float32)


def without_lines(image: Array, mask: Mask) -> Array:
    """The toad's flat colours with its thin dark outlines painted over by what lies beside them."""
    inside = mix(np.zeros_like(image), image, mask.astype(np.float32))
    filled = mix(image, grow(inside, 7), dark_lines(image) * mask)
    return filled


def vivid(image: Array, grey_becomes: Colour) -> Array:
    """Every colour at full brightness and saturation; greys take the given colour."""
    low = image.min(axis=-1, keepdims=True)
    spread = image.max(axis=-1, keepdims=True) - low
    hue = (image - low) / np.maximum(spread, 1e-3)
    return mix(flat(image.shape[:2], grey_becomes), hue.astype(np.float32), spread[..., 0] * 6.0 - 0.4)


def even_out(grey: Array, mask: Mask) -> Array:
    """Stretch brightness so that the toad's own range covers 0..1."""
    inside = grey[mask] if mask.any() else grey.ravel()
    low, high = np.percentile(inside, (3, 97))
    return np.clip((grey - low) / max(float(high - low), 0.08), 0.0, 1.0).astype(np.float32)


def noise_map(rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]) -> Array:
    """Smooth noise (H, W) of mean 0 and deviation 1, blurred by `sigma` (rows, columns) pixels."""
    if isinstance(sigma, float) and sigma >= 4.0:
        # Broad noise holds no fine detail: make it at a quarter of the size, and enlarge.
        coarse = rng.standard_normal((shape[0] // 4 + 1, shape[1] // 4 + 1), dtype=np.float32)
        small = Image.fromarray(ndimage.gaussian_filter(coarse, sigma / 4.0, truncate=3.0, mode="wrap"))
        smooth = np.asarray(small.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)
    else:
        raw = rng.standard_normal(shape, dtype=np.float32)
        smooth = np.asarray(ndimage.gaussian_filter(raw, sigma, truncate=3.0, mode="wrap"), dtype=np.float32)
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), dtype=np.float32)


def slanted(texture: Array, slope: float = 1.0) -> Array:
    """Shear a texture sideways, turning level streaks into slanting ones."""
    height, width = texture.shape
    rows, columns = np.mgrid[0:height, 0:width]
    return texture[(rows + np.round(columns * slope).astype(np.int64)) % height, columns]


def wobble(image: Array, rng: np.random.Generator, reach: float, sigma: float = 4.0) -> Array:
    """Shift pixels by smooth noise of about `reach` pixels, for a hand-drawn line."""
    shape = image.shape[:2]
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    down = np.round(rows + noise_map(rng, shape, sigma) * reach).astype(np.int64)
    across = np.round(columns + noise_map(rng, shape, sigma) * reach).astype(np.int64)
    return image[np.clip(down, 0, shape[0] - 1), np.clip(across, 0, shape[1] - 1)]


def streak(values: Array, angle: Array, length: int) -> Array:
    """Average `values` along the direction `angle` (radians, per pixel), `length` pixels to either side."""
    height, width = angle.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    down, across = np.sin(angle), np.cos(angle)
    total = np.zeros_like(values)
    for step in range(-length, length + 1):
        y = np.clip(rows + down * step, 0, height - 1).astype(np.intp)
        x = np.clip(columns + across * step, 0, width - 1).astype(np.intp)
        total += values[y, x]
    return (total / (2 * length + 1)).astype(np.float32)


def relief(height: Array) -> Array:
    """Light from the upper left on a height map: about -1 (shadow) .. 1 (lit)."""
    down, across = np.gradient(height)
    return np.asarray(np.clip(-(down + across), -1.0, 1.0), dtype=np.float32)


def cells(rng: np.random.Generator, shape: tuple[int, int], step: int) -> tuple[NDArray[np.int64], Array]:
    """Irregular cells about `step` pixels wide: each pixel's cell number, and its distance to the border.

    The second map is the difference between the distances to the second nearest and the nearest centre.
    """
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    down, across = shape[0] // step + 3, shape[1] // step + 3
    jitter = rng.uniform(0.1, 0.9, (down, across, 2)).astype(np.float32)
    nearest = np.full(shape, np.inf, dtype=np.float32)
    second = np.full(shape, np.inf, dtype=np.float32)
    number = np.zeros(shape, dtype=np.int64)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            cy, cx = rows // step + 1 + dy, columns // step + 1 + dx
            centre = jitter[cy, cx]
            down_by = (cy - 1 + centre[..., 0]) * step - rows
            across_by = (cx - 1 + centre[..., 1]) * step - columns
            distance = np.hypot(down_by, across_by)
            closer = distance < nearest
            second = np.where(closer, nearest, np.minimum(second, distance))
            number = np.where(closer, cy * across + cx, number)
            nearest = np.minimum(nearest, distance)
    return number, (second - nearest).astype(np.float32)
