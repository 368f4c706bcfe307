"""Is a release what its manifest says? Every file, CID, hash, the shuffle and the signature, computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minting import shuffling
from minting.ipfs import cid_of, profile_named
from minting.linting import Fault
from minting.manifest import FILE, SIGNATURE, File, Manifest, Picture, described, file_keccak, provenance, read_manifest
from minting.signing import signer

_GOT = "get it again from where it was published"


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
    pictures = [token.image for token in manifest.tokens]
    if provenance(pictures) != manifest.provenance:
        problem = "the provenance hash is not that of the images it lists"
        faults.append(Fault(FILE, problem, "do not trust it: somebody changed it"))
    numbers = [token.number for token in manifest.tokens]
    if numbers != list(range(1, len(numbers) + 1)):
        faults.append(Fault(FILE, "its tokens do not run from 1 without a gap", "do not trust it: somebody changed it"))
    block = ""
    if manifest.shuffle:
        faults += [Fault(FILE, f"the shuffle: {problem}", "do not trust the order") for problem in shuffled(manifest)]
        block = _look_up(manifest.shuffle)
    signed = folder / SIGNATURE
    address = signer((folder / FILE).read_bytes(), signed) if signed.exists() else ""
    return Verified(manifest, sorted(faults), address, block)


def _look_up(record: Mapping[str, Any]) -> str:
    """What of a shuffle only its chain can tell."""
    where = f"block {record.get('block')} of the chain with id {record.get('chain_id')}"
    if "block_hash" not in record:
        return f"the shuffle is committed to {where}, and not revealed yet"
    return f"look up in an explorer that {where} has the hash 0x{record['block_hash'].removeprefix('0x')}"


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
    if isinstance(entry, Picture) and file_keccak(folder / entry.path) != entry.keccak256:
        return "has another Keccak-256 than in the manifest"
    return ""


def _parts(folder: Path, manifest: Manifest, entries: Sequence[File]) -> Iterator[Fault]:
    """The CIDs, of the parts and of every file."""
    profile = profile_named(manifest.profile)
    found: dict[str, str] = {}
    for path, part in manifest.parts.items():
        whole = folder / path
        if not whole.exists():
            yield Fault(path, "is not there", _GOT)
            continue
        imported = cid_of(whole, profile)
        if imported.cid != part.cid:
            yield Fault(path, f"its CID is {imported.cid}, and {part.cid} in the manifest", _GOT)
        found |= {f"{path}/{name}" if whole.is_dir() else path: cid for name, cid in imported.files.items()}
    for entry in entries:
        if (folder / entry.path).is_file():
            cid = found.get(entry.path) or cid_of(folder / entry.path, profile).cid
            if cid != entry.cid:
                yield Fault(entry.path, f"its CID is {cid}, and {entry.cid} in the manifest", _GOT)
