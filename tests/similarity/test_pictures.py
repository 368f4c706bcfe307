"""Pictures of look-alikes: what is on them, where, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from errors import BadValue
from similarity import pictures
from similarity.calibrate import Curve, Proposal
from similarity.distances import Thresholds
from similarity.pictures import BAR, FAINT, INK, MARK, OTHER, Captioned, Group, group_sheet, histogram, roc

RED, BLUE, GREEN = (250, 0, 0), (0, 0, 250), (0, 250, 0)


def one(colour: tuple[int, ...], caption: str = "12 bits") -> Captioned:
    return Captioned(Image.new("RGB", (36, 36), colour), caption)


def group(followers: int, leader: tuple[int, ...] = RED, follower: tuple[int, ...] = BLUE) -> Group:
    return Group(one(leader), [one(follower)] * followers)


def places(image: Image.Image, colour: str | tuple[int, ...]) -> np.ndarray:
    """(row, column) of every pixel of exactly this colour."""
    wanted = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    return np.argwhere((np.asarray(image) == wanted).all(axis=2))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is drawn."""
    texts: list[str] = []
    draw_text = ImageDraw.ImageDraw.text

    def noted(self: Any, at: Sequence[float], text: str, *rest: Any, **more: Any) -> None:
        texts.append(text)
        draw_text(self, at, text, *rest, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    return texts


def proposal(found: float = 0.99, false: float = 2.0) -> Proposal:
    bits = Curve(np.arange(65.0), np.linspace(0, 1, 65), np.linspace(0, 1e-3, 65))
    colour = Curve(np.arange(121) / 20, np.linspace(0, 1, 121), np.linspace(0, 1e-5, 121))
    return Proposal(Thresholds(12, 2.1, 4.5, 9), found, {}, int(false), 1_000_000, 3e-6, bits, colour)


def test_all_pictures_are_on_the_sheet() -> None:
    made = group_sheet([group(3), group(1)])
    assert made.mode == "RGB"
    assert len(places(made, RED)) == 2 * 128 * 128 and len(places(made, BLUE)) == 4 * 128 * 128


def test_largest_group_comes_first() -> None:
    made = group_sheet([group(4, follower=GREEN), group(5)])
    assert places(made, BLUE)[:, 0].max() < places(made, GREEN)[:, 0].min()


def test_small_groups_stand_side_by_side() -> None:
    made = group_sheet([group(1, follower=GREEN), group(3), group(2, GREEN, BLUE)])
    beside, below = places(made, GREEN)[:, 1].max(), places(group_sheet([group(3)]), BLUE)[:, 1].max()
    assert beside > below and made.height < 2 * group_sheet([group(3)]).height
    for count in range(1, 9):
        sheet = group_sheet([group(count)] * 3, cell=64)
        assert len(places(sheet, RED)) == 3 * 64**2 and len(places(sheet, BLUE)) == 3 * count * 64**2


def test_leader_stands_left_of_followers() -> None:
    made = group_sheet([group(20)], cell=64)
    assert places(made, RED)[:, 1].max() < places(made, BLUE)[:, 1].min()
    assert len(places(made, BLUE)) == 20 * 64 * 64


def test_captions_are_drawn(written: list[str]) -> None:
    group_sheet([Group(one(RED, "#1 leads"), [one(BLUE, "#2, 12 bits, 0.4")])], title="Twins")
    assert {"Twins", "#1 leads", "#2, 12 bits, 0.4"} <= set(written)


def test_long_captions_stay_under_their_picture(written: list[str]) -> None:
    group_sheet([Group(one(RED, "x" * 200), [])], cell=64)
    cut = next(text for text in written if text.startswith("x"))
    assert cut.endswith("…") and pictures._font(10).getlength(cut) <= 64


def test_letters_that_the_font_lacks_are_replaced(written: list[str]) -> None:
    group_sheet([group(0)], title="Zwölf 蛙")
    assert "Zwolf ?" in written


def test_pixels_stay_squares() -> None:
    art = np.random.default_rng(0).integers(1, 250, (32, 32, 3), dtype=np.uint8)
    made = np.asarray(group_sheet([Group(Captioned(Image.fromarray(art), ""), [])]))
    whole = art.repeat(4, 0).repeat(4, 1)
    top = next(y for y in range(made.shape[0]) if np.array_equal(made[y, 24 : 24 + 128], whole[0]))
    assert np.array_equal(made[top : top + 128, 24 : 24 + 128], whole)


def test_what_is_left_out_is_told(written: list[str]) -> None:
    groups = [group(20), *[group(2)] * 30]
    whole = group_sheet(groups, cell=64)
    assert not [text for text in written if "left out" in text]
    made = group_sheet(groups, cell=64, most_pixels=whole.width * whole.height // 3)
    told = next(text for text in written if "left out" in text)
    shown = len(places(made, RED)) // 64**2
    assert 1 < shown < 31 and told == f"left out: groups {31 - shown}, pictures in all {3 * (31 - shown)}"
    assert made.width * made.height <= whole.width * whole.height // 3


def test_a_cut_group_is_told(written: list[str]) -> None:
    made = group_sheet([group(20), group(1)], cell=64, most_pixels=1)
    assert len(places(made, RED)) == 64**2 and len(places(made, BLUE)) == 8 * 64**2
    assert "left out: groups 1, pictures in all 14, some of them of the last group above" in written


@pytest.mark.parametrize(("groups", "cell"), [([], 128), ([group(1)], 31), ([group(1)], 513)])
def test_impossible_sheets_are_refused(groups: list[Group], cell: int) -> None:
    with pytest.raises(BadValue):
        group_sheet(groups, cell=cell)


def test_bars_are_as_high_as_counts() -> None:
    made = histogram(np.array([10] * 100 + [20] * 50), 4, "Nearest")
    found = places(made, BAR)
    heights = [len(found[found[:, 1] == column]) for column in np.unique(found[:, 1])]
    assert set(heights) == {max(heights), round(max(heights) / 2)}


def bars(made: Image.Image, colour: str) -> np.ndarray:
    """The columns of the chart's bars of this colour, without the words above."""
    found = places(made, colour)
    return np.unique(found[found[:, 0] > 150][:, 1])


def test_bars_within_threshold_are_marked(written: list[str]) -> None:
    made = histogram(np.array([2, 10, 50, 60]), 10, "Nearest")
    within, beyond = bars(made, MARK), bars(made, BAR)
    assert within.max() < beyond.min()
    assert len(within) == pytest.approx(len(beyond), abs=2)  # two bars each
    assert "threshold 10: 2 of 4 within" in written


@pytest.mark.parametrize("threshold", [10, 11])
def test_threshold_line_stands_between(threshold: int) -> None:
    made = histogram(np.array([10] * 9 + [12] * 9), threshold, "Nearest")
    ink = places(made, INK)
    line = [column for column in np.unique(ink[:, 1]) if (ink[:, 1] == column).sum() > 200]
    assert bars(made, MARK).max() < max(line) and min(line) < bars(made, BAR).min()


def test_axes_are_labelled(written: list[str]) -> None:
    histogram(np.array([0, 40, 100]), 40, "Nearest neighbours")
    assert {"Nearest neighbours", "bits to the nearest other picture, of 256", "pictures", "0", "50"} <= set(written)


@pytest.mark.parametrize("nearest", [[0], [256], [0, 256]])
def test_ends_of_the_range_are_drawn(nearest: list[int]) -> None:
    made = histogram(np.array(nearest), 0, "Nearest")
    assert len(places(made, BAR)) + len(places(made, MARK)) > 100


@pytest.mark.parametrize("of_bits", [64, 1024])
def test_hashes_of_other_sizes_have_their_range(of_bits: int, written: list[str]) -> None:
    made = histogram(np.array([0, of_bits]), of_bits, "Nearest", of_bits)
    drawn = bars(made, MARK)
    assert f"bits to the nearest other picture, of {of_bits}" in written
    assert len(drawn) and np.ptp(drawn) > 500  # from one end to the other
    for nearest, threshold in (([of_bits + 1], 4), ([3], of_bits + 1)):
        with pytest.raises(BadValue, match=f"0 to {of_bits}"):
            histogram(np.array(nearest), threshold, "Nearest", of_bits)


@pytest.mark.parametrize(("nearest", "threshold"), [([], 4), ([-1], 4), ([257], 4), ([3], -1), ([3], 257)])
def test_impossible_distances_are_refused(nearest: list[int], threshold: int) -> None:
    with pytest.raises(BadValue):
        histogram(np.array(nearest, int), threshold, "Nearest")


def test_roc_shows_both_curves_and_the_choice(written: list[str]) -> None:
    made = roc(proposal())
    assert min(len(places(made, colour)) for colour in (BAR, OTHER, MARK)) > 50
    assert "12 bits, colour 2.1, chroma 4.5, grey 9: 99.00 % found, 2 false" in written
    assert {"none", "1e-6", "1e-3", "90 %", "100 %", "false pairs, share of 1,000,000"} <= set(written)


def test_long_thresholds_are_told_whole(written: list[str]) -> None:
    limits, curves = Thresholds(1024, 10.75, 12.5, 255), (proposal().over_bits, proposal().over_colour)
    roc(Proposal(limits, 0.9, {}, 12_345_678, 1_000_000_000, 3e-6, *curves))
    assert "1024 bits, colour 10.75, chroma 12.5, grey 255: 90.00 % found, 12,345,678 false" in written


def test_roc_of_poor_thresholds_starts_at_nothing(written: list[str]) -> None:
    roc(proposal(found=0.5))
    assert {"0 %", "100 %"} <= set(written)


def test_roc_without_false_pairs_is_drawn() -> None:
    clean = proposal(false=0)
    curves = [curve._replace(false=np.zeros_like(curve.false)) for curve in (clean.over_bits, clean.over_colour)]
    made = roc(Proposal(clean.thresholds, 1.0, {}, 0, 1_000_000, 3e-6, *curves))
    curve = places(made, OTHER)
    assert np.ptp(curve[curve[:, 1] < 200][:, 1]) <= 8 and len(places(made, FAINT))  # all of it at "none"
