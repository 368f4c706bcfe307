"""The release's manifest.json: what joins every token's image, metadata, CIDs, recipe, source and licence, so that
anybody can check a release against it, from the disk or from the web."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from eth_hash.auto import keccak
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from errors import BadRelease

FILE, SIGNATURE = "manifest.json", "manifest.signature.json"
MOST_SHOWN = 5  # of what is wrong with a manifest's form
LARGEST = 2**30  # bytes: beyond a million tokens
LONGEST_PATH, LONGEST_NAME = 1024, 255  # bytes: what every file system takes
_PIECE = 2**20  # bytes
MIMES = {
    ".png": "image/png",
    ".webp": "image/webp",
    ".json": "application/json",
    ".csv": "text/csv",
    ".html": "text/html",
    "": "application/json",  # a token's metadata is called by its number alone
}


def _within(path: str) -> str:
    """A path in the release, and nowhere else, that every disk can hold and a line can show."""
    parts = PurePosixPath(path).parts
    if not parts or path != "/".join(parts) or path.startswith("/") or {"..", "."} & set(parts) or "\\" in path:
        raise ValueError(f"{path!r} is no path within the release")
    longest = max(len(part.encode()) for part in parts)
    if not path.isprintable() or longest > LONGEST_NAME or len(path.encode()) > LONGEST_PATH:
        raise ValueError(f"{path[:LONGEST_NAME]!r} is no path that can be written")
    return path


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Cid = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,128}$")]
Inside = Annotated[str, AfterValidator(_within)]
Count = Annotated[int, Field(ge=0)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Part(_Form):
    """A folder of the release, or collection.json: what an IPFS service pins, under a root of its own."""

    cid: Cid
    files: Count
    bytes: Count


class File(_Form):
    """A file of the release. `bytes`: its size."""

    path: Inside
    sha256: Digest
    cid: Cid
    bytes: Count
    mime: str


class Picture(File):
    """A token's image. `width`, `height`: pixels; `keccak256`: of the file, as `sha256` is."""

    keccak256: Digest
    width: Count
    height: Count


class Provenance(_Form):
    """One hash over all images in the order of their numbers: see `provenance`."""

    sha256: Digest
    keccak256: Digest


class Promise(_Form):
    """What a placeholder says of the release that it stands for: how many tokens there will be, and the provenance hash
    over their images; with a shuffle that is still to be revealed, over their order before it."""

    count: Count
    provenance_sha256: Digest


class TokenEntry(_Form):
    """A token: its files, and where its picture came from."""

    number: Annotated[int, Field(ge=1)]
    name: str
    source: str
    source_licence: str
    recipe: str
    model: str
    weights_sha256: str
    image: Picture
    metadata: File
    preview: File | None = None

    @property
    def files(self) -> list[File]:
        return [one for one in (self.image, self.preview, self.metadata) if one]


class Snapshot(_Form):
    """Whose holders a list names, and at the end of which block. `hash`: the block's, 0x and 64 digits."""

    chain_id: Count
    contract: str
    block: Count
    hash: str


class WalletList(_Form):
    """A list of wallets that may mint first: its file, whose wallets are nobody's business here, and its SHA-256."""

    file: str
    sha256: Digest
    snapshot: Snapshot | None = None


class About(_Form):
    name: str
    symbol: str


class Manifest(_Form):
    """A release. `parts`: by their paths, in the order in which they are to be uploaded; `base_uri`: what the contract
    joins a token's id to ({id} in an ERC-1155's); `contract_uri`: what `contractURI` says; `lists`: what the allowlist
    of the presale is made from; `files`: every other file
    but the manifest and its signature."""

    format: Literal[1]
    software: str
    stage: Literal["release", "placeholder"]
    collection: About
    standard: Literal["ERC-721", "ERC-1155"]
    profile: str
    base_uri: str
    contract_uri: str
    parts: dict[Inside, Part]
    provenance: Provenance
    promise: Promise | None = None
    shuffle: dict[str, Any] | None = None
    lists: list[WalletList] | None = None
    tokens: list[TokenEntry]
    files: list[File]

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        """What is said of a path in two places is the same: only one of them is held against the file. Nothing takes
        the manifest's own place: what is downloaded must not replace what it is held against."""
        said: dict[str, File] = {}
        for file in (*(file for token in self.tokens for file in token.files), *self.files):
            if said.setdefault(file.path, file) != file:
                raise ValueError(f"{file.path!r} is described in two ways")
        for path in said:
            if path.casefold() in (FILE, SIGNATURE):
                raise ValueError(f"{path!r} cannot be listed by itself")
            if above := next((str(one) for one in PurePosixPath(path).parents if str(one) in said), ""):
                raise ValueError(f"{above!r} is a file, and {path!r} cannot be in it")
        return self

    def all_files(self) -> list[File]:
        """Every file, each once, tokens' first: a placeholder's tokens share their picture."""
        found = {file.path: file for token in self.tokens for file in token.files}
        found |= {file.path: file for file in self.files}
        return list(found.values())

    def text(self) -> str:
        """As it is written: the same manifest is the same bytes."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False) + "\n"


def read_manifest(file: Path) -> Manifest:
    """Read a manifest.json. Raises BadRelease for one that is not there, or has not the form."""
    try:
        if file.stat().st_size > LARGEST:
            raise BadRelease(file, [f"it has more than {LARGEST} bytes, so it is no manifest"])
        return Manifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadRelease(file, [f"it cannot be read ({error.strerror}); `toadworks export` writes one"]) from error
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        told = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in wrong[:MOST_SHOWN]]
        more = [f"... and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []
        raise BadRelease(file, [*told, *more]) from error


def provenance(images: Sequence[Picture]) -> Provenance:
    """The provenance hashes of images in the order of their numbers: SHA-256 over their SHA-256 digests, and Keccak-256
    over their Keccak-256 digests, each as lower-case hexadecimal text, one behind the other with nothing between, as
    collections have written them since Bored Apes."""
    sha256s = "".join(image.sha256 for image in images).encode()
    keccaks = "".join(image.keccak256 for image in images).encode()
    return Provenance(sha256=hashlib.sha256(sha256s).hexdigest(), keccak256=keccak(keccaks).hex())


def described(folder: Path, path: str, cid: str) -> File:
    """The entry of a file that lies in the release."""
    with (folder / path).open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    size = (folder / path).stat().st_size
    return File(path=path, sha256=sha256, cid=cid, bytes=size, mime=mime_of(path))


def keccak_of(pieces: Iterable[bytes]) -> str:
    """Keccak-256, hexadecimal."""
    hasher = keccak.new(b"")
    for piece in pieces:
        hasher.update(piece)
    return str(hasher.digest().hex())


def file_keccak(file: Path) -> str:
    with file.open("rb") as opened:
        return keccak_of(iter(partial(opened.read, _PIECE), b""))


def mime_of(path: str) -> str:
    return MIMES.get(PurePosixPath(path).suffix, "application/octet-stream")
