"""What `toadworks lint` answers, and what only the table knows of a release: which tokens look alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collection_db import Table
from errors import BadRelease, BadValue
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
    rows = [row for row in table.accepted() if row.id in numbers]
    groups = alike(rows, numbers, table)
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


def alike(rows: Sequence[Any], numbers: Mapping[str, int], table: Table) -> dict[int, str]:
    """The look-alike group of every token that no curator allowed to be beside another of it, by number."""
    groups = Counter(row.leader_id for row in rows if row.leader_id)
    several = [row for row in rows if row.leader_id and groups[row.leader_id] > 1]
    allowed = table.tags([row.id for row in several])
    return {numbers[row.id]: row.leader_id for row in several if ALLOWED not in allowed.get(row.id, ())}


def private_paths(settings: Settings) -> list[str]:
    """What of this machine must not be named in a release."""
    return [str(settings.folder), str(Path.home())] if Path.home() != Path("/") else [str(settings.folder)]


def _tokens(folder: Path) -> int:
    try:
        return len(read_manifest(folder / FILE).tokens)
    except BadRelease:
        return 0
