"""Which number an accepted candidate gets: the one it was published with, the one that a shuffle gave it, or the next
one, in the order in which candidates were accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from errors import Frozen, NothingLeft
from minting.shuffling import Shuffle

SHORT = 8  # digits of an id


def numbers_of(ids: Sequence[str], published: Mapping[str, int], shuffle: Shuffle | None) -> dict[str, int]:
    """The numbers of accepted candidates, `ids` in the order in which they were accepted, from 1 without a gap.

    `published`: the frozen numbers by candidate. Raises Frozen for a published one that is no longer accepted or that
    the shuffle has elsewhere, NothingLeft for those that a shuffle was committed to and that are no longer accepted.
    """
    fixed, there = dict(published), set(ids)
    for id, number in (shuffle.numbers() if shuffle else {}).items():
        if id not in there:
            raise NothingLeft(
                f"candidate {id[:SHORT]} is in the list that the shuffle was committed to, and is no longer accepted:"
                f" accept it again with `toadworks accept {id[:SHORT]}`"
            )
        if fixed.setdefault(id, number) != number:
            raise Frozen(fixed[id], id, number)
    for id, number in fixed.items():
        if id not in there:
            raise Frozen(number, id, None)
    taken = {number: id for id, number in fixed.items()}
    for id, number in fixed.items():
        if taken[number] != id:  # a shuffle over what is published already
            raise Frozen(number, id, None)
    free = (number for number in range(1, len(ids) + 1) if number not in taken)
    return {id: fixed[id] if id in fixed else next(free) for id in ids}
