"""A release copied into a folder: a disk, a share, what a web server serves."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from durable import sync_folder
from errors import BadValue, RunFailed, WrongCopy
from minting.uploading.pieces import Item, Moved, Part, Piece

CHUNK = 1 << 20  # bytes


class Folder:
    """`folder` as a Destination. It may hold other files; those of the same names are replaced. Raises BadValue where
    it is the release's own folder, lies in it or has it inside."""

    takes_cars, takes_files = False, True

    def __init__(self, folder: Path, release: Path) -> None:
        self.folder, own = folder.resolve(), release.resolve()
        if self.folder == own or own in self.folder.parents or self.folder in own.parents:
            raise BadValue("folder to publish to", str(folder), f"one apart from {own}, where the release is")
        if self.folder.exists() and not self.folder.is_dir():
            raise BadValue("folder to publish to", str(folder), "a folder, new or not; this is a file")
        self.shown, self.key = str(self.folder), f"folder {self.folder}"

    def held(self, pieces: Sequence[Piece]) -> set[str]:
        found = set()
        for piece in pieces:
            file = self._file(piece)
            if file.is_file() and file.stat().st_size == piece.size:
                found.add(piece.name)
        return found

    def requests(self, piece: Piece) -> int:
        return 0

    def send(self, piece: Piece, moved: Moved) -> None:
        """Copied beside its name, synced, renamed: under its name it is whole, also if the power fails."""
        file = self._file(piece)
        with self._told(file, "written"):
            self._make(file.parent)
            for left in file.parent.glob(f".{glob.escape(file.name)}.tmp-[0-9]*"):
                left.unlink(missing_ok=True)  # of a run that was killed
            temporary = file.with_name(f".{file.name}.tmp-{os.getpid()}")
            try:
                with self._item(piece).file.open("rb") as source, temporary.open("wb") as out:
                    while data := source.read(CHUNK):
                        out.write(data)
                        moved(len(data))
                    out.flush()
                    os.fsync(out.fileno())
                temporary.replace(file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            sync_folder(file.parent)

    def verify(self, piece: Piece, moved: Moved) -> None:
        file, item = self._file(piece), self._item(piece)
        if not file.is_file():
            raise WrongCopy(f"{file}: the file is not there")
        if (size := file.stat().st_size) != item.size:
            raise WrongCopy(f"{file}: it has {size} bytes there, and {item.size} were sent")
        digest = hashlib.sha256()
        with self._told(file, "read back"), file.open("rb") as given:
            if hasattr(os, "posix_fadvise"):  # from the disk, not from what the system remembers having written
                os.posix_fadvise(given.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while data := given.read(CHUNK):
                digest.update(data)
                moved(len(data))
        if digest.hexdigest() != item.sha256:
            raise WrongCopy(f"{file}: the bytes that are there are not those that were sent")

    def uri(self, part: Part) -> str:
        return (self.folder / part.name).as_uri()

    def close(self) -> None:
        pass

    def _file(self, piece: Piece) -> Path:
        return self.folder / piece.name

    def _item(self, piece: Piece) -> Item:
        if not isinstance(piece, Item):
            raise TypeError(f"a folder takes files, not {type(piece).__name__}")
        return piece

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)

    @contextlib.contextmanager
    def _told(self, file: Path, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunFailed(f"{file}: the file cannot be {doing} ({error.strerror or error})") from error
