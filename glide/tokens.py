"""From a prompt to the tokens that a network reads, and the words that did not fit."""

from __future__ import annotations

import gzip
import html
import json
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import ftfy
import regex  # type: ignore[import-untyped]
import tiktoken

from errors import BadWeights

BYTES_END = 256
GPT2_END = 50256
CLIP_START, CLIP_END, CLIP_PADDING = 49406, 49407, 0
CLIP_MERGES = 48894

# A contraction, letters, digits or signs: GPT-2 keeps the space before them, CLIP drops it and takes digits one by one
GPT2_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CLIP_WORDS = regex.compile(r"'(?:[sdmt]|ll|ve|re)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE)


@dataclass(frozen=True)
class Tokens:
    """One prompt as a network reads it. `ids` and `mask` (False: padding) are `context` long; `lost`: the text that did
    not fit, a character that was cut in two included; "" if nothing was cut."""

    ids: list[int]
    mask: list[bool]
    lost: str


class Tokenizer(Protocol):
    def __call__(self, prompt: str, context: int) -> Tokens:
        """`prompt` as `context` tokens: a longer one is cut, a shorter one filled up."""
        ...


def byte_tokens(prompt: str, context: int) -> Tokens:
    """A prompt as its lower-cased UTF-8 bytes, padding 256: no vocabulary is needed."""
    data = _plain(prompt).encode(errors="replace")  # half of a surrogate pair has no bytes: it becomes "?"
    return _filled(list(data[:context]), context, BYTES_END, _text_after(data, context))


class Gpt2Tokens:
    """GPT-2's byte-pair encoding (Radford et al. 2019, section 2.2) as GLIDE uses it: lower-cased, nothing added at
    either end, padding 50256. Text that spells a special token is only text.

    `encoder_json`: GPT-2's vocabulary. The merges are in it too, as tokens are numbered in the order in which they were
    merged. Raises BadWeights, naming the file, if it cannot be read or is not that vocabulary.
    """

    def __init__(self, encoder_json: Path) -> None:
        self._encoding = tiktoken.Encoding(
            "gpt2-from-file",
            pat_str=GPT2_WORDS,
            mergeable_ranks=_read_gpt2(encoder_json),
            special_tokens={"<|endoftext|>": GPT2_END},
        )

    def __call__(self, prompt: str, context: int) -> Tokens:
        ids = self._encoding.encode_ordinary(_plain(prompt))
        kept = ids[:context]
        lost = _text_after(self._encoding.decode_bytes(ids), len(self._encoding.decode_bytes(kept)))
        return _filled(kept, context, GPT2_END, lost)


class ClipTokens:
    """CLIP's byte-pair encoding (Radford et al. 2021, arXiv 2103.00020, section 2.4): lower-cased, between a start and
    an end token that a long prompt does not push out, padding 0; a context is at least 2. Text that spells a special
    token is only text.

    `vocabulary`: CLIP's gzipped list of merges. Raises BadWeights, naming the file, if it cannot be read or is not that
    list.
    """

    def __init__(self, vocabulary: Path) -> None:
        self._merges, self._bytes = _read_clip(vocabulary)
        self._byte_ids = {byte: token for token, byte in enumerate(_alphabet().values())}
        self._word = lru_cache(maxsize=10_000)(self._merged)

    def __call__(self, prompt: str, context: int) -> Tokens:
        text, room = _clip_plain(prompt), context - 2
        ids: list[int] = []
        lost = ""
        for word in CLIP_WORDS.finditer(text):
            tokens = self._word(word.group())
            fit = tokens[: room - len(ids)]
            ids += fit
            if len(fit) < len(tokens):
                lost = _text_after(text[word.start() :].encode(), len(self.decoded(fit)))
                break
        return _filled([CLIP_START, *ids, CLIP_END], context, CLIP_PADDING, lost)

    def decoded(self, ids: list[int]) -> bytes:
        """UTF-8 of tokens that are neither start nor end, a space after each word."""
        return b"".join(self._bytes[token] for token in ids)

    def _merged(self, word: str) -> list[int]:
        ids = [self._byte_ids[byte] for byte in word.encode()]
        ids[-1] += 256  # the form that ends a word
        while pairs := self._merges.keys() & set(pairwise(ids)):
            first = min(pairs, key=self._merges.__getitem__)  # the pair that was merged first in training
            ids = _joined(ids, first, self._merges[first])
        return ids


def _joined(ids: list[int], pair: tuple[int, int], token: int) -> list[int]:
    """`ids` with `token` for every `pair`, taken from the left."""
    out: list[int] = []
    i = 0
    while i < len(ids):
        found = tuple(ids[i : i + 2]) == pair
        out.append(token if found else ids[i])
        i += 2 if found else 1
    return out


def _filled(ids: list[int], context: int, padding: int, lost: str) -> Tokens:
    empty = context - len(ids)
    return Tokens(ids + [padding] * empty, [True] * len(ids) + [False] * empty, lost)


def _text_after(data: bytes, kept: int) -> str:
    """The text of UTF-8 `data` from byte `kept` on, or from the start of the character that this byte belongs to."""
    while 0 < kept < len(data) and data[kept] & 0b1100_0000 == 0b1000_0000:  # a byte that continues a character
        kept -= 1
    return data[kept:].decode().strip()


def _plain(prompt: str) -> str:
    """Lower case; the two ways of writing "é" are one."""
    return unicodedata.normalize("NFC", prompt).lower()


def _clip_plain(prompt: str) -> str:
    """As CLIP's training texts were cleaned. Twice, as text from web pages was often escaped twice."""
    text = html.unescape(html.unescape(ftfy.fix_text(prompt)))
    return regex.sub(r"\s+", " ", text).strip().lower()


def _alphabet() -> dict[str, int]:
    """The character that stands for each byte in GPT-2's and CLIP's files, in the order of their first 256 tokens:
    printable Latin-1 characters stand for themselves, and the other bytes are counted from U+0100 on."""
    themselves = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in themselves]
    return {chr(byte): byte for byte in themselves} | {chr(256 + k): byte for k, byte in enumerate(others)}


