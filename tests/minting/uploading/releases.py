"""Small releases with manifests, as `toadworks export` writes them."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

from minting.ipfs import DEFAULT_PROFILE, cid_of, profile_named
from minting.uploading.contents import ORDER

JSON_MIME, PNG_MIME, WEBP_MIME = "application/json", "image/png", "image/webp"


def write_release(folder: Path, tokens: int = 3, size: int = 3000, previews: bool = False, seed: int = 1) -> Path:
    """`tokens` images of about `size` random bytes each (nobody decodes them), metadata, and what else there is."""
    chance = random.Random(seed)
    for number in range(1, tokens + 1):
        put(folder / f"images/{number}.png", chance.randbytes(size + number))
        put(folder / f"metadata/{number}", json.dumps({"name": f"Toad #{number}"}).encode())
        if previews:
            put(folder / f"previews/{number}.webp", chance.randbytes(size // 2 + number))
    put(folder / "collection.json", b'{"name": "Toads"}')
    put(folder / "collection.csv", b"number,name\n1,Toad #1\n")
    put(folder / "index.html", b"<!doctype html><title>Toads</title>")
    write_manifest(folder)
    return folder


def put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def write_manifest(folder: Path, profile: str = DEFAULT_PROFILE, **changes: Any) -> None:
    roots = {name: cid_of(folder / name, profile_named(profile)) for name in ORDER if (folder / name).exists()}

    def entry(path: str, mime: str) -> dict[str, Any]:
        data = (folder / path).read_bytes()
        name, _, inside = path.partition("/")
        about = {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "mime": mime}
        if path.startswith("images/"):
            about |= {"keccak256": "0" * 64, "width": 1, "height": 1}
        return about | {"cid": roots[name].files[inside or "."] if name in roots else "bafkqaaa"}

    numbers = sorted(int(file.stem) for file in (folder / "images").iterdir())
    tokens = [
        {
            "number": number,
            "name": f"Toad #{number}",
            "source": "1",
            "source_licence": "CC0-1.0",
            "recipe": "0" * 64,
            "model": "tadpole",
            "weights_sha256": "0" * 64,
            "image": entry(f"images/{number}.png", PNG_MIME),
            "metadata": entry(f"metadata/{number}", JSON_MIME),
        }
        | ({"preview": entry(f"previews/{number}.webp", WEBP_MIME)} if "previews" in roots else {})
        for number in numbers
    ]
    parts = {name: {"cid": made.cid, "files": len(made.files), "bytes": made.bytes} for name, made in roots.items()}
    for name, part in parts.items():
        if (folder / name).is_dir():
            part["files"] = len(list((folder / name).iterdir()))
    files = [
        entry("collection.json", JSON_MIME),
        entry("collection.csv", "text/csv"),
        entry("index.html", "text/html"),
    ]
    manifest = {
        "format": 1,
        "software": "toadworks 0.1.0",
        "stage": "release",
        "collection": {"name": "Toads", "symbol": "TOAD"},
        "standard": "ERC-721",
        "profile": profile,
        "base_uri": f"ipfs://{parts['metadata']['cid']}/",
        "contract_uri": f"ipfs://{parts['collection.json']['cid']}",
        "parts": parts,
        "provenance": {"sha256": "0" * 64, "keccak256": "0" * 64},
        "shuffle": None,
        "tokens": tokens,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes, indent=2), encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
