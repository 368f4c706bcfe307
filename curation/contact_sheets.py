"""Contact sheets: many pictures on one, with labels, for people who choose. Plain images and labels in, one image out.

The same sheet shows sources down and styles across, or insertion steps down and guidance scales across.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from errors import BadValue

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MOST_PIXELS = 89_478_485  # above this Pillow itself warns of a decompression bomb when the sheet is opened
_FINE = 4  # round shapes are drawn this much larger and reduced, since ImageDraw does not smooth


@dataclass(frozen=True)
class Theme:
    """A sheet's colours: the page, an empty cell, text, quieter text and lines."""

    page: str
    empty: str
    ink: str
    faint: str
    line: str


THEMES = {
    "dark": Theme(page="#131519", empty="#1a1d23", ink="#ebe9e3", faint="#878c96", line="#2c3038"),
    "light": Theme(page="#faf8f4", empty="#f1eee7", ink="#22252a", faint="#858077", line="#ddd8cd"),
}
MARKS = {"accepted": "#3fb37f", "rejected": "#e0605a", "unchanged": "#e5a93c", "look-alike": "#6aa5e8"}


def grid_sheet(
    title: str,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    cells: Sequence[Sequence[Image.Image | None]],
    row_images: Sequence[Image.Image | None] | None = None,
    cell: int = 128,
    footer: str = "",
    *,
    marks: Sequence[Sequence[str | None]] | None = None,
    title_image: Image.Image | None = None,
    theme: str = "dark",
) -> Image.Image:
    """An RGB sheet: `cells[row][column]` under the column's and beside the row's label; None is an empty place.

    `row_images`: shown before each row (the sources), or None; `title_image`: beside the title (the source);
    `cell`: a picture's side in pixels, 32..1024, which everything else follows; `marks[row][column]`: None or one of
    "accepted", "rejected" (the picture fades too), "unchanged", "look-alike", explained below the grid. Long labels
    wrap, then end in "…". Raises BadValue for lists that do not fit together, and for a sheet of more pixels than
    `MOST_PIXELS`.
    """
    if theme not in THEMES:
        raise BadValue("theme", theme, ", ".join(THEMES))
    if not 32 <= cell <= 1024:
        raise BadValue("cell", cell, "32 to 1024 pixels")
    _check_grid(row_labels, column_labels, cells, row_images, marks)
    plan = _Plan(title, row_labels, column_labels, cell, footer, marks, row_images is not None, title_image is not None)
    if plan.width * plan.height > MOST_PIXELS:
        wanted = f"{plan.width} x {plan.height}"
        raise BadValue("sheet size", wanted, f"up to {MOST_PIXELS} pixels: fewer rows or smaller cells")
    return _draw(plan, cells, row_images, marks, title_image, THEMES[theme])


