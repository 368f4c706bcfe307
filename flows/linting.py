"""What `toadworks lint` and `toadworks verify` answer."""

from __future__ import annotations

from pathlib import Path

from collection_db import Table
from errors import BadRelease, BadValue
from flows.export import alike, private_paths, shown
from flows.settings import Settings
from minting.linting import Fault, lint
from minting.manifest import FILE, SIGNATURE, read_manifest
from minting.verifying import verify


def lint_folder(folder: Path) -> list[Fault]:
    """What is wrong with a release that lies anywhere. Raises BadValue for what is no folder."""
    if not folder.is_dir():
        raise BadValue("release", str(folder), "the folder of a release")
    with shown("check", _tokens(folder)) as advance:
        return lint(folder, progress=advance)


def faults_of(settings: Settings) -> list[Fault]:
    """What is wrong with a collection's release, also by what its table and its settings know."""
    folder, release = settings.release_folder, settings.release
    table = Table.open(settings.database_url)
    numbers = {row.candidate_id: row.number for row in table.tokens()}
    rows = [row for row in table.accepted() if row.id in numbers]
    groups = alike(rows, numbers, table)
    table.close()
    if not folder.is_dir():
        raise BadValue("release", str(folder), "one that `toadworks export` wrote")
    with shown("check", _tokens(folder)) as advance:
        return lint(
            folder,
            alike=groups,
            private=private_paths(settings),
            image_size=release.image_size,
            image_limit=release.image_limit,
            progress=advance,
        )


def verify_folder(folder: Path, signer: str | None) -> list[str]:
    """Sentences on what was checked. Raises BadRelease with all that does not hold."""
    files = len(read_manifest(folder / FILE).all_files())
    with shown("verify", files) as advance:
        found = verify(folder, advance)
    faults = list(map(str, found.faults))
    if signer and found.signed_by.lower() != signer.lower():
        who = f"signed by {found.signed_by}" if found.signed_by else f"not signed (there is no {SIGNATURE})"
        faults.append(f"{FILE}: is {who}, and not by {signer}")
    if faults:
        raise BadRelease(folder, faults)
    about = found.manifest
    lines = [
        f"{about.collection.name}: {len(about.tokens)} tokens, {files} files, all as {FILE} says",
        *(f"{path}: ipfs://{part.cid}, {part.files} files, {part.bytes} bytes" for path, part in about.parts.items()),
        f"provenance: SHA-256 {about.provenance.sha256}, Keccak-256 {about.provenance.keccak256}",
        f"signed by {found.signed_by}" if found.signed_by else "not signed",
    ]
    return [*lines, found.block] if found.block else lines


def _tokens(folder: Path) -> int:
    try:
        return len(read_manifest(folder / FILE).tokens)
    except BadRelease:
        return 0
