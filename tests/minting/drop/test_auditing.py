"""A drop is read back from a real chain, and whatever is not as the collection says is told."""

from __future__ import annotations

from tests.minting.drop.deployed import Drop, wrong


def test_a_drop_as_it_was_meant_is_clean(drop: Drop) -> None:
    report = drop.audit()
    for l in report.lines:
        print(l.state, l.what, l.told)
    assert wrong(report) == {}
    assert 0