def _contents(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadWeights(file, f"the vocabulary cannot be read ({error.strerror})") from error


def _read_gpt2(file: Path) -> dict[bytes, int]:
    """Token ids by what they spell, without the special one."""
    alphabet, data = _alphabet(), _contents(file)
    try:
        ids = json.loads(data)
        if ids.pop("<|endoftext|>") != GPT2_END:
            raise ValueError("another end token")
        ranks = {bytes(alphabet[character] for character in token): number for token, number in ids.items()}
        if sorted(ranks.values()) != list(range(GPT2_END)):
            raise ValueError(f"{len(ranks)} tokens, or some twice")
        if any(bytes([byte]) not in ranks for byte in range(256)):
            raise ValueError("a byte is missing")
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise BadWeights(file, f"is not GPT-2's vocabulary ({_said(error)})") from error
    return ranks


def _read_clip(file: Path) -> tuple[dict[tuple[int, int], int], list[bytes]]:
    """The token that each pair of tokens becomes, and what each token spells, in the order of their ids."""
    alphabet, data = _alphabet(), _contents(file)
    ids = {token: number for number, token in enumerate([*alphabet, *(character + "</w>" for character in alphabet)])}
    spelled = [bytes([byte]) for byte in alphabet.values()]
    spelled += [byte + b" " for byte in spelled]
    merges = {}
    try:
        lines = gzip.decompress(data).decode().split("\n")
        for line in lines[1 : 1 + CLIP_MERGES]:  # the first line is a heading; what comes later CLIP does not use
            left, right = line.split()
            merges[ids[left], ids[right]] = ids[left + right] = len(spelled)
            spelled.append(spelled[ids[left]] + spelled[ids[right]])
        if len(merges) != CLIP_MERGES:
            raise ValueError(f"{len(merges)} merges instead of {CLIP_MERGES}")
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError, LookupError) as error:
        raise BadWeights(file, f"is not CLIP's vocabulary ({_said(error)})") from error
    return merges, spelled


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
