"""What `toadworks verify` answers, and signing what others will verify."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from eth_utils.address import is_hex_address

from errors import BadRelease, BadValue
from flows.progress import meter, say, shown
from minting.linting import Fault
from minting.manifest import FILE, SIGNATURE, read_manifest
from minting.signing import read_keystore, sign_manifest
from minting.uploading.downloading import addresses, download
from minting.verifying import Verified, verify


def check_signer(signer: str | None) -> None:
    """Raises BadValue for what is no address."""
    if signer and not is_hex_address(signer):
        raise BadValue("signer", signer, "an Ethereum address: 0x and 40 hexadecimal digits")


def verify_folder(manifest: Path, signer: str | None) -> list[str]:
    """Sentences on what was checked; `manifest`: a release's manifest.json, or its folder. Raises BadRelease with all
    that does not hold, BadValue for a file of another name, which the manifest beside it must not stand in for."""
    check_signer(signer)
    if not manifest.is_dir() and manifest.name != FILE:
        raise BadValue("manifest", str(manifest), f"{FILE} in its release's folder, or with --gateway or --url any")
    folder = manifest if manifest.is_dir() else manifest.parent
    with shown("verify", len(read_manifest(folder / FILE).all_files())) as advance:
        found = verify(folder, advance)
    return _told(folder, found, [], signer)


def verify_published(manifest: Path, url: str, signer: str | None, *, ipfs: bool) -> list[str]:
    """`verify_folder` of what `url`, a gateway or a site, gives for the manifest. Raises BadValue for no such URL."""
    check_signer(signer)
    about = read_manifest(manifest)
    with tempfile.TemporaryDirectory(prefix="toadworks-") as name:
        folder = Path(name)
        for file in (manifest, manifest.with_name(SIGNATURE)):
            if file.exists():
                shutil.copyfile(file, folder / (FILE if file == manifest else SIGNATURE))
        size = sum(entry.bytes for entry, _ in addresses(about, ipfs=ipfs))
        say(f"downloading {size / 1e6:.1f} MB")
        with meter("download", size, of_bytes=True) as bar:
            faults = download(about, url, folder, ipfs=ipfs, moved=bar.advance)
        missing = {fault.file for fault in faults}
        missing |= {path.split("/")[0] for path in missing}  # the CID of a folder in which something is not right
        found = verify(folder, parts_only=ipfs)
        return _told(manifest, found, [*faults, *(one for one in found.faults if one.file not in missing)], signer)


def _told(where: Path, found: Verified, faults: Sequence[Fault], signer: str | None) -> list[str]:
    problems = list(map(str, faults or found.faults))
    if signer and found.signed_by.lower() != signer.lower():
        who = f"signed by {found.signed_by}" if found.signed_by else f"not signed (there is no {SIGNATURE})"
        problems.append(f"{FILE}: is {who}, and not by {signer}")
    if problems:
        raise BadRelease(where, problems)
    about = found.manifest
    lines = [
        f"{plain(about.collection.name)}: {len(about.tokens)} tokens, all as {FILE} says",
        *(f"{path}: ipfs://{part.cid}, {part.files} files, {part.bytes} bytes" for path, part in about.parts.items()),
        f"provenance: SHA-256 {about.provenance.sha256}, Keccak-256 {about.provenance.keccak256}",
        f"signed by {found.signed_by}" if found.signed_by else "not signed",
    ]
    return [*lines, found.block] if found.block else lines


def plain(text: str) -> str:
    """Somebody else's text in one line, so that it cannot pass for what this program says."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def signer_of(keystore: Path, password: str) -> Callable[[Sequence[Path]], list[str]]:
    """What signs the manifests in release folders with a keystore's key, and says so. Raises BadKey."""
    account = read_keystore(keystore, password)
    return lambda folders: [f"{sign_manifest(folder, account)} by {account.address}" for folder in folders]
