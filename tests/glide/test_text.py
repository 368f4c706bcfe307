"""The transformer that encodes prompts (their tokens have tests of their own)."""

from __future__ import annotations

import torch

from glide.text import Transformer


def test_every_text_position_sees_every_other() -> None:
    torch.manual_seed(0)
    transformer = Transformer(width=8, layers=1, heads=2).requires_grad_(False)
    x = torch.randn(1, 5, 8)
    last_changed, first_changed = x.clone(), x.clone()
    last_changed[:, -1, 0] += 1  # not all alike: the norm would take that out
    first_changed[:, 0, 0] += 1
    before = transformer(x)
    assert not torch.allclose(transformer(last_changed)[:, 0], before[:, 0])
    assert not torch.allclose(transformer(first_changed)[:, -1], before[:, -1])
