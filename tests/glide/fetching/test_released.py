"""What was released: the pinned files, and the limits that are confirmed once."""

from __future__ import annotations

import json

from glide.fetching import adopt, sha256_of
from glide.released import CHECKPOINTS, LIMITS, VOCABULARIES, confirm_limits, limits_confirmed


def test_golden_vocabularies_are_the_pinned_ones(golden, folder):
    for file in VOCABULARIES.values():
        here = adopt(file, golden / "glide" / "vocabulary", folder)
        assert here is not None and here.name == file.name
        assert (sha256_of(file, folder), here.stat().st_size) == (file.sha256, file.size)


def test_checkpoints_are_those_of_december_2021():
    assert [file.name for file in CHECKPOINTS.values()] == [
        "base.pt",
        "upsample.pt",
        "base_inpaint.pt",
        "upsample_inpaint.pt",
        "clip_text_enc.pt",
        "clip_image_enc.pt",
    ]
    for file in CHECKPOINTS.values():
        assert file.url == f"https://openaipublic.blob.core.windows.net/diffusion/dec-2021/{file.name}"


def test_limits_are_confirmed_once(folder):
    assert not limits_confirmed(folder)
    confirm_limits(folder)
    assert limits_confirmed(folder)
    assert json.loads((folder / "limits-confirmed.json").read_text())["confirmed_at"].startswith("20")
    (folder / "limits-confirmed.json").write_text("[")
    assert not limits_confirmed(folder)


def test_limits_name_what_matters():
    for word in (
        "people",
        "violence",
        "hate symbols",
        "semi-realistic",
        "bias",
        "English",
        "commercial",
        "model-card.md",
    ):
        assert word in LIMITS
