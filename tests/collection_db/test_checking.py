"""Whatever is wrong with the table is told, and what can be worked out anew is."""

import random
import time

import pytest
import sqlalchemy as sa

from collection_db import Table, checking
from collection_db.deciding import Said
from collection_db.schema import candidates, decisions
from errors import RunFailed
from tests.collection_db.together import answers, start_together


@pytest.fixture
def ids(table, given):
    """Six candidates, some of them spoken of, and three recipes that nobody made; a plan without the last two."""
    plan = [given.planned(n) for n in range(9)]
    ids = [item.recipe.id for item in plan]
    table.add_sources([given.source(1), given.source(2)])
    table.plan(plan)
    table.add_candidates([given.candidate(id) for id in ids[:6]])
    table.plan(plan[:8])
    table.record([Said(ids[0], "accept"), Said(ids[0], "tag", "eyes"), Said(ids[1], "star")], "ann")
    table.decide(ids[:1], "reject", "bob")
    assert table.faults() == []
    return ids


def run_sql(table, *statements):
    """Plain SQL, behind the table's back; nobody watches over SQLite's foreign keys."""
    raw = table.engine.raw_connection()
    if table.engine.dialect.name == "sqlite":
        raw.driver_connection.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        raw.cursor().execute(statement)
    raw.commit()
    raw.invalidate()


def told(table):
    return sorted((fault.id, fault.told) for fault in table.faults())


def assert_mends(table, wrong):
    """`rebuild` puts everything right that says so, and nothing is left to do."""
    before = table.candidates([row.id for row in table.accepted()])
    assert all(fault.mended for fault in table.faults())
    assert table.rebuild() == wrong
    assert table.faults() == [] and table.rebuild() == 0
    return before


WRONG = {
    "verdict": "'accept'",
    "curator": "'eve'",
    "decided_at": "'2020-01-01 00:00:00.000000+00:00'",
    "accepted_at": "'2020-01-01 00:00:00.000000+00:00'",
    "note": "'x'",
    "name": "'x'",
    "disagreed": "false",
    "stars": "7",
    "chosen": "1",
    "entries": "1",
    "judged": "false",
    "people": "5",
    "more": "true",
    "source_id": "'toad2'",
    "style": "'wax'",
    "guidance_scale": "9.5",
    "insertion_step": "3",
    "position": "77",
    "shown": "false",
}


def test_every_copied_column_is_watched(table, ids):
    assert set(WRONG) == {*checking.STANDING, *checking.OF_RECIPE, "shown"}
    whole = table.candidates(ids)
    for name, value in WRONG.items():
        if table.engine.dialect.name == "sqlite":
            value = value.replace("+00:00", "")
        run_sql(table, f"UPDATE candidates SET {name} = {value} WHERE id = '{ids[0]}'")
        assert told(table) == [(ids[0], f"its row and its ledger or recipe differ in {name}")]
        assert_mends(table, 1)
        assert table.candidates(ids) == whole


def test_all_that_differs_is_told_at_once(table, ids):
    run_sql(
        table,
        f"UPDATE candidates SET stars = 3, style = 'wax' WHERE id IN ('{ids[1]}', '{ids[2]}')",
        f"INSERT INTO tagged VALUES ('hat', '{ids[1]}')",
    )
    assert told(table) == sorted(
        [
            (ids[1], "its row and its ledger or recipe differ in stars, style, tags"),
            (ids[2], "its row and its ledger or recipe differ in stars, style"),
        ]
    )
    assert_mends(table, 2)


def test_lost_and_foreign_tags_are_told(table, ids):
    for change, id in (
        ("DELETE FROM tagged", ids[0]),
        (f"INSERT INTO tagged VALUES ('hat', '{ids[4]}')", ids[4]),
        ("UPDATE tagged SET tag = 'Eyes'", ids[0]),
    ):
        run_sql(table, change)
        assert told(table) == [(id, "its row and its ledger or recipe differ in tags")]
        assert_mends(table, 1)
        assert table.tags() == {ids[0]: ["eyes"]}


def test_candidates_of_former_plans_are_hidden(table, given, ids):
    table.plan([given.planned(n) for n in range(5)])
    run_sql(table, f"UPDATE candidates SET shown = true WHERE id = '{ids[5]}'")
    assert told(table) == [(ids[5], "its row and its ledger or recipe differ in shown")]
    assert_mends(table, 1)
    assert not table.candidates([ids[5]])[0].shown


def test_any_number_is_looked_at(table, ids):
    for number in (0, -5, 2_000_000_000):
        run_sql(table, f"UPDATE candidates SET number = {number}, stars = 9 WHERE id = '{ids[3]}'")
        before = time.monotonic()
        assert [id for id, _ in told(table)] == [ids[3]]
        assert_mends(table, 1)
        assert time.monotonic() - before < 20