class _Plan:
    """Where everything goes, in pixels; the lines of text are already broken."""

    def __init__(
        self,
        title: str,
        row_labels: Sequence[str],
        column_labels: Sequence[str],
        cell: int,
        footer: str,
        marks: Sequence[Sequence[str | None]] | None,
        has_row_images: bool,
        has_title_image: bool,
    ) -> None:
        self.cell = cell
        self.gap = gap = max(4, cell // 16)
        self.margin = margin = max(24, cell * 5 // 16)
        self.small = _font(max(11, round(cell * 0.11)))
        self.large = _font(max(20, round(cell * 0.24)))

        labels_width = max(_width(label, self.small) for label in row_labels)
        labels_width = min(labels_width, max(cell, 80))
        self.rows = [_broken(label, self.small, labels_width, 4) for label in row_labels]
        self.columns = [_broken(label, self.small, cell, 3) for label in column_labels]
        self.label_x = margin
        self.row_image_x = margin + (labels_width + 2 * gap if labels_width else 0)
        self.rule_x = self.row_image_x + cell + 2 * gap if has_row_images else None
        self.cells_x = self.row_image_x if self.rule_x is None else self.rule_x + 2 * gap
        right = self.cells_x + len(column_labels) * (cell + gap) - gap
        self.width = max(right, margin + 3 * cell, 320 - margin) + margin

        self.title_image_side = cell * 3 // 4 if has_title_image else 0
        self.title_x = margin + (self.title_image_side + 2 * gap if has_title_image else 0)
        self.title = _broken(title, self.large, self.width - margin - self.title_x, 2)
        self.title_height = max(_height(self.title, self.large), self.title_image_side)
        self.columns_bottom = margin + self.title_height + (margin * 3 // 4 if self.title_height else 0)
        self.columns_bottom += max(_height(lines, self.small) for lines in self.columns)
        self.cells_y = self.columns_bottom + gap
        bottom = self.cells_y + len(row_labels) * (cell + gap) - gap

        used = {mark for row in marks or () for mark in row}
        self.legend = [mark for mark in MARKS if mark in used]
        self.footer = _broken(footer, self.small, self.width - 2 * margin, 3)
        self.legend_y = self.footer_y = bottom + margin * 3 // 4
        if self.legend:
            self.footer_y = self.legend_y + _line_height(self.small) + 2 * gap
            bottom = self.legend_y + _line_height(self.small)
        if self.footer:
            bottom = self.footer_y + _height(self.footer, self.small)
        self.height = bottom + margin

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """A cell's upper left corner."""
        step = self.cell + self.gap
        return self.cells_x + column * step, self.cells_y + row * step


def _draw(
    plan: _Plan,
    cells: Sequence[Sequence[Image.Image | None]],
    row_images: Sequence[Image.Image | None] | None,
    marks: Sequence[Sequence[str | None]] | None,
    title_image: Image.Image | None,
    theme: Theme,
) -> Image.Image:
    sheet = Image.new("RGB", (plan.width, plan.height), theme.page)
    draw = ImageDraw.Draw(sheet)
    side = plan.title_image_side
    if title_image is not None:
        _paste(sheet, title_image, (plan.margin, plan.margin), side)
    title_y = plan.margin + (plan.title_height - _height(plan.title, plan.large)) // 2
    _write(draw, plan.title, (plan.title_x, title_y), plan.large, theme.ink)
    for column, lines in enumerate(plan.columns):
        at = (plan.corner(0, column)[0], plan.columns_bottom - _height(lines, plan.small))
        _write(draw, lines, at, plan.small, theme.faint)
    if plan.rule_x is not None:
        last = plan.corner(len(cells) - 1, 0)[1] + plan.cell
        draw.line([(plan.rule_x, plan.cells_y), (plan.rule_x, last - 1)], theme.line)
    for row, pictures in enumerate(cells):
        y = plan.corner(row, 0)[1]
        lines = plan.rows[row]
        at = (plan.label_x, y + (plan.cell - _height(lines, plan.small)) // 2)
        _write(draw, lines, at, plan.small, theme.ink)
        if row_images is not None:
            _draw_cell(sheet, row_images[row], (plan.row_image_x, y), plan.cell, theme)
        for column, picture in enumerate(pictures):
            corner = plan.corner(row, column)
            mark = marks[row][column] if marks is not None else None
            _draw_cell(sheet, picture, corner, plan.cell, theme, fade=0.6 if mark == "rejected" else 0.0)
            if mark is not None:
                _draw_mark(sheet, corner, plan.cell, mark, theme)
    x = plan.cells_x
    for mark in plan.legend:
        height = _line_height(plan.small)
        _dot(sheet, (x + height // 2, plan.legend_y + height // 2), height * 0.36, mark, theme.page)
        _write(draw, [mark], (x + height + plan.gap // 2, plan.legend_y), plan.small, theme.faint)
        x += height + _width(mark, plan.small) + 3 * plan.gap
    _write(draw, plan.footer, (plan.margin, plan.footer_y), plan.small, theme.faint)
    return sheet


def fitted(image: Image.Image, side: int) -> Image.Image:
    """The image as RGB on white, its longer side `side` pixels.

    From twice its size on, pixels stay square: the image is enlarged by the next whole factor and then reduced by
    area, so that a 36 px toad fills 128 px with even, crisp pixels. Below that, and for reductions, Lanczos.
    """
    picture = image.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    longer = max(picture.size)
    size = (max(1, round(picture.width * side / longer)), max(1, round(picture.height * side / longer)))
    if side < 2 * longer:
        return picture.resize(size, Image.Resampling.LANCZOS)
    factor = math.ceil(side / longer)
    whole = (picture.width * factor, picture.height * factor)
    return picture.resize(whole, Image.Resampling.NEAREST).resize(size, Image.Resampling.BOX)


def _paste(sheet: Image.Image, image: Image.Image, corner: tuple[int, int], side: int, fade: float = 0.0) -> None:
    picture = fitted(image, side)
    at = (corner[0] + (side - picture.width) // 2, corner[1] + (side - picture.height) // 2)
    if fade:
        under = sheet.crop((*at, at[0] + picture.width, at[1] + picture.height))
        picture = Image.blend(picture, under, fade)
    sheet.paste(picture, at)


def _draw_cell(
    sheet: Image.Image, picture: Image.Image | None, corner: tuple[int, int], cell: int, theme: Theme, fade: float = 0.0
) -> None:
    if picture is None:
        _draw_empty(sheet, corner, cell, theme)
    else:
        _paste(sheet, picture, corner, cell, fade=fade)


def _draw_empty(sheet: Image.Image, corner: tuple[int, int], side: int, theme: Theme) -> None:
    """A place that waits: barely lighter than the page, with a short dash in its middle."""
    draw = ImageDraw.Draw(sheet)
    x, y = corner
    draw.rectangle([x, y, x + side - 1, y + side - 1], theme.empty)
    middle, half = y + side // 2, max(3, side // 20)
    draw.line([(x + side // 2 - half, middle), (x + side // 2 + half, middle)], theme.line, max(1, side // 64))


def _draw_mark(sheet: Image.Image, corner: tuple[int, int], side: int, mark: str, theme: Theme) -> None:
    radius = max(5.0, side * 0.07)
    inset = round(radius + side * 0.05)
    _dot(sheet, (corner[0] + side - inset, corner[1] + inset), radius, mark, theme.page)


def _dot(sheet: Image.Image, centre: tuple[int, int], radius: float, mark: str, ring: str) -> None:
    """A coloured dot in a thin ring with a sign of its own (tick, cross, two lines across or up), for who does not tell
    the colours apart."""
    reach = math.ceil(radius * 1.3)
    large = Image.new("RGBA", (2 * reach * _FINE, 2 * reach * _FINE))
    draw = ImageDraw.Draw(large)
    middle, unit = reach * _FINE, radius * _FINE

    def at(x: float, y: float) -> tuple[float, float]:
        return middle + x * unit, middle + y * unit

    draw.ellipse([at(-1.25, -1.25), at(1.25, 1.25)], ring)
    draw.ellipse([at(-1, -1), at(1, 1)], MARKS[mark])
    strokes = {
        "accepted": [[at(-0.45, 0.05), at(-0.12, 0.38), at(0.46, -0.32)]],
        "rejected": [[at(-0.36, -0.36), at(0.36, 0.36)], [at(-0.36, 0.36), at(0.36, -0.36)]],
        "unchanged": [[at(-0.45, -0.2), at(0.45, -0.2)], [at(-0.45, 0.2), at(0.45, 0.2)]],
        "look-alike": [[at(-0.2, -0.45), at(-0.2, 0.45)], [at(0.2, -0.45), at(0.2, 0.45)]],
    }
    for stroke in strokes[mark]:
        draw.line(stroke, "white", round(unit * 0.22), joint="curve")
    small = large.resize((2 * reach, 2 * reach), Image.Resampling.BOX)
    sheet.paste(small, (centre[0] - reach, centre[1] - reach), small)


@functools.cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size=size)


def _width(text: str, font: Font) -> int:
    return math.ceil(font.getlength(_drawable(text)))


def _line_height(font: Font) -> int:
    return round(getattr(font, "size", 10) * 1.3)


def _height(lines: Sequence[str], font: Font) -> int:
    return len(lines) * _line_height(font)


def _write(draw: ImageDraw.ImageDraw, lines: Sequence[str], at: tuple[int, int], font: Font, colour: str) -> None:
    for number, line in enumerate(lines):
        middle = at[1] + number * _line_height(font) + _line_height(font) / 2
        draw.text((at[0], middle), line, colour, font, anchor="lm")


def _drawable(text: str) -> str:
    """The text in what Pillow's own font has, ASCII and a few signs: é loses its accent, a letter of another script
    becomes "?", where the font would draw the same empty box for all of them."""
    for unknown, known in {"–": "-", "—": "-", "×": "x", "≈": "~", "−": "-"}.items():
        text = text.replace(unknown, known)
    plain = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() or letter in "©«°±´·»‘’“”‹›" else "?" for letter in plain)


def _broken(text: str, font: Font, width: int, most_lines: int) -> list[str]:
    """The text in lines of at most `width` pixels, broken at spaces, within a word where it must be; what does not
    fit into `most_lines` ends in "…"."""
    lines: list[str] = []
    line = ""
    for word in _drawable(text).split():
        joined = f"{line} {word}".strip()
        if font.getlength(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        while font.getlength(word) > width and len(word) > 1:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or font.getlength(word[:n]) <= width)
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    lines += [line] if line else []
    if len(lines) <= most_lines:
        return lines
    last = lines[most_lines - 1]
    while last and font.getlength(last + "…") > width:
        last = last[:-1]
    return [*lines[: most_lines - 1], last.rstrip() + "…"]


def _check_grid(
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    cells: Sequence[Sequence[Image.Image | None]],
    row_images: Sequence[Image.Image | None] | None,
    marks: Sequence[Sequence[str | None]] | None,
) -> None:
    if not row_labels or not column_labels:
        raise BadValue("grid", f"{len(row_labels)} x {len(column_labels)}", "at least one row and one column")
    for what, grid in (("cells", cells), ("marks", marks)):
        if grid is None:
            continue
        lengths = [len(row) for row in grid]
        if lengths != [len(column_labels)] * len(row_labels):
            raise BadValue(
                f"{what}' rows of length",
                lengths,
                f"{len(row_labels)} rows of {len(column_labels)}, as the labels",
            )
    if row_images is not None and len(row_images) != len(row_labels):
        raise BadValue("number of row images", len(row_images), f"{len(row_labels)}, as there are rows")
    unknown = {mark for row in marks or () for mark in row} - {None, *MARKS}
    if unknown:
        raise BadValue("mark", min(map(str, unknown)), ", ".join(MARKS))
