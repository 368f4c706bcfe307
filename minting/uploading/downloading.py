"""Getting a published release back, file by file, to be held against its manifest: from an IPFS gateway, which is not
trusted, or from a site that has the folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx

from errors import RunFailed, WrongCopy
from minting.linting import Fault
from minting.manifest import File, Manifest
from minting.uploading.asking import PASSING, Http
from minting.uploading.pieces import Moved, Tally
from minting.uploading.reading import exactly, few_times
from minting.uploading.together import in_parallel

PATIENCE_S = 30.0  # for a file: a gateway may have to look for it
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
    def read(response: httpx.Response) -> None:
        with to.open("wb") as out:
            exactly(response, entry.path, entry.bytes, entry.sha256, tally, out.write)

    http.ask("GET", path, entry.path, few_times(entry.path, http.shown, tally, read), passing=passing)
