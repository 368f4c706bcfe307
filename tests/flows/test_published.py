"""What publishing changes: promises are kept, numbers stay, and what is not right does not get out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from errors import BadRelease, BadValue, Frozen
from flows import shuffle
from flows.publish import Cost
from flows.published import RECORD, check_publishable, note_published, publish_collection
from tests.flows.ponds import Pond, drawing
from tests.flows.test_export import exported, order

HASH = "0x" + "7a" * 32


@pytest.fixture
def accepted(pond: Callable[..., Pond]) -> Iterator[Pond]:
    made = pond()
    made.ids = made.add([(0, drawing(number)) for number in range(5, 9)])
    made.table.decide(made.ids[:3], "accept", "ann")
    yield made
    made.table.close()


def published(pond: Pond, placeholder: bool = False) -> int:
    return note_published(pond.settings, check_publishable(pond.settings, placeholder), {"to": "here"})


def test_numbers_are_frozen_by_publishing(accepted: Pond) -> None:
    exported(accepted, placeholder=True)
    assert published(accepted, placeholder=True) == 0
    assert [row.published_at for row in accepted.table.tokens()] == [None] * 3
    assert published(accepted) == 3
    accepted.table.decide(accepted.ids[:1], "reject", "ann")
    with pytest.raises(Frozen):
        exported(accepted)


def test_promise_of_a_placeholder_is_kept(accepted: Pond) -> None:
    exported(accepted, placeholder=True)
    published(accepted, placeholder=True)
    accepted.table.decide(accepted.ids[:1], "reject", "ann")
    accepted.table.decide(accepted.ids[3:], "accept", "ann")
    exported(accepted)
    with pytest.raises(BadRelease, match="not those whose provenance hash was published with the placeholder"):
        published(accepted)
    exported(accepted, renumber=True)
    assert published(accepted) == 3
    entries = json.loads((accepted.settings.folder / RECORD).read_text())
    assert [entry["stage"] for entry in entries] == ["placeholder", "renumbered", "release"]


def test_order_before_the_shuffle_stays_here(accepted: Pond) -> None:
    exported(accepted)
    shuffle.commit(accepted.settings, 137, 9)
    exported(accepted, placeholder=True)
    published(accepted, placeholder=True)
    with pytest.raises(BadRelease, match="the shuffle is not revealed"):
        published(accepted)
    shuffle.reveal(accepted.settings, HASH)
    with pytest.raises(BadRelease, match="the shuffle is not"):
        published(accepted)
    revealed = order(exported(accepted))
    assert published(accepted) == 3
    accepted.table.decide(accepted.ids[3:], "accept", "ann")
    assert order(exported(accepted)) == [*revealed, accepted.ids[3]]
    assert published(accepted) == 1


def test_fault_keeps_a_release_here(accepted: Pond) -> None:
    exported(accepted)
    file = accepted.settings.release_folder / "metadata" / "2"
    file.write_text(file.read_text().replace('"image"', '"imagine"'))
    with pytest.raises(BadRelease, match="metadata/2: has no image"):
        published(accepted)
    assert not (accepted.settings.folder / RECORD).exists()


def test_release_of_other_tokens_than_the_table_s_stays_here(accepted: Pond) -> None:
    exported(accepted)
    rows = [{key: getattr(row, key) for key in ("number", "candidate_id", "name", "image_sha256")}
            for row in accepted.table.tokens()]  # fmt: skip
    accepted.table.set_tokens(rows[:2])
    with pytest.raises(BadRelease, match="its tokens are not those of the table"):
        published(accepted)


@pytest.mark.parametrize("damage", ["", "{}", "[1]"])
def test_damaged_record_forgets_no_promise(accepted: Pond, damage: str) -> None:
    exported(accepted)
    (accepted.settings.folder / RECORD).write_text(damage)
    with pytest.raises(BadValue, match=r"published\.json"):
        published(accepted)


def test_promise_of_another_release_stays_here(accepted: Pond) -> None:
    exported(accepted, placeholder=True)
    accepted.table.decide(accepted.ids[3:], "accept", "ann")
    exported(accepted)
    published(accepted, placeholder=True)  # what came behind breaks no promise
    accepted.table.decide(accepted.ids[:1], "reject", "ann")
    exported(accepted)
    with pytest.raises(BadRelease, match="it promises another release than the one that is here"):
        published(accepted, placeholder=True)
    exported(accepted, placeholder=True)
    published(accepted, placeholder=True)


@pytest.mark.parametrize("promise", [5, [1], {"count": 1}, {"count": "x", "provenance_sha256": "0" * 64}])
def test_damaged_promise_is_not_kept_unseen(accepted: Pond, promise: object) -> None:
    exported(accepted)
    (accepted.settings.folder / RECORD).write_text(json.dumps([{"stage": "placeholder", "promise": promise}]))
    with pytest.raises(BadValue, match=r"published\.json"):
        published(accepted)


def test_nothing_is_exported_while_it_is_published(accepted: Pond, tmp_path: Path) -> None:
    exported(accepted)
    refused: list[str] = []

    def agree(to: str, cost: Cost) -> bool:
        with ThreadPoolExecutor() as pool:  # as another process would
            refused.append(str(pool.submit(exported, accepted).exception()))
        return True

    options = {"agree": agree, "recheck": False, "placeholder": False}
    _, done = publish_collection(accepted.settings, str(tmp_path / "site"), **options)
    assert done and "another process publishes this collection" in refused[0]
    assert all(row.published_at for row in accepted.table.tokens())
    exported(accepted)


@pytest.mark.parametrize("placeholder", [False, True])
def test_release_from_before_its_shuffle_stays_here(accepted: Pond, placeholder: bool) -> None:
    exported(accepted, placeholder=True)
    shuffle.commit(accepted.settings, 137, 9)
    with pytest.raises(BadRelease, match="the shuffle is not the collection's as it is now"):
        published(accepted, placeholder)
