"""Known answers: prompts as GLIDE and CLIP read them, and both vocabularies as they were published."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tiktoken.load import data_gym_to_mergeable_bpe_ranks

from glide.tokens import GPT2_END, ClipTokens, Gpt2Tokens

# Published with CLIP's documentation and its uses
CLIP_KNOWN = {
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "a photo of a dog": [320, 1125, 539, 320, 1929],
    "a diagram": [320, 22697],
    "Hello world!": [3306, 1002, 256],
}


@pytest.fixture(scope="module")
def unpacked(glide_golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GPT-2's two files."""
    folder = tmp_path_factory.mktemp("gpt2")
    for name in ("encoder.json", "vocab.bpe"):
        packed = (glide_golden / "vocabulary" / f"{name}.gz").read_bytes()
        (folder / name).write_bytes(gzip.decompress(packed))
    return folder


@pytest.fixture(scope="module")
def gpt2(unpacked: Path) -> Gpt2Tokens:
    return Gpt2Tokens(unpacked / "encoder.json")


@pytest.fixture(scope="module")
def clip(glide_golden: Path) -> ClipTokens:
    return ClipTokens(glide_golden / "vocabulary" / "bpe_simple_vocab_16e6.txt.gz")


def inside(clip: ClipTokens, prompt: str) -> list[int]:
    """CLIP's tokens between start and end."""
    read = clip(prompt, 77)
    return read.ids[1 : sum(read.mask) - 1]


def test_every_prompt_is_read_as_glide_does(glide_golden: Path, gpt2: Gpt2Tokens) -> None:
    known = json.loads((glide_golden / "tokenizer.json").read_text())
    assert known["cases"] and known["end_token"] == GPT2_END
    for case in known["cases"]:
        wanted = case["tokens"]
        read = gpt2(case["text"], len(wanted) + 3)
        assert read.ids == [*wanted, GPT2_END, GPT2_END, GPT2_END]
        assert read.mask == [True] * len(wanted) + [False] * 3
        assert read.lost == ""


def test_cut_prompts_begin_as_glide_s(glide_golden: Path, gpt2: Gpt2Tokens) -> None:
    for case in json.loads((glide_golden / "tokenizer.json").read_text())["cases"]:
        for context in range(1, len(case["tokens"])):
            assert gpt2(case["text"], context).ids == case["tokens"][:context]


def test_encoder_json_alone_gives_the_published_merges(
    unpacked: Path, gpt2: Gpt2Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")  # no copies outside the test's folder
    published = data_gym_to_mergeable_bpe_ranks(str(unpacked / "vocab.bpe"), str(unpacked / "encoder.json"))
    assert gpt2._encoding._mergeable_ranks == published


@pytest.mark.parametrize("prompt", CLIP_KNOWN)
def test_known_prompts_are_read_as_clip_does(clip: ClipTokens, prompt: str) -> None:
    wanted = [49406, *CLIP_KNOWN[prompt], 49407]
    read = clip(prompt, 77)
    assert read.ids == wanted + [0] * (77 - len(wanted))
    assert sum(read.mask) == len(wanted)


def test_clip_reads_every_word_of_its_vocabulary_as_one_token(clip: ClipTokens) -> None:
    words = {token: clip.decoded([token]).decode(errors="ignore") for token in range(49405, 511, -5)}
    whole = {token: word for token, word in words.items() if word.endswith(" ") and word[:-1].isalpha()}
    assert len(whole) > 5000
    assert [token for token, word in whole.items() if inside(clip, word) != [token]] == []


def test_clip_s_tokens_spell_the_prompt(clip: ClipTokens) -> None:
    for prompt in ("a toad , made of stained glass", "\U0001f438 蛙 \U0001f438", "1 2 3 toads !!!", "d'été à naïveté"):
        spelled = clip.decoded(inside(clip, prompt)).decode()
        assert spelled.replace(" ", "") == prompt.replace(" ", "")
