"""What a release's manifest says is to be sent, held against the files that lie there."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from errors import BadRelease, NothingLeft
from minting.uploading.pieces import Item, Moved, Part
from minting.uploading.together import in_parallel

MANIFEST, SIGNATURE = "manifest.json", "manifest.signature.json"
FORMAT = 1
ORDER = ("images", "previews", "metadata", "collection.json")  # what metadata names is there before the metadata
READERS = min(4, os.cpu_count() or 1)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Contents:
    """A release as its manifest has it. `profile`: by which its CIDs were made; `parts`: in the order of sending."""

    folder: Path
    collection: str
    profile: str
    parts: tuple[Part, ...]

    @property
    def items(self) -> list[Item]:
        return [item for part in self.parts for item in part.items]


def read_manifest(folder: Path) -> Contents:
    """The release in `folder`, by its manifest. Raises NothingLeft where there is none, BadRelease with everything that
    is wrong in it. The files themselves are not read."""
    file = folder / MANIFEST
    if not file.is_file():
        raise NothingLeft(f"there is no {file}; `toadworks export` writes the release first")
    try:
        manifest = json.loads(file.read_bytes())
    except ValueError as error:
        raise BadRelease(file, [f"it is no JSON ({error})"]) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadRelease(file, [f"it is not of format {FORMAT}; a newer toadworks may have written it"])
    reader = _Reader(folder, manifest)
    if reader.problems:
        raise BadRelease(file, reader.problems)
    return reader.contents


def check_files(contents: Contents, moved: Moved = lambda count: None) -> None:
    """That every file is there and is the one that the manifest says, and that no other is. Raises BadRelease with all
    that are not; `moved` gets the bytes that were read."""
    found = in_parallel(READERS, lambda item: _problem(item, moved), contents.items)
    problems = [problem for problem in found if problem]
    known = {item.name for item in contents.items}
    others = sorted(name for name in _names(contents.folder) if name not in known)
    problems += [f"{name}: the manifest does not know it; remove it" for name in others]
    if problems:
        raise BadRelease(contents.folder, problems)


class _Reader:
    """Makes `contents` of a manifest, and collects what is wrong with it as `problems`."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.problems = folder, list[str]()
        self._items: dict[str, Item] = {}
        for token in self._list(manifest, "tokens"):
            for key in ("image", "preview", "metadata"):
                if isinstance(token, dict) and (key != "preview" or token.get(key) is not None):
                    self._take(token.get(key), f"token {token.get('number')}: {key}")
        for number, entry in enumerate(self._list(manifest, "files"), start=1):
            self._take(entry, f"files: entry {number}")
        parts = manifest.get("parts")
        if not isinstance(parts, dict):
            self.problems.append("parts: it is not there")
            parts = {}
        self.contents = Contents(
            folder, self._name(manifest), self._text(manifest, "profile"), tuple(self._parts(parts))
        )

    def _parts(self, parts: dict[str, Any]) -> list[Part]:
        made, left = list[Part](), dict(self._items)
        for name in [*(name for name in ORDER if name in parts), *(name for name in parts if name not in ORDER)]:
            within = tuple(item for key, item in left.items() if key == name or key.startswith(f"{name}/"))
            for item in within:
                del left[item.name]
            about = parts[name] if isinstance(parts[name], dict) else {}
            cid = about.get("cid")
            if not isinstance(cid, str) or not re.fullmatch(r"[A-Za-z0-9]{40,120}", cid):
                self.problems.append(f"parts: {name}: it has no CID")
                cid = ""
            if (about.get("files"), about.get("bytes")) != (len(within), sum(item.size for item in within)):
                told = f"{about.get('files')} files of {about.get('bytes')} bytes"
                size = sum(item.size for item in within)
                self.problems.append(f"parts: {name}: {told} are said, {len(within)} of {size} are listed")
            if within:
                made.append(Part(name, within, cid))
        others = [*left.values(), *self._of_itself()]
        return [*made, Part("", tuple(others))]

    def _of_itself(self) -> list[Item]:
        """The manifest and its signature, which it cannot know."""
        found = [self.folder / name for name in (MANIFEST, SIGNATURE)]
        return [
            Item(file.name, file, hashlib.sha256(data).hexdigest(), len(data), "application/json")
            for file in found
            if file.is_file()
            for data in [file.read_bytes()]
        ]

    def _take(self, entry: Any, where: str) -> None:
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(path, str) or not is_inside(path):
            self.problems.append(f"{where}: it names no file in the release")
            return
        sha256, size, mime = entry.get("sha256"), entry.get("bytes"), entry.get("mime")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            self.problems.append(f"{where}: {path}: its sha256 is not 64 small hex digits")
        elif not isinstance(size, int) or isinstance(size, bool) or size < 0:
            self.problems.append(f"{where}: {path}: its bytes are no number")
        elif not isinstance(mime, str) or not re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", mime):
            self.problems.append(f"{where}: {path}: its mime is no MIME type, such as {_guess(path)}")
        elif path in self._items or path in (MANIFEST, SIGNATURE):
            self.problems.append(f"{where}: {path}: it is listed twice")
        else:
            cid = entry.get("cid")
            self._items[path] = Item(path, self.folder / path, sha256, size, mime, cid if isinstance(cid, str) else "")

    def _list(self, manifest: dict[str, Any], key: str) -> list[Any]:
        if not isinstance(manifest.get(key), list):
            self.problems.append(f"{key}: it is no list")
            return []
        return list(manifest[key])

    def _text(self, about: dict[str, Any], key: str) -> str:
        if not isinstance(about.get(key), str):
            self.problems.append(f"{key}: it is no text")
        return str(about.get(key))

    def _name(self, manifest: dict[str, Any]) -> str:
        collection = manifest.get("collection")
        return self._text(collection, "name") if isinstance(collection, dict) else ""


def is_inside(path: str) -> bool:
    """Is it a path below the release's folder, in one way of writing it only?"""
    clean = PurePosixPath(path)
    return (
        bool(path)
        and path == str(clean)
        and not clean.is_absolute()
        and ".." not in clean.parts
        and path != "."
        and path.isprintable()
        and not set(path) & set('\\:*?"<>|')
    )


def _problem(item: Item, moved: Moved) -> str:
    file = item.file
    if file.is_symlink() or not file.is_file():
        return f"{item.name}: the file is not there" if not file.is_symlink() else f"{item.name}: it is a link"
    if (size := file.stat().st_size) != item.size:
        return f"{item.name}: it has {size} bytes instead of {item.size}"
    with file.open("rb") as given:
        digest = hashlib.file_digest(given, "sha256").hexdigest()
    moved(size)
    return "" if digest == item.sha256 else f"{item.name}: it was changed since: its SHA-256 is another"


def _names(folder: Path) -> list[str]:
    """Every file but the hidden ones, which systems leave everywhere and no part of a release is."""
    paths = (file.relative_to(folder) for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())
    return [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]


def _guess(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
