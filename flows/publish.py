"""Publishing: the release goes where the world finds it, and every byte is read back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from errors import BadRelease, BadSetting
from flows.alone import alone_in
from flows.places import PLACES, check_place, destination_of, is_folder
from flows.progress import meter
from flows.settings import Settings
from minting.ipfs import profile_named, write_car
from minting.uploading.contents import Contents, check_files, read_contents
from minting.uploading.journal import VERIFIED, Journal
from minting.uploading.pieces import Destination, Part, Root
from minting.uploading.sending import Cost, Delivery, pieces_of

__all__ = ["FOLDER", "Cost", "Published", "alone", "publish"]

FOLDER = ".publish"  # in the collection's: the journal, the lock, CARs on their way
CARS = "cars"


@dataclass(frozen=True)
class Published:
    """A release that is there, verified.

    `stage`: "release" or "placeholder"; `to`: the destination, without secrets; `roots`: the CIDs, and `uris`: where
    each is found, of the parts that went, by name ("images", "metadata", "collection.json"); `sent`: pieces that went
    now; `left_out`: files that the destination does not take; `at`: when, aware.
    """

    stage: str
    to: str
    roots: dict[str, str]
    uris: dict[str, str]
    cost: Cost
    sent: int
    left_out: tuple[str, ...]
    at: datetime


def publish(
    settings: Settings,
    to: str = "",
    *,
    agree: Callable[[str, Cost], bool],
    recheck: bool = False,
    placeholder: bool = False,
) -> Published | None:
    """Send the release, or the `placeholder`, to `to` ("": what publish.to says), and verify all of it.

    Nothing is sent before every file was held against the manifest, and every CAR's root against its CID, and `agree`,
    told the destination and the cost, said yes; after a no, None is returned. With `recheck`, what was verified before
    is read back again. Raises NothingLeft without a release, BadRelease where it is not what its manifest says,
    BadSetting without a destination, NotPublished with all that is missing, RunFailed where the destination cannot be
    used or another process publishes this collection.
    """
    given, key = (to, "--to") if to else (settings["publish"]["to"], "publish.to")
    if not given:
        raise BadSetting(settings.file, key, "is empty, and no --to was given", PLACES)
    check_place("command line" if to else settings.file, key, given, settings["publish"]["car"])
    if to and is_folder(to):
        given = str(Path(to).absolute())  # what is typed is meant from here, what is in the file from there
    with alone(settings):
        contents = read_contents(settings.placeholder_folder if placeholder else settings.release_folder)
        with meter("check", sum(item.size for item in contents.items), of_bytes=True) as shown:
            check_files(contents, shown.advance)
        journal = Journal(settings.folder / FOLDER)
        destination = destination_of(settings, given, journal, contents.folder)
        try:
            return _published(settings, contents, destination, journal, agree, recheck)
        finally:
            destination.close()
            journal.close()
            # as large as the release, and soon packed again
            shutil.rmtree(settings.folder / FOLDER / CARS, ignore_errors=True)


def _published(
    settings: Settings,
    contents: Contents,
    destination: Destination,
    journal: Journal,
    agree: Callable[[str, Cost], bool],
    recheck: bool,
) -> Published | None:
    folder = settings.folder / FOLDER

    def pack(part: Part) -> Root:
        root = Root(part, folder / CARS / f"{part.name}.car", sum(item.size for item in part.items))
        done = not recheck and journal.state(destination.key, root) == VERIFIED
        return root if done else packed(contents, part, folder / CARS)

    stages, left_out = pieces_of(contents.parts, destination, pack)
    delivery = Delivery(stages, destination, journal, recheck)
    cost = delivery.cost(len(left_out))
    if not agree(destination.shown, cost):
        return None
    with meter("publish", cost.moved, of_bytes=True) as shown:
        delivery.send(settings["publish"]["parallel"], shown.advance, folder)
    parts = [part for part, _ in stages if part.name]
    return Published(
        stage=contents.manifest.stage,
        to=destination.shown,
        roots={part.name: part.cid for part in parts},
        uris={part.name: destination.uri(part) for part in parts},
        cost=cost,
        sent=delivery.sent,
        left_out=tuple(item.name for item in left_out),
        at=datetime.now(UTC),
    )


def packed(contents: Contents, part: Part, folder: Path) -> Root:
    """The part as a CAR in `folder`. Raises BadRelease if its CID is not the manifest's."""
    folder.mkdir(parents=True, exist_ok=True)
    car = folder / f"{part.name}.car"
    with meter(f"pack {part.name}", sum(item.size for item in part.items), of_bytes=True) as shown:
        found = write_car(contents.folder / part.name, car, profile_named(contents.manifest.profile), shown.advance).cid
    if found != part.cid:
        raise BadRelease(contents.folder, [f"{part.name}: its CID is {found}, and the manifest says {part.cid}"])
    return Root(part, car, car.stat().st_size)


def alone(settings: Settings) -> AbstractContextManager[None]:
    """Nobody else publishes this collection, or exports what is being published: see `alone_in`."""
    return alone_in(settings.folder / FOLDER, "publishes this collection")
