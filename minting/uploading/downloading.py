"""Getting a published release back, file by file, to be held against its manifest: from an IPFS gateway, which is not
trusted, or from a site that has the folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx

from errors import RunFailed, WrongCopy
from minting.linting import Fault
from minting.manifest import File, Manifest
from minting.uploading.asking import PASSING, Again, Http
from minting.uploading.pieces import Moved, Tally
from minting.uploading.together import in_parallel

PATIENCE_S = 30.0  # for a file: a gateway may have to look for it
READS = 3  # of a file that arrives damaged, before it is called so
_REMEDY = "publish it again, or ask at another gateway"


def addresses(manifest: Manifest, *, ipfs: bool) -> Iterator[tuple[File, str]]:
    """What can be got, and its path behind the address: on IPFS (/ipfs/CID/name) only what lies in a part."""
    for entry in manifest.all_files():
        if not ipfs:
            yield entry, f"/{quote(entry.path)}"
            continue
        name, _, inside = entry.path.partition("/")
        if part := manifest.parts.get(name):
            yield entry, f"/ipfs/{part.cid}" + (f"/{quote(inside)}" if inside else "")


def download(
    manifest: Manifest,
    url: str,
    folder: Path,
    *,
    ipfs: bool,
    parallel: int = 4,
    patience_s: float = PATIENCE_S,
    moved: Moved = lambda count: None,
) -> list[Fault]:
    """Get the release's files from `url` into `folder`; what did not come, or came as something else, is told, and the
    rest goes on. `ipfs`: `url` is a gateway (what comes before /ipfs/), else where the release's folder is.

    No more of a file is read than the manifest says it has. Raises BadValue for a URL that cannot be, and RunFailed
    where the smallest file does not come: then the address is wrong, and the others need not be waited for.
    """
    http = Http(url.removesuffix("/").removesuffix("/ipfs") if ipfs else url, patience_s=patience_s)

    def get(given: tuple[File, str]) -> None:
        entry, path = given
        (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
        _get(http, path, entry, folder / entry.path, Tally(moved), PASSING | {404} if ipfs else PASSING)

    def fault_of(given: tuple[File, str]) -> Fault | None:
        try:
            get(given)
        except RunFailed as error:
            return Fault(given[0].path, str(error).removeprefix(f"{given[0].path}: "), _REMEDY)
        return None

    wanted = sorted(addresses(manifest, ipfs=ipfs), key=lambda given: given[0].bytes)
    try:
        first = []
        try:
            get(wanted[0])
        except WrongCopy:
            first = [fault_of(wanted[0])]
        return [fault for fault in (*first, *in_parallel(parallel, fault_of, wanted[1:])) if fault]
    finally:
        http.close()


def _get(http: Http, path: str, entry: File, to: Path, tally: Tally, passing: frozenset[int]) -> None:
    reads = 0

    def read(response: httpx.Response) -> None:
        nonlocal reads
        reads += 1
        tally.take_back()
        try:
            _written(response, entry, to, tally)
        except Again as error:
            if reads >= READS:
                raise WrongCopy(f"{http.shown} {error}") from None
            raise

    http.ask("GET", path, entry.path, read, passing=passing)


def _written(response: httpx.Response, entry: File, to: Path, tally: Tally) -> None:
    """Raises Again for other bytes than the manifest's, which are kept to be looked at."""
    digest, size = hashlib.sha256(), 0
    with to.open("wb") as out:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > entry.bytes:
                raise Again(f"gives more than the {entry.bytes} bytes that it has")
            digest.update(chunk)
            out.write(chunk)
            tally(len(chunk))
    if size < entry.bytes:
        raise Again(f"gives {size} of its {entry.bytes} bytes")
    if digest.hexdigest() != entry.sha256:
        raise Again("gives other bytes than the manifest says")
