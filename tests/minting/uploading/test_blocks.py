"""CARs that come back are believed in nothing: every cut, every changed byte, foreign and endless ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from errors import RunFailed, WrongCopy
from minting.uploading.asking import Again
from minting.uploading.blocks import Blocks
from minting.uploading.pieces import Root
from tests.minting.uploading import dags
from tests.minting.uploading.conftest import Sender


@pytest.fixture
def root(send: Sender) -> Root:
    return send.roots()["metadata"]


def chunks(data: bytes, size: int = 100) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def check(root: Root, data: bytes, size: int = 100) -> int:
    moved: list[int] = []
    Blocks(root).check(chunks(data, size), moved.append)
    return sum(moved)


@pytest.mark.parametrize("size", [1, 7, 100, 10**6])
def test_what_was_sent_is_right_in_any_chunks(root: Root, size: int) -> None:
    data = root.car.read_bytes()
    assert check(root, data, size) == len(data)


def test_every_cut_is_seen(root: Root) -> None:
    data = root.car.read_bytes()
    for end in range(len(data)):
        with pytest.raises(Again):
            check(root, data[:end])


def test_every_changed_byte_of_a_block_is_seen(root: Root) -> None:
    data = root.car.read_bytes()
    header = 1 + data[0]
    for at in range(header, len(data)):
        with pytest.raises((Again, WrongCopy)):
            check(root, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_order_and_repeats_do_not_matter(root: Root) -> None:
    cid, blocks = dags.read_car(root.car.read_bytes())
    turned = dict(reversed(blocks.items()))
    assert list(turned) != list(blocks)
    check(root, dags.write_car(cid, turned) + dags.write_car(cid, blocks)[1 + root.car.read_bytes()[0] :])


def test_roots_of_the_answer_do_not_matter(root: Root) -> None:
    _, blocks = dags.read_car(root.car.read_bytes())
    check(root, dags.write_car(next(iter(blocks)), blocks))


def test_missing_blocks_are_named_with_their_files(root: Root) -> None:
    cid, blocks = dags.read_car(root.car.read_bytes())
    item = root.part.items[1]
    left = {key: block for key, block in blocks.items() if dags.text_of(key) != item.cid}
    with pytest.raises(Again, match=rf"1 of 4 blocks \({item.cid} \(metadata/2\)\) are missing"):
        check(root, dags.write_car(cid, left))


def test_endless_answers_end(root: Root) -> None:
    cid, blocks = dags.read_car(root.car.read_bytes())
    one = dags.write_car(cid, blocks)[1 + root.car.read_bytes()[0] :]
    endless = itertools.chain([root.car.read_bytes()], itertools.repeat(one))
    with pytest.raises(Again, match="does not end"):
        Blocks(root).check(endless, lambda count: None)


@pytest.mark.parametrize("length", [b"\xff" * 20, dags.varint(1 << 40), b"\x80\x00"])
def test_absurd_lengths_are_refused(root: Root, length: bytes) -> None:
    for data in (length, root.car.read_bytes() + length):
        with pytest.raises(Again):
            check(root, data)


def test_own_car_that_is_damaged_is_told(root: Root) -> None:
    root.car.write_bytes(root.car.read_bytes()[:-1])
    with pytest.raises(RunFailed, match=r"metadata\.car: the CAR is damaged \(it is cut off\); run this again"):
        Blocks(root)
