"""What is installed, which model, device and database will be used, and what is missing."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collection_db import Table
from errors import ToadworksError
from flows.making import chosen_device
from flows.settings import Settings
from glide.locking import weights_folder
from glide.models import GLIDE, MODELS, ModelSpec, load_model, weights_hashes
from glide.released import limits_confirmed

PACKAGES = ("torch", "prefect", "SQLAlchemy", "alembic", "pillow", "ImageHash", "pandas")


@dataclass(frozen=True)
class Finding:
    what: str
    told: str
    good: bool = True


def examine(collection: Path) -> Iterator[Finding]:
    """Every finding, the machine first, then the collection in that folder, if it is one."""
    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}", _new_enough())
    for package in PACKAGES:
        yield _checked(package, lambda package=package: importlib.metadata.version(package))  # type: ignore[misc]
    for name, spec in MODELS.items():
        if spec is GLIDE and not limits_confirmed(weights_folder()):
            yield Finding(f"model {name}", "not fetched; `toadworks weights fetch glide` does it")
        else:
            yield _checked(f"model {name}", lambda spec=spec: _model(spec))  # type: ignore[misc]
    yield _checked("device", lambda: chosen_device("auto"))
    if not collection.exists():
        yield Finding("collection", f"there is no {collection}", good=False)
        return
    if not (collection / "collection.toml").exists() and not collection.is_file():
        yield Finding("collection", f"none in {collection.resolve()} (-c FOLDER names one)")
        return
    try:
        settings = Settings.read(collection)
    except ToadworksError as error:
        yield Finding("collection", str(error), good=False)
        return
    yield Finding("collection", str(settings.file))
    yield _checked("database", lambda: _database(settings))
    yield _checked("assets", lambda: settings.open_assets().check())


def _model(spec: ModelSpec) -> str:
    count = sum(values.numel() for values in load_model(spec).base.unet.parameters())
    return f"{count / 1e6:.1f} million parameters, weights {weights_hashes(spec).base[:12]}"


def _new_enough() -> bool:
    return sys.version_info >= (3, 11)


def _database(settings: Settings) -> str:
    table = Table.open(settings.database_url)
    engine, counts = table.engine.dialect.name, table.counts()
    table.close()
    return f"{engine}, {counts['sources']} sources, {counts['candidates']} candidates"


def _checked(what: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ask())
    except importlib.metadata.PackageNotFoundError:
        return Finding(what, f"is not installed: pip install {what}", good=False)
    except (ToadworksError, OSError) as error:
        return Finding(what, str(error), good=False)
