"""What publishing means for a collection: what was promised is kept, and numbers that are out are frozen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collection_db import Table
from durable import write_json
from errors import BadRelease, BadValue
from flows.linting import faults_of, lint_folder
from flows.publish import Cost, Published, alone, publish
from flows.settings import Settings
from minting.manifest import FILE, Manifest, Promise, read_manifest
from minting.placeholder import broken_promises, promise_of, unrevealed
from minting.shuffling import read as read_shuffle

RECORD = "published.json"  # in the collection's folder: what was published, where and when, the last one last
RENUMBERED = "renumbered"


def publish_collection(
    settings: Settings, to: str, *, agree: Callable[[str, Cost], bool], recheck: bool, placeholder: bool
) -> tuple[Manifest, Published | None]:
    """`flows.publish.publish` of what may be published, with all that follows from it. Raises as both do."""
    with alone(settings):  # until the numbers are frozen: an export in between would have others frozen
        manifest = check_publishable(settings, placeholder)
        done = publish(settings, to, agree=agree, recheck=recheck, placeholder=placeholder)
        if done:
            about = {"to": done.to, "at": done.at.isoformat(timespec="seconds"), "roots": done.roots, "uris": done.uris}
            note_published(settings, manifest, about)
        return manifest, done


def unfrozen(settings: Settings) -> int:
    """How many tokens would keep their numbers by publishing, and may still get others now."""
    table = Table.open(settings.database_url)
    count = sum(row.published_at is None for row in table.tokens())
    table.close()
    return count


def read_release(settings: Settings) -> Manifest:
    """The manifest of the collection's release. Raises BadRelease."""
    return read_manifest(settings.release_folder / FILE)


def check_publishable(settings: Settings, placeholder: bool) -> Manifest:
    """The manifest of the release, or of the placeholder. Raises BadRelease with all that stands against publishing
    it: what the linter finds, a promise that it does not keep, numbers that are not the table's."""
    folder = settings.placeholder_folder if placeholder else settings.release_folder
    manifest = read_manifest(folder / FILE)
    faults = list(map(str, lint_folder(folder) if placeholder else faults_of(settings)))
    if placeholder:
        faults += _stale(settings, manifest)
    else:
        faults += [f"{FILE}: {problem}" for problem in (*unrevealed(manifest), *_broken(settings, manifest))]
        if _numbers(settings) != {token.recipe: token.number for token in manifest.tokens}:
            faults.append(f"{FILE}: its tokens are not those of the table: `toadworks export` again")
    shuffle = read_shuffle(settings.folder)
    if shuffle and (manifest.shuffle is None if placeholder else manifest.shuffle != shuffle.record):
        faults.append(f"{FILE}: the shuffle is not the collection's as it is now: `toadworks export` again")
    if faults:
        raise BadRelease(folder, list(dict.fromkeys(faults)))
    return manifest


def note_published(settings: Settings, manifest: Manifest, about: dict[str, Any]) -> int:
    """Freeze the numbers, and note `about` (where, when, URIs) in the collection's published.json; how many tokens were
    not published before."""
    frozen = 0
    if manifest.stage == "release":
        table = Table.open(settings.database_url)
        frozen = table.publish_tokens()
        table.close()
    entry = {"stage": manifest.stage, **about, "provenance": manifest.provenance.model_dump()}
    if manifest.promise:
        entry |= {"promise": manifest.promise.model_dump(), "shuffle": manifest.shuffle}
    write_json(settings.folder / RECORD, [*_entries(settings.folder / RECORD), entry])
    return frozen


def give_up(settings: Settings) -> None:
    """What was published before counts no longer: the collection was renumbered."""
    file = settings.folder / RECORD
    if entries := _entries(file):
        write_json(file, [*entries, {"stage": RENUMBERED, "at": now()}])


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _broken(settings: Settings, manifest: Manifest) -> list[str]:
    """By the placeholder that was published last, if one was."""
    for entry in reversed(_entries(settings.folder / RECORD)):
        if entry.get("stage") == RENUMBERED:
            break
        if promise := entry.get("promise"):
            try:
                return broken_promises(Promise(**promise), entry.get("shuffle"), manifest)
            except (ValueError, TypeError, AttributeError):
                raise _damaged(settings.folder / RECORD) from None
    return []


def _stale(settings: Settings, placeholder: Manifest) -> list[str]:
    """A promise of another release than the one that is here could not be kept."""
    if not (settings.release_folder / FILE).exists() or not placeholder.promise:
        return []
    behind = read_manifest(settings.release_folder / FILE)
    same = (placeholder.promise, placeholder.shuffle) == (promise_of(behind), behind.shuffle)
    if same or not broken_promises(placeholder.promise, placeholder.shuffle, behind):
        return []
    return [f"{FILE}: it promises another release than the one that is here: `toadworks export --placeholder` again"]


def _numbers(settings: Settings) -> dict[str, int]:
    table = Table.open(settings.database_url)
    numbers = {row.candidate_id: row.number for row in table.tokens()}
    table.close()
    return numbers


def _entries(file: Path) -> list[dict[str, Any]]:
    """Raises BadValue for a record that is damaged: what was promised must not be forgotten."""
    if not file.exists():
        return []
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
            return entries
    except ValueError:
        pass
    raise _damaged(file)


def _damaged(file: Path) -> BadValue:
    return BadValue("record of what was published", str(file), "the list that `toadworks publish` wrote; put it back")
