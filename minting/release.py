"""Writes a release: numbered images, their metadata, the collection's own, tables, pages, and the manifest over all.

The folder appears whole or not at all, only without a fault, and the same tokens give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from errors import BadRelease, NothingLeft, ToadworksError
from minting.gallery import gallery_page
from minting.images import release_image
from minting.ipfs import cid_of, profile_named
from minting.linting import lint
from minting.manifest import (
    FILE,
    About,
    File,
    Manifest,
    Part,
    Picture,
    Promise,
    TokenEntry,
    WalletList,
    described,
    keccak_of,
    mime_of,
    provenance,
)
from minting.metadata import (
    Release,
    Token,
    collection_metadata,
    joined,
    preview_path,
    token_metadata,
    token_name,
)
from minting.possible import check_release
from minting.rarity import rarity_csv, rarity_table
from minting.rarity_page import rarity_page
from minting.swapping import refused, replacing
from minting.tables import opensea_table, token_table

__all__ = ["BadNumbers", "Release", "Token", "write_release"]

COLLECTION = "collection.json"

Meter = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""`with meter(stage, total) as advance`: shows how far a stage is."""


class BadNumbers(ToadworksError):
    """Token numbers that do not run from 1 without a gap or a repeat."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"token numbers must run from 1 without a gap: {problem}")
        self.problem = problem


@contextmanager
def silent(stage: str, total: int) -> Iterator[Callable[[int], None]]:
    """A Meter that shows nothing."""
    yield lambda done: None


def write_release(
    folder: Path,
    tokens: Sequence[Token],
    release: Release,
    *,
    alike: Mapping[int, str] | None = None,
    shuffle: Mapping[str, Any] | None = None,
    private: Collection[str] = (),
    meter: Meter = silent,
) -> Path:
    """Write `folder` with everything that docs/exporting.md lists; return its path. An earlier release there is
    replaced, whole, at the end.

    `alike`, `private`: see `linting.lint`; `shuffle`: the public record that the numbers follow. Raises NothingLeft
    without tokens, BadNumbers, BadSetting for settings that cannot be used, BadSource for an image that does not
    decode, BadValue where `folder` holds something that is no release, BadRelease with all that is wrong with what was
    written, which is then kept beside it.
    """
    tokens = sorted(tokens, key=lambda token: token.number)
    _check_numbers([token.number for token in tokens])
    check_release(release)
    for token in tokens:  # whatever cannot be said is told before anything is drawn
        token_metadata(token, release, "")
    folder = folder.resolve()
    with replacing(folder) as unfinished:
        Writer(unfinished, release, tokens, meter).write(shuffle)
        with meter("check", len(tokens)) as advance:
            faults = lint(
                unfinished,
                alike=alike,
                private=private,
                image_size=release.image_size,
                image_limit=release.image_limit,
                progress=advance,
            )
        if faults:
            raise BadRelease(refused(folder), list(map(str, faults)))
    return folder


class Writer:
    """Writes the files of one release into an empty folder."""

    def __init__(self, folder: Path, release: Release, tokens: Sequence[Token], meter: Meter = silent) -> None:
        self.folder, self.release, self.tokens, self.meter = folder, release, tokens, meter
        self.profile = profile_named(release.profile)
        self.parts: dict[str, Part] = {}
        self.cids: dict[str, str] = {}  # of files, by their paths

    def write(self, shuffle: Mapping[str, Any] | None) -> None:
        pictures = self.write_images()
        previews = self.write_previews()
        metadata = [
            token_metadata(
                token,
                self.release,
                self.image_uri(pictures[token.number].path),
                self.preview_uri(token.number, previews),
            )
            for token in self.tokens
        ]
        self.write_metadata(metadata)
        entries = [self.entry(token, pictures[token.number], previews.get(token.number)) for token in self.tokens]
        listed = list(zip(entries, metadata, strict=True))
        self.write_json(COLLECTION, collection_metadata(self.release, self.image_uri(entries[0].image.path)))
        self.write_json("_metadata.json", metadata)
        self.write_text("collection.csv", token_table(listed))
        self.write_text("opensea.csv", opensea_table(listed))
        self.write_text("index.html", gallery_page(self.release, listed))
        rarity = rarity_table(metadata)
        self.write_text("rarity.csv", rarity_csv(rarity))
        self.write_text("rarity.html", rarity_page(self.release, rarity, [entry.image.path for entry in entries]))
        self.write_manifest("release", entries, shuffle=shuffle)

    def write_images(self) -> dict[int, Picture]:
        """By number. Their CIDs are known once all are there."""
        (self.folder / "images").mkdir()

        def written(token: Token) -> dict[str, Any]:
            path = self.release.image_path(token.number)
            data = release_image(token.image, self.release)
            (self.folder / path).write_bytes(data)
            return {"path": path, **about_image(data, path)}

        # squeezing leaves the interpreter to others
        with self.meter("images", len(self.tokens)) as advance, ThreadPoolExecutor(os.cpu_count()) as pool:
            found = []
            try:
                for about in pool.map(written, self.tokens):
                    found.append(about)
                    advance(1)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self.add_part("images")
        return {
            token.number: Picture(cid=self.cids[about["path"]], **about)
            for token, about in zip(self.tokens, found, strict=True)
        }

    def write_previews(self) -> dict[int, File]:
        given = {token.number: token.preview for token in self.tokens if token.preview}
        if not given:
            return {}
        (self.folder / "previews").mkdir()
        for number, file in given.items():
            shutil.copyfile(file, self.folder / preview_path(number))
        self.add_part("previews")
        return {number: self.file(preview_path(number)) for number in given}

    def write_metadata(self, metadata: Sequence[Mapping[str, Any]]) -> None:
        (self.folder / "metadata").mkdir()
        for token, about in zip(self.tokens, metadata, strict=True):
            self.write_json(self.release.metadata_path(token.number), about)
        self.add_part("metadata")

    def write_manifest(
        self,
        stage: Literal["release", "placeholder"],
        entries: list[TokenEntry],
        promise: Promise | None = None,
        shuffle: Mapping[str, Any] | None = None,
    ) -> None:
        """Over everything else that lies in the folder."""
        self.add_part(COLLECTION)
        release = self.release
        base = joined(release.metadata_base_uri or f"ipfs://{self.parts['metadata'].cid}/", "")
        known = {file.path for entry in entries for file in entry.files}
        others = sorted(file.relative_to(self.folder).as_posix() for file in self.folder.rglob("*") if file.is_file())
        manifest = Manifest(
            format=1,
            software=f"toadworks {version('toadworks')}",
            stage=stage,
            collection=About(name=release.collection, symbol=release.symbol),
            standard=release.standard,  # type: ignore[arg-type]  # checked
            profile=self.profile.name,
            base_uri=f"{base}{{id}}.json" if release.standard == "ERC-1155" else base,
            contract_uri=f"ipfs://{self.parts[COLLECTION].cid}",
            parts=self.parts,
            provenance=provenance([entry.image for entry in entries]),
            promise=promise,
            shuffle=dict(shuffle) if shuffle else None,
            lists=[WalletList.model_validate(one) for one in release.lists] or None,
            tokens=entries,
            files=[self.file(path) for path in others if path not in known],
        )
        self.write_text(FILE, manifest.text())

    def entry(self, token: Token, picture: Picture, preview: File | None) -> TokenEntry:
        return TokenEntry(
            number=token.number,
            name=token_name(token, self.release),
            source=token.source,
            source_licence=token.source_licence,
            recipe=token.recipe_id,
            model=token.model,
            weights_sha256=token.weights_sha256,
            image=picture,
            metadata=self.file(self.release.metadata_path(token.number)),
            preview=preview,
        )

    def add_part(self, path: str) -> None:
        """A folder, or a file, that is complete now and gets a root of its own."""
        whole = self.folder / path
        imported = cid_of(whole, self.profile)
        for name, cid in imported.files.items():
            self.cids[f"{path}/{name}" if whole.is_dir() else path] = cid
        files = sum(1 for file in whole.rglob("*") if file.is_file()) if whole.is_dir() else 1
        self.parts[path] = Part(cid=imported.cid, files=files, bytes=imported.bytes)

    def file(self, path: str) -> File:
        cid = self.cids.get(path) or cid_of(self.folder / path, self.profile).cid
        return described(self.folder, path, cid)

    def image_uri(self, path: str) -> str:
        return joined(self.release.image_base_uri or f"ipfs://{self.parts['images'].cid}/", path.split("/")[-1])

    def preview_uri(self, number: int, previews: Mapping[int, File]) -> str:
        if number not in previews:
            return ""
        return f"ipfs://{self.parts['previews'].cid}/{previews[number].path.split('/')[-1]}"

    def write_json(self, path: str, content: Any) -> None:
        self.write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_text(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, encoding="utf-8", newline="")


def about_image(data: bytes, path: str) -> dict[str, Any]:
    """What a manifest says of an image, but where it is."""
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "keccak256": keccak_of([data]),
        "bytes": len(data),
        "mime": mime_of(path),
        "width": width,
        "height": height,
    }


def _check_numbers(numbers: Sequence[int]) -> None:
    """`numbers` are sorted. Says which is the first that is missing, repeated or too small."""
    if not numbers:
        raise NothingLeft("there are no tokens to release: accept some candidates first")
    for expected, number in enumerate(numbers, start=1):
        if number < 1:
            raise BadNumbers(f"{number} is too small")
        if number < expected:
            raise BadNumbers(f"{number} is there twice")
        if number > expected:
            raise BadNumbers(f"{expected} is missing")
