"""Tables of every earlier revision, with rows in them, brought to the newest one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.migration import MigrationContext

from collection_db import Table, connect
from collection_db import engine as engine_module
from collection_db.deciding import Said
from collection_db.engine import VERSION_TABLE, writing
from collection_db.schema import Base

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAID = [  # candidate, verdict, curator, note
    ("r1", "reject", "ann", "no"),
    ("r1", "accept", "ann", "after all"),
    ("r1", "accept", "bob", ""),
    ("r2", "accept", "ann", ""),
    ("r2", "reject", "bob", ""),
    ("r3", "accept", "auto", ""),
    ("r3", "reject", "ann", ""),
    ("r4", "accept", "ann", ""),
    ("r4", "undecide", "ann", "not sure"),
]
FINGERPRINT = (b"7" * 32, b"8" * 768, b"9" * 256, 64)


def old_table(url, revision, monkeypatch):
    """A table as that revision made it, open for writing plain SQL."""
    monkeypatch.setattr(engine_module, "head_revision", lambda: revision)
    monkeypatch.setattr(engine_module.command, "upgrade", lambda config, to: upgrade(config, revision))
    old = connect(url)
    monkeypatch.undo()
    return old


def fill(old, revision):
    """Six recipes, the last one not planned; five candidates; what was said of four of them."""
    with writing(old) as connection:

        def put(statement, **values):
            connection.execute(sa.text(statement), values | {"now": moment(connection, 0)})

        put("INSERT INTO sources VALUES ('toad1', 0, 'a.png', 'p', 'i', NULL, 36, 36, 1, '{}', '', true, :now)")
        for n in range(6):
            put(
                "INSERT INTO recipes VALUES (:id, 'toad1', 'ink', 'a toad', 3, 4, 'clean', 1, 'ddim', 15, 'tadpole',"
                " 'w', '{}', :planned, :n, :now)",
                id=f"r{n}",
                n=n,
                planned=n < 5,
            )
        phash, near = ("hash_bits", "unchanged") if revision == "0003" else ("phash", "near_source")
        for n in range(5):
            put(
                f"INSERT INTO candidates (id, image_sha256, seconds, made_with, {phash}, {near}, leader_id, score,"
                " made_at) VALUES (:id, 'c', 1, '{}', :bits, true, 'r0', 0.5, :now)",
                id=f"r{n}",
                bits=FINGERPRINT[0],
            )
        for number, (id, verdict, curator, note) in enumerate(SAID, start=1):
            connection.execute(
                sa.text("INSERT INTO decisions VALUES (:n, :id, :verdict, :curator, :note, :at)"),
                {"n": number, "id": id, "verdict": verdict, "curator": curator, "note": note}
                | {"at": moment(connection, number)},
            )
        if revision == "0003":
            put(
                "UPDATE candidates SET hashed_with = 'phash', colours = :colours, greys = :greys, side = 64"
                " WHERE id = 'r0'",
                colours=FINGERPRINT[1],
                greys=FINGERPRINT[2],
            )
            for number, (id, leads) in enumerate([("r0", True), ("r0", False), ("r4", True)], start=1):
                put(
                    "INSERT INTO leader_choices VALUES (:n, :id, :leads, 'cy', 'why', :now)",
                    n=number,
                    id=id,
                    leads=leads,
                )
    old.dispose()


def moment(connection, minutes):
    at = BEGAN + timedelta(minutes=minutes)
    return at if connection.dialect.name == "postgresql" else at.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_migrations_give_the_schema(url):
    engine = connect(url)
    with engine.begin() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        apart = compare_metadata(context, Base.metadata)
    engine.dispose()
    # where PostgreSQL has to be told that NULL comes first, which the schema cannot say for one engine alone
    told = [(kind, what.name) for kind, what in apart if kind in ("add_index", "remove_index")]
    assert len(told) == len(apart)
    assert sorted(name for kind, name in told if kind == "add_index") == sorted(
        name for kind, name in told if kind == "remove_index"
    )
    assert all(name.endswith(("_score", "_decided_at")) for _, name in told)


@pytest.fixture(params=["0001", "0002", "0003"])
def migrated(request, url, tmp_path, monkeypatch):
    (tmp_path / "new").mkdir()
    fill(old_table(url, request.param, monkeypatch), request.param)
    table = Table.open(url)
    yield request.param, table
    table.close()


def test_older_table_is_as_if_made_now(migrated):
    _, table = migrated
    faults = [fault for fault in table.faults() if "JSON" not in fault.told]  # the recipes' ids are made up
    assert faults == []
    assert [(row.id, row.number) for row in table.candidates(["r0", "r4"])] == [("r0", 1), ("r4", 5)]
    counts = table.counts()
    assert (counts["planned"], counts["missing"], counts["candidates"]) == (5, 0, 5)
    assert (counts["accepted"], counts["rejected"], counts["undecided"], counts["disagreed"]) == (1, 2, 2, 1)
    looks = {row.id: (row.unchanged, row.leader_id, row.style) for row in table.looks()}
    assert looks == {f"r{n}": (True, "r0", "ink") for n in range(5)}


def test_older_decisions_stand(migrated):
    _, table = migrated
    (row,) = table.accepted()
    assert (row.id, row.curator, row.note) == ("r1", "bob", "after all")
    assert row.accepted_at == BEGAN + timedelta(minutes=2)
    assert table.disagreements() == [("r2", {"ann": "accept", "bob": "reject"})]
    assert [entry.action for entry in table.decisions("r1")][:3] == ["reject", "accept", "accept"]
    assert table.decide(["r4"], "accept", "ann") == 1
    assert table.decisions("r4")[-1].number > len(SAID)


def test_older_ledger_stays_as_it_is(migrated):
    _, table = migrated
    for change in ("UPDATE decisions SET note = 'x'", "DELETE FROM decisions"):
        with pytest.raises(sa.exc.DBAPIError, match="only ever added"), table.engine.begin() as connection:
            connection.exec_driver_sql(change)


def test_choices_and_fingerprints_move(migrated):
    revision, table = migrated
    chosen = {row.id: row.chosen for row in table.looks() if row.chosen}
    fingerprints = table.fingerprints([f"r{n}" for n in range(5)])
    if revision == "0003":
        assert chosen == {"r4": len(SAID) + 3}
        assert [entry.action for entry in table.decisions("r0")] == ["lead", "unlead"]
        (kept,) = fingerprints
        assert (kept.id, kept.hash_bits, kept.colours, kept.greys, kept.side) == ("r0", *FINGERPRINT)
    else:  # what they had is no whole fingerprint: it is made again
        assert chosen == {} and fingerprints == []
        assert len(table.to_hash("phash", False)) == 5


def test_opinions_are_worked_out_of_a_ledger_that_was_there(url, monkeypatch, tmp_path):
    """From 0004 on the ledger has undos and settling entries: what people say is what stands of both."""
    (tmp_path / "new").mkdir()
    fill(old_table(url, "0003", monkeypatch), "0003")
    old = old_table(url, "0004", monkeypatch)
    said = [  # candidate, action, curator, settles, undoes
        ("r3", "accept", "bob", False, None),
        ("r2", "accept", "cy", True, None),
        ("r4", "star", "ann", False, None),
        ("r3", "undo", "bob", False, 13),
    ]
    with writing(old) as connection:
        first = connection.execute(sa.text("SELECT max(number) FROM decisions")).scalar_one() + 1
        assert first == len(SAID) + 4
        for number, (id, action, curator, settles, undoes) in enumerate(said, start=first):
            connection.execute(
                sa.text(
                    "INSERT INTO decisions VALUES (:n, :id, :action, '', :curator, '', :settles, :undoes, 'step', :at)"
                ),
                {"n": number, "id": id, "action": action, "curator": curator, "settles": settles, "undoes": undoes}
                | {"at": moment(connection, number)},
            )
        connection.execute(sa.text("UPDATE candidates SET entries = entries + 2 WHERE id = 'r3'"))
        connection.execute(sa.text("UPDATE candidates SET entries = entries + 1 WHERE id IN ('r2', 'r4')"))
        last = {"at": moment(connection, first + 1)}
        settled = "UPDATE candidates SET verdict = 'accept', curator = 'cy', disagreed = false, decided_at = :at,"
        connection.execute(sa.text(f"{settled} accepted_at = :at WHERE id = 'r2'"), last)
        connection.execute(sa.text("UPDATE candidates SET stars = 1 WHERE id = 'r4'"))
    old.dispose()
    table = Table.open(url)
    with table.engine.begin() as connection:
        found = connection.execute(
            sa.text("SELECT candidate_id, curator, verdict, unseen, starred FROM opinions")
        ).all()
    assert sorted((*tuple(row)[:4], bool(row.starred)) for row in found if row.candidate_id != "r1") == [
        ("r2", "ann", "accept", "accept", False),
        ("r2", "bob", "reject", "reject", False),
        ("r2", "cy", "accept", None, False),
        ("r3", "ann", "reject", "reject", False),
        ("r4", "ann", None, None, True),
    ]
    assert [fault for fault in table.faults() if "JSON" not in fault.told] == []
    assert table.record([Said("r1", "more")], "ann") == 1
    with pytest.raises(sa.exc.DBAPIError, match="only ever added"), table.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE decisions SET note = 'x'")
    table.close()
