"""Tokens: what a prompt becomes for a network, and what its author is told of the words that did not fit."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import BadWeights
from glide.tokens import CLIP_END, CLIP_START, GPT2_END, ClipTokens, Gpt2Tokens, Tokenizer, Tokens, byte_tokens

TOAD = "\U0001f438"
Damage = Callable[[bytes], bytes]
KINDS = ["bytes", "gpt2", "clip"]


@pytest.fixture(scope="module")
def encoder_json(glide_golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gpt2") / "encoder.json"
    file.write_bytes(gzip.decompress((glide_golden / "vocabulary" / "encoder.json.gz").read_bytes()))
    return file


@pytest.fixture(scope="module")
def merges(glide_golden: Path) -> Path:
    return glide_golden / "vocabulary" / "bpe_simple_vocab_16e6.txt.gz"


@pytest.fixture(scope="module")
def tokenizers(encoder_json: Path, merges: Path) -> dict[str, Tokenizer]:
    return {"bytes": byte_tokens, "gpt2": Gpt2Tokens(encoder_json), "clip": ClipTokens(merges)}


@pytest.fixture(params=KINDS)
def tokens(request: pytest.FixtureRequest, tokenizers: dict[str, Tokenizer]) -> Tokenizer:
    """Each tokenizer in turn."""
    return tokenizers[request.param]


@pytest.mark.parametrize("prompt", ["", " ", "a", "a toad" * 40, "蛙" * 40, TOAD, "<|endoftext|>", "\ud83d", "\0\x1c"])
def test_tokens_always_fill_the_context(tokens: Tokenizer, prompt: str) -> None:
    read = tokens(prompt, 77)
    assert len(read.ids) == len(read.mask) == 77
    assert sorted(read.mask, reverse=True) == read.mask  # what counts comes first


def test_case_makes_no_difference(tokens: Tokenizer) -> None:
    assert tokens("An OIL Toad, ÉCLAIR", 32) == tokens("an oil toad, éclair", 32)
    assert tokens("an oil toad", 32) != tokens("an oil frog", 32)


def test_two_ways_of_writing_a_letter_are_one(tokens: Tokenizer) -> None:
    assert tokens("CAFE\u0301", 12) == tokens("caf\u00e9", 12)
    assert tokens("cafe", 12) != tokens("caf\u00e9", 12)


def test_nothing_is_lost_of_a_prompt_that_fits(tokens: Tokenizer) -> None:
    assert tokens("a toad in the moonlight", 40).lost == ""


@pytest.mark.parametrize(("kind", "context"), [("bytes", 6), ("gpt2", 3), ("clip", 4)])
def test_words_that_do_not_fit_are_told(tokenizers: dict[str, Tokenizer], kind: str, context: int) -> None:
    read = tokenizers[kind]("A toad in the Moon's light, don't you see?", context)
    assert read.lost == "in the moon's light, don't you see?"
    assert read.mask == [True] * context


def test_half_a_character_counts_as_lost(tokens: Tokenizer) -> None:
    prompt = f"{TOAD}蛙{TOAD}"
    needed = sum(tokens(prompt, 99).mask)
    assert needed > 5  # the context often ends inside a character
    told = [tokens(prompt, context).lost for context in range(2, needed + 1)]
    assert told[-1] == ""
    assert all(told[:-1])
    assert set(told) <= {prompt, f"蛙{TOAD}", TOAD, ""}


def test_blanks_that_do_not_fit_are_no_loss(tokens: Tokenizer) -> None:
    assert tokens("toad" + " " * 200, 40).lost == ""


def test_very_long_prompt_is_cut_soon(tokens: Tokenizer) -> None:
    for prompt in ("x" * 100_000, "a toad " * 20_000, "蛙" * 50_000):
        read = tokens(prompt, 77)
        assert all(read.mask)
        assert len(read.lost) > 40_000


@pytest.mark.parametrize("special", ["<|endoftext|>", "<|startoftext|>", "<|ENDOFTEXT|>"])
def test_text_of_a_special_token_is_only_text(tokens: Tokenizer, special: str) -> None:
    read = tokens(f"a {special} toad", 60)
    counted = [token for token, counts in zip(read.ids, read.mask, strict=True) if counts]
    inside = counted[1:-1] if counted[0] == CLIP_START else counted
    assert len(inside) > 5
    assert not {GPT2_END, CLIP_START, CLIP_END} & set(inside)


def test_letters_are_their_bytes() -> None:
    assert byte_tokens("toad", 6) == Tokens([116, 111, 97, 100, 256, 256], [True] * 4 + [False] * 2, "")
    assert byte_tokens("É", 3) == Tokens([0xC3, 0xA9, 256], [True, True, False], "")


def test_empty_prompt_is_all_padding(tokenizers: dict[str, Tokenizer]) -> None:
    assert tokenizers["bytes"]("", 3) == Tokens([256] * 3, [False] * 3, "")
    assert tokenizers["gpt2"]("", 3) == Tokens([50256] * 3, [False] * 3, "")


def test_empty_prompt_has_a_start_and_an_end_for_clip(tokenizers: dict[str, Tokenizer]) -> None:
    assert tokenizers["clip"](" \n", 4) == Tokens([CLIP_START, CLIP_END, 0, 0], [True, True, False, False], "")


def test_end_of_a_cut_prompt_stays_for_clip(tokenizers: dict[str, Tokenizer]) -> None:
    cut, whole = tokenizers["clip"]("a toad, a frog, a newt", 6), tokenizers["clip"]("a toad, a frog, a newt", 20)
    assert cut.ids == [*whole.ids[:5], CLIP_END]
    assert cut.lost == "frog, a newt"


def test_digits_are_read_one_by_one_for_clip(tokenizers: dict[str, Tokenizer]) -> None:
    assert tokenizers["clip"]("2021", 20) == tokenizers["clip"]("2 0 2 1", 20)


def test_web_text_is_cleaned_for_clip(tokenizers: dict[str, Tokenizer]) -> None:
    clip = tokenizers["clip"]
    assert clip(" salt  &amp;amp;\tpepper ", 20) == clip("salt & pepper", 20)
    assert clip("the toad’s cafÃ©", 20) == clip("the toad's café", 20)


def test_missing_vocabulary_names_its_file(tmp_path: Path) -> None:
    for kind in (Gpt2Tokens, ClipTokens):
        with pytest.raises(BadWeights, match=r"none\.here.*cannot be read"):
            kind(tmp_path / "none.here")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1000],
        lambda data: data.replace(b'"!": 0', b'"!": 7'),
        lambda data: data.replace(b'"!": 0, ', b""),
        lambda data: data.replace(b"50256}", b"50255}"),
        lambda data: data.replace(b'"!": 0', b'"!!!toad": 0'),
        lambda data: b"[1, 2]",
        lambda data: b'{"<|endoftext|>": 50256, "a b": 0}',
    ],
)
def test_damaged_gpt2_vocabulary_names_its_file(encoder_json: Path, tmp_path: Path, damage: Damage) -> None:
    file = tmp_path / "damaged.json"
    file.write_bytes(damage(encoder_json.read_bytes()))
    assert file.read_bytes() != encoder_json.read_bytes()
    with pytest.raises(BadWeights, match=r"damaged\.json"):
        Gpt2Tokens(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not a gzip file",
        lambda data: data[:-1000],
        lambda data: data[:40] + b"\xff" * 40 + data[80:],
        lambda data: data[:900_000] + b"\0\0\0\0" + data[900_004:],
        lambda data: gzip.compress(b"\n".join(gzip.decompress(data).split(b"\n")[:20_000])),
        lambda data: gzip.compress(gzip.decompress(data).replace(b"\ni n\n", b"\n")),
        lambda data: gzip.compress(b"heading\n\xff\xfe\n"),
    ],
)
def test_damaged_clip_vocabulary_names_its_file(merges: Path, tmp_path: Path, damage: Damage) -> None:
    file = tmp_path / "damaged.txt.gz"
    file.write_bytes(damage(merges.read_bytes()))
    with pytest.raises(BadWeights, match=r"damaged\.txt\.gz"):
        ClipTokens(file)
