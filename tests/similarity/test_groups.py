"""Groups: what every grouping must hold, on made-up fingerprints and on real toads."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from similarity import distances, groups
from similarity.groups import Thresholds, alike, group
from similarity.hashes import fingerprint


def made_up(count: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fingerprints around 12 centres, near enough for some to be alike and some not, with scores all different."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 12, count)
    flips = np.packbits(rng.random((count, 256)) < rng.uniform(0, 0.12, (count, 1)), axis=1)
    bits = rng.integers(0, 256, (12, 32), dtype=np.uint8)[of] ^ flips
    colours = rng.normal(50, 10, (12, 8, 8, 3))[of] + rng.normal(0, 0.9, (count, 8, 8, 3))
    return bits, colours.astype(np.float32), rng.permutation(count) / count


def fingerprints(images: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
    bits, colours = zip(*map(fingerprint, images), strict=True)
    return np.stack(bits), np.stack(colours)


def test_alike_equals_the_plain_definition() -> None:
    bits, colours, _ = made_up()
    hamming = np.unpackbits(bits[:, None] ^ bits[None], axis=2).sum(axis=2)
    colour = np.linalg.norm(colours[:, None] - colours[None], axis=-1).mean(axis=(2, 3))
    expected = (hamming <= 40) & (colour <= 2.0)
    assert 400 < expected.sum() < expected.size / 2  # more than each with itself, less than all
    assert np.array_equal(alike(bits, colours, bits, colours, Thresholds()), expected)


def test_thresholds_include_their_value() -> None:
    bits, colours = np.zeros((2, 32), np.uint8), np.zeros((2, 8, 8, 3), np.float32)
    bits[1, 0], colours[1, ..., 0] = 0b111, 2
    for limits, expected in (((3, 2.0), True), ((2, 2.0), False), ((3, 1.99), False)):
        assert alike(bits[:1], colours[:1], bits[1:], colours[1:], Thresholds(*limits))[0, 0] == expected


def test_no_two_leaders_are_alike() -> None:
    bits, colours, scores = made_up()
    leaders = np.unique(group(bits, colours, scores))
    assert 12 <= len(leaders) < 400
    among = alike(bits[leaders], colours[leaders], bits[leaders], colours[leaders])
    assert np.array_equal(among, np.eye(len(leaders), dtype=bool))


def test_followers_are_alike_to_their_leader() -> None:
    bits, colours, scores = made_up()
    leader = group(bits, colours, scores)
    assert np.array_equal(leader[leader], leader)
    assert alike(bits, colours, bits, colours)[np.arange(400), leader].all()
    assert (scores[leader] >= scores).all()


def test_input_order_does_not_matter() -> None:
    bits, colours, scores = made_up()
    order = np.random.default_rng(9).permutation(400)
    again = group(bits[order], colours[order], scores[order])
    assert np.array_equal(order[again], group(bits, colours, scores)[order])


def test_block_size_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = group(*made_up())
    monkeypatch.setattr(groups, "_PAIRS_AT_ONCE", 7)
    monkeypatch.setattr(distances, "_PAIRS_AT_ONCE", 5)
    assert np.array_equal(group(*made_up()), expected)


def test_follower_joins_the_nearest_leader() -> None:
    bits, colours = np.zeros((3, 32), np.uint8), np.zeros((3, 8, 8, 3), np.float32)
    bits[0, :6], bits[2, :2] = 255, 255  # 0 and 1 are 48 bits apart: both lead; 2 is 32 from 0 and 16 from 1
    assert group(bits, colours, np.array([3.0, 2.0, 1.0])).tolist() == [0, 1, 1]


def test_equal_scores_let_the_earlier_lead() -> None:
    bits, colours = np.zeros((3, 32), np.uint8), np.zeros((3, 8, 8, 3), np.float32)
    assert group(bits, colours, np.ones(3)).tolist() == [0, 0, 0]
    assert group(bits, colours, np.array([np.nan, 0.0, 0.5])).tolist() == [2, 2, 2]


def test_nothing_groups_to_nothing() -> None:
    assert group(np.zeros((0, 32), np.uint8), np.zeros((0, 8, 8, 3), np.float32), np.zeros(0)).shape == (0,)


def test_wrong_shapes_are_refused() -> None:
    bits, colours, scores = made_up(4)
    for wrong in ((bits[:, :31], colours, scores), (bits, colours[:3], scores), (bits, colours, scores[:3])):
        with pytest.raises(BadValue):
            group(*wrong)


def test_another_palette_is_another_group() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (8, 8), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    ink = np.stack([pixels, pixels // 2, pixels // 4], axis=2)
    bits, colours = fingerprints([Image.fromarray(ink), Image.fromarray(ink[..., ::-1].copy())])
    assert np.bitwise_count(bits[0] ^ bits[1]).sum() <= 40  # the same shape
    assert group(bits, colours, np.zeros(2)).tolist() == [0, 1]


def jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.resize((288, 288), Image.Resampling.NEAREST).save(file, "JPEG", quality=75)
    return Image.open(file)


def noised(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(4).normal(0, 6, (36, 36, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def enlarged(image: Image.Image) -> Image.Image:
    return image.resize((256, 256), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("copy", [jpeg, noised, enlarged])
def test_copies_of_real_toads_are_grouped(toads: list[Image.Image], copy: Callable[[Image.Image], Image.Image]) -> None:
    count = 100
    originals = toads[:count]
    bits, colours = fingerprints([*originals, *map(copy, originals)])
    leader = group(bits, colours, -np.arange(2.0 * count))
    assert (leader[count:] == leader[:count]).sum() >= 0.98 * count


def test_real_toads_are_rarely_grouped(toads: list[Image.Image]) -> None:
    leader = group(*fingerprints(toads), np.zeros(len(toads)))
    assert len(np.unique(leader)) >= 0.98 * len(toads)


def test_recoloured_toads_are_not_grouped(toads: list[Image.Image]) -> None:
    vivid = [toad for toad in toads if np.ptp(np.asarray(toad)[0, 0].astype(int)) > 60][:100]
    turned = [Image.fromarray(np.asarray(toad)[..., [1, 2, 0]]) for toad in vivid]
    assert len(vivid) >= 30
    leader = group(*fingerprints([*vivid, *turned]), np.zeros(2 * len(vivid)))
    assert (leader[len(vivid) :] == leader[: len(vivid)]).sum() == 0
