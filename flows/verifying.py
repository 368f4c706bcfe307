"""What `toadworks verify` answers, and signing what others will verify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from errors import BadRelease
from flows.progress import shown
from minting.manifest import FILE, SIGNATURE, read_manifest
from minting.signing import read_keystore, sign_manifest
from minting.verifying import verify


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


def signer_of(keystore: Path, password: str) -> Callable[[Sequence[Path]], list[str]]:
    """What signs the manifests in release folders with a keystore's key, and says so. Raises BadKey."""
    account = read_keystore(keystore, password)
    return lambda folders: [f"{sign_manifest(folder, account)} by {account.address}" for folder in folders]
