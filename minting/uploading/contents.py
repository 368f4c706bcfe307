"""What of a release is to be sent, in which order: by its manifest, held against the files that lie there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from errors import BadRelease, NothingLeft
from minting.manifest import FILE, SIGNATURE, File, Manifest, mime_of, read_manifest
from minting.uploading.pieces import Item, Moved, Part
from minting.uploading.together import in_parallel

ORDER = ("images", "previews", "metadata", "collection.json")  # what metadata names is there before the metadata
READERS = min(4, os.cpu_count() or 1)
_REMEDY = "`toadworks export` writes the release anew"


@dataclass(frozen=True)
class Contents:
    """A release in `folder`. `parts`: in the order of sending, the last of them what has no CID of a part."""

    folder: Path
    manifest: Manifest
    parts: tuple[Part, ...]

    @property
    def items(self) -> list[Item]:
        return [item for part in self.parts for item in part.items]


def read_contents(folder: Path) -> Contents:
    """The release in `folder`, by its manifest. Raises NothingLeft where there is none, BadRelease for a manifest that
    cannot be read, or whose parts are not those of its files. The files themselves are not read."""
    file = folder / FILE
    if not file.is_file():
        raise NothingLeft(f"there is no {file}; `toadworks export` writes the release first")
    manifest = read_manifest(file)
    files = [*manifest.all_files(), *_of_itself(folder)]
    left = {entry.path: _item(folder, entry) for entry in files}
    parts, faults = list[Part](), list[str]()
    for name in sorted(manifest.parts, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)):
        within = tuple(item for path, item in left.items() if path == name or path.startswith(f"{name}/"))
        told, size = manifest.parts[name], sum(item.size for item in within)
        if (told.files, told.bytes) != (len(within), size):
            listed = f"{len(within)} files of {size} bytes are listed"
            faults.append(f"{FILE}: {name}: {listed}, and {told.files} of {told.bytes} are said; {_REMEDY}")
        left = {path: item for path, item in left.items() if path != name and not path.startswith(f"{name}/")}
        parts.append(Part(name, within, told.cid))
    if faults:
        raise BadRelease(file, faults)
    return Contents(folder, manifest, (*parts, Part("", tuple(left.values()))))


def check_files(contents: Contents, moved: Moved = lambda count: None) -> None:
    """That every file is there and is the one that the manifest says, and that no other is. Raises BadRelease with all
    that are not; `moved` gets the bytes that were read."""
    found = in_parallel(READERS, lambda item: _fault(item, moved), contents.items)
    faults = [fault for fault in found if fault]
    known = {item.name for item in contents.items}
    others = sorted(name for name in _names(contents.folder) if name not in known)
    faults += [f"{name}: is not in {FILE}; take it away" for name in others]
    if faults:
        raise BadRelease(contents.folder, faults)


def _of_itself(folder: Path) -> list[File]:
    """The manifest and its signature, which it cannot list."""
    found = []
    for name in (FILE, SIGNATURE):
        if (folder / name).is_file():
            data = (folder / name).read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            found.append(File(path=name, sha256=sha256, cid="", bytes=len(data), mime=mime_of(name)))
    return found


def _item(folder: Path, entry: File) -> Item:
    return Item(entry.path, folder / entry.path, entry.sha256, entry.bytes, entry.mime, entry.cid)


def _fault(item: Item, moved: Moved) -> str:
    file = item.file
    if file.is_symlink() or not file.is_file():
        return f"{item.name}: is {'a link' if file.is_symlink() else 'not there'}; {_REMEDY}"
    if (size := file.stat().st_size) != item.size:
        return f"{item.name}: has {size} bytes, and {item.size} in {FILE}; {_REMEDY}"
    with file.open("rb") as given:
        digest = hashlib.file_digest(given, "sha256").hexdigest()
    moved(size)
    return "" if digest == item.sha256 else f"{item.name}: was changed after {FILE} was written; {_REMEDY}"


def _names(folder: Path) -> list[str]:
    """Every file but the hidden ones, which systems leave everywhere and no part of a release is."""
    paths = (file.relative_to(folder) for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())
    return [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
