"""The released weights for a person: what is here, and fetching it with progress on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from errors import BadValue, BadWeights, NothingLeft, RunFailed, ToadworksError
from flows.progress import BETWEEN_LINES, say
from glide.fetching import RemoteFile, adopt, fetch, mirrored, present, sha256_of, weights_folder
from glide.released import CHECKPOINTS, LIMITS, VOCABULARIES, confirm_limits, limits_confirmed

SHOWN_DIGITS = 12  # of a SHA-256


@dataclass(frozen=True)
class Row:
    """One released file as `toadworks weights list` shows it; `state` is ok, BAD, part or missing."""

    key: str
    state: str
    told: str


def chosen(keys: Iterable[str]) -> list[RemoteFile]:
    """The vocabularies, which are small and always needed, then the checkpoints of these keys (none: all of them).

    Raises BadValue, with the valid ones, for another key.
    """
    wanted = set(keys) or set(CHECKPOINTS)
    if unknown := sorted(wanted - set(CHECKPOINTS)):
        raise BadValue("--only", unknown[0], ", ".join(CHECKPOINTS))
    return [*VOCABULARIES.values(), *(file for key, file in CHECKPOINTS.items() if key in wanted)]


def listed(folder: Path) -> Iterator[Row]:
    """Every released file, verified if it is there."""
    for key, file in (VOCABULARIES | CHECKPOINTS).items():
        here, part = present(file, folder), folder / f"{file.name}.part"
        if here is not None:
            try:
                yield Row(key, "ok", _whole(file, folder, here))
            except BadWeights as error:
                yield Row(key, "BAD", str(error))
        elif part.exists():
            yield Row(key, "part", f"{file.name}, {_megabytes(part)} so far")
        else:
            yield Row(key, "missing", file.name)


def show_list() -> bool:
    """Print the list, where the files lie, and whether the limits were confirmed; False if a file is BAD."""
    folder = weights_folder()
    rows = list(listed(folder))
    for row in rows:
        click.echo(f"{row.state:<8} {row.key:<17} {row.told}")
    told = "confirmed" if limits_confirmed(folder) else "not confirmed yet; `toadworks weights fetch glide` shows them"
    click.echo(f"limits: {told}\nfolder: {folder}")
    return all(row.state != "BAD" for row in rows)


def fetch_released(name: str, keys: Iterable[str], source: Path | None, mirror: str, yes: bool) -> None:
    """What `toadworks weights fetch NAME` does. Raises RunFailed, after all were tried, if some file failed."""
    if name != "glide":
        raise BadValue("weights", name, "glide")
    files, folder = chosen(keys), weights_folder()
    if mirror:
        files = [replace(file, url=mirrored(file, mirror)) for file in files]
    if source is not None and not source.is_dir():
        raise BadValue("--from", str(source), "a folder that holds the files")
    _confirm(folder, yes)
    failed = get(files, folder, source, done=click.echo)
    if failed:
        raise RunFailed(f"{len(failed)} of {len(files)} files could not be had (above): {', '.join(failed)}")
    click.echo(f"all {len(files)} files are in {folder}")


def _confirm(folder: Path, yes: bool) -> None:
    """Show the model's limits once, and ask."""
    if limits_confirmed(folder):
        return
    click.echo(LIMITS)
    if not yes:
        if not sys.stdin.isatty():
            raise NothingLeft("there is no terminal to ask on: say --yes to confirm that you read the limits above")
        if not click.confirm("Have you read this, and do you want to go on?"):
            raise NothingLeft("nothing was fetched, as the limits were not confirmed")
    confirm_limits(folder)


def get(files: Iterable[RemoteFile], folder: Path, source: Path | None, done: Callable[[str], None]) -> dict[str, str]:
    """Fetch the files, or take them over from the folder `source`; `done` hears of each that is there.

    The others go on when one fails; returned are the names of those that failed, and why.
    """
    failed = {}
    for file in files:
        try:
            with _drawn(file.name) as progress:
                if source is not None:
                    here = _taken(file, folder, source, progress)
                else:
                    here = fetch(file, folder, progress, say=say)
            done(_whole(file, folder, here))
        except ToadworksError as error:
            failed[file.name] = str(error)
            say(str(error))
    return failed


def _taken(file: RemoteFile, folder: Path, source: Path, progress: Callable[[int, int], None]) -> Path:
    """Nothing is downloaded where a folder was named: there may be no network, or a reason not to use it."""
    here = adopt(file, source, folder, progress) or present(file, folder)
    if here is None:
        raise BadWeights(file.name, f"is not in {source}, nor as .gz; without --from it is downloaded")
    return here


def _whole(file: RemoteFile, folder: Path, here: Path) -> str:
    return f"{here.name}, {_megabytes(here)}, SHA-256 {sha256_of(file, folder)[:SHOWN_DIGITS]}"


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"


@contextmanager
def _drawn(name: str) -> Iterator[Callable[[int, int], None]]:
    """A callback for bytes: a bar with rate and time left where a person watches, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(name)
        return
    columns = (
        TextColumn("{task.description:>28}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def _lines(name: str) -> Callable[[int, int], None]:
    said = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said > BETWEEN_LINES and done != total:
            said = time.monotonic()
            say(f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{name}: {done / 1e6:.0f} MB")

    return progress
