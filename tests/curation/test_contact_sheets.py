"""Contact sheets: everything is on them, in its place, in its true colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from curation import contact_sheets
from curation.contact_sheets import MARKS, THEMES, fitted, grid_sheet

RED, BLUE = Image.new("RGB", (64, 64), (250, 0, 0)), Image.new("RGB", (36, 36), (0, 0, 250))


def sheet(**changes: Any) -> Image.Image:
    given: dict[str, Any] = {
        "title": "Toads",
        "row_labels": ["#1", "#2"],
        "column_labels": ["crayon", "ink", "glass"],
        "cells": [[RED, None, RED], [None, RED, None]],
    }
    return grid_sheet(**{**given, **changes})


def pixels_of(image: Image.Image, colour: str | tuple[int, ...]) -> int:
    wanted = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    return int((np.asarray(image) == wanted).all(axis=2).sum())


def test_every_picture_is_on_the_sheet() -> None:
    made = sheet(row_images=[BLUE, BLUE])
    assert made.mode == "RGB"
    assert pixels_of(made, (250, 0, 0)) == 3 * 128 * 128
    assert pixels_of(made, (0, 0, 250)) == 2 * 128 * 128


def test_cell_size_is_followed() -> None:
    assert pixels_of(sheet(cell=64), (250, 0, 0)) == 3 * 64 * 64
    assert sheet(cell=64).width < sheet().width


def test_missing_cells_are_quiet_places() -> None:
    empty = THEMES["dark"].empty
    assert 0.98 * 3 * 128**2 < pixels_of(sheet(), empty) < 3 * 128**2
    assert pixels_of(sheet(cells=[[RED] * 3] * 2), empty) == 0


def test_rows_go_down_and_columns_across() -> None:
    made = np.asarray(sheet(cells=[[RED, BLUE, BLUE], [RED, RED, RED]])).astype(int)
    blue_at = np.argwhere((made == (0, 0, 250)).all(axis=2))
    red_at = np.argwhere((made == (250, 0, 0)).all(axis=2))
    assert blue_at[:, 0].max() < red_at[:, 0].max() and blue_at[:, 1].min() > red_at[:, 1].min() + 128


def test_title_image_stands_above_the_grid() -> None:
    made = np.asarray(sheet(title_image=BLUE))
    blue_at = np.argwhere((made == (0, 0, 250)).all(axis=2))
    assert len(blue_at) == 96 * 96
    assert blue_at[:, 0].max() < np.argwhere((made == (250, 0, 0)).all(axis=2))[:, 0].min()


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_theme_colours_the_page(theme: str) -> None:
    made = sheet(theme=theme)
    assert made.getpixel((0, 0)) == Image.new("RGB", (1, 1), THEMES[theme].page).getpixel((0, 0))
    assert pixels_of(made, THEMES[theme].ink) > 20  # the title


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_marks_are_shown_and_explained(mark: str) -> None:
    marked = sheet(marks=[[mark, None, None], [None] * 3])
    assert pixels_of(marked, MARKS[mark]) > 100 and pixels_of(sheet(), MARKS[mark]) == 0
    assert marked.height > sheet().height  # the line that explains it
    assert (pixels_of(marked, (250, 0, 0)) <= 2 * 128**2) == (mark == "rejected")  # a rejected picture fades


def test_labels_and_footer_change_the_sheet() -> None:
    plain = sheet().tobytes()
    for change in (
        {"title": "Frogs"},
        {"row_labels": ["#1", "#3"]},
        {"column_labels": ["crayon", "oil", "glass"]},
    ):
        assert sheet(**change).tobytes() != plain
    assert sheet(footer="CC0").height > sheet().height


def test_long_labels_stay_within_their_cell() -> None:
    font = contact_sheets._font(14)
    for text in ("an oil painting of a toad in the manner of the old Dutch masters", "x" * 200, "ab " * 80):
        lines = contact_sheets._broken(text, font, 120, 3)
        assert len(lines) == 3 and lines[-1].endswith("…")
        assert max(font.getlength(line) for line in lines) <= 120
    assert contact_sheets._broken("stained glass", font, 120, 3) == ["stained glass"]
    assert sheet(column_labels=["x" * 500] * 3).width == sheet().width


def test_letters_that_the_font_lacks_are_replaced() -> None:
    assert contact_sheets._drawable("café × naïve – 蛙") == "cafe x naive - ?"


def test_pixel_art_is_enlarged_without_smoothing() -> None:
    art = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    expected = np.asarray(art).repeat(4, 0).repeat(4, 1)
    assert np.array_equal(np.asarray(fitted(art, 128)), expected)


def test_other_shapes_keep_their_proportions() -> None:
    assert fitted(Image.new("RGB", (200, 100)), 128).size == (128, 64)
    assert fitted(Image.new("RGBA", (10, 10)), 20).getpixel((0, 0)) == (255, 255, 255)  # clear is white


@pytest.mark.parametrize(
    "change",
    [{"cells": [[RED] * 3]}, {"cells": [[RED] * 2] * 2}, {"row_images": [BLUE]}, {"row_labels": []}, {"cell": 8},
     {"marks": [[None] * 3]}, {"marks": [["maybe", None, None], [None] * 3]}, {"theme": "pink"}],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(contact_sheets.BadValue):
        sheet(**change)


def test_enormous_sheets_are_refused() -> None:
    with pytest.raises(contact_sheets.BadValue, match="fewer rows"):
        sheet(row_labels=["#"] * 2000, cells=[[None] * 3] * 2000, cell=256)
