"""Sends what is not there yet and reads everything back: part by part, each verified before the next is begun."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import NotPublished, ToadworksError, WrongCopy
from minting.uploading.journal import LOST, SENT, VERIFIED, Journal
from minting.uploading.pieces import Destination, Item, Moved, Part, Piece
from minting.uploading.together import in_parallel

MISSING = "missing.txt"  # in the journal's folder: the names of all that did not arrive, where some did not

Watch = Callable[[int], None]  # bytes sent or read back, negative where that was in vain


@dataclass(frozen=True)
class Cost:
    """What sending would take. Counts are of pieces (files, or CARs), sizes in bytes; `there`: of what the destination
    says it has, or was verified before; `requests`: about how many, both ways; `left_out`: files that it does not take.
    """

    pieces: int
    bytes: int
    to_send: int
    bytes_to_send: int
    to_verify: int
    bytes_to_verify: int
    requests: int
    left_out: int = 0

    @property
    def there(self) -> int:
        return self.pieces - self.to_send

    @property
    def done(self) -> bool:
        return not self.to_verify

    @property
    def moved(self) -> int:
        """Bytes that go and come."""
        return self.bytes_to_send + self.bytes_to_verify


class Delivery:
    """What goes to `destination`: the pieces of each part, in order. `recheck`: what was verified before is read back
    again, and sent if it is gone."""

    def __init__(
        self,
        stages: Sequence[tuple[Part, Sequence[Piece]]],
        destination: Destination,
        journal: Journal,
        recheck: bool = False,
    ) -> None:
        self.stages, self.destination, self._journal = stages, destination, journal
        self._lock = threading.Lock()
        pieces = [piece for _, stage in stages for piece in stage]
        verified = {piece.name for piece in pieces if not recheck and journal.state(destination.key, piece) == VERIFIED}
        self._left = [piece for piece in pieces if piece.name not in verified]
        there = {piece.name for piece in self._left if journal.state(destination.key, piece)}
        unknown = [piece for piece in self._left if piece.name not in there]
        self._there = there | (destination.held(unknown) if unknown else set())
        self.sent = 0  # pieces, by this delivery

    def cost(self, left_out: int = 0) -> Cost:
        pieces = [piece for _, stage in self.stages for piece in stage]
        to_send = [piece for piece in self._left if piece.name not in self._there]
        return Cost(
            pieces=len(pieces),
            bytes=sum(piece.size for piece in pieces),
            to_send=len(to_send),
            bytes_to_send=sum(piece.size for piece in to_send),
            to_verify=len(self._left),
            bytes_to_verify=sum(piece.size for piece in self._left),
            requests=sum(map(self.destination.requests, self._left)),
            left_out=left_out,
        )

    def send(self, parallel: int, watch: Watch, folder: Path) -> None:
        """Send and verify, `parallel` pieces at a time. Raises NotPublished with what went wrong and what is missing,
        which is also listed in a file in `folder`.

        A wrong copy lets the rest of its part go on, as each may be wrong in its own way; any other error stops at
        once. After either, no later part is begun.
        """
        left = {piece.name for piece in self._left}
        faults: list[str] = []
        stop = threading.Event()

        def deliver(piece: Piece) -> None:
            if stop.is_set():
                return
            try:
                self._deliver(piece, watch)
            except WrongCopy as error:
                with self._lock:
                    faults.append(str(error))
            except ToadworksError as error:
                stop.set()
                with self._lock:
                    faults.append(str(error))
            else:
                with self._lock:
                    left.discard(piece.name)

        (folder / MISSING).unlink(missing_ok=True)
        for _, stage in self.stages:
            in_parallel(parallel, deliver, [piece for piece in stage if piece.name in left])
            if faults:
                missing = [piece.name for _, stage in self.stages for piece in stage if piece.name in left]
                (folder / MISSING).write_text("".join(f"{name}\n" for name in missing), encoding="utf-8")
                raise NotPublished(self.destination.shown, list(dict.fromkeys(faults)), missing, folder / MISSING)

    def _deliver(self, piece: Piece, watch: Moved) -> None:
        if piece.name in self._there:
            try:
                return self._verify(piece, watch)
            except WrongCopy:  # it was there once, or is of another time
                self._say(piece, LOST)
        self.destination.send(piece, watch)
        with self._lock:
            self.sent += 1
        self._say(piece, SENT)
        try:
            self._verify(piece, watch)
        except WrongCopy:
            self._say(piece, LOST)
            raise

    def _verify(self, piece: Piece, watch: Moved) -> None:
        self.destination.verify(piece, watch)
        self._say(piece, VERIFIED)

    def _say(self, piece: Piece, state: str) -> None:
        self._journal.say(self.destination.key, piece, state)


def pieces_of(
    parts: Sequence[Part], destination: Destination, pack: Callable[[Part], Piece]
) -> tuple[list[tuple[Part, Sequence[Piece]]], list[Item]]:
    """For each part that the destination takes, its pieces: its CAR, from `pack`, or its files; and the files that it
    does not take."""
    stages: list[tuple[Part, Sequence[Piece]]] = []
    left_out: list[Item] = []
    for part in parts:
        if part.cid and destination.takes_cars:
            stages.append((part, [pack(part)]))
        elif destination.takes_files:
            stages.append((part, part.items))
        else:
            left_out += part.items
    return stages, left_out
