"""What is told of long work where nobody watches a bar."""

from __future__ import annotations

import pytest

from flows import progress


@pytest.mark.parametrize(
    ("of_bytes", "begins"), [(False, "packing: 1000000 of 3000000, about "), (True, "packing: 1 of 3 MB, about ")]
)
def test_lines_count_things_or_megabytes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], of_bytes: bool, begins: str
) -> None:
    monkeypatch.setattr(progress, "BETWEEN_LINES", -1.0)
    with progress.meter("packing", 3_000_000, of_bytes) as meter:
        meter.advance(1_000_000)
        meter.advance(2_000_000)
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith(begins)
    assert told.err.count("\n") == 1 and meter.done == 3_000_000
