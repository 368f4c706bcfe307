"""What is sent, in which order, and what is told where something goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from errors import NotPublished, RunFailed, WrongCopy
from minting.uploading.contents import Contents
from minting.uploading.journal import SENT
from minting.uploading.pieces import Moved, Part, Piece
from minting.uploading.together import in_parallel
from tests.minting.uploading.conftest import Sender


class Place:
    """A destination that notes what it is asked for, and fails where it is told to."""

    shown, key = "a place", "place"
    takes_cars, takes_files = False, True

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.verified: list[str] = []
        self.wrong: dict[str, int] = {}
        self.broken: set[str] = set()
        self._lock = threading.Lock()

    def held(self, pieces: Sequence[Piece]) -> set[str]:
        return set()

    def requests(self, piece: Piece) -> int:
        return 2

    def send(self, piece: Piece, moved: Moved) -> None:
        if piece.name in self.broken:
            raise RunFailed(f"{piece.name}: the place is away")
        with self._lock:
            self.sent.append(piece.name)
        moved(piece.size)

    def verify(self, piece: Piece, moved: Moved) -> None:
        with self._lock:
            self.verified.append(piece.name)
        if self.wrong.get(piece.name, 0):
            self.wrong[piece.name] -= 1
            raise WrongCopy(f"{piece.name}: other bytes")
        moved(piece.size)

    def uri(self, part: Part) -> str:
        return part.uri

    def close(self) -> None:
        pass


def names(contents: Contents) -> list[str]:
    return [item.name for item in contents.items]


@pytest.fixture
def place() -> Place:
    return Place()


def test_cost_is_what_is_then_moved(place: Place, send: Sender, release: Contents) -> None:
    total, cost = sum(item.size for item in release.items), send.cost(place)
    assert (cost.pieces, cost.bytes, cost.to_send, cost.bytes_to_send) == (10, total, 10, total)
    assert (cost.requests, cost.there, cost.moved, cost.done) == (20, 0, 2 * total, False)
    send(place)
    assert send.moved == cost.moved and len(place.sent) == 10


def test_next_part_waits_for_the_last_verification(place: Place, send: Sender, release: Contents) -> None:
    send(place, parallel=4)
    assert sorted(place.sent) == sorted(names(release))
    parts = [name.partition("/")[0] for name in place.verified]
    assert parts[:7] == ["images"] * 3 + ["metadata"] * 3 + ["collection.json"]


def test_wrong_copies_let_their_part_go_on(place: Place, send: Sender) -> None:
    place.wrong = {"images/1.png": 9, "images/2.png": 9}
    with pytest.raises(NotPublished) as caught:
        send(place)
    assert sorted(caught.value.faults) == ["images/1.png: other bytes", "images/2.png: other bytes"]
    assert "images/3.png" not in caught.value.missing and len(caught.value.missing) == 9
    assert sorted(place.sent) == ["images/1.png", "images/2.png", "images/3.png"]


def test_place_that_is_away_stops_at_once(place: Place, send: Sender) -> None:
    place.broken = {"images/1.png"}
    with pytest.raises(NotPublished, match="the place is away"):
        send(place, parallel=1)
    assert place.sent == []


def test_next_run_sends_only_what_is_missing(place: Place, send: Sender, release: Contents) -> None:
    place.wrong = {"images/2.png": 9}
    with pytest.raises(NotPublished):
        send(place)
    place.sent, place.verified, place.wrong = [], [], {}
    send(place)
    assert sorted(place.sent) == sorted(set(names(release)) - {"images/1.png", "images/3.png"})
    assert "images/1.png" not in place.verified
    assert not (send.folder / "missing.txt").exists()


def test_sent_but_not_verified_is_verified_first(place: Place, send: Sender, release: Contents) -> None:
    for item in release.items[:2]:
        send.journal.say(place.key, item, SENT)
    place.wrong = {"images/2.png": 1}  # it is not there after all
    send(place)
    assert "images/1.png" not in place.sent and place.sent.count("images/2.png") == 1


def test_missing_are_counted_and_listed(place: Place, send: Sender, release: Contents) -> None:
    place.broken = {"images/1.png"}
    with pytest.raises(NotPublished) as caught:
        send(place, parallel=1)
    assert "missing or not verified are 10: images/1.png, images/2.png" in str(caught.value)
    assert (send.folder / "missing.txt").read_text().splitlines() == names(release) == caught.value.missing


def test_error_names_the_first_of_many(tmp_path: Path) -> None:
    error = NotPublished("a place", [f"fault {n}" for n in range(100)], [f"{n}.png" for n in range(9999)], tmp_path)
    assert "... and 80 more" in str(error) and "19.png, ... and 9979 more (all in" in str(error)


def test_parallel_work_stops_at_the_first_error() -> None:
    done: list[int] = []

    def do(number: int) -> int:
        if number == 3:
            raise RunFailed("three")
        done.append(number)
        return number * number

    with pytest.raises(RunFailed, match="three"):
        in_parallel(1, do, range(1000))
    assert done == [0, 1, 2]
    assert in_parallel(4, lambda number: number * number, range(50)) == [number * number for number in range(50)]
    assert in_parallel(4, do, []) == []
