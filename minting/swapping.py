"""A release's folder appears whole or not at all: it is written beside its place, looked at, and swapped in."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import BadRelease, BadValue

CONTENTS = {
    *("images", "previews", "metadata", "collection.json", "manifest.json", "manifest.signature.json"),
    *("collection.csv", "opensea.csv", "rarity.csv", "rarity.html", "index.html", "_metadata.json"),
}
IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what systems leave everywhere
_TOKENS_FILE = re.compile(r"[0-9]+(\.(png|webp))?|[0-9a-f]{64}\.json|placeholder\.(png|webp)")


def refused(folder: Path) -> Path:
    """Where a release with faults is kept, to be looked at."""
    return folder.with_name(f"{folder.name}.refused")


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a new folder to write into, <name>.tmp-<process>, and put it in the place of `folder` at the end: until
    then, and if anything fails, the earlier release stays. One process at a time may write to a folder.

    What is raised as BadRelease leaves what was written beside it, as <name>.refused. Raises BadValue where `folder`
    holds something that is no release.
    """
    _check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
        _swap_in(unfinished, folder)
        shutil.rmtree(refused(folder), ignore_errors=True)
    except BadRelease:
        shutil.rmtree(refused(folder), ignore_errors=True)
        unfinished.rename(refused(folder))
        raise
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _check_replaceable(folder: Path) -> None:
    """A release replaces a release: anything else in the folder is somebody's work and is not deleted."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BadValue("release folder", str(folder), "a new folder, not a file")
    others = sorted({entry.name for entry in folder.iterdir()} - CONTENTS - IGNORED)
    for name in ("images", "previews", "metadata"):  # which a site may have, too
        if (folder / name).is_dir():
            found = {entry.name for entry in (folder / name).iterdir()} - IGNORED
            others += sorted(f"{name}/{one}" for one in found if not _TOKENS_FILE.fullmatch(one))
    if others:
        raise BadValue("release folder's entry", others[0], f"{', '.join(sorted(CONTENTS))} in {folder}")


def _swap_in(unfinished: Path, folder: Path) -> None:
    """Two renames: killed between them, the name is free and both releases are whole beside it."""
    earlier = unfinished.with_name(f"{unfinished.name}-earlier")
    try:
        if folder.exists():
            shutil.rmtree(earlier, ignore_errors=True)
            folder.rename(earlier)
        unfinished.rename(folder)
    except BaseException:
        if earlier.exists() and not folder.exists():
            earlier.rename(folder)
        raise
    # What is left beside it: the earlier release, and what runs that were killed had begun.
    for left in folder.parent.glob(f"{glob.escape(folder.name)}.tmp-[0-9]*"):
        shutil.rmtree(left, ignore_errors=True)
