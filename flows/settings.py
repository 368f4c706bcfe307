"""A user's collection.toml: what to make, from what, where it is kept. Read and checked as a whole."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from collection_db import Assets, open_assets
from collection_db.assets import is_bucket
from collection_db.engine import shown_url
from errors import BadSetting, NothingLeft
from flows.defaults import DEFAULTS, LARGEST_SEED
from flows.settings_checks import Checks
from glide.models import MODELS, ModelSpec, Parts
from glide.request import Options
from glide.schedules import kept_steps
from minting.attributes import Rules
from minting.chain.networks import Network, read_network
from minting.metadata import Release
from similarity.distances import Thresholds
from similarity.hashes import Hashing
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
NETWORKS = "networks"


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
            elif key == NETWORKS:
                values[NETWORKS] = _networks(given, file)
            elif key in DEFAULTS and not isinstance(given, dict):
                raise BadSetting(file, key, f"{given!r} is not a table", f"[{key}] on a line, its keys below it")
            elif key in DEFAULTS:
                _take_section(key, given, values[key], file)
            else:
                allowed = ", ".join(["name", *filter(None, DEFAULTS), f"{NETWORKS}.NAME"])
                raise BadSetting(file, key, "is not a key of a collection.toml", allowed)
        settings = cls(file, values)
        Checks(settings).check()
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
        if is_bucket(given):
            raise BadSetting(self.file, "storage.assets", "is a bucket", "a folder, for what is asked here")
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
    def placeholder_folder(self) -> Path:
        return self.folder / self["storage"]["placeholder"]

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
        return Release(**given, rules=Rules(**self["attributes"]), settings_file=self.file)

    def network(self, name: str) -> Network:
        """[networks.NAME]. Raises BadSetting where there is none."""
        known: dict[str, Network] = self.values.get(NETWORKS, {})
        if name not in known:
            allowed = ", ".join(known) or f"a section [{NETWORKS}.{name}] with its chain_id and its rpc"
            raise BadSetting(self.file, f"{NETWORKS}.{name}", "there is no such network", allowed)
        return known[name]

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


def _networks(given: Any, file: Path) -> dict[str, Network]:
    if not isinstance(given, dict):
        raise BadSetting(file, NETWORKS, f"{given!r} is not a table", f"[{NETWORKS}.NAME] on a line, its keys below it")
    return {name: read_network(name, keys, file) for name, keys in given.items()}


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
        names = {
            str: "text",
            int: "a whole number",
            float: "a number",
            list: "a list",
            bool: "true or false",
            dict: "a table",
        }
        raise BadSetting(file, key, f"{value!r} is not {names[type(default)]}", names[type(default)])
    return value
