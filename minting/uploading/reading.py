"""Reading a file back whose size and hash are known, from a service that is not trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import httpx

from errors import WrongCopy
from minting.uploading.asking import Again
from minting.uploading.pieces import Tally

READS = 3  # of what arrives damaged, before it is called so

Read = Callable[[httpx.Response], None]


def exactly(
    response: httpx.Response, name: str, size: int, sha256: str, tally: Tally, keep: Callable[[bytes], object]
) -> None:
    """Hand what comes to `keep`, no more of it than `size` bytes. Raises Again where it is not the file."""
    digest, found = hashlib.sha256(), 0
    for chunk in response.iter_bytes():
        found += len(chunk)
        if found > size:
            break
        digest.update(chunk)
        keep(chunk)
        tally(len(chunk))
    if found != size:
        told = f"{found}" if found < size else f"more than {size}"
        raise Again(f"gives back {told} bytes for {name}, which has {size}")
    if digest.hexdigest() != sha256:
        raise Again(f"gives back other bytes for {name}")


def few_times(name: str, shown: str, tally: Tally, read: Read) -> Read:
    """`read`, which after some damaged answers of `shown` says that this is what is there (WrongCopy)."""
    reads = 0

    def counted(response: httpx.Response) -> None:
        nonlocal reads
        reads += 1
        tally.take_back()
        try:
            read(response)
        except Again as error:
            if reads >= READS:
                raise WrongCopy(f"{name}: {shown} {error}") from None
            raise

    return counted
