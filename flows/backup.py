"""Backup and restore: the table of one moment, and the assets that it names, in a folder with a note of what they are.

FOLDER/toadworks.db    the table, as `collection_db.backup` saves it
FOLDER/assets/         files named by their SHA-256
FOLDER/backup.json     what toadworks.db is; written last
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from collection_db import AssetFolder, Assets, Table
from collection_db.assets import is_bucket
from collection_db.backup import load_table, require_empty, save_table, saved_as, saved_table
from collection_db.keeping import KINDS
from durable import sync_folder
from errors import BadSetting, BadValue, NothingLeft, RunFailed, ToadworksError
from flows.progress import meter
from flows.settings import FILE, Settings

TABLE, ABOUT, ASSETS = "toadworks.db", "backup.json", "assets"
NEXT = ".new"  # ends the names of a table and a note that do not count yet
FORMAT = 1
AT_ONCE = 8  # assets on their way: each waits for disks and networks most of the time


@dataclass(frozen=True)
class Report:
    """What was saved or restored: rows by table, how many assets are there now, how many of these are new, what is
    wrong with others, and how many assets the table names that were not asked for."""

    rows: dict[str, int]
    assets: int
    new: int
    problems: list[str]
    left_out: int


def back_up(settings: Settings, folder: Path, kind: str = "needed") -> Report:
    """Save the collection's table, and its assets of this kind, to `folder`; a backup that is there is brought up to
    date, and counts until the new one is complete.

    "needed" are the assets that cannot be made again: of sources, drawn masks, accepted candidates and tokens. "all"
    adds the other candidates. An asset that is missing or damaged is in `Report.problems`, and the others go on. Raises
    BadValue for a folder that holds something else, RunFailed where nothing can be written.
    """
    if kind not in KINDS:
        raise BadValue("assets", kind, ", ".join(KINDS))
    folder = folder.resolve()
    _check_place(settings, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        _settle(folder)
        fresh = folder / (TABLE + NEXT)
        began = datetime.now(UTC)
        table = Table.open(settings.database_url)
        try:
            saved = save_table(table.engine, fresh, meter)
        finally:
            table.close()
        with saved_table(fresh) as engine:
            wanted, every = Table(engine).named_assets(kind), Table(engine).named_assets("all")
        store = AssetFolder(folder / ASSETS)
        store.sweep()
        new, problems = _carry(wanted, settings.open_assets(), store)
        about = {
            "format": FORMAT,
            "collection": settings.name,
            "database": settings.shown_database,
            "created_at": began.isoformat(timespec="seconds"),
            "revision": saved.revision,
            "rows": saved.rows,
            "table_sha256": _sha256_of(fresh),
            "assets": {"kind": kind, "files": len(wanted) - len(problems), "missing": len(problems)},
        }
        _put_in_place(folder, about)
    return Report(saved.rows, len(wanted) - len(problems), new, problems, len(every.keys() - wanted.keys()))


def restore(settings: Settings, folder: Path) -> Report:
    """Fill the collection's empty table from a backup, after its assets.

    Raises NothingLeft where there is no backup, RunFailed for a damaged one, BadSetting for a newer one or for a table
    that holds rows; nothing is changed then. An asset that is missing or damaged is in `Report.problems`, and the
    others go on. It can be stopped at any time: the table is empty until it is whole.
    """
    about, file = _checked(folder), folder / TABLE
    kind = about["assets"]["kind"]
    table = Table.open(settings.database_url)
    try:
        require_empty(table.engine)
        with saved_table(file) as engine:
            wanted, every = Table(engine).named_assets(kind), Table(engine).named_assets("all")
        # an earlier backup with more assets may have left some of them here
        here = {found.parent.name + found.stem for found in (folder / ASSETS).glob("??/*")}
        wanted |= {sha256: suffix for sha256, suffix in every.items() if sha256 in here}
        new, problems = _carry(wanted, AssetFolder(folder / ASSETS), settings.open_assets())
        rows = load_table(file, table.engine, meter)
    finally:
        table.close()
    return Report(rows, len(wanted) - len(problems), new, problems, len(every.keys() - wanted.keys()))


def _carry(wanted: dict[str, str], source: Assets, target: Assets) -> tuple[int, list[str]]:
    """Put those of `source` that `target` does not have whole; return how many, and what is wrong with the others."""

    def carry(sha256: str) -> bool | str:
        try:
            target.read(sha256)
            return False
        except ToadworksError:
            pass  # missing or damaged: `put` mends it
        try:
            data = source.read(sha256)
        except ToadworksError as error:
            return str(error)
        target.put(data, wanted[sha256])
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool, meter("assets", len(wanted)) as shown:
        new, problems = 0, []
        for told in pool.map(carry, wanted):
            shown.advance()
            if isinstance(told, str):
                problems.append(told)
            else:
                new += told
    return new, problems


def _check_place(settings: Settings, folder: Path) -> None:
    """Raises BadValue where a backup would replace something else."""
    allowed = f"a new folder, or one that holds a backup of {settings.name}"
    if folder.exists() and not folder.is_dir():
        raise BadValue("backup folder", str(folder), allowed)
    notes = [about for about in map(_read_about, _notes(folder)) if about]
    of_another = any(about.get("collection") != settings.name for about in notes)
    unknown = (folder / TABLE).exists() and not notes  # such as the table that is in use
    own = (folder / FILE).exists() or _is_own(settings, folder / ASSETS)
    if of_another or unknown or own:
        raise BadValue("backup folder", str(folder), allowed)


def _is_own(settings: Settings, assets: Path) -> bool:
    """Is this the collection's own asset folder? A bucket is none."""
    return not is_bucket(settings["storage"]["assets"]) and assets == settings.assets.resolve()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = filelock.FileLock(folder / ".backup.busy")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunFailed(f"{folder}: another backup is being written here") from None
    try:
        yield
    finally:
        lock.release()


