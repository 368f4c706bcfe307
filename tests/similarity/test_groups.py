"""Groups: what every grouping must hold, on made-up fingerprints and on real toads."""

from __future__ import annotations

import io
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from errors import BadValue
from glide.prepare import prepare
from similarity import distances, groups
from similarity.calibrate import edits
from similarity.distances import Thresholds
from similarity.groups import alike, follow, group, ranks
from similarity.hashes import fingerprint, fingerprints, mirrored_bits
from similarity.pairs import pairs_between, pairs_within
from similarity.prints import Prints

DEFAULT = Thresholds()


class Some(NamedTuple):
    """Fingerprints, their mirror images', scores, and which of them must lead."""

    prints: Prints
    turned: Prints
    scores: np.ndarray
    forced: np.ndarray


def made_up(count: int = 400, seed: int = 0, size: int = 16) -> Some:
    """Fingerprints around 12 centres, near enough for some to be alike and some not, a third of them mirrored, with
    scores all different; 25 of them, the best, must lead."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 12, count)
    flips = rng.random((count, size**2)) < rng.uniform(0, 0.12, (count, 1))
    bits = rng.integers(0, 2, (12, size**2))[of] ^ flips
    colours = rng.normal(50, 10, (12, 8, 8, 3))[of] + rng.normal(0, 0.8, (count, 8, 8, 3))
    colours[..., 0] += rng.normal(0, 1, (count, 1, 1))
    colours[:, 3, 4, 1:] += rng.normal(0, 2, (count, 2))
    greys = rng.integers(0, 256, (12, 16, 16))[of] + rng.normal(0, 3.1, (count, 16, 16))
    cells = colours.astype(np.float32), greys.round().clip(0, 255).astype(np.uint8)
    plain = Prints(np.packbits(bits, axis=1), *cells, np.full(count, 64, np.uint8))
    more = rng.random((count, size**2)) < 0.01  # a mirror image's bits are not quite these bits mirrored
    turned = plain.turned(np.packbits(bits.reshape(-1, size, size)[:, :, ::-1].reshape(count, -1) ^ more, axis=1))
    both, row = Prints.joined([plain, turned]), np.arange(count)
    swap = np.where(rng.random(count) < 1 / 3, count, 0)
    scores = rng.permutation(count) / count
    return Some(
        both.take(row + swap), both.take((row + count - swap) % (2 * count)), scores, scores >= np.sort(scores)[-25:][0]
    )


def blank(count: int) -> Prints:
    return Prints(
        np.zeros((count, 32), np.uint8),
        np.zeros((count, 8, 8, 3), np.float32),
        np.zeros((count, 16, 16), np.uint8),
        np.full(count, 64, np.uint8),
    )


def apart(a: Prints, b: Prints) -> tuple[np.ndarray, ...]:
    """All distances [N, M] as they are defined: bits, colour, chroma, grey."""
    squares = np.square(a.colours[:, None] - b.colours)
    return (
        np.bitwise_count(a.bits[:, None] ^ b.bits).sum(axis=2, dtype=int),
        np.sqrt(squares.sum(axis=-1)).reshape(len(a), len(b), 64).mean(axis=2),
        np.sqrt(squares[..., 1:].sum(axis=-1)).max(axis=(2, 3)),
        np.abs(a.greys[:, None].astype(np.int16) - b.greys).max(axis=(2, 3)),
    )


def within(distances: tuple[np.ndarray, ...], limits: Thresholds = DEFAULT) -> np.ndarray:
    most = (limits.bits, limits.colour, limits.chroma, limits.grey)
    return np.all([distance <= limit for distance, limit in zip(distances, most, strict=True)], axis=0)


def plain_groups(
    some: Some, limits: Thresholds = DEFAULT, forced: bool = False, turned: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """int [N], the leaders by the rule, one image after the other; and bool [N, N], who is alike."""
    ways = [apart(some.prints, some.prints)]
    if turned:
        ways += [apart(some.turned, some.prints), apart(some.prints, some.turned)]
    found = [within(way, limits) for way in ways]
    keys = [np.where(near, bits * 1e6 + colour, np.inf) for near, (bits, colour, *_) in zip(found, ways, strict=True)]
    key, leaders, leader_of = np.min(keys, axis=0), [], np.arange(len(some.scores))
    for image in np.argsort(-some.scores, kind="stable"):
        nearest = min(leaders, key=lambda leader: key[image, leader], default=image)  # the better one, if equal
        if nearest != image and key[image, nearest] < np.inf and not (forced and some.forced[image]):
            leader_of[image] = nearest
        else:
            leaders.append(image)
    return leader_of, np.any(found, axis=0)


def asked(some: Some, forced: bool, turned: bool) -> dict[str, np.ndarray | Prints]:
    return ({"forced": some.forced} if forced else {}) | ({"turned": some.turned} if turned else {})


WAYS = pytest.mark.parametrize(("forced", "turned"), [(False, False), (True, False), (False, True), (True, True)])


def test_alike_equals_the_plain_definition() -> None:
    prints = made_up().prints
    distances = apart(prints, prints)
    expected = within(distances)
    assert 400 < expected.sum() < expected.size / 2  # more than each with itself, less than all
    for looser in ({"bits": 256}, {"colour": 99}, {"chroma": 99}, {"grey": 255}):
        assert within(distances, replace(DEFAULT, **looser)).sum() > expected.sum() + 100  # each rules some out
    assert np.array_equal(alike(prints, prints, DEFAULT), expected)
    assert np.array_equal(alike(prints.take(slice(130)), prints), expected[:130])


@pytest.mark.parametrize("size", [8, 32])
@WAYS
def test_other_hashes_group_by_the_rule(size: int, forced: bool, turned: bool) -> None:
    some, limits = made_up(200, size=size), Thresholds(40 * size**2 // 256)
    expected, found = plain_groups(some, limits, forced, turned)
    assert np.array_equal(alike(some.prints, some.prints, limits), within(apart(some.prints, some.prints), limits))
    assert 12 <= len(np.unique(expected)) < 150 and found.sum() > 300
    assert np.array_equal(group(some.prints, some.scores, limits, **asked(some, forced, turned)), expected)


def test_thresholds_include_their_value() -> None:
    two = blank(2)
    two.bits[1, 0], two.colours[1, ..., 1], two.greys[1, 3, 3] = 0b111, 2, 7
    just_below = float(np.nextafter(np.float32(2), np.float32(0)))
    for limits, expected in (
        ((3, 2.0, 2.0, 7), True),
        ((2, 2.0, 2.0, 7), False),
        ((3, 1.99, 2.0, 7), False),
        ((3, just_below, 2.0, 7), False),
        ((3, 2.0, just_below, 7), False),
        ((3, 2.0, 2.0, 6), False),
    ):
        assert alike(two.take(slice(1)), two.take(slice(1, 2)), Thresholds(*limits))[0, 0] == expected
        assert group(two, np.zeros(2), Thresholds(*limits)).tolist() == ([0, 0] if expected else [0, 1])


def test_no_two_leaders_are_alike() -> None:
    some = made_up()
    leaders = np.unique(group(some.prints, some.scores))
    assert 12 <= len(leaders) < 400
    among = alike(some.prints.take(leaders), some.prints.take(leaders))
    assert np.array_equal(among, np.eye(len(leaders), dtype=bool))


def test_followers_are_alike_to_their_leader() -> None:
    some = made_up()
    leader = group(some.prints, some.scores)
    assert np.array_equal(leader[leader], leader)
    assert alike(some.prints, some.prints)[np.arange(400), leader].all()
    assert (some.scores[leader] >= some.scores).all()


@WAYS
def test_groups_follow_the_rule(forced: bool, turned: bool) -> None:
    """With forced and turned ones, too; and all that is promised of them holds."""
    some = made_up(300)
    leader = group(some.prints, some.scores, **asked(some, forced, turned))
    expected, found = plain_groups(some, forced=forced, turned=turned)
    assert np.array_equal(leader, expected)
    leaders = np.unique(leader)
    assert 12 <= len(leaders) < 250 and np.array_equal(leader[leader], leader)
    assert found[np.arange(300), leader].all() and (some.scores[leader] >= some.scores).all()
    may = np.zeros(300, bool) if not forced else some.forced
    both = found[np.ix_(leaders, leaders)] & ~np.eye(len(leaders), dtype=bool)
    assert not (both & ~(may[leaders][:, None] & may[leaders])).any()
    assert both.any() == forced and (not forced or (leader[may] == np.flatnonzero(may)).all())


def test_forced_ones_lead_whatever_they_score() -> None:
    some = made_up()
    anywhere = np.random.default_rng(6).random(400) < 0.2
    leader = group(some.prints, some.scores, forced=anywhere)
    assert np.array_equal(leader[anywhere], np.flatnonzero(anywhere))
    assert np.array_equal(leader, plain_groups(some._replace(forced=anywhere), forced=True)[0])
    assert (leader != group(some.prints, some.scores)).any()


def test_nobody_forced_is_as_without() -> None:
    some = made_up()
    assert np.array_equal(group(*some[::2], forced=np.zeros(400, bool)), group(*some[::2]))
    assert np.array_equal(group(*some[::2], forced=np.ones(400, bool)), np.arange(400))


def test_forced_ones_are_followed() -> None:
    two = blank(2)
    two.bits[1, 0] = 255
    assert group(blank(3), np.array([3, 2, 1]), forced=np.array([True, True, False])).tolist() == [0, 1, 0]
    near_second = Prints.joined([two, two.take(slice(1, 2))])
    assert group(near_second, np.array([3, 2, 1])).tolist() == [0, 0, 0]
    assert group(near_second, np.array([3, 2, 1]), forced=np.array([True, True, False])).tolist() == [0, 1, 1]


@WAYS
def test_input_order_does_not_matter(forced: bool, turned: bool) -> None:
    some, order = made_up(), np.random.default_rng(9).permutation(400)
    again = Some(some.prints.take(order), some.turned.take(order), some.scores[order], some.forced[order])
    one, other = (group(given.prints, given.scores, **asked(given, forced, turned)) for given in (some, again))
    assert np.array_equal(order[other], one[order])


@WAYS
def test_block_size_does_not_matter(monkeypatch: pytest.MonkeyPatch, forced: bool, turned: bool) -> None:
    some = made_up()
    anywhere = some._replace(forced=np.random.default_rng(6).random(400) < 0.2)
    expected = [group(one.prints, one.scores, **asked(one, forced, turned)) for one in (some, anywhere)]
    monkeypatch.setattr(groups, "_PAIRS_AT_ONCE", 7)
    monkeypatch.setattr(distances, "_PAIRS_AT_ONCE", 5)
    for one, leader in zip((some, anywhere), expected, strict=True):
        assert np.array_equal(group(one.prints, one.scores, **asked(one, forced, turned)), leader)


def test_mirror_images_come_into_one_group() -> None:
    drawn = np.random.default_rng(2).integers(20, 230, (3, 8, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    noise = np.random.default_rng(3).integers(-6, 7, (64, 64, 3))
    pixels = np.stack([drawn[0], drawn[1], (drawn[0] + noise).astype(np.uint8)[:, ::-1], drawn[2]])
    prints = fingerprints(pixels)
    turned = prints.turned(mirrored_bits(pixels))
    assert group(prints, np.zeros(4)).tolist() == [0, 1, 2, 3]
    assert group(prints, np.zeros(4), turned=turned).tolist() == [0, 1, 0, 3]
    assert group(prints, np.arange(4), turned=turned).tolist() == [2, 1, 2, 3]


def test_an_image_is_no_copy_of_its_own_mirror_image() -> None:
    half = np.random.default_rng(5).integers(0, 250, (64, 32, 3), dtype=np.uint8)
    symmetric = np.concatenate([half, half[:, ::-1]], axis=1)
    pixels = np.stack([symmetric, symmetric + 2, symmetric[::-1]])
    prints = fingerprints(pixels)
    assert group(prints, -np.arange(3), turned=prints.turned(mirrored_bits(pixels))).tolist() == [0, 0, 2]


def test_mirrored_toads_are_found(toads: list[Image.Image]) -> None:
    pixels = [np.asarray(toad) for toad in toads[:100]]
    pixels += [one[:, ::-1] for one in pixels]
    prints, scores = fingerprints(pixels), -np.arange(200.0)
    leader = group(prints, scores, turned=prints.turned(mirrored_bits(pixels)))
    assert np.array_equal(leader[100:], leader[:100])
    assert (group(prints, scores)[100:] >= 100).sum() >= 90


@pytest.mark.parametrize("forced", [False, True])
def test_known_pairs_are_followed_as_images_are_grouped(forced: bool) -> None:
    some = made_up()
    given = asked(some, forced, False)
    expected = group(some.prints, some.scores, **given)
    pairs = pairs_within(some.prints)
    mixed = pairs.take(np.random.default_rng(4).permutation(len(pairs.left)))
    for known in (pairs, mixed, mixed._replace(left=mixed.right, right=mixed.left)):
        assert np.array_equal(follow(known, some.scores, **given), expected)


def test_ranks_are_by_score_then_place() -> None:
    assert ranks(np.array([0.5, np.nan, 2.0, 0.5, -np.inf])).tolist() == [1, 4, 0, 2, 3]
    assert ranks(np.array([3, 200, 3], np.uint8)).tolist() == [1, 0, 2]


def test_follower_joins_the_nearest_leader() -> None:
    prints = blank(3)
    prints.bits[0, :6], prints.bits[2, :2] = 255, 255  # 0 and 1 are 48 bits apart: both lead; 2 is 32 from 0, 16 from 1
    assert group(prints, np.array([3.0, 2.0, 1.0])).tolist() == [0, 1, 1]


def test_nearer_colour_decides_between_equal_bits() -> None:
    prints = blank(3)
    prints.colours[:, ..., 0] = np.array([0, 3, 2])[:, None, None]
    assert group(prints, np.array([3.0, 2.0, 1.0])).tolist() == [0, 1, 1]
    prints.colours[1] = 4
    assert group(prints, np.array([3.0, 2.0, 1.0])).tolist() == [0, 1, 0]


def test_better_leader_decides_between_equal_distances() -> None:
    prints = blank(3)
    prints.colours[:, ..., 0] = np.array([0, 4, 2])[:, None, None]
    assert group(prints, np.array([3.0, 2.0, 1.0])).tolist() == [0, 1, 0]
    assert group(prints, np.array([2.0, 3.0, 1.0])).tolist() == [0, 1, 1]


def test_equal_scores_let_the_earlier_lead() -> None:
    assert group(blank(3), np.ones(3)).tolist() == [0, 0, 0]
    assert group(blank(3), np.array([np.nan, 0.0, 0.5])).tolist() == [2, 2, 2]


def test_nothing_groups_to_nothing() -> None:
    none = Prints.none()
    assert group(none, np.zeros(0)).shape == follow(pairs_within(none), np.zeros(0)).shape == (0,)
    assert group(none, np.zeros(0), forced=np.zeros(0, bool), turned=none).shape == (0,)


def test_wrong_shapes_are_refused() -> None:
    some = made_up(4)
    for scores in (some.scores[:3], some.scores[:, None]):
        with pytest.raises(BadValue, match="scores"):
            group(some.prints, scores)
    with pytest.raises(BadValue, match="mirror images"):
        group(some.prints, some.scores, turned=some.turned.take(slice(3)))


def test_mirror_images_of_another_size_are_refused() -> None:
    for colours in (0, 50):
        turned = replace(blank(2), bits=np.zeros((2, 8), np.uint8), colours=blank(2).colours + np.float32(colours))
        with pytest.raises(BadValue, match=r"64 .* 256"):
            group(blank(2), np.zeros(2), turned=turned)


def test_another_palette_is_another_group() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (8, 8), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    ink = np.stack([pixels, pixels // 2, pixels // 4], axis=2)
    prints = fingerprints([ink, ink[..., ::-1]])
    assert np.bitwise_count(prints.bits[0] ^ prints.bits[1]).sum() <= 40  # the same shape
    assert group(prints, np.zeros(2)).tolist() == [0, 1]


def jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.resize((256, 256), Image.Resampling.NEAREST).save(file, "JPEG", quality=75)
    return Image.open(file)


def noised(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(4).normal(0, 6, (64, 64, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def enlarged(image: Image.Image) -> Image.Image:
    return image.resize((256, 256), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("copy", [jpeg, noised, enlarged])
def test_copies_of_real_toads_are_grouped(toads: list[Image.Image], copy: Callable[[Image.Image], Image.Image]) -> None:
    count = 100
    originals = [Image.fromarray(prepare(toad, size=64)) for toad in toads[:count]]
    prints = Prints.joined([fingerprint(image) for image in (*originals, *map(copy, originals))])
    leader = group(prints, -np.arange(2.0 * count))
    assert (leader[count:] == leader[:count]).sum() >= 0.98 * count


def small(image: Image.Image) -> Image.Image:
    return image.resize((200, 200), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("copy", [enlarged, small], ids=["lanczos", "bicubic"])
def test_small_pictures_are_found_when_enlarged(
    toads: list[Image.Image], copy: Callable[[Image.Image], Image.Image]
) -> None:
    prints = Prints.joined([fingerprint(image) for image in (*toads, *map(copy, toads))])
    leader, count = group(prints, -np.arange(2.0 * len(toads))), len(toads)
    assert (leader[count:] == leader[:count]).sum() >= 0.98 * count


def test_real_toads_are_rarely_grouped(toads: list[Image.Image]) -> None:
    leader = group(fingerprints([np.asarray(toad) for toad in toads]), np.zeros(len(toads)))
    assert len(np.unique(leader)) >= 0.98 * len(toads)


def test_edited_toads_are_alike_to_themselves(toads: list[Image.Image]) -> None:
    drawn = [Image.fromarray(prepare(toad, size=64)) for toad in toads]
    copies: dict[str, list[np.ndarray]] = defaultdict(list)
    for number, image in enumerate(drawn):
        for name, copy in edits(image, np.random.default_rng(number)).items():
            copies[name].append(np.asarray(copy))
    own = fingerprints([np.asarray(image) for image in drawn])
    found = {name: alike(own, fingerprints(made)).diagonal().mean() for name, made in copies.items()}
    least = dict.fromkeys(found, 0.99) | {"jpeg 50": 0.98}  # that one: 98.8 % of 1,986 toads
    assert {name for name, share in found.items() if share < least[name]} == {"shift 1 px"}


def test_recoloured_toads_are_not_grouped(toads: list[Image.Image]) -> None:
    vivid = [np.asarray(toad) for toad in toads if np.ptp(np.asarray(toad)[0, 0].astype(int)) > 60][:100]
    turned = [toad[..., [1, 2, 0]] for toad in vivid]
    assert len(vivid) >= 30
    leader = group(fingerprints([*vivid, *turned]), np.zeros(2 * len(vivid)))
    assert (leader[len(vivid) :] == leader[: len(vivid)]).sum() == 0


def body(toad: np.ndarray) -> np.ndarray | None:
    """bool [H, W]: the largest vivid area in one colour that is not the background's, of at least a sixteenth."""
    for colour, count in Counter(map(tuple, toad.reshape(-1, 3).tolist())).most_common():
        if colour != tuple(toad[0, 0]) and max(colour) - min(colour) > 60 and 16 * count >= toad[..., 0].size:
            return (toad == colour).all(axis=2)
    return None


@pytest.mark.parametrize("channels", [[1, 2, 0], [2, 0, 1]])
def test_toads_with_another_body_are_not_alike(toads: list[Image.Image], channels: list[int]) -> None:
    own = [pixels for toad in toads if body(pixels := np.asarray(toad)) is not None]
    painted = [np.where(body(toad)[..., None], toad[..., channels], toad) for toad in own]
    for size, most in ((36, 0.05), (64, 0)):  # less is made of single cells in small pictures
        a, b = (fingerprints([prepare(Image.fromarray(toad), size=size) for toad in some]) for some in (own, painted))
        shape_and_mean = pairs_between(a, b, Thresholds(40, 2.5, math.inf, 255))
        assert len(own) > 150 and (shape_and_mean.left == shape_and_mean.right).sum() > 20  # those two would not do
        assert alike(a, b).diagonal().mean() <= most
