"""Making candidates from recipes: sources go through the model and become PNGs that carry their recipe."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from errors import NothingLeft, RunFailed
from flows.progress import say
from glide.masks import repainted
from glide.models import Hashes, Model, ModelSpec, Parts, load_model, model_spec, weights_hashes
from glide.prepare import prepare
from glide.request import Options, Request, Restyled, Step
from glide.restyle import restyle
from styles.recipes import Recipe

TEXT_CHUNK = "toadworks"
HALF = 'model.precision = "float16" takes half as much'
SMALLEST_BATCH = 4  # evaluations are of a multiple of 4 rows


@dataclass(frozen=True, eq=False)
class Order:
    """A candidate to make: its recipe, its source and, where the recipe names one, its own mask (bool [H, W])."""

    recipe: Recipe
    source: Image.Image
    mask: NDArray[np.bool_] | None = None


@dataclass(eq=False)
class Maker:
    """A loaded model and how it is run: rows an evaluation (`batch`), and what is told of it in each PNG."""

    model: Model
    batch: int

    @property
    def made_with(self) -> dict[str, Any]:
        """What besides the recipe may change a pixel's last bit."""
        return made_with(self.model.device, self.batch)

    def make(
        self, requests: list[Request], options: Options, on_step: Callable[[Step], None] | None = None
    ) -> list[Restyled]:
        """The outcome of each request. Where a GPU's memory is too small, the batch is halved from now on, and begun
        anew, so that `on_step` hears of a step again. Raises RunFailed where the smallest batch does not fit."""
        while True:
            try:
                return restyle(self.model, requests, options, width=self.batch, on_step=on_step)
            except torch.cuda.OutOfMemoryError as error:
                if self.batch <= SMALLEST_BATCH:
                    told = f"the GPU's memory is too small, even for {self.batch} rows at once: {HALF}"
                    raise RunFailed(told) from error
            torch.cuda.empty_cache()
            self.batch //= 2
            say(f"the GPU's memory is too small: going on with model.batch = {self.batch}")

    def request(self, order: Order) -> Request:
        """The order in the model's terms. Raises BadValue where a subject cannot be told from its background."""
        recipe, spec = order.recipe, self.model.spec

        def source(size: int) -> NDArray[np.uint8]:
            return prepare(order.source, recipe.prepare, recipe.backdrop, size)

        def repaint(size: int) -> NDArray[np.bool_]:
            return repainted(recipe.mask if order.mask is None else order.mask, order.source, recipe.prepare, size)

        large = recipe.mask and recipe.upsampler_sha256
        return Request(
            source=source(spec.size),
            prompt=recipe.prompt,
            guidance_scale=recipe.guidance_scale,
            insertion_step=recipe.insertion_step,
            seed=recipe.seed,
            mode=recipe.mode,
            repaint=repaint(spec.size) if recipe.mask else None,
            large_source=source(spec.upsampled_size) if large else None,
            large_repaint=repaint(spec.upsampled_size) if large else None,
        )


def made_with(device: torch.device, batch: int) -> dict[str, Any]:
    """With what pictures are made on this machine, `batch` rows an evaluation."""
    return {
        "batch": batch,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def options_of(recipe: Recipe) -> Options:
    """The part of a recipe that a batch shares."""
    return Options(**{field.name: getattr(recipe, field.name) for field in fields(Options)})


def parts_of(recipe: Recipe) -> Parts:
    """The networks that a recipe needs."""
    return Parts(bool(recipe.mask), bool(recipe.upsampler_sha256), bool(recipe.clip_sha256), recipe.precision)


def hashes_of(recipe: Recipe) -> Hashes:
    """The weights that a recipe names."""
    return Hashes(recipe.weights_sha256, recipe.upsampler_sha256, recipe.clip_sha256)


def checked_parts(model: str, recipe: Recipe) -> tuple[ModelSpec, Parts]:
    """The model and its parts that a recipe was planned for. Raises BadValue for an unknown model, NothingLeft where
    the weights here are others, BadWeights where there are none."""
    spec, parts = model_spec(model), parts_of(recipe)
    here, wanted = weights_hashes(spec, parts), hashes_of(recipe)
    for field in fields(Hashes):
        then, now = getattr(wanted, field.name), getattr(here, field.name)
        if then != now:
            raise NothingLeft(
                f"this was planned with weights {then[:12]} of {spec.name}'s {field.name}; "
                f"those here are {now[:12]}, which would give another picture"
            )
    return spec, parts


@lru_cache(maxsize=1)
def maker(spec: ModelSpec, parts: Parts, device: str, batch: int) -> Maker:
    """The model on `device` ("auto": a CUDA GPU where there is one), loaded once a process. Raises RunFailed where the
    device is not there, or has too little memory."""
    try:
        return Maker(load_model(spec, parts, chosen_device(device)), batch)
    except torch.cuda.OutOfMemoryError as error:
        raise RunFailed(f"the GPU's memory is too small for {spec.name}: {HALF}") from error


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


def differing(then: Any, now: dict[str, Any]) -> str:
    """In what a picture was made otherwise (`Maker.made_with`) than it is now; empty where it is told of nothing."""
    before = then if isinstance(then, dict) else {}
    return "; ".join(f"{key} {before.get(key)} then, {new} now" for key, new in now.items() if before.get(key) != new)
