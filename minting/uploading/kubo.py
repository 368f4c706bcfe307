"""A kubo node, by its RPC: a part is imported as a CAR and pinned, and read back as one.

Written after kubo's RPC documentation (docs.ipfs.tech/reference/kubo/rpc, v0.39).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

import httpx

from errors import RunFailed, WrongCopy
from minting.uploading.asking import Again, Http, Refusal, Sending, json_of, read_bytes, read_json
from minting.uploading.blocks import Blocks
from minting.uploading.pieces import CAR_MIME, Moved, Part, Piece, Root, Tally
from minting.uploading.reading import few_times

T = TypeVar("T")
KUBO = "kubo:"
AUTH = "TOADWORKS_KUBO_AUTH"
TRIES = 3  # of a DAG that arrives damaged there, before it is called so
_FAILED = 500  # kubo's status for whatever it could not do; its own words say what


class Kubo:
    """The node whose RPC is at `url` as a Destination. `authorization`: a secret, the header of that name."""

    takes_cars, takes_files = True, False

    def __init__(self, url: str, authorization: str = "", patience_s: float = 120.0) -> None:
        headers = {"Authorization": authorization} if authorization else {}
        told = f"put what API.Authorizations of the node's config asks for into {AUTH}"
        self._http = Http(url, headers=headers, patience_s=patience_s, sign_in=told)
        self.shown = self.key = f"{KUBO}{self._http.shown}"

    def held(self, pieces: Sequence[Piece]) -> set[str]:
        return {piece.name for piece in pieces if self._pinned(piece)}

    def requests(self, piece: Piece) -> int:
        return 4  # pinned? import; pinned now? export

    def send(self, piece: Piece, moved: Moved) -> None:
        """Raises WrongCopy if the node finds another root in the CAR, or does not pin it."""
        root = car_of(piece)
        tally = Tally(moved)

        def sending(stack: ExitStack) -> dict[str, Any]:
            tally.take_back()
            file = stack.enter_context(Sending(root.car, tally))
            return {"files": {"file": (root.car.name, file, CAR_MIME)}}

        def read(response: httpx.Response) -> None:
            lines = [json_of(line, response) for line in read_bytes(response).splitlines() if line.strip()]
            roots = [line["Root"] for line in lines if isinstance(line, dict) and isinstance(line.get("Root"), dict)]
            if not roots:  # what was sent broke off, or the import did after the status was sent
                raise Again("imports a CAR without naming its root")
            found = str((roots[0].get("Cid") or {}).get("/", ""))
            if len(roots) != 1 or found != root.cid:
                raise WrongCopy(f"{root.name}: the CID is {root.cid}, and {self.shown} says {self._http.said(found)!r}")
            if problem := roots[0].get("PinErrorMsg"):
                told = self._http.said(str(problem))
                raise WrongCopy(f"{root.name}: {self.shown} has the blocks, but does not pin them ({told})")

        # a CAR that was damaged on the way is refused, too: that is why it is tried again
        failing = f"{root.name}: the CAR cannot be imported"
        self._rpc("dag/import", failing, read, {"pin-roots": "true"}, sending, tries=TRIES, size=root.size)

    def verify(self, piece: Piece, moved: Moved) -> None:
        """Pinned, and every block exported again, from what the node itself has."""
        root = car_of(piece)
        if not self._pinned(root):
            raise WrongCopy(f"{root.name}: {self.shown} has not pinned {root.cid}")
        blocks, tally = Blocks(root), Tally(moved)

        def read(response: httpx.Response) -> None:
            blocks.check(response.iter_bytes(), tally)

        arguments = {"arg": root.cid, "offline": "true", "progress": "false"}
        counted = few_times(root.name, self.shown, tally, read)
        self._rpc("dag/export", f"{root.name}: the DAG cannot be read back", counted, arguments)

    def uri(self, part: Part) -> str:
        return part.uri

    def close(self) -> None:
        self._http.close()

    def _pinned(self, piece: Piece) -> bool:
        cid = car_of(piece).cid

        def read(response: httpx.Response) -> bool:
            answer = read_json(response)
            keys = answer.get("Keys") if isinstance(answer, dict) else None
            if not isinstance(keys, dict):
                raise Again("does not say what it has pinned")
            return isinstance(keys.get(cid), dict) and keys[cid].get("Type") == "recursive"

        failing = f"{piece.name}: whether it is pinned cannot be asked"
        return bool(
            self._rpc("pin/ls", failing, read, {"arg": cid, "type": "recursive"}, refused={"not pinned": False})
        )

    def _rpc(
        self,
        command: str,
        failing: str,
        read: Callable[[httpx.Response], T],
        arguments: dict[str, str],
        sending: Callable[[ExitStack], dict[str, Any]] | None = None,
        refused: Mapping[str, T] | None = None,
        tries: int = 1,
        size: int = 0,
    ) -> T:
        """kubo answers 500 to whatever it could not do. With its own words that is final after so many tries; and where
        the words are in `refused`, an answer. Without them it is of a proxy, and passes."""
        refusals = 0

        def final(status: int, said: str) -> bool:
            nonlocal refusals
            refusals += status == _FAILED and bool(said)
            return refusals >= tries

        try:
            return self._http.ask(
                "POST",
                f"/api/v0/{command}",
                failing,
                read,
                params=arguments,
                sending=sending,
                final=final,
                size=size,
            )
        except Refusal as refusal:
            said = refusal.said
        for words, answer in (refused or {}).items():
            if words in said:
                return answer
        raise RunFailed(f"{failing}: {self.shown} could not do it ({said})")


def car_of(piece: Piece) -> Root:
    if not isinstance(piece, Root):
        raise TypeError(f"an IPFS service takes CARs, not {type(piece).__name__}")
    return piece