def test_thousands_are_looked_at_page_by_page(table, given, monkeypatch):
    ids = given.candidates(table, 50)
    monkeypatch.setattr(checking, "AT_ONCE", 7)
    run_sql(table, "UPDATE candidates SET stars = 9", "DELETE FROM candidates WHERE number IN (3, 7, 8, 21, 50)")
    seen = []
    faults = table.faults(seen.append)
    stars = [fault for fault in faults if "stars" in fault.told]
    lost = [fault for fault in faults if "not among what is to be made" in fault.told]
    assert (len(stars), len(lost), len(faults)) == (45, 5, 50) and {fault.id for fault in faults} == set(ids)
    assert sum(seen) == 45 and max(seen) <= 7 and len(seen) >= 7
    assert_mends(table, 50)


def test_work_that_is_none_is_told(table, ids):
    for id in (ids[0], ids[8]):  # made already; no longer planned
        run_sql(table, f"INSERT INTO work (recipe_id, steps, insertion_step, position) VALUES ('{id}', 27, 10, 0)")
        assert told(table) == [(id, "is to be made, but is made already or not planned")]
        assert_mends(table, 1)


def test_forgotten_work_is_told(table, ids):
    run_sql(table, f"DELETE FROM work WHERE recipe_id = '{ids[7]}'")
    assert told(table) == [(ids[7], "is planned and not made, but not among what is to be made")]
    assert_mends(table, 1)
    assert [row.id for row in table.missing()] == ids[6:8]


def test_work_in_another_order_is_told(table, ids):
    claim, _ = table.claim("w", 9, 60)
    for change in ("steps = 26", "insertion_step = 4", "position = 99"):
        run_sql(table, f"UPDATE work SET {change} WHERE recipe_id = '{ids[6]}'")
        assert told(table) == [(ids[6], "is to be made in another place than its recipe says")]
        assert_mends(table, 1)
        assert [row.id for row in table.missing()] == ids[6:8]
    assert table.renew(claim, 60) == 2  # who makes it goes on


def test_leaders_and_twins_that_are_none_are_told(table, ids):
    for name in ("leader_id", "twin_id"):
        run_sql(table, f"UPDATE candidates SET {name} = 'nobody' WHERE id = '{ids[2]}'")
        assert told(table) == [(ids[2], f"its {name} names no candidate")]
        assert_mends(table, 1)
        assert getattr(table.candidates(ids[2:3])[0], name) is None  # the next run finds it anew


def say(table, number, id, action, undoes):
    row = {"number": number, "candidate_id": id, "action": action, "value": "", "curator": "eve", "note": ""}
    row |= {"settles": False, "undoes": undoes, "request": "r", "decided_at": table.decisions(id)[0].decided_at}
    with table.engine.begin() as connection:
        connection.execute(sa.insert(decisions), [row])


@pytest.mark.parametrize(
    ("action", "undoes", "words"),
    [
        ("undo", 3, "undoes one that is not its own"),  # another candidate's
        ("undo", 9, "undoes one that is not its own"),  # itself
        ("undo", 10, "undoes one that is not its own"),  # nobody's
        ("undo", None, "undoes nothing"),
        ("reject", 1, "undoes something, but is no undo"),
    ],
)
def test_entries_that_undo_astray_are_told(table, ids, action, undoes, words):
    say(table, 9, ids[0], action, undoes)
    faults = [fault for fault in table.faults() if "entry 9" in fault.told]
    assert [(fault.id, fault.mended) for fault in faults] == [(ids[0], False)]
    assert words in faults[0].told


def test_token_of_another_image_is_told(table, ids):
    image = table.candidates(ids[:1])[0].image_sha256
    table.set_tokens([{"number": 3, "candidate_id": ids[0], "name": "Toad", "image_sha256": image}])
    assert table.faults() == []
    run_sql(table, "UPDATE tokens SET image_sha256 = 'another'")
    assert told(table) == [(ids[0], "token 3 was exported with another image")]
    assert table.rebuild() == 0 and not table.faults()[0].mended


def test_lost_fingerprint_is_told(table, ids):
    row = {"id": ids[1], "hashed_with": "phash 64", "hash_bits": bytes(8), "colours": bytes(768), "greys": bytes(256)}
    table.set_fingerprints([row | {"side": 64, "flat": False}])
    assert table.faults() == []
    run_sql(table, "DELETE FROM fingerprints")
    assert told(table) == [(ids[1], "has lost its fingerprint")]
    assert_mends(table, 1)
    assert ids[1] in {row.id for row in table.to_hash("phash 64", mirrored=False)}


