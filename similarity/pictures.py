"""Pictures of look-alikes: groups with their distances, how near the nearest neighbours are, the ROC of a calibration.

Drawn with Pillow alone: images and numbers in, one RGB image out, in the colours of the contact sheets.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from errors import BadValue
from similarity.calibrate import Curve, Proposal
from similarity.hashes import on_white

MOST_PIXELS = 24_000_000  # of a sheet: what every viewer opens; it holds about 1,000 pictures of 128 pixels

PAGE, EMPTY, INK, FAINT, LINE = "#131519", "#1a1d23", "#ebe9e3", "#878c96", "#2c3038"
BAR, MARK, OTHER = "#3fb37f", "#e5a93c", "#6aa5e8"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_WIDTH, _HEIGHT, _MARGIN = 720, 400, 24  # of a chart
_TEXT = 13
_ACROSS = 8  # followers in a row
_LEAST_RATE = 1e-10  # an axis of rates ends there


class Captioned(NamedTuple):
    """A picture and the line that stands under it, such as its id and how far it is from its leader."""

    image: Image.Image
    caption: str


class Group(NamedTuple):
    """A leader and those who look like it, nearest first."""

    leader: Captioned
    followers: Sequence[Captioned]


def group_sheet(
    groups: Sequence[Group], title: str = "Look-alikes", cell: int = 128, most_pixels: int = MOST_PIXELS
) -> Image.Image:
    """Groups, the largest first: each leader on the left, its followers beside it, eight in a row; small groups stand
    side by side.

    `cell`: a picture's side, 32..512 pixels. What would make the sheet larger than `most_pixels` is left out, whole
    rows of the last group shown and all smaller groups, and a line at the bottom says how much that is. The first row
    is always drawn. Raises BadValue for another cell, and where there is no group.
    """
    if not 32 <= cell <= 512:
        raise BadValue("cell", cell, "32 to 512 pixels")
    if not groups:
        raise BadValue("number of groups", 0, "at least one")
    gap, small = max(4, cell // 16), _font(max(10, round(cell * 0.1)))
    step = (cell + gap, cell + _line(small) + 2 * gap)
    width = 2 * _MARGIN + (_ACROSS + 1) * step[0] + 2 * gap
    head, foot = _MARGIN + 3 * _line(_font(20)) // 2, _line(small) + _MARGIN

    rows = _rows(sorted(groups, key=lambda group: -len(group.followers)))  # sorted keeps ties in order
    room = max(1, (most_pixels // width - head - foot) // step[1])
    shown, left_out = rows[:room], rows[room:]
    sheet = Image.new("RGB", (width, head + len(shown) * step[1] + foot), PAGE)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (_MARGIN, _MARGIN + 10), title, _font(20), INK, "lm", width - 2 * _MARGIN)
    for number, row in enumerate(shown):
        y = head + number * step[1]
        if number and row[0].leader is not None:
            draw.line([(_MARGIN, y - gap), (width - _MARGIN, y - gap)], LINE)
        for part in row:
            x = _MARGIN + part.column * step[0]
            if part.leader is not None:
                _place(sheet, part.leader, (x, y), cell, small, INK)
            x += step[0] + 2 * gap
            draw.line([(x - 3 * gap // 2, y), (x - 3 * gap // 2, y + cell - 1)], LINE)
            for column, follower in enumerate(part.followers):
                _place(sheet, follower, (x + column * step[0], y), cell, small, FAINT)
    if left_out:
        _write(draw, (_MARGIN, sheet.height - _MARGIN), _told(left_out), small, MARK, "ls", width - 2 * _MARGIN)
    return sheet


def histogram(nearest: NDArray[np.integer], threshold: int, title: str, of_bits: int = 256) -> Image.Image:
    """How many pictures have their nearest neighbour how many bits away, and how many of them within the threshold.

    `nearest`: whole numbers [N] of 0..`of_bits`, at least one; best of neighbours of like colour alone, as others are
    never look-alikes. Two numbers of bits share a bar: phash's distances are nearly all even, since half of its bits
    are ones. Raises BadValue for others and for a threshold outside of 0..`of_bits`.
    """
    if nearest.size == 0 or nearest.min() < 0 or nearest.max() > of_bits:
        raise BadValue("nearest distances", nearest.tolist()[:3], f"one or more whole numbers of 0 to {of_bits}")
    if not 0 <= threshold <= of_bits:
        raise BadValue("threshold", threshold, f"0 to {of_bits} bits")
    counts = np.bincount(nearest // 2, minlength=of_bits // 2 + 1)
    end = min(of_bits + 2, 2 * math.ceil(max(int(nearest.max()), threshold) * 1.08 / 2) + 4)
    chart = _Chart(title, (0, end), (0, float(counts.max()) * 1.08))
    chart.axes(f"bits to the nearest other picture, of {of_bits}", "pictures", _ticks(0, end), _ticks(0, counts.max()))
    for number, count in enumerate(counts[: end // 2]):
        if count:
            colour = MARK if 2 * number <= threshold else BAR
            left, right = chart.x(2 * number), max(chart.x(2 * number) + 1, chart.x(2 * number + 2) - 2)
            chart.draw.rectangle([left, min(chart.y(float(count)), chart.bottom - 2), right, chart.bottom - 1], colour)
    within = int((nearest <= threshold).sum())
    chart.upright(2 * (threshold // 2 + 1), f"threshold {threshold}: {within:,} of {nearest.size:,} within")
    return chart.image


def roc(proposal: Proposal) -> Image.Image:
    """Copies found (up) against pairs called alike that are not (across, as a share of all pairs, in powers of ten),
    as the one threshold or the other changes; the proposal is marked. Points without a false pair stand at "none"."""
    curves = ((proposal.over_bits, OTHER, "bits change"), (proposal.over_colour, BAR, "colour changes"))
    rates = np.concatenate([curve.false for curve, _, _ in curves])
    least = math.floor(math.log10(max(_LEAST_RATE, 1 / proposal.pairs)))
    most = max(least + 1, math.ceil(math.log10(max(_LEAST_RATE, rates.max()))))
    floor = 0.9 if proposal.found >= 0.92 else 0.0
    chart = _Chart("Copies found, and different pictures confused", (least - 1, most), (floor, 1 + (1 - floor) * 0.04))
    names = {float(power): f"1e{power}" for power in range(least, most + 1)} | {float(least - 1): "none"}
    shares = {floor + (1 - floor) * part / 5: f"{100 * (floor + (1 - floor) * part / 5):g} %" for part in range(6)}
    chart.axes(f"false pairs, share of {proposal.pairs:,}", "copies found", names, shares)
    for number, (curve, colour, label) in enumerate(curves):
        points = [(chart.x(x), chart.y(y)) for x, y in _points(curve, least) if y >= floor]
        chart.draw.line(points, colour, 2, joint="curve")
        for x, y in points:
            chart.draw.ellipse([x - 2, y - 2, x + 2, y + 2], colour)
        place = (chart.right - 8, chart.bottom - 18 - 18 * number)
        _write(chart.draw, place, label, _font(_TEXT), colour, "rm", 300)
    false = 0.0 if not proposal.false else proposal.false / proposal.pairs
    x, y = chart.x(_power(false, least)), chart.y(max(floor, proposal.found))
    chart.draw.ellipse([x - 6, y - 6, x + 6, y + 6], outline=MARK, width=2)
    limits = proposal.thresholds
    near = f"{limits.bits} bits, colour {limits.colour:g}, chroma {limits.chroma:g}, grey {limits.grey}"
    told = f"{near}: {100 * proposal.found:.2f} % found, {proposal.false:,} false"
    place = (chart.right - 8, chart.bottom - 58)
    chart.draw.rectangle(chart.draw.textbbox(place, told, _font(_TEXT), anchor="rm"), PAGE)  # over the curves
    _write(chart.draw, place, told, _font(_TEXT), MARK, "rm", 500)
    return chart.image


def _points(curve: Curve, least: int) -> list[tuple[float, float]]:
    return [(_power(false, least), found) for false, found in zip(curve.false, curve.found, strict=True)]


def _power(rate: float, least: int) -> float:
    return math.log10(rate) if rate > 0 else least - 1.0


class _Part(NamedTuple):
    """What one row shows of one group: from which column on, the leader if the group begins here, its followers."""

    column: int
    leader: Captioned | None
    followers: Sequence[Captioned]


def _rows(groups: Sequence[Group]) -> list[list[_Part]]:
    """Each group's rows; what fits beside a group that ends stands there, one column apart."""
    rows: list[list[_Part]] = []
    for leader, followers in groups:
        column = _end(rows[-1]) + 1 if rows else _ACROSS
        if column + 1 + len(followers) <= _ACROSS:  # a column less than there are: the lines between groups take room
            rows[-1].append(_Part(column, leader, followers))
            continue
        for start in range(0, max(1, len(followers)), _ACROSS):
            rows.append([_Part(0, None if start else leader, followers[start : start + _ACROSS])])
    return rows


