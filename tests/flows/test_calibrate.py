"""Calibration on a collection's own pictures: candidates where there are enough, else its sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from errors import NothingLeft
from flows import calibrate, ingest
from flows.settings import Settings
from glide.training import painter


@pytest.fixture
def toads(collection: Callable[..., Settings], images: Path) -> Callable[[int], Settings]:
    """toads(count): a collection of so many painted toads, read in."""

    def filled(count: int) -> Settings:
        rng = np.random.default_rng(5)
        ids = [str(number) for number in range(count)]
        for id in ids:
            painter.paint(painter.random_toad(rng)).save(images / f"{id}.png")
        settings = collection()
        ingest.ingest_batch.fn(str(settings.folder), [(id, str(images / f"{id}.png")) for id in ids], 0)
        return settings

    return filled


def test_sources_serve_before_there_are_candidates(toads: Callable[[int], Settings]) -> None:
    settings = toads(40)
    told, proposal, picture = calibrate.calibrate(settings)
    assert told == "40 sources, as the model is given them" and proposal.pairs == 40 * 39 // 2
    assert proposal.found > 0.99 and proposal.thresholds.bits <= 64
    with Image.open(picture) as drawn:
        assert drawn.width > 300 and picture.parent == settings.sheets


def test_report_can_be_copied_into_the_settings(
    toads: Callable[[int], Settings], collection: Callable[..., Settings]
) -> None:
    told, proposal, _ = calibrate.calibrate(toads(40))
    lines = calibrate.report(told, proposal)
    written = "\n".join(lines[lines.index("[look_alikes]") :])
    assert collection(written).thresholds == proposal.thresholds
    assert any("shift 1 px" in line and "not counted" in line for line in lines)


def test_too_few_pictures_say_how_many_are_needed(toads: Callable[[int], Settings]) -> None:
    with pytest.raises(NothingLeft, match=r"or 32 sources; there are 0 and 5;"):
        calibrate.calibrate(toads(5))