def test_recipes_that_are_not_their_json_are_told(table, ids):
    changes = {"prompt": "'a pond'", "seed": "99", "guidance_scale": "8", "mode": "'noised'", "json": "'{}'"}
    for name, value in changes.items():
        with table.engine.begin() as connection:
            (before,) = connection.exec_driver_sql(f"SELECT {name} FROM recipes WHERE id = '{ids[8]}'").scalars()
        run_sql(table, f"UPDATE recipes SET {name} = {value} WHERE id = '{ids[8]}'")
        faults = table.faults()
        assert [(fault.id, fault.mended) for fault in faults] == [(ids[8], False)], name
        assert ("JSON" if name == "json" else name) in faults[0].told
        with table.engine.begin() as connection:
            changed = sa.text(f"UPDATE recipes SET {name} = :before WHERE id = '{ids[8]}'")
            connection.execute(changed, {"before": before})
        assert table.faults() == []


def test_rows_that_point_nowhere_are_told(tmp_path, given):
    table = Table.open(f"sqlite:///{tmp_path / 'table.db'}")
    given.candidates(table, 2)
    run_sql(table, "DELETE FROM sources")
    assert ("", "a row of recipes points to one of sources that is not there") in told(table)
    table.close()


def damage(tmp_path, given, places):
    """A table of which some pages are overwritten: its URL."""
    file = tmp_path / "table.db"
    table = Table.open(f"sqlite:///{file}")
    given.candidates(table, 400)
    run_sql(table, "PRAGMA wal_checkpoint(TRUNCATE)")
    table.close()
    pages = file.stat().st_size // 4096
    with open(file, "r+b") as raw:
        for place in places(pages):
            raw.seek(place * 4096 + 10)
            raw.write(random.Random(place).randbytes(4000))
    return f"sqlite:///{file}"


def told_of(url):
    table = Table.open(url)
    faults = table.faults()
    table.close()
    return [fault.told for fault in faults]


@pytest.mark.parametrize("which", range(6))
def test_damaged_file_is_told(tmp_path, given, which):
    told = told_of(damage(tmp_path, given, lambda pages: range(pages // 2 + which, pages, 6)))
    assert told and all("the database file is damaged" in words for words in told), told


def test_damage_of_one_page_is_told(tmp_path, given):
    told = told_of(damage(tmp_path, given, lambda pages: [pages // 2]))
    assert told and all("the database file is damaged" in words for words in told), told


def test_damaged_file_asks_for_a_backup(tmp_path, given):
    table = Table.open(damage(tmp_path, given, lambda pages: range(pages * 2 // 3, pages)))
    with pytest.raises(RunFailed, match=r"table.db: the table cannot be .* damaged: restore a backup"):
        for read in (table.frame, table.counts, table.missing, table.rebuild):
            read()
    table.close()


WRITE = """
import random, time
from collection_db.deciding import Said
from tests.collection_db.conftest import Given
chance, ids = random.Random(me), [Given.planned(n).recipe.id for n in range(60)]
deadline, answer = time.monotonic() + 2.5, 0
while time.monotonic() < deadline:
    who = f"curator {me}"
    table.record([Said(id, chance.choice(["accept", "reject", "star", "lead"])) for id in chance.sample(ids, 5)], who)
    table.record([Said(id, "tag", chance.choice("abc")) for id in chance.sample(ids, 5)], who)
    table.undo(table.last_step(who), who)
    if chance.random() < 0.3:
        table.plan([Given.planned(n) for n in range(chance.choice([40, 60]), 80)])
    claim, rows = table.claim(who, 2, 60)
    table.finish(claim, [Given.candidate(row.id) for row in rows[:1]])
    table.release(claim)
    answer += 1
"""


def test_checking_meanwhile_tells_nothing_false(table, url, given):
    given.candidates(table, 60)
    running = start_together(WRITE, url, count=2)
    checked = 0
    while any(process.poll() is None for process in running):
        assert table.faults() == []
        checked += 1
    rounds = answers(running)
    assert checked >= 2 and min(rounds) >= 2, (checked, rounds)
    assert table.faults() == []


def test_rebuilding_a_healthy_table_writes_nothing(table, ids):
    with table.engine.begin() as connection:
        before = connection.execute(sa.select(candidates).order_by(candidates.c.number)).all()
    assert table.rebuild() == 0
    with table.engine.begin() as connection:
        assert connection.execute(sa.select(candidates).order_by(candidates.c.number)).all() == before


def test_everything_may_be_wrong_at_once(table, given):
    given.candidates(table, 40)
    table.plan([given.planned(n) for n in range(10, 60)])
    whole = table.frame(everything=True)
    run_sql(
        table,
        "UPDATE candidates SET verdict = 'accept', stars = 2, shown = NOT shown, position = 0, entries = 4",
        "INSERT INTO tagged SELECT 'x', id FROM candidates",
        "DELETE FROM work",
    )
    assert len(table.faults()) == 60 and table.rebuild() == 60
    assert table.faults() == [] and table.frame(everything=True).equals(whole) and table.count_missing() == 20
