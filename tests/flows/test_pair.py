"""What is told before anything is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.pair import warnings
from flows.settings import Settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('styles = ["ink", "neon"]\ninsertion_steps = [0, 4]', "from every source (ink, neon)"),
        ('styles = ["ink"]\ninsertion_steps = [4]', ""),
        ('styles = ["ink"]\ninsertion_steps = [0]\n[inpainting]\nmask = "subject"', ""),
    ],
)
def test_candidates_that_will_be_the_same_are_told(collection: Callable[..., Settings], text: str, told: str) -> None:
    found = [sentence for sentence in warnings(collection(f"[grid]\n{text}")) if "step 0" in sentence]
    assert len(found) == bool(told) and all(told in sentence for sentence in found)
