"""Byte tokens: what a prompt becomes for the network."""

from __future__ import annotations

import pytest
import torch

from glide.text import Transformer, byte_tokens


def test_letters_are_their_bytes() -> None:
    assert byte_tokens("toad", 6) == ([116, 111, 97, 100, 256, 256], [True] * 4 + [False] * 2)


def test_case_makes_no_difference() -> None:
    assert byte_tokens("An OIL Toad, ÉCLAIR", 32) == byte_tokens("an oil toad, éclair", 32)


def test_two_ways_of_writing_a_letter_are_one() -> None:
    assert byte_tokens("caf\u00e9", 8) == byte_tokens("cafe\u0301", 8)
    assert byte_tokens("é", 3) == ([0xC3, 0xA9, 256], [True, True, False])


def test_long_prompt_is_cut() -> None:
    tokens, mask = byte_tokens("abcdefgh", 5)
    assert (tokens, mask) == (list(b"abcde"), [True] * 5)


@pytest.mark.parametrize("prompt", ["", "a", "a toad" * 40, "蛙" * 40, "\U0001f438"])
def test_tokens_always_fill_the_context(prompt: str) -> None:
    tokens, mask = byte_tokens(prompt, 96)
    assert len(tokens) == len(mask) == 96
    assert all(0 <= token <= 256 for token in tokens)
    assert mask == [token != 256 for token in tokens]


def test_empty_prompt_is_all_padding() -> None:
    assert byte_tokens("", 4) == ([256] * 4, [False] * 4)


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
