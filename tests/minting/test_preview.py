"""The animated WebP: its frames, how long each stays, and that it is small enough."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageSequence

from minting import preview
from minting.preview import MOST_BYTES, MOST_FRAMES, RESULT_MS, SOURCE_MS, STEP_MS, Frame, animated, preview_size


def flat(value: int, side: int = 8) -> Frame:
    return np.full((side, side, 3), value, np.uint8)


def noise(seed: int, side: int) -> Frame:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def seen(data: bytes) -> tuple[list[np.ndarray], list[int]]:
    """The frames, and how long each stays."""
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == "WEBP" and opened.info["loop"] == 0
        found = [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(opened)]
    return [frame for frame, _ in found], [duration for _, duration in found]


def test_first_and_last_stay_longer() -> None:
    given = [noise(n, 16) for n in range(5)]
    frames, times = seen(animated(given, 64, "nearest"))
    assert times == [SOURCE_MS, STEP_MS, STEP_MS, STEP_MS, RESULT_MS]
    assert all(np.array_equal(frame, one.repeat(4, 0).repeat(4, 1)) for frame, one in zip(frames, given, strict=True))


def test_frames_of_any_size_get_one_size() -> None:
    frames, _ = seen(animated([noise(1, 8), noise(2, 16), noise(3, 32)], 32, "nearest"))
    assert [frame.shape for frame in frames] == [(32, 32, 3)] * 3
    assert np.array_equal(frames[0], noise(1, 8).repeat(4, 0).repeat(4, 1))


def test_frames_that_repeat_are_left_out() -> None:
    frames, times = seen(animated([flat(1), flat(1), flat(9), flat(9), flat(9), flat(200)], 8, "nearest"))
    assert [int(frame[0, 0, 0]) for frame in frames] == [1, 9, 200]
    assert times == [SOURCE_MS, STEP_MS, RESULT_MS]


def test_source_that_is_the_result_is_one_picture() -> None:
    with Image.open(io.BytesIO(animated([flat(7), flat(7)], 8, "nearest"))) as opened:
        assert (opened.format, opened.n_frames, opened.getpixel((0, 0))) == ("WEBP", 1, (7, 7, 7))


def test_many_steps_are_thinned_out_evenly() -> None:
    frames, times = seen(animated([flat(n) for n in range(100)], 8, "nearest"))
    values = [int(frame[0, 0, 0]) for frame in frames]
    assert len(values) == len(times) == MOST_FRAMES and (values[0], values[-1]) == (0, 99)
    assert {later - earlier for earlier, later in pairwise(values)} <= {6, 7}


@pytest.mark.parametrize("side", [256, 512])
def test_what_is_too_large_loses_detail_and_then_frames(side: int) -> None:
    given = [noise(n, side) for n in range(12)]  # the worst there is
    data = animated(given, 512, "nearest")
    frames, _ = seen(data)
    assert len(data) <= MOST_BYTES and 2 <= len(frames) < 12
    smooth = np.asarray(Image.fromarray(given[-1]).resize((512, 512), Image.Resampling.NEAREST)).astype(int)
    assert np.abs(frames[-1] - smooth).mean() < 60  # of noise, JPEG-like compression keeps no more


def test_small_pictures_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [noise(n, 64) for n in range(MOST_FRAMES)]
    assert np.array_equal(seen(animated(given, 512, "nearest"))[0][-1], given[-1].repeat(8, 0).repeat(8, 1))
    monkeypatch.setattr(preview, "MOST_BYTES", 200_000)
    assert len(animated(given, 512, "nearest")) <= 200_000


@pytest.mark.parametrize(
    ("side", "image_size", "resampling", "size"),
    [
        (64, 0, "nearest", 64),
        (64, 512, "nearest", 512),
        (64, 2048, "nearest", 1024),
        (64, 1100, "lanczos", 1024),
        (64, 100, "lanczos", 100),
        (256, 768, "nearest", 768),
        (256, 2048, "nearest", 1024),
        (1280, 0, "nearest", 1280),
    ],
)
def test_size_is_the_release_s_up_to_a_limit(side: int, image_size: int, resampling: str, size: int) -> None:
    assert preview_size(side, image_size, resampling) == size
