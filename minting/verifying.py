"""Is a release what its manifest says? Every file, CID, hash, the shuffle and the signature, computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from errors import BadSource
from minting import shuffling
from minting.ipfs import cid_of, profile_named
from minting.linting import Fault
from minting.linting.faults import read_json
from minting.manifest import (
    FILE,
    SIGNATURE,
    File,
    Manifest,
    Picture,
    TokenEntry,
    described,
    file_keccak,
    provenance,
    read_manifest,
)
from minting.metadata import metadata_name
from minting.signing import signer

_GOT = "get it again from where it was published"
_CHANGED = "do not trust it: somebody changed it"


@dataclass(frozen=True)
class Verified:
    """What came of it. `signed_by`: the address whose signature holds, or ""; `block`: what a shuffle says that anybody
    should look up on its chain, or ""."""

    manifest: Manifest
    faults: list[Fault]
    signed_by: str = ""
    block: str = ""


def verify(folder: Path, progress: Callable[[int], None] | None = None, *, parts_only: bool = False) -> Verified:
    """Hold the release in `folder` against its manifest.json; `progress` is called with 1 for every file.
    `parts_only`: files without a part's CID are not there, as nobody pins them.

    Raises BadRelease for a manifest that cannot be read, or a signature that does not hold.
    """
    manifest = read_manifest(folder / FILE)
    entries = [entry for entry in manifest.all_files() if not parts_only or entry.path.split("/")[0] in manifest.parts]
    faults = [*_files(folder, entries, progress or (lambda done: None)), *_parts(folder, manifest, entries)]
    faults += [Fault(FILE, problem, _CHANGED) for problem in _roots(manifest)]
    faults += [fault for token in manifest.tokens for fault in _own(folder, manifest, token)]
    pictures = [token.image for token in manifest.tokens]
    if provenance(pictures) != manifest.provenance:
        problem = "the provenance hash is not that of the images it lists"
        faults.append(Fault(FILE, problem, _CHANGED))
    numbers = [token.number for token in manifest.tokens]
    if numbers != list(range(1, len(numbers) + 1)):
        faults.append(Fault(FILE, "its tokens do not run from 1 without a gap", _CHANGED))
    block = ""
    if manifest.shuffle:
        wrong = shuffled(manifest)
        faults += [Fault(FILE, f"the shuffle: {problem}", "do not trust the order") for problem in wrong]
        block = "" if wrong else _look_up(manifest.shuffle)
    signed = folder / SIGNATURE
    address = signer((folder / FILE).read_bytes(), signed) if signed.exists() else ""
    return Verified(manifest, sorted(faults), address, block)


def _look_up(record: Mapping[str, Any]) -> str:
    """What of a shuffle only its chain can tell."""
    where = f"block {record.get('block')} of the chain with id {record.get('chain_id')}"
    if "block_hash" not in record:
        return f"the shuffle is committed to {where}, and not revealed yet"
    return f"look up in an explorer that {where} has the hash {record['block_hash']}"


def shuffled(manifest: Manifest) -> list[str]:
    """What is wrong with the manifest's order, by the shuffle that it says it follows."""
    record = manifest.shuffle or {}
    problems = shuffling.check(record)
    if not problems:
        order = record.get("order", range(record["count"]))
        expected = [record["initial"][place] for place in order]
        found = [token.image.sha256 for token in manifest.tokens[: len(expected)]]
        if found != expected and manifest.stage == "release":
            problems.append("the images are in another order than it gives")
    return problems


def _files(folder: Path, entries: Sequence[File], progress: Callable[[int], None]) -> Iterator[Fault]:
    for entry in entries:
        progress(1)
        file = folder / entry.path
        if file.is_symlink() or not file.is_file():
            yield Fault(entry.path, "is not there", _GOT)
        elif problem := _problem(folder, entry):
            yield Fault(entry.path, problem, _GOT)


