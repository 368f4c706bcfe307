"""A user's collection.toml: what to make, from what, where it is kept. Read and checked as a whole."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from collection_db import Assets, open_assets
from collection_db.assets import ENDPOINTS, LOCATIONS, bucket_and_prefix, checked_endpoint, is_bucket
from collection_db.engine import shown_url
from errors import BadSetting, BadValue, NothingLeft
from flows.defaults import DEFAULTS, LARGEST_BATCH
from flows.places import check_publish
from glide.masks import MASKS
from glide.models import MODELS, PRECISIONS, ModelSpec, Parts
from glide.prepare import PREPARE
from glide.request import MODES, SCORERS, Options
from glide.samplers import SAMPLERS
from glide.schedules import kept_steps
from minting.metadata import Release
from minting.release import check_release
from similarity.distances import Thresholds
from similarity.hashes import ALGORITHMS, SIZES, Hashing
from styles.catalogue import (
    Style,
    catalogue_file,
    guidance_scales,
    insertion_steps,
    read_catalogue,
    read_toml,
    shipped_catalogues,
)

FILE = "collection.toml"
AGAINST = "another collection's folder, its release, or a folder of images"
LARGEST_SUPPLY = 10_000_000
LARGEST_SEED = 2**53 - 1  # seeds travel in JSON, whose readers keep no more digits


@dataclass(frozen=True)
class Settings:
    """The checked content of one collection.toml; relative paths are relative to its folder."""

    file: Path
    values: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, collection: Path | str) -> Settings:
        """The settings of a collection: its folder, or the collection.toml itself.

        Raises NothingLeft where there is none, BadSetting (file, key, what is allowed) for anything that cannot be.
        """
        file = Path(collection)
        file = (file / FILE if file.is_dir() else file).resolve()
        if not file.is_file():
            raise NothingLeft(
                f"there is no {file}; `toadworks new NAME --sources DIR` makes one, and -c FOLDER names where it is"
            )
        content = read_toml(file)
        values = copy.deepcopy(DEFAULTS)
        for key, given in content.items():
            if key in DEFAULTS[""]:
                values[""][key] = _typed(given, DEFAULTS[""][key], file, key)
            elif key in DEFAULTS and not isinstance(given, dict):
                raise BadSetting(file, key, f"{given!r} is not a table", f"[{key}] on a line, its keys below it")
            elif key in DEFAULTS:
                _take_section(key, given, values[key], file)
            else:
                allowed = ", ".join(["name", *filter(None, DEFAULTS)])
                raise BadSetting(file, key, "is not a key of a collection.toml", allowed)
        settings = cls(file, values)
        settings._check()
        return settings

    def __getitem__(self, section: str) -> dict[str, Any]:
        return self.values[section]

    @property
    def name(self) -> str:
        return str(self[""]["name"] or self.folder.name)

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def model(self) -> ModelSpec:
        return MODELS[self["model"]["name"]]

    @property
    def steps(self) -> int:
        """T."""
        respacing = self["model"]["respacing"]
        return len(kept_steps(respacing)) if respacing else int(self["model"]["steps"])

    @property
    def options(self) -> Options:
        """How batches are sampled; what has no meaning is left at its default, so that it makes no other recipe."""
        model, guidance, choosing, upsampler = (self[key] for key in ("model", "guidance", "choosing", "upsampler"))
        plain = Options(steps=self.steps)
        options = replace(
            plain,
            respacing=model["respacing"].replace(" ", ""),
            sampler=model["sampler"],
            eta=model["eta"] if model["sampler"] == "ddim" else plain.eta,
            guidance_from=guidance["from"],
            guidance_until=guidance["until"],
            guidance_rescale=guidance["rescale"],
            dynamic_thresholding=guidance["dynamic_thresholding"],
            clip_scale=guidance["clip_scale"],
        )
        if options.respacing == replace(options, respacing="").base_respacing():
            options = replace(options, respacing="")  # the same steps by another name
        if choosing["samples"] > 1:
            options = replace(options, samples=choosing["samples"], scorer=choosing["scorer"])
        if upsampler["use"]:
            options = replace(
                options,
                upsampler_prompt=upsampler["prompt"],
                upsampler_sampler=upsampler["sampler"],
                upsampler_respacing=upsampler["respacing"],
                upsampler_eta=upsampler["eta"] if upsampler["sampler"] == "ddim" else plain.upsampler_eta,
                upsampler_temperature=upsampler["temperature"],
            )
        return options

    @property
    def parts(self) -> Parts:
        """The networks that a run needs."""
        return Parts(
            masked=bool(self["inpainting"]["mask"]),
            upsampled=self["upsampler"]["use"],
            clip=self.options.clip_scale != 0 or self.options.scorer == "clip" or self["choosing"]["clip_scores"],
            precision=self["model"]["precision"],
        )

    @property
    def side(self) -> int:
        """Of a candidate, pixels."""
        return self.model.upsampled_size if self["upsampler"]["use"] else self.model.size

    @property
    def way(self) -> tuple[str, str, int]:
        """How a source is prepared to be compared with candidates: method, backdrop, side (see `glide.prepare`)."""
        return self["sources"]["prepare"], self["sources"]["backdrop"], self.side

    @property
    def images(self) -> Path:
        return self.folder / self["sources"]["images"]

    @property
    def metadata(self) -> Path | None:
        given = self["sources"]["metadata"]
        return self.folder / given if given else None

    @property
    def database_url(self) -> str:
        """A SQLAlchemy URL; a plain path means SQLite."""
        given = str(self["storage"]["database"])
        if "://" not in given:
            return f"sqlite:///{self.folder / given}"
        # SQLAlchemy takes three slashes as relative to the working folder, which is another one for every caller
        path = given.removeprefix("sqlite:///")
        return f"sqlite:///{self.folder / path}" if path != given else given

    @property
    def shown_database(self) -> str:
        """The database as it may be printed: without its password."""
        return shown_url(make_url(self.database_url))

    @property
    def assets(self) -> Path:
        """The folder of the assets. Raises BadSetting where they are in a bucket."""
        given = self["storage"]["assets"]
        self._require("storage.assets", not is_bucket(given), "is a bucket", "a folder, for what is asked here")
        return self.folder / given

    def open_assets(self) -> Assets:
        given, endpoint_url = self["storage"]["assets"], self["storage"]["endpoint_url"]
        return open_assets(given, endpoint_url) if is_bucket(given) else open_assets(self.assets)

    @property
    def sheets(self) -> Path:
        return self.folder / self["storage"]["sheets"]

    @property
    def release_folder(self) -> Path:
        return self.folder / self["storage"]["release"]

    @property
    def thresholds(self) -> Thresholds:
        given = self["look_alikes"]
        return Thresholds(given["bits"], given["colour"], given["chroma"], given["grey"])

    @property
    def thresholds_within(self) -> Thresholds:
        """For two candidates of one source and style. They are variants of one picture: a part that is darker in one of
        them does not make it another, as it does between sources or styles."""
        return replace(self.thresholds, grey=255)

    @property
    def hashing(self) -> Hashing:
        return Hashing(self["look_alikes"]["algorithm"], self["look_alikes"]["size"])

    @property
    def release(self) -> Release:
        given = dict(self["release"])
        given["collection"] = given["collection"] or self.name
        return Release(**given, settings_file=self.file)

    @cached_property
    def styles(self) -> list[Style]:
        """The chosen styles of the catalogue, with the grid's own scales and insertion steps where it has any."""
        grid, steps = self["grid"], self.steps
        file = catalogue_file(grid["catalogue"], self.folder)
        if not file.is_file():
            allowed = f"a TOML file beside this one, or one of {', '.join(shipped_catalogues())}"
            raise BadSetting(self.file, "grid.catalogue", f"there is no {file}", allowed)
        styles = read_catalogue(file, steps)
        known = {style.name: style for style in styles}
        for name in grid["styles"]:
            if not isinstance(name, str) or name not in known:
                raise BadSetting(self.file, "grid.styles", f"{name!r} is not in {file}", ", ".join(known))
        chosen = [known[name] for name in dict.fromkeys(grid["styles"])] or styles
        scales = grid["guidance_scales"]
        inserted = grid["insertion_steps"]
        own_scales = guidance_scales(scales, self.file, "grid.guidance_scales") if scales else ()
        own_steps = insertion_steps(inserted, steps, self.file, "grid.insertion_steps") if inserted else ()
        return [
            Style(style.name, style.prompt, own_scales or style.guidance_scales, own_steps or style.insertion_steps)
            for style in chosen
        ]

    def _check(self) -> None:
        sources, grid = self["sources"], self["grid"]
        self._require("sources.images", bool(sources["images"]), "is missing", "the folder of the source images")
        self._require("sources.images", self.images.is_dir(), f"there is no folder {self.images}", "a folder")
        if self.metadata is not None:
            self._require("sources.metadata", self.metadata.is_dir(), f"there is no folder {self.metadata}", "a folder")
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
        check_publish(self.file, self["publish"])
        check_release(self.release)
        self._within("review.supply", self["review"]["supply"], 0, LARGEST_SUPPLY)
        size = self["release"]["image_size"]
        if self["release"]["resampling"] == "nearest" and size % self.side:
            allowed = f'0, a multiple of {self.side}, or resampling "lanczos"'
            self._require(
                "release.image_size", False, f"{size} is no whole multiple of {self.side}, as nearest needs", allowed
            )
        self.styles  # noqa: B018  # read once, so that a bad catalogue is told now

    def _check_storage(self) -> None:
        self._within("storage.lease", self["storage"]["lease"], 10, 86_400)
        for key, value in self["storage"].items():
            if key == "lease":
                continue
            named = key == "endpoint_url" or value.strip(" ./")
            self._require(f"storage.{key}", bool(named), f"{value!r} names nothing", "a name or path")
        assets, endpoint_url = self["storage"]["assets"], self["storage"]["endpoint_url"]
        # neither is shown where it cannot be used: somebody may have written a password into it
        try:
            checked_endpoint(endpoint_url)
        except BadValue:
            raise BadSetting(self.file, "storage.endpoint_url", "is no S3 service's URL", ENDPOINTS) from None
        if is_bucket(assets):
            try:
                bucket_and_prefix(assets)
            except BadValue:
                raise BadSetting(self.file, "storage.assets", "is neither folder nor bucket", LOCATIONS) from None
        elif endpoint_url:
            allowed = '"", or storage.assets = "s3://BUCKET/PREFIX"'
            raise BadSetting(self.file, "storage.endpoint_url", "has no meaning for a folder", allowed)

    def _check_look_alikes(self) -> None:
        given = self["look_alikes"]
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
            folder = (self.folder / name).resolve()
            there = folder.is_dir() or (folder.is_file() and folder.suffix == ".toml")
            self._require("look_alikes.against", bool(name.strip()) and there, f"there is no folder {name!r}", AGAINST)
            own = folder in (self.file, *(one.resolve() for one in (self.folder, self.release_folder)))
            self._require("look_alikes.against", not own, f"{name!r} is of this collection itself", AGAINST)

    def _check_model(self) -> None:
        model, mask = self["model"], self["inpainting"]["mask"]
        self._among("model.name", model["name"], MODELS)
        self._among("model.precision", model["precision"], PRECISIONS)
        device = re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", model["device"])
        self._require("model.device", bool(device), f"{model['device']!r} is no device", "auto, cpu, cuda, cuda:1")
        self._within("model.batch", model["batch"], 1, LARGEST_BATCH)
        exists = not mask or mask in MASKS or (self.folder / mask).exists()
        allowed = f'"", {", ".join(MASKS)}, a mask image, or a folder with one a source'
        self._require("inpainting.mask", exists, f"there is no {self.folder / mask}", allowed)
        self._among("inpainting.others", self["inpainting"]["others"], ("", *MASKS))
        lacking = self.model.lacks(self.parts)
        key = {"an upsampler": "upsampler.use", "CLIP": self._asks_for_clip()}.get(lacking, "inpainting.mask")
        able = ", ".join(name for name, other in MODELS.items() if not other.lacks(self.parts))
        self._require(key, not lacking, f"{model['name']} has no {lacking.removeprefix('an ')}", f"with model {able}")

    def _asks_for_clip(self) -> str:
        if self["guidance"]["clip_scale"]:
            return "guidance.clip_scale"
        return "choosing.clip_scores" if self["choosing"]["clip_scores"] else "choosing.scorer"

    def _check_sampling(self) -> None:
        model, guidance, choosing, upsampler = (self[key] for key in ("model", "guidance", "choosing", "upsampler"))
        self._among("model.sampler", model["sampler"], SAMPLERS)
        self._among("upsampler.sampler", upsampler["sampler"], SAMPLERS)
        self._within("model.steps", model["steps"], 1, 1000)
        for key, respacing in (("model", model["respacing"]), ("upsampler", upsampler["respacing"])):
            try:
                kept_steps(respacing)
            except BadValue as error:
                raise BadSetting(self.file, f"{key}.respacing", f"{respacing!r} cannot be", error.allowed) from error
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
            choosing["samples"] == 1 or self["grid"]["mode"] == "noised" or fresh,
            f'{choosing["samples"]} samples would all be the same: mode "clean" and {model["sampler"]} draw no noise',
            '1, or grid.mode "noised", sampler "ddpm" or an eta above 0',
        )
        self._within("upsampler.temperature", upsampler["temperature"], 0, 2)

    def _require(self, key: str, holds: bool, problem: str, allowed: str) -> None:
        if not holds:
            raise BadSetting(self.file, key, problem, allowed)

    def _among(self, key: str, value: str, allowed: Any) -> None:
        self._require(key, value in allowed, f"{value!r} is not known", ", ".join(allowed))

    def _within(self, key: str, value: float, least: int, most: int) -> None:
        self._require(key, least <= value <= most, f"{value} is outside {least}..{most}", f"{least}..{most}")

    def _at_least(self, key: str, value: float, least: int) -> None:
        self._require(key, value >= least, f"{value} is too small", f"{least} or more")


def _take_section(section: str, given: dict[str, Any], values: dict[str, Any], file: Path) -> None:
    for key, value in given.items():
        if key not in DEFAULTS[section]:
            raise BadSetting(file, f"{section}.{key}", "is not a key of this section", ", ".join(DEFAULTS[section]))
        values[key] = _typed(value, DEFAULTS[section][key], file, f"{section}.{key}")


def _typed(value: Any, default: Any, file: Path, key: str) -> Any:
    """`value` if it has the default's type; a whole number may stand for one with a fraction."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST_SEED:
            raise BadSetting(file, key, f"{str(value)[:20]}... is too large", f"numbers up to {LARGEST_SEED}")
        return float(value)
    if type(value) is not type(default):
        names = {str: "text", int: "a whole number", float: "a number", list: "a list", bool: "true or false"}
        raise BadSetting(file, key, f"{value!r} is not {names[type(default)]}", names[type(default)])
    return value
