"""What a contract may have been told of a release before it was shown."""

from __future__ import annotations

from minting.manifest import Manifest, provenance


def provenances(release: Manifest, count: int | None = None) -> dict[str, str]:
    """The provenance hashes that a contract may have been given before its first mint, hexadecimal, and which they are.
    With a shuffle they are over the order before it, since that is what was there to be promised; else over the first
    `count` images."""
    images = [token.image for token in release.tokens[:count]]
    if release.shuffle and "order" in release.shuffle:
        by_hash = {token.image.sha256: token.image for token in release.tokens}
        images = [by_hash[sha256] for sha256 in release.shuffle.get("initial", ()) if sha256 in by_hash]
    both = provenance(images)
    return {both.sha256: "SHA-256", both.keccak256: "Keccak-256"}