def _problem(folder: Path, entry: File) -> str:
    found = described(folder, entry.path, entry.cid)
    if found.bytes != entry.bytes:
        return f"has {found.bytes} bytes, and {entry.bytes} in the manifest"
    if found.sha256 != entry.sha256:
        return "has another SHA-256 than in the manifest: it was changed, or damaged"
    if found.mime != entry.mime:
        return f"is called {entry.mime!r} in the manifest, and its name says {found.mime!r}"
    if isinstance(entry, Picture) and file_keccak(folder / entry.path) != entry.keccak256:
        return "has another Keccak-256 than in the manifest"
    return ""


def _roots(manifest: Manifest) -> Iterator[str]:
    """Is all of a token, and what the contract is told, in a part, where whoever has the CIDs gets it?"""
    parts = manifest.parts
    for name in ("images", "metadata", "collection.json"):
        if name not in parts:
            yield f"it has no part called {name}"
    for file in (file for token in manifest.tokens for file in token.files):
        if file.path.split("/")[0] not in parts:
            yield f"{file.path} is in none of its parts"
    roots = {"base_uri": "metadata", "contract_uri": "collection.json"}
    for key, name in roots.items():
        uri = getattr(manifest, key)
        if uri.startswith("ipfs://") and name in parts and uri.split("/")[2] != parts[name].cid:
            yield f"its {key} is not where its {name} is"


def _own(folder: Path, manifest: Manifest, token: TokenEntry) -> Iterator[Fault]:
    """Are a token's files those that the world sees by its number? Else the order that the provenance hash and the
    shuffle speak of would be another than that of the tokens."""
    if token.metadata.path != f"metadata/{metadata_name(token.number, manifest.standard)}":
        yield Fault(FILE, f"token {token.number}'s metadata is said to be {token.metadata.path}", _CHANGED)
    image = PurePosixPath(token.image.path)
    if manifest.stage == "release" and image.with_suffix("") != PurePosixPath(f"images/{token.number}"):
        yield Fault(FILE, f"token {token.number}'s image is said to be {image}", _CHANGED)
    if (folder / token.metadata.path).is_file():
        found: list[str] = []
        about = read_json(folder / token.metadata.path, lambda problem, remedy: found.append(problem))
        uri = about.get("image") if isinstance(about, dict) else None
        root = manifest.parts["images"].cid if "images" in manifest.parts else ""
        uri = uri if isinstance(uri, str) else ""
        if uri.rsplit("/", 1)[-1] != image.name or (uri.startswith("ipfs://") and uri.split("/")[2] != root):
            yield Fault(token.metadata.path, found[0] if found else f"its image is not {image}", _GOT)


def _parts(folder: Path, manifest: Manifest, entries: Sequence[File]) -> Iterator[Fault]:
    """The CIDs, of the parts and of every file."""
    profile = profile_named(manifest.profile)
    found: dict[str, str] = {}
    for path, part in manifest.parts.items():
        whole = folder / path
        try:
            imported = cid_of(whole, profile)
        except BadSource as error:
            yield Fault(path, str(error).removeprefix(f"{folder}/"), _GOT)
            continue
        size = (len(imported.files) - whole.is_dir(), imported.bytes)  # the folder itself is listed by "."
        if size != (part.files, part.bytes):
            yield Fault(path, f"has {size[0]} files of {size[1]} bytes, and other numbers in the manifest", _GOT)
        if imported.cid != part.cid:
            yield Fault(path, f"its CID is {imported.cid}, and {part.cid} in the manifest", _GOT)
        found |= {f"{path}/{name}" if whole.is_dir() else path: cid for name, cid in imported.files.items()}
    for entry in entries:
        if (folder / entry.path).is_file():
            cid = found.get(entry.path) or cid_of(folder / entry.path, profile).cid
            if cid != entry.cid:
                yield Fault(entry.path, f"its CID is {cid}, and {entry.cid} in the manifest", _GOT)
