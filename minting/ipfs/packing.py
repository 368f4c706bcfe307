"""Writes a file or folder as a CAR file (CARv1): the blocks that a service or node stores as they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from durable import sync_folder
from errors import BadValue, RunFailed
from minting.ipfs.car import header
from minting.ipfs.cids import SIZES, parse_cid
from minting.ipfs.importing import Imported, import_blocks
from minting.ipfs.leaves import WORKERS
from minting.ipfs.profiles import MIB, Profile
from minting.ipfs.varints import varint


def write_car(
    path: Path, to: Path, profile: Profile, progress: Callable[[int], None] | None = None, workers: int = WORKERS
) -> Imported:
    """Pack `path` into the CAR file `to`, and say what it is: see `cid_of`, also for `progress` and `workers`.

    The file has one root and each block once, those below a node before it; the same files give the same bytes. It is
    written beside its place as <name>.tmp-<process>, and renamed when it is whole and on the disk: an earlier `to`
    stays until then. Raises BadSource for what cannot be packed, BadValue where `to` is a folder or is part of what is
    packed, RunFailed where it cannot be written.
    """
    _check_place(path, to)
    unfinished = to.with_name(f"{to.name}.tmp-{os.getpid()}")
    try:
        with open(unfinished, "wb", buffering=MIB) as car:

            def emit(cid: bytes, block: Sequence[bytes]) -> None:
                car.write(varint(len(cid) + sum(map(len, block))) + cid)
                for piece in block:
                    car.write(piece)

            car.write(header(bytes(SIZES[profile.cid_version])))  # the root is known at the end, its length is now
            imported = import_blocks(path, profile, emit, progress, workers)
            car.seek(0)
            car.write(header(parse_cid(imported.cid)))
            car.flush()
            os.fsync(car.fileno())
        os.replace(unfinished, to)
        sync_folder(to.parent)
    except OSError as error:  # of writing: what goes wrong in reading is a BadSource already
        raise RunFailed(f"{to}: the CAR file cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return imported


def _check_place(path: Path, to: Path) -> None:
    if to.is_dir():
        raise BadValue("CAR file", str(to), "the name of a file; there is a folder of that name")
    if Path(os.path.realpath(to)).is_relative_to(os.path.realpath(path)):
        raise BadValue("CAR file", str(to), f"a file outside of {path}, which is what it is to hold")
