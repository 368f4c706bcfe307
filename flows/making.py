"""Making candidates from recipes: sources go through the model and become PNGs that carry their recipe."""

from __future__ import annotations

import io
import json
import platform
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from errors import RunFailed
from glide.models import ModelSpec, load_model
from glide.prepare import prepare
from glide.restyle import Request, restyle
from glide.unet import TextUNet
from styles.recipes import Recipe

TEXT_CHUNK = "toadworks"


@dataclass(frozen=True)
class Maker:
    """A loaded model and how it is run: images an evaluation (`batch`), and what is told of it in each PNG."""

    spec: ModelSpec
    model: TextUNet
    batch: int

    @property
    def made_with(self) -> dict[str, Any]:
        """What besides the recipe may change a pixel's last bit."""
        device = next(self.model.parameters()).device
        return {
            "batch": self.batch,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }

    def make(self, recipes: list[tuple[Recipe, Image.Image]]) -> tuple[list[NDArray[np.uint8]], float]:
        """uint8 [S, S, 3] for each (recipe, its source) and the seconds that one took; the recipes share sampler, T
        and eta."""
        first = recipes[0][0]
        requests = [
            Request(
                source=prepare(source, recipe.prepare, recipe.backdrop, self.spec.unet.image_size),
                prompt=recipe.prompt,
                guidance_scale=recipe.guidance_scale,
                insertion_step=recipe.insertion_step,
                seed=recipe.seed,
                mode=recipe.mode,
            )
            for recipe, source in recipes
        ]
        began = time.monotonic()
        images = restyle(
            self.model,
            self.spec,
            requests,
            steps=first.steps,
            sampler=first.sampler,
            eta=first.eta,
            width=self.batch,
        )
        return images, (time.monotonic() - began) / len(images)


@lru_cache(maxsize=1)
def maker(spec: ModelSpec, device: str, batch: int) -> Maker:
    """The model on `device` ("auto": a CUDA GPU where there is one), loaded once a process. Raises RunFailed where the
    device is not there."""
    chosen = chosen_device(device)
    return Maker(spec, load_model(spec, chosen), batch)


def chosen_device(device: str) -> str:
    """ "auto" made plain. Raises RunFailed for a device that is not there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda"):
        number, count = device.partition(":")[2] or "0", torch.cuda.device_count()
        if not number.isdecimal() or int(number) >= count:
            raise RunFailed(
                f'model.device is {device!r}, but torch finds {count} CUDA devices; "auto" or "cpu" will do'
            )
    return device


def candidate_png(pixels: NDArray[np.uint8], recipe: Recipe, about: dict[str, Any]) -> bytes:
    """A PNG of uint8 [H, W, 3] whose text chunk "toadworks" holds the recipe and `about` (source, style, model,
    made_with): enough to make it again."""
    text = json.dumps(
        {"id": recipe.id, "recipe": json.loads(recipe.canonical_json()), **about}, sort_keys=True, ensure_ascii=True
    )
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text(TEXT_CHUNK, text)
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG", pnginfo=chunks, compress_level=1)
    return packed.getvalue()
