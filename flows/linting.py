"""What `toadworks lint` answers, and what only the table knows of a release: which tokens look alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from collection_db import Table
from errors import BadRelease, BadValue
from flows.look_alikes import groups_among
from flows.progress import shown
from flows.settings import Settings
from minting.linting import Fault, lint
from minting.manifest import FILE, read_manifest

ALLOWED = "look-alike-ok"  # the tag by which a curator lets a token be beside another of its look-alike group


def lint_folder(folder: Path) -> list[Fault]:
    """What is wrong with a release that lies anywhere. Raises BadValue for what is no folder."""
    if not folder.is_dir():
        raise BadValue("release", str(folder), "the folder of a release")
    with shown("check", _tokens(folder)) as advance:
        return lint(folder, progress=advance)


def faults_of(settings: Settings) -> list[Fault]:
    """What is wrong with a collection's release, also by what its table and its settings know."""
    folder, release = settings.release_folder, settings.release
    table = Table.open(settings.database_url)
    numbers = {row.candidate_id: row.number for row in table.tokens()}
    groups = alike(numbers, settings, table)
    table.close()
    if not folder.is_dir():
        raise BadValue("release", str(folder), "one that `toadworks export` wrote")
    with shown("check", _tokens(folder)) as advance:
        return lint(
            folder,
            alike=groups,
            private=private_paths(settings),
            image_size=release.image_size,
            image_limit=release.image_limit,
            progress=advance,
        )


def alike(numbers: Mapping[str, int], settings: Settings, table: Table) -> dict[int, str]:
    """The look-alike group of every token that no curator allowed to be beside another of it, by number. `numbers`: of
    the tokens' candidates, by id."""
    tags = table.tags(list(numbers))
    ids = [id for id in numbers if ALLOWED not in tags.get(id, ())]
    return {numbers[id]: group for id, group in groups_among(ids, settings, table).items()}


def private_paths(settings: Settings) -> list[str]:
    """What of this machine must not be named in a release."""
    return [str(settings.folder), str(Path.home())] if Path.home() != Path("/") else [str(settings.folder)]


def _tokens(folder: Path) -> int:
    try:
        return len(read_manifest(folder / FILE).tokens)
    except BadRelease:
        return 0