def _end(row: Sequence[_Part]) -> int:
    """The first column that is free."""
    return row[-1].column + 1 + len(row[-1].followers)


def _told(left_out: Sequence[Sequence[_Part]]) -> str:
    """What is not on the sheet, in words."""
    parts = [part for row in left_out for part in row]
    groups = sum(part.leader is not None for part in parts)
    pictures = groups + sum(len(part.followers) for part in parts)
    cut = "" if parts[0].leader is not None else ", some of them of the last group above"
    return f"left out: groups {groups:,}, pictures in all {pictures:,}{cut}"


def _place(sheet: Image.Image, shown: Captioned, corner: tuple[int, int], side: int, font: Font, colour: str) -> None:
    x, y = corner
    picture = _fitted(shown.image, side)
    sheet.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
    middle = (x + side // 2, y + side + _line(font) // 2 + 1)
    _write(ImageDraw.Draw(sheet), middle, shown.caption, font, colour, "mm", side)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    """On white, its longer side `side` pixels; from twice its size on its pixels stay squares."""
    picture = on_white(image)
    longer = max(picture.size)
    size = (max(1, round(picture.width * side / longer)), max(1, round(picture.height * side / longer)))
    if side < 2 * longer:
        return picture.resize(size, Image.Resampling.LANCZOS)
    times = math.ceil(side / longer)
    whole = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    return whole.resize(size, Image.Resampling.BOX)


class _Chart:
    """An empty chart: where a value is in pixels, and its axes. `across`, `up`: the values at its ends."""

    def __init__(self, title: str, across: tuple[float, float], up: tuple[float, float]) -> None:
        self.image = Image.new("RGB", (_WIDTH, _HEIGHT), PAGE)
        self.draw = ImageDraw.Draw(self.image)
        self.left, self.right = _MARGIN + 56, _WIDTH - _MARGIN
        self.top, self.bottom = _MARGIN + 58, _HEIGHT - _MARGIN - 40
        self.across, self.up = across, up
        _write(self.draw, (_MARGIN, _MARGIN + 8), title, _font(20), INK, "lm", _WIDTH - 2 * _MARGIN)

    def x(self, value: float) -> int:
        first, last = self.across
        return round(self.left + (value - first) / (last - first) * (self.right - self.left))

    def y(self, value: float) -> int:
        first, last = self.up
        return round(self.bottom - (value - first) / (last - first) * (self.bottom - self.top))

    def axes(self, label_x: str, label_y: str, ticks_x: dict[float, str], ticks_y: dict[float, str]) -> None:
        font = _font(_TEXT)
        for value, text in ticks_y.items():
            self.draw.line([(self.left, self.y(value)), (self.right, self.y(value))], LINE)
            _write(self.draw, (self.left - 8, self.y(value)), text, font, FAINT, "rm", self.left)
        for value, text in ticks_x.items():
            self.draw.line([(self.x(value), self.bottom), (self.x(value), self.bottom + 4)], FAINT)
            _write(self.draw, (self.x(value), self.bottom + 15), text, font, FAINT, "mm", 80)
        self.draw.line([(self.left, self.bottom), (self.right, self.bottom)], FAINT)
        _write(self.draw, ((self.left + self.right) // 2, self.bottom + 38), label_x, font, INK, "mm", 600)
        _write(self.draw, (_MARGIN, self.top - 18), label_y, font, INK, "lm", 300)

    def upright(self, value: float, text: str) -> None:
        """A line at this value, with words beside it, on the side where there is more room."""
        x, font = self.x(value), _font(_TEXT)
        self.draw.line([(x, self.top), (x, self.bottom)], INK, 2)
        side, anchor = (8, "lm") if x < (self.left + self.right) / 2 else (-8, "rm")
        _write(self.draw, (x + side, self.top - 8), text, font, MARK, anchor, 400)


def _ticks(first: float, last: float) -> dict[float, str]:
    """Round values between the two, five or so."""
    rough = max(1.0, (last - first) / 5)
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
    return {float(value): f"{value:,.0f}" for value in np.arange(first, last + 1e-9, step)}


@functools.cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size=size)


def _line(font: Font) -> int:
    return round(getattr(font, "size", 10) * 1.4)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, font: Font, colour: str, anchor: str, width: int
) -> None:
    """One line of at most `width` pixels, its end cut off with "…" where it must be. Pillow's own font has no letters
    of other scripts: they become "?", and é its e."""
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    line = "".join(letter if letter.isascii() else "?" for letter in plain)
    if font.getlength(line) > width:
        while line and font.getlength(line + "…") > width:
            line = line[:-1]
        line += "…"
    draw.text(at, line, colour, font, anchor=anchor)
