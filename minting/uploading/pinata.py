"""Pinata: a part is uploaded as a CAR, and read back through a gateway.

Written after Pinata's documentation ("Upload a File", "Uploading Files" at docs.pinata.cloud) and that of the TUS
protocol 1.0 (tus.io), by which it takes what is larger than 100 MB.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from errors import BadSetting, RunFailed, WrongCopy
from minting.uploading.asking import Again, Http, Refusal, Sending, read_json
from minting.uploading.gateway import Gateway
from minting.uploading.journal import BEGUN, Journal
from minting.uploading.kubo import car_of
from minting.uploading.pieces import CAR_MIME, Moved, Part, Piece, Root, Tally

PINATA = "pinata"
JWT = "TOADWORKS_PINATA_JWT"
UPLOADS, API, GATEWAY = "https://uploads.pinata.cloud", "https://api.pinata.cloud", "https://gateway.pinata.cloud"
LARGEST_FORM = 90 << 20  # bytes; above, by TUS
PIECE = 50 << 20  # bytes of one TUS request
NETWORK = "public"  # a private one has no CIDs that others find
_TUS = {"Tus-Resumable": "1.0.0"}
_GONE = (404, 410)


class Pinata:
    """Pinata as a Destination. `jwt`: the secret that goes with every request; `endpoint_url`: where both its uploads
    and its API are, if not at Pinata's own addresses. Raises BadSetting for a JWT that cannot be."""

    takes_cars, takes_files = True, False

    def __init__(
        self,
        jwt: str,
        gateway: Gateway,
        journal: Journal,
        endpoint_url: str = "",
        *,
        patience_s: float = 120.0,
        largest_form: int = LARGEST_FORM,
        piece: int = PIECE,
    ) -> None:
        if not jwt or not jwt.isascii() or not jwt.isprintable() or " " in jwt:
            told = "is not set" if not jwt else "is no JWT"
            raise BadSetting("environment", JWT, told, "the JWT of a key of Pinata's that may read and write files")
        headers, told = (
            {"Authorization": f"Bearer {jwt}"},
            f"put the JWT of a key that may read and write files into {JWT}",
        )
        self._uploads, self._api = (
            Http(endpoint_url or url, headers=headers, patience_s=patience_s, sign_in=told) for url in (UPLOADS, API)
        )
        self._gateway, self._journal = gateway, journal
        self._largest_form, self._piece = largest_form, piece
        self.shown = PINATA if not endpoint_url else f"{PINATA} at {self._uploads.shown}"
        self.key = f"{PINATA} {self._uploads.shown}"

    def held(self, pieces: Sequence[Piece]) -> set[str]:
        return {piece.name for piece in pieces if self._listed(car_of(piece))}

    def requests(self, piece: Piece) -> int:
        root = car_of(piece)
        sent = 1 if root.size <= self._largest_form else 1 + -(-root.size // self._piece)
        return 1 + sent + self._gateway.requests(root)

    def send(self, piece: Piece, moved: Moved) -> None:
        """Raises WrongCopy if Pinata says another CID than ours."""
        root = car_of(piece)
        found = self._as_form(root, moved) if root.size <= self._largest_form else self._by_tus(root, moved)
        if found != root.cid:
            told = self._uploads.said(found)
            raise WrongCopy(f"{root.name}: the CID is {root.cid}, and {self.shown} says {told!r}")

    def verify(self, piece: Piece, moved: Moved) -> None:
        self._gateway.verify(car_of(piece), moved)

    def uri(self, part: Part) -> str:
        return part.uri

    def close(self) -> None:
        for one in (self._uploads, self._api, self._gateway):
            one.close()

    def _as_form(self, root: Root, moved: Moved) -> str:
        tally = Tally(moved)

        def sending(stack: ExitStack) -> dict[str, Any]:
            tally.take_back()
            file = stack.enter_context(Sending(root.car, tally))
            fields = {"network": NETWORK, "name": root.name, "car": "true"}
            return {"data": fields, "files": {"file": (root.car.name, file, CAR_MIME)}}

        return self._uploads.ask(
            "POST",
            "/v3/files",
            f"{root.name}: the CAR cannot be sent",
            lambda response: _text(_data(response), "cid"),
            sending=sending,
            first=lambda: root.cid if self._listed(root) else None,  # then only the answer was lost
            size=root.size,
        )

    def _by_tus(self, root: Root, moved: Moved) -> str:
        """In pieces, going on where an earlier run ended."""
        where = self._journal.begun(self.key, root)
        begun = self._offset(root, where) if where else None
        if begun is None:
            where, begun = self._create(root), (0, "")
            self._journal.say(self.key, root, BEGUN, where)
        offset, cid = begun
        moved(offset)
        while offset < root.size:
            offset, cid = self._patch(root, where, offset, moved)
        return cid or self._cid_of(root)

    def _create(self, root: Root) -> str:
        """An upload's own URL. Raises RunFailed if it is of somebody else, who should not get the JWT."""
        about = {"filename": root.car.name, "filetype": CAR_MIME, "network": NETWORK, "name": root.name, "car": "true"}
        packed = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in about.items())

        def read(response: httpx.Response) -> str:
            if not response.headers.get("Location"):
                raise Again("begins an upload without saying where")
            return urljoin(str(response.request.url), response.headers["Location"])

        where = self._uploads.ask(
            "POST",
            "/v3/files",
            f"{root.name}: the upload cannot be begun",
            read,
            headers={**_TUS, "Upload-Length": str(root.size), "Upload-Metadata": packed, "Content-Length": "0"},
        )
        if not _same_house(where, self._uploads.shown):
            raise RunFailed(f"{root.name}: {self.shown} leads to another service to upload to; look at the address")
        return where

    def _patch(self, root: Root, where: str, offset: int, moved: Moved) -> tuple[int, str]:
        """Send a piece; the offset after it, and the CID if it was the last."""
        at, tally = offset, Tally(moved)
        failing = f"{root.name}: the CAR cannot be sent from byte {offset} on"

        def look() -> tuple[int, str] | None:
            nonlocal at
            tally.take_back()
            found = self._offset(root, where)
            if found is None:
                raise RunFailed(f"{failing}: {self.shown} does not know this upload any more; run this again")
            at = found[0]
            tally(at - offset)
            return found if at != offset else None  # a part of it arrived: that is where the next piece begins

        def sending(stack: ExitStack) -> dict[str, Any]:
            size = min(self._piece, root.size - at)
            file = stack.enter_context(Sending(root.car, tally, at, size))
            return {"content": file.chunks(), "headers": {"Content-Length": str(size)}}

        def read(response: httpx.Response) -> tuple[int, str]:
            reached = response.headers.get("Upload-Offset", "")
            if reached != str(min(at + self._piece, root.size)):
                raise Again("does not say that it has all of a piece")
            return int(reached), response.headers.get("Upload-Cid", "")

        try:
            headers = {**_TUS, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
            return self._uploads.ask(
                "PATCH",
                where,
                failing,
                read,
                headers=headers,
                sending=sending,
                first=look,
                size=root.size,  # with the last piece the whole is imported
                final=lambda status, said: status == 409,  # it is at another offset
            )
        except Refusal:
            pass
        if (found := look()) is None:
            raise RunFailed(f"{failing}: {self.shown} refuses it, and says that it is at that byte")
        return found

    def _offset(self, root: Root, where: str) -> tuple[int, str] | None:
        """How many bytes an upload has, and its CID if it is whole; None if it is not known there."""

        def read(response: httpx.Response) -> tuple[int, str]:
            reached = response.headers.get("Upload-Offset", "")
            if not reached.isdecimal() or int(reached) > root.size:
                raise Again("does not say how far the upload is")
            return int(reached), response.headers.get("Upload-Cid", "")

        if not _same_house(where, self._uploads.shown):
            return None
        try:
            failing = f"{root.name}: how far the upload is cannot be asked"
            return self._uploads.ask(
                "HEAD", where, failing, read, headers=_TUS, final=lambda status, said: status in _GONE
            )
        except Refusal:
            return None

    def _listed(self, root: Root) -> bool:
        def read(response: httpx.Response) -> bool:
            files = _data(response).get("files")
            if not isinstance(files, list):
                raise Again("does not say which files it has")
            return any(isinstance(file, dict) and file.get("cid") == root.cid for file in files)

        failing = f"{root.name}: whether it is there cannot be asked"
        return self._api.ask("GET", f"/v3/files/{NETWORK}", failing, read, params={"cid": root.cid})

    def _cid_of(self, root: Root) -> str:
        """After the last piece, where its answer was lost: ours, as soon as it is listed."""

        def read(response: httpx.Response) -> str:
            files = _data(response).get("files")
            if not isinstance(files, list) or not files or not isinstance(files[0], dict):
                raise Again("does not list the CAR that was sent")
            return _text(files[0], "cid")

        failing = f"{root.name}: the CAR was sent, and its CID cannot be asked"
        return self._api.ask("GET", f"/v3/files/{NETWORK}", failing, read, params={"cid": root.cid})


def _data(response: httpx.Response) -> dict[str, Any]:
    answer = read_json(response)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise Again("answers JSON without data")
    return data


def _text(data: dict[str, Any], key: str) -> str:
    if not isinstance(data.get(key), str) or not data[key]:
        raise Again(f"answers without a {key}")
    return str(data[key])


def _same_house(url: str, own: str) -> bool:
    """The same server, or another of Pinata's, as safely reached."""
    one, other = urlsplit(url), urlsplit(own)
    pinatas = all((parts.hostname or "").endswith(".pinata.cloud") for parts in (one, other))
    return one.scheme == other.scheme and (one.netloc == other.netloc or (pinatas and one.scheme == "https"))
