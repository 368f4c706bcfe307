"""The release as a whole: numbers, files, URIs, pictures, and what two tokens must not share."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from errors import BadRelease
from minting.linting.faults import Fault, Tell, check_uri, quoted, read_json
from minting.linting.metadata import check_collection, check_token
from minting.linting.pictures import Seen, check_private, look
from minting.manifest import FILE, SIGNATURE, Manifest, read_manifest
from minting.metadata import FORMATS, metadata_name, preview_path
from minting.swapping import IGNORED

COLLECTION = "collection.json"
TEXTS = {".json", ".csv", ".html", ""}
MOST_GAPS = 5  # that are told


def lint(
    folder: Path,
    *,
    alike: Mapping[int, str] | None = None,
    private: Collection[str] = (),
    image_size: int = 0,
    image_limit: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Fault]:
    """All that is wrong with the release in `folder`, by file.

    `alike`: the look-alike group of tokens that no curator allowed to be beside another of it; `private`: paths that
    must not be named; `image_size`: what the longer side of every image should be, pixels, 0 for the same in all;
    `image_limit`: bytes, 0 for none; `progress` is called with 1 for every image.
    """
    return _Lint(folder, list(private), progress or (lambda done: None)).run(alike or {}, image_size, image_limit)


class _Lint:
    def __init__(self, folder: Path, private: list[str], progress: Callable[[int], None]) -> None:
        self.folder, self.private, self.progress = folder, private, progress
        self.faults: list[Fault] = []
        self.manifest: Manifest | None = None

    def run(self, alike: Mapping[int, str], image_size: int, image_limit: int) -> list[Fault]:
        try:
            self.manifest = read_manifest(self.folder / FILE)
        except BadRelease as error:
            for fault in error.faults:
                self.tell(FILE, fault, "`toadworks export` writes it")
        metadata = self.numbered("metadata", self.metadata_number)
        self.check_numbers(metadata)
        pictures = self.stage == "release"
        images = self.numbered("images", self.image_number) if pictures else {}
        if pictures:
            self.check_pairs(images, metadata)
        self.check_metadata(metadata, images)
        if pictures:
            self.check_images(images, image_size, image_limit)
            self.check_alike(alike)
        else:
            for file in self.listed("images"):
                look(file, self.teller(f"images/{file.name}"), self.private)
        self.check_previews(metadata)
        check_collection(self.json(COLLECTION), self.teller(COLLECTION))
        self.check_bases()
        self.check_entries()
        self.check_texts()
        return sorted(set(self.faults))

    def tell(self, file: str, problem: str, remedy: str) -> None:
        self.faults.append(Fault(file, problem, remedy))

    def teller(self, file: str) -> Tell:
        return partial(self.tell, file)

    @cached_property
    def standard(self) -> str:
        if self.manifest:
            return self.manifest.standard
        names = [file.name for file in self.listed("metadata")]
        return "ERC-1155" if names and all(name.endswith(".json") for name in names) else "ERC-721"

    @property
    def stage(self) -> Literal["release", "placeholder"]:
        return self.manifest.stage if self.manifest else "release"

    def listed(self, name: str) -> list[Path]:
        folder = self.folder / name
        if not folder.is_dir():
            return []
        return sorted(file for file in folder.iterdir() if file.name not in IGNORED)

    def json(self, path: str) -> Any:
        return read_json(self.folder / path, self.teller(path))

    def numbered(self, name: str, number_of: Callable[[Path], int | None]) -> dict[int, Path]:
        """The files of a folder by the number that their name says."""
        if not (self.folder / name).is_dir():
            self.tell(name, "is not there", "export again")
        found: dict[int, Path] = {}
        for file in self.listed(name):
            number = None if file.is_symlink() or not file.is_file() else number_of(file)
            path = f"{name}/{file.name}"
            if number is None:
                self.tell(path, "is no token's file", f"take it away; {self.shape(name)}")
            elif number in found:
                self.tell(path, f"is token {number}'s, as {found[number].name} is", "take one of them away")
            else:
                found[number] = file
        return found

    def shape(self, name: str) -> str:
        shape = f"1{next(iter(FORMATS.values()))}" if name == "images" else metadata_name(1, self.standard)
        return f"a token's is called like {shape}, by its number without padding"

    def metadata_number(self, file: Path) -> int | None:
        name = file.name
        if self.standard == "ERC-1155":
            given = re.fullmatch(r"([0-9a-f]{64})\.json", name)
            return int(given[1], 16) if given else None
        return int(name) if re.fullmatch(r"[1-9][0-9]{0,9}|0", name) else None

    def image_number(self, file: Path) -> int | None:
        named = re.fullmatch(r"[1-9][0-9]{0,9}|0", file.stem)
        return int(file.stem) if named and file.suffix in FORMATS.values() else None

    def check_numbers(self, metadata: Mapping[int, Path]) -> None:
        """From 1 without a gap: contracts count so."""
        if not metadata:
            self.tell("metadata", "has no token in it", "export again")
        if 0 in metadata:
            self.tell(f"metadata/{metadata[0].name}", "has the number 0", "tokens are numbered from 1")
        told = 0
        for number in range(1, max(metadata, default=0)):
            if number not in metadata:
                self.tell(
                    "metadata", f"token {number} is missing", "export again, so that ids run from 1 without a gap"
                )
                told += 1
            if told == MOST_GAPS:
                break

    def check_pairs(self, images: Mapping[int, Path], metadata: Mapping[int, Path]) -> None:
        for number in sorted(images.keys() - metadata.keys()):
            self.tell(f"images/{images[number].name}", "has no metadata", f"export again, or take image {number} away")
        for number in sorted(metadata.keys() - images.keys()):
            self.tell(f"metadata/{metadata[number].name}", f"token {number} has no image", "export again")

    def check_metadata(self, metadata: Mapping[int, Path], images: Mapping[int, Path]) -> None:
        for number, file in metadata.items():
            path = f"metadata/{file.name}"
            about = self.json(path)
            if about is not None and check_token(about, self.teller(path)):
                self.check_image_uri(about.get("image"), path, images.get(number))
                self.check_preview_uri(about.get("animation_url"), path, number)

    def check_image_uri(self, uri: Any, path: str, image: Path | None) -> None:
        """Does it lead to this token's own image, as it is in this release?"""
        tell = self.teller(path)
        if uri is None or not check_uri(uri, "image", tell, secure=True) or uri.startswith("data:"):
            return
        name = uri.rsplit("/", 1)[-1]
        expected = image.name if image else ""
        if self.stage == "placeholder":
            expected = next((file.name for file in self.listed("images")), "")
        if expected and name != expected:
            tell(f"image {quoted(uri)} is not this token's", f"it should end in /{expected}: export again")
        part = self.manifest.parts.get("images") if self.manifest else None
        if (
            part
            and uri.startswith("ipfs://")
            and uri.removeprefix("ipfs://").removeprefix("ipfs/").split("/")[0] != part.cid
        ):
            remedy = f'the images\' folder is ipfs://{part.cid}/: set release.image_base_uri = "" and export again'
            tell(f"image {quoted(uri)} is in another folder than the release's", remedy)

    def check_preview_uri(self, uri: Any, path: str, number: int) -> None:
        part = self.manifest.parts.get("previews") if self.manifest else None
        if part and isinstance(uri, str) and uri.startswith(f"ipfs://{part.cid}/"):
            expected = preview_path(number).removeprefix("previews/")
            if uri != f"ipfs://{part.cid}/{expected}" or not (self.folder / preview_path(number)).is_file():
                self.tell(path, f"animation_url {quoted(uri)} is not this token's preview", "export again")

    def check_previews(self, metadata: Mapping[int, Path]) -> None:
        known = {preview_path(number) for number in metadata}
        for file in self.listed("previews"):
            path = f"previews/{file.name}"
            if path in known:
                look(file, self.teller(path), self.private)
            else:
                self.tell(path, "is no token's file", "take it away")

    def check_images(self, images: Mapping[int, Path], image_size: int, image_limit: int) -> None:
        """They decode, are of one size, and no two have the same pixels."""
        numbers = list(images)
        entries = {token.number: token.image for token in self.manifest.tokens} if self.manifest else {}

        def seen_of(number: int) -> Seen | None:
            file = images[number]
            return look(file, self.teller(f"images/{file.name}"), self.private)

        same: dict[str, list[int]] = defaultdict(list)
        sizes: dict[int, list[int]] = defaultdict(list)
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding leaves the interpreter to others
            for number, seen in zip(numbers, pool.map(seen_of, numbers), strict=True):
                self.progress(1)
                if seen is None:
                    continue
                tell = self.teller(f"images/{images[number].name}")
                same[seen.pixels].append(number)
                sizes[max(seen.width, seen.height)].append(number)
                entry = entries.get(number)
                if entry and (entry.width, entry.height) != (seen.width, seen.height):
                    told = f"{seen.width} x {seen.height} pixels, not {entry.width} x {entry.height} as {FILE} says"
                    tell(f"has {told}", "export again")
                size = images[number].stat().st_size
                if image_limit and size > image_limit:
                    tell(f"has {size} bytes, more than the {image_limit} allowed", "see release.image_limit")
        self.check_sizes(sizes, images, image_size)
        for alike in same.values():
            first = min(alike)
            for number in sorted(alike)[1:]:
                path = f"images/{images[number].name}"
                self.tell(path, f"has the same pixels as token {first}", "reject one of the two and export again")

    def check_sizes(self, sizes: Mapping[int, list[int]], images: Mapping[int, Path], image_size: int) -> None:
        wanted = image_size or max(sizes, key=lambda size: len(sizes[size]), default=0)
        for size, numbers in sizes.items():
            if size != wanted:
                for number in numbers:
                    path = f"images/{images[number].name}"
                    told = f"its longer side has {size} pixels, {'not' if image_size else 'most others'} {wanted}"
                    self.tell(path, told, "see release.image_size")

    def check_alike(self, alike: Mapping[int, str]) -> None:
        groups: dict[str, list[int]] = defaultdict(list)
        for number, group in alike.items():
            groups[group].append(number)
        for numbers in groups.values():
            for number in sorted(numbers)[1:]:
                remedy = "reject one, or allow both: `toadworks tag look-alike-ok ID`"
                self.tell(f"token {number}", f"looks like token {min(numbers)}", remedy)

    def check_bases(self) -> None:
        """A contract joins the base URI and an id as they are: a slash too few, or an ending too many, and no wallet
        shows anything."""
        if not self.manifest:
            return
        tell = self.teller(FILE)
        base, cid = (
            self.manifest.base_uri,
            self.manifest.parts["metadata"].cid if "metadata" in self.manifest.parts else "",
        )
        ending = ""
        if self.standard == "ERC-1155":
            ending = "{id}.json"
            if not base.endswith(ending):
                tell(f"the URI {quoted(base)} does not end in {ending}", "set release.metadata_base_uri without it")
                return
            base = base.removesuffix(ending)
        if not check_uri(base, "the base URI", tell, secure=True):
            return
        if not base.endswith("/"):
            tell(
                f"the base URI {quoted(base)} does not end in a slash, so token 1 would be {quoted(base + '1')}",
                "add it",
            )
        if base.startswith("ipfs://") and base != f"ipfs://{cid}/":
            remedy = f'the metadata is ipfs://{cid}/: set release.metadata_base_uri = "" and export again'
            tell(f"the base URI {quoted(base)} is not where the release's metadata is", remedy)

    def check_entries(self) -> None:
        """Every file is in the manifest, and the other way round."""
        if not self.manifest:
            return
        listed = {file.path for file in self.manifest.all_files()}
        there = {
            file.relative_to(self.folder).as_posix()
            for file in self.folder.rglob("*")
            if not file.is_dir() and file.name not in IGNORED
        } - {FILE, SIGNATURE}
        for path in sorted(listed - there):
            self.tell(path, f"is in {FILE}, and not there", "export again")
        for path in sorted(there - listed):
            self.tell(path, f"is there, and not in {FILE}", "take it away, or export again")

    def check_texts(self) -> None:
        for file in sorted(self.folder.rglob("*")):
            if file.is_file() and file.suffix in TEXTS and file.name not in IGNORED:
                path = file.relative_to(self.folder).as_posix()
                check_private(file.read_text("utf-8", errors="replace"), "it", self.teller(path), self.private)
