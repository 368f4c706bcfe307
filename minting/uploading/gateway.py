"""Reading back through an IPFS gateway, which is not trusted: block by block as a CAR, or else file by file.

Written after the Trustless Gateway specification (specs.ipfs.tech/http-gateways/trustless-gateway).
"""

from __future__ import annotations

from urllib.parse import quote

import httpx

from minting.uploading.asking import PASSING, Http, Refusal
from minting.uploading.blocks import Blocks
from minting.uploading.pieces import CAR_MIME, Item, Moved, Root, Tally
from minting.uploading.reading import exactly, few_times
from minting.uploading.together import in_parallel

PINATA_KEY = "TOADWORKS_PINATA_GATEWAY_KEY"
_NO_CAR = {400, 403, 406, 410, 415, 451, 501}  # how gateways say that they give no CARs
_PASSING = PASSING | {404}  # content that a gateway has not found so far


class Gateway:
    """The gateway at `url` (what comes before /ipfs/). `key`: a secret that Pinata's own gateways ask for.

    What it does not have yet is asked for again until `patience_s` have passed.
    """

    def __init__(self, url: str, key: str = "", patience_s: float = 120.0, parallel: int = 4) -> None:
        headers = {"x-pinata-gateway-token": key} if key else {}
        told = f"give one that lets you read, or put the key of a Pinata gateway into {PINATA_KEY}"
        self._http = Http(
            url.removesuffix("/").removesuffix("/ipfs"), headers=headers, patience_s=patience_s, sign_in=told
        )
        self.shown, self.parallel = self._http.shown, parallel

    def requests(self, root: Root) -> int:
        """At most: one where it gives CARs."""
        return 1 + len(root.part.items)

    def verify(self, root: Root, moved: Moved) -> None:
        """Every byte of the root, read back. Raises WrongCopy where it is another, RunFailed where it does not come."""
        try:
            self._as_car(root, moved)
        except Refusal:
            self._by_files(root, moved)

    def close(self) -> None:
        self._http.close()

    def _as_car(self, root: Root, moved: Moved) -> None:
        """Raises Refusal if it gives no CARs."""
        blocks, tally = Blocks(root), Tally(moved)

        def read(response: httpx.Response) -> None:
            if not response.headers.get("Content-Type", "").lower().startswith(CAR_MIME):
                raise Refusal(response.status_code, "another type")
            blocks.check(response.iter_bytes(), tally)

        self._http.ask(
            "GET",
            f"/ipfs/{root.cid}",
            f"{root.name}: it cannot be read back",
            few_times(root.name, self.shown, tally, read),
            params={"format": "car", "dag-scope": "all"},
            headers={"Accept": f"{CAR_MIME};version=1"},
            final=lambda status, said: status in _NO_CAR,
            passing=_PASSING,
        )

    def _by_files(self, root: Root, moved: Moved) -> None:
        def verify(item: Item) -> None:
            self._file(root, item, Tally(moved))

        in_parallel(self.parallel, verify, root.part.items)

    def _file(self, root: Root, item: Item, tally: Tally) -> None:
        inside = "" if root.part.is_file else quote(item.name.removeprefix(root.name))

        def read(response: httpx.Response) -> None:
            exactly(response, item.name, item.size, item.sha256, tally, lambda chunk: None)

        self._http.ask(
            "GET",
            f"/ipfs/{root.cid}{inside}",
            f"{item.name}: it cannot be read back",
            few_times(item.name, self.shown, tally, read),
            passing=_PASSING,
        )
