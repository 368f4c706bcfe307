"""Are the values of a collection.toml ones that can be? Every rule on one key, or on several together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from collection_db.assets import ENDPOINTS, LOCATIONS, bucket_and_prefix, checked_endpoint, is_bucket
from errors import BadSetting, BadValue
from flows.defaults import LARGEST_BATCH, LARGEST_SEED
from flows.places import check_publish
from glide.masks import MASKS
from glide.models import MODELS, PRECISIONS
from glide.prepare import PREPARE
from glide.request import MODES, SCORERS
from glide.samplers import SAMPLERS
from glide.schedules import kept_steps
from minting.drop.terms import read_drop
from minting.possible import check_release
from similarity.hashes import ALGORITHMS, SIZES

if TYPE_CHECKING:
    from flows.settings import Settings

AGAINST = "another collection's folder, its release, or a folder of images"
LARGEST_SUPPLY = 10_000_000


class Checks:
    """The rules, over one Settings. Each raises BadSetting: the file, the key, and what is allowed."""

    def __init__(self, settings: Settings) -> None:
        self.of = settings

    def check(self) -> None:
        sources, grid = self.of["sources"], self.of["grid"]
        self._require("sources.images", bool(sources["images"]), "is missing", "the folder of the source images")
        self._require("sources.images", self.of.images.is_dir(), f"there is no folder {self.of.images}", "a folder")
        if self.of.metadata is not None:
            self._require(
                "sources.metadata",
                self.of.metadata.is_dir(),
                f"there is no folder {self.of.metadata}",
                "a folder",
            )
        self._among("sources.prepare", sources["prepare"], PREPARE)
        hexadecimal = re.fullmatch(r"#[0-9a-fA-F]{6}", sources["backdrop"])
        self._require("sources.backdrop", bool(hexadecimal), f"{sources['backdrop']!r} is no colour", '"#rrggbb"')
        self._at_least("sources.limit", sources["limit"], 0)
        self._at_least("sources.frame", sources["frame"], 0)
        self._among("grid.mode", grid["mode"], MODES)
        self._at_least("grid.sample", grid["sample"], 0)
        self._require("grid.seeds", bool(grid["seeds"]), "is empty", "a list of whole numbers")
        for seed in grid["seeds"]:
            fits = isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= LARGEST_SEED
            self._require("grid.seeds", fits, f"{seed!r} is no seed", f"whole numbers 0..{LARGEST_SEED}")
        self._check_sampling()
        self._check_model()
        self._check_look_alikes()
        self._check_storage()
        check_publish(self.of.file, self.of["publish"])
        check_release(self.of.release)
        read_drop(self.of["drop"], self.of.file)
        self._within("review.supply", self.of["review"]["supply"], 0, LARGEST_SUPPLY)
        size = self.of["release"]["image_size"]
        if self.of["release"]["resampling"] == "nearest" and size % self.of.side:
            allowed = f'0, a multiple of {self.of.side}, or resampling "lanczos"'
            self._require(
                "release.image_size",
                False,
                f"{size} is no whole multiple of {self.of.side}, as nearest needs",
                allowed,
            )
        self.of.styles  # noqa: B018  # read once, so that a bad catalogue is told now

    def _check_storage(self) -> None:
        self._within("storage.lease", self.of["storage"]["lease"], 10, 86_400)
        for key, value in self.of["storage"].items():
            if key == "lease":
                continue
            named = key == "endpoint_url" or value.strip(" ./")
            self._require(f"storage.{key}", bool(named), f"{value!r} names nothing", "a name or path")
        assets, endpoint_url = self.of["storage"]["assets"], self.of["storage"]["endpoint_url"]
        # neither is shown where it cannot be used: somebody may have written a password into it
        try:
            checked_endpoint(endpoint_url)
        except BadValue:
            raise BadSetting(self.of.file, "storage.endpoint_url", "is no S3 service's URL", ENDPOINTS) from None
        if is_bucket(assets):
            try:
                bucket_and_prefix(assets)
            except BadValue:
                raise BadSetting(self.of.file, "storage.assets", "is neither folder nor bucket", LOCATIONS) from None
        elif endpoint_url:
            allowed = '"", or storage.assets = "s3://BUCKET/PREFIX"'
            raise BadSetting(self.of.file, "storage.endpoint_url", "has no meaning for a folder", allowed)

    def _check_look_alikes(self) -> None:
        given = self.of["look_alikes"]
        self._among("look_alikes.algorithm", given["algorithm"], ALGORITHMS)
        self._require(
            "look_alikes.size", given["size"] in SIZES, f"{given['size']} is no size", ", ".join(map(str, SIZES))
        )
        for key in ("bits", "source_bits"):
            # of two pictures that have nothing in common, half of the bits are equal
            self._within(f"look_alikes.{key}", given[key], 0, given["size"] ** 2 // 2)
        for key in ("colour", "chroma"):
            self._at_least(f"look_alikes.{key}", given[key], 0)
        self._within("look_alikes.grey", given["grey"], 0, 255)
        for name in given["against"]:
            self._require("look_alikes.against", isinstance(name, str), f"{name!r} is not text", AGAINST)
            folder = (self.of.folder / name).resolve()
            there = folder.is_dir() or (folder.is_file() and folder.suffix == ".toml")
            self._require("look_alikes.against", bool(name.strip()) and there, f"there is no folder {name!r}", AGAINST)
            own = folder in (
                self.of.file,
                *(one.resolve() for one in (self.of.folder, self.of.release_folder)),
            )
            self._require("look_alikes.against", not own, f"{name!r} is of this collection itself", AGAINST)

    def _check_model(self) -> None:
        model, mask = self.of["model"], self.of["inpainting"]["mask"]
        self._among("model.name", model["name"], MODELS)
        self._among("model.precision", model["precision"], PRECISIONS)
        device = re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", model["device"])
        self._require("model.device", bool(device), f"{model['device']!r} is no device", "auto, cpu, cuda, cuda:1")
        self._within("model.batch", model["batch"], 1, LARGEST_BATCH)
        exists = not mask or mask in MASKS or (self.of.folder / mask).exists()
        allowed = f'"", {", ".join(MASKS)}, a mask image, or a folder with one a source'
        self._require("inpainting.mask", exists, f"there is no {self.of.folder / mask}", allowed)
        self._among("inpainting.others", self.of["inpainting"]["others"], ("", *MASKS))
        lacking = self.of.model.lacks(self.of.parts)
        key = {"an upsampler": "upsampler.use", "CLIP": self._asks_for_clip()}.get(lacking, "inpainting.mask")
        able = ", ".join(name for name, other in MODELS.items() if not other.lacks(self.of.parts))
        self._require(key, not lacking, f"{model['name']} has no {lacking.removeprefix('an ')}", f"with model {able}")

    def _asks_for_clip(self) -> str:
        if self.of["guidance"]["clip_scale"]:
            return "guidance.clip_scale"
        return "choosing.clip_scores" if self.of["choosing"]["clip_scores"] else "choosing.scorer"

    def _check_sampling(self) -> None:
        model, guidance, choosing, upsampler = (self.of[key] for key in ("model", "guidance", "choosing", "upsampler"))
        self._among("model.sampler", model["sampler"], SAMPLERS)
        self._among("upsampler.sampler", upsampler["sampler"], SAMPLERS)
        self._within("model.steps", model["steps"], 1, 1000)
        for key, respacing in (("model", model["respacing"]), ("upsampler", upsampler["respacing"])):
            try:
                kept_steps(respacing)
            except BadValue as error:
                raise BadSetting(self.of.file, f"{key}.respacing", f"{respacing!r} cannot be", error.allowed) from error
        stages = len(kept_steps(upsampler["respacing"])) if upsampler["respacing"] else 0
        self._require("upsampler.respacing", stages > 1, "keeps too few steps", "one that keeps 2 or more")
        shares = {
            "model.eta": model["eta"],
            "upsampler.eta": upsampler["eta"],
            "guidance.from": guidance["from"],
            "guidance.until": guidance["until"],
            "guidance.rescale": guidance["rescale"],
            "guidance.dynamic_thresholding": guidance["dynamic_thresholding"],
        }
        for key, share in shares.items():
            self._within(key, share, 0, 1)
        self._require(
            "guidance.until", guidance["from"] <= guidance["until"], "is below guidance.from", "at least that"
        )
        self._within("guidance.clip_scale", guidance["clip_scale"], 0, 1000)
        self._within("choosing.samples", choosing["samples"], 1, 64)
        self._among("choosing.scorer", choosing["scorer"], SCORERS)
        # a clean insertion into a sampler without noise: all samples would be the same picture
        fresh = model["sampler"] == "ddpm" or (model["sampler"] == "ddim" and model["eta"] > 0)
        self._require(
            "choosing.samples",
            choosing["samples"] == 1 or self.of["grid"]["mode"] == "noised" or fresh,
            f'{choosing["samples"]} samples would all be the same: mode "clean" and {model["sampler"]} draw no noise',
            '1, or grid.mode "noised", sampler "ddpm" or an eta above 0',
        )
        self._within("upsampler.temperature", upsampler["temperature"], 0, 2)

    def _require(self, key: str, holds: bool, problem: str, allowed: str) -> None:
        if not holds:
            raise BadSetting(self.of.file, key, problem, allowed)

    def _among(self, key: str, value: str, allowed: Any) -> None:
        self._require(key, value in allowed, f"{value!r} is not known", ", ".join(allowed))

    def _within(self, key: str, value: float, least: int, most: int) -> None:
        self._require(key, least <= value <= most, f"{value} is outside {least}..{most}", f"{least}..{most}")

    def _at_least(self, key: str, value: float, least: int) -> None:
        self._require(key, value >= least, f"{value} is too small", f"{least} or more")
