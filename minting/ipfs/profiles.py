"""Profiles: everything that decides which CID the same files get. Two programs agree only if they use the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from errors import BadValue

DEFAULT_PROFILE = "unixfs-v1-2025"
FANOUT = 256  # places in a shard of a large folder; a byte of the name's hash chooses one
KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How files and folders become blocks (IPIP-499, "UnixFS CID Profiles").

    `chunk_size`: the bytes of a file that a leaf holds at most; `width`: the links that a node of a file has at most;
    `raw_leaves`: whether leaves are the file's bare bytes, or wrapped in dag-pb; `cid_version`: 0 or 1, of every block.
    A folder is sharded (a HAMT of `FANOUT` places) if its size is more than `shard_above` bytes, where `shard_by` says
    what is its size: "block", its dag-pb block; or "links", the bytes of its links' names and CIDs.
    """

    name: str
    chunk_size: int
    width: int
    raw_leaves: bool
    cid_version: Literal[0, 1]
    shard_by: Literal["block", "links"]
    shard_above: int = 256 * KIB


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(name=DEFAULT_PROFILE, chunk_size=MIB, width=1024, raw_leaves=True, cid_version=1, shard_by="block"),
        Profile(
            name="kubo --cid-version=1",
            chunk_size=256 * KIB,
            width=174,
            raw_leaves=True,
            cid_version=1,
            shard_by="links",
        ),
        Profile(
            name="unixfs-v0-2015", chunk_size=256 * KIB, width=174, raw_leaves=False, cid_version=0, shard_by="links"
        ),
    )
}


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises BadValue, which lists the names that there are."""
    if name not in PROFILES:
        raise BadValue("profile", name, ", ".join(f'"{known}"' for known in PROFILES))
    return PROFILES[name]
