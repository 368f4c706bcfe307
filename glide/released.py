"""What OpenAI released of GLIDE in December 2021, and what its authors say that it should not be used for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from durable import write_json
from glide.fetching import RemoteFile
from glide.locking import writing

MODEL_CARD = "https://github.com/openai/glide-text2im/blob/main/model-card.md"
CONFIRMED = "limits-confirmed.json"

LIMITS = f"""\
GLIDE (filtered) is a small model, released for research. From its model card, and from what it was trained on:

- It was trained without pictures of people: it draws none, and knows little of what has to do with them.
- Pictures of violence and some hate symbols were filtered out too. The filter knew few symbols; others may appear.
- Its pictures are semi-realistic at best. It mixes up which object has which property, and long prompts.
- It carries the biases of pictures from the internet, mostly Western ones; strong guidance makes them stronger.
- Prompts should be in English.
- Its authors do not recommend commercial use. Whether you may sell what it makes is yours to find out.

The whole model card: {MODEL_CARD}"""


def _checkpoint(name: str) -> RemoteFile:
    """No checksum and no size of these was ever published."""
    return RemoteFile(name, f"https://openaipublic.blob.core.windows.net/diffusion/dec-2021/{name}")


CHECKPOINTS = {
    "base": _checkpoint("base.pt"),
    "upsample": _checkpoint("upsample.pt"),
    "base-inpaint": _checkpoint("base_inpaint.pt"),
    "upsample-inpaint": _checkpoint("upsample_inpaint.pt"),
    "clip-text": _checkpoint("clip_text_enc.pt"),
    "clip-image": _checkpoint("clip_image_enc.pt"),
}

VOCABULARIES = {
    "gpt2": RemoteFile(
        "encoder.json",
        "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/encoder.json",
        sha256="196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
        size=1_042_301,
    ),
    "clip": RemoteFile(
        "bpe_simple_vocab_16e6.txt.gz",
        "https://github.com/openai/CLIP/raw/main/clip/bpe_simple_vocab_16e6.txt.gz",
        sha256="924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
        size=1_356_917,
    ),
}


def limits_confirmed(folder: Path) -> bool:
    """Whether somebody confirmed, for this weights folder, to have read LIMITS."""
    try:
        return bool(json.loads((folder / CONFIRMED).read_text(encoding="utf-8"))["confirmed_at"])
    except (OSError, ValueError, TypeError, KeyError):
        return False  # then it is asked again, which costs nothing


def confirm_limits(folder: Path) -> None:
    """Note that it was confirmed, and when. Raises RunFailed if the folder cannot be written to."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / CONFIRMED, {"confirmed_at": datetime.now(UTC).isoformat(timespec="seconds")})
