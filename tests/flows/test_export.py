"""Export as a stage: numbers, groups of look-alikes, the shuffle and the placeholder, from the table to the folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collection_db.deciding import Said
from errors import BadRelease, Frozen, NothingLeft
from flows import shuffle
from flows.export import write_tokens
from flows.linting import ALLOWED, faults_of
from minting.manifest import FILE, Manifest, read_manifest
from minting.placeholder import broken_promises
from tests.flows.ponds import Pond, changed, drawing

HASH = "0x" + "7a" * 32


@pytest.fixture
def accepted(pond: Callable[..., Pond]) -> Iterator[Pond]:
    """Four accepted candidates, the last one first."""
    made = pond()
    made.ids = made.add([(0, drawing(number)) for number in range(5, 9)])
    for id in reversed(made.ids):
        made.table.decide([id], "accept", "ann")
    yield made
    made.table.close()


def exported(pond: Pond, **options: bool) -> Manifest:
    write_tokens.fn(str(pond.settings.file), **options)
    return read_manifest(pond.settings.release_folder / FILE)


def order(manifest: Manifest) -> list[str]:
    return [token.recipe for token in manifest.tokens]


def test_numbers_follow_acceptance_until_published(accepted: Pond) -> None:
    assert order(exported(accepted)) == accepted.ids[::-1]
    accepted.table.decide(accepted.ids[3:], "reject", "ann")
    assert order(exported(accepted)) == accepted.ids[2::-1]  # freely renumbered

    accepted.table.publish_tokens()
    accepted.table.decide(accepted.ids[3:], "accept", "ann")
    assert order(exported(accepted)) == [*accepted.ids[2::-1], accepted.ids[3]]

    accepted.table.decide(accepted.ids[1:2], "reject", "ann")
    before = (accepted.settings.release_folder / FILE).read_bytes()
    with pytest.raises(Frozen, match=r"token 2 .* is published, and is not among the accepted"):
        exported(accepted)
    assert (accepted.settings.release_folder / FILE).read_bytes() == before
    assert order(exported(accepted, renumber=True)) == [accepted.ids[2], accepted.ids[0], accepted.ids[3]]
    assert [row.published_at for row in accepted.table.tokens()] == [None] * 3


def test_look_alikes_are_refused_until_a_curator_allows_them(accepted: Pond) -> None:
    leader, other, third = accepted.ids[:3]
    accepted.table.set_looks([{"id": id, "leader_id": leader} for id in (leader, other, third)])
    with pytest.raises(BadRelease, match="toadworks tag look-alike-ok ID") as caught:
        exported(accepted)
    assert [fault.split(";")[0] for fault in caught.value.faults] == [
        "token 3: looks like token 2",
        "token 4: looks like token 2",
    ]
    assert not accepted.settings.release_folder.exists() and accepted.table.tokens() == []
    accepted.table.record([Said(other, "tag", ALLOWED, "")], "bea")
    with pytest.raises(BadRelease):
        exported(accepted)
    accepted.table.record([Said(third, "tag", ALLOWED, "")], "bea")
    assert len(exported(accepted).tokens) == 4
    assert faults_of(accepted.settings) == []
    accepted.table.record([Said(third, "untag", ALLOWED, "")], "bea")
    assert [fault.problem for fault in faults_of(accepted.settings)] == ["looks like token 2"]


def test_look_alikes_that_both_lead_are_refused_too(pond: Callable[..., Pond]) -> None:
    """What is accepted leads, so after another run two of them have groups of their own."""
    made = pond()
    ids = made.add([(0, drawing(5)), (0, drawing(5)), (1, drawing(5)), (0, drawing(6))])
    made.table.decide(ids, "accept", "ann")
    made.table.set_looks([{"id": id, "leader_id": id} for id in ids])
    with pytest.raises(BadRelease) as caught:
        exported(made)
    assert [fault.split(";")[0] for fault in caught.value.faults if "looks like" in fault] == [
        f"token {max(numbers)}: looks like token {min(numbers)}" for numbers in [positions(made, ids[:2])]
    ]
    made.table.close()


def positions(pond: Pond, ids: list[str]) -> list[int]:
    """The numbers that an export would give."""
    return [number for number, row in enumerate(pond.table.accepted(), start=1) if row.id in ids]


def test_shuffle_is_followed_from_commitment_to_reveal(accepted: Pond) -> None:
    first = order(exported(accepted))
    shuffle.commit(accepted.settings, 137, 9)
    accepted.table.decide(accepted.ids[:1], "reject", "ann")
    with pytest.raises(NothingLeft, match="the shuffle was committed to"):
        exported(accepted)
    accepted.table.decide(accepted.ids[:1], "accept", "ann")
    committed = exported(accepted, placeholder=True)
    assert order(committed) == first  # though the first is now accepted last
    numbers = shuffle.reveal(accepted.settings, HASH).numbers()
    revealed = exported(accepted)
    assert order(revealed) == sorted(first, key=lambda id: numbers[id])
    assert revealed.shuffle is not None and revealed.shuffle["block_hash"] == HASH
    placeholder = read_manifest(accepted.settings.placeholder_folder / FILE)
    assert placeholder.promise is not None and placeholder.shuffle is not None
    assert broken_promises(placeholder.promise, placeholder.shuffle, revealed) == []


def test_private_folder_is_never_named(accepted: Pond) -> None:
    accepted.table.record([Said(accepted.ids[0], "rename", f"from {accepted.settings.folder}", "")], "ann")
    with pytest.raises(BadRelease, match="metadata/4: it names a private path"):
        exported(accepted)


def test_rule_for_no_trait_is_said(pond: Callable[..., Pond], capsys: pytest.CaptureFixture[str]) -> None:
    made = pond(text='[attributes]\ndrop = ["Insertion Step", "Hatt"]')
    made.table.decide(made.add([(0, drawing(5))]), "accept", "ann")
    about = json.loads((made.settings.release_folder / "metadata/1").read_text()) if exported(made) else {}
    assert [one["trait_type"] for one in about["attributes"]] == ["Style", "Guidance Scale"]
    told = capsys.readouterr().err
    assert "no token has a trait called 'Hatt'" in told and "Insertion" not in told
    made.table.close()


def test_lint_knows_what_the_table_knows(accepted: Pond) -> None:
    exported(accepted)
    assert faults_of(accepted.settings) == []
    (accepted.settings.release_folder / "images" / "2.png").unlink()
    assert {fault.file for fault in faults_of(accepted.settings)} == {"images/2.png", "metadata/2"}


@pytest.mark.parametrize(("settings", "told"), [("image_size = 128", "not 128"), ("image_limit = 10", "than the 10 ")])
def test_lint_goes_by_the_settings(accepted: Pond, settings: str, told: str) -> None:
    exported(accepted)
    changed(accepted, f"[release]\n{settings}")
    assert len([fault for fault in faults_of(accepted.settings) if told in fault.problem]) == 4


def test_lint_knows_the_folders_of_this_machine(accepted: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    exported(accepted)
    monkeypatch.setattr(Path, "home", lambda: Path("/srv/people/ann"))
    texts = {"collection.csv": "/srv/people/ann/x", "opensea.csv": f"{accepted.settings.folder}/x", "rarity.csv": "/x"}
    for name, text in texts.items():
        (accepted.settings.release_folder / name).write_text(text)
    assert {fault.file for fault in faults_of(accepted.settings)} == {"collection.csv", "opensea.csv"}