def _notes(folder: Path) -> tuple[Path, Path]:
    return folder / ABOUT, folder / (ABOUT + NEXT)


def _put_in_place(folder: Path, about: dict[str, Any]) -> None:
    """The new note is there before the new table, so that at every moment one of the notes is the table's."""
    note, next_note = _notes(folder)
    with open(next_note, "w", encoding="utf-8") as file:
        file.write(json.dumps(about, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    os.replace(folder / (TABLE + NEXT), folder / TABLE)
    sync_folder(folder)
    os.replace(next_note, note)
    sync_folder(folder)


def _settle(folder: Path) -> None:
    """End what a killed backup began: its note counts if its table is in place."""
    note, next_note = _notes(folder)
    if next_note.exists():
        about = _read_about(next_note)
        if about and (folder / TABLE).exists() and about.get("table_sha256") == _sha256_of(folder / TABLE):
            os.replace(next_note, note)
        else:
            next_note.unlink()
        sync_folder(folder)


def _read_about(note: Path) -> dict[str, Any] | None:
    """None where there is no note, or a damaged one."""
    try:
        about = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return about if isinstance(about, dict) else None


def _checked(folder: Path) -> dict[str, Any]:
    """The note of the backup in `folder`, after the table was held against it."""
    file, notes = folder / TABLE, _notes(folder)
    if not any(note.exists() for note in notes):
        raise NothingLeft(f"there is no {notes[0]}; `toadworks backup {folder}` makes a backup")
    if not file.is_file():
        raise RunFailed(f"{file}: the backup's table is missing")
    given = [about for about in map(_read_about, notes) if about]
    for about in given:
        if isinstance(about.get("format"), int) and about["format"] > FORMAT:
            raise BadSetting(notes[0], "format", "was made by a newer Toadworks; upgrade Toadworks to restore it")
    sha256 = _sha256_of(file)
    own = [about for about in given if about.get("table_sha256") == sha256]
    if not own:
        raise RunFailed(f"{file}: the backup is damaged: its SHA-256 is not the one in {notes[0].name}")
    about, saved = own[0], saved_as(file)
    for key, found in (("format", FORMAT), ("revision", saved.revision), ("rows", saved.rows)):
        if about.get(key) != found:
            raise RunFailed(f"{notes[0]}: {key}: is not that of {file.name}: the backup is damaged")
    if not isinstance(about.get("assets"), dict) or about["assets"].get("kind") not in KINDS:
        raise RunFailed(f"{notes[0]}: assets: is not what was written there: the backup is damaged")
    return about


def _sha256_of(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
