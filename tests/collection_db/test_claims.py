"""Workers draw what is to be made: nothing twice, nothing lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from collection_db import Table
from collection_db.engine import writing
from collection_db.schema import work
from tests.collection_db.together import together

HOUR, OVER = 3_600.0, -1.0  # a lease, and one that ran out


def planned(table, given, count, grid=((27, 10),)):
    """Plan `count` recipes, whose (steps, insertion_step) go round the grid; their ids in order of position."""
    table.add_sources([given.source(1)])
    steps = [grid[number % len(grid)] for number in range(count)]
    plan = [given.planned(number, steps=one, insertion_step=k) for number, (one, k) in enumerate(steps)]
    table.plan(plan)
    return [item.recipe.id for item in plan]


def draw(table, worker, limit=100, lease_s=HOUR):
    claim, rows = table.claim(worker, limit, lease_s)
    return claim, [row.id for row in rows]


def made(given, ids):
    return [given.candidate(id) for id in ids]


def holders(table):
    with table.engine.begin() as connection:
        return {row.recipe_id: row.worker for row in connection.execute(sa.select(work))}


def drain(table, worker, size):
    """Draw until there is nothing; the lists of ids."""
    drawn = []
    while ids := draw(table, worker, size)[1]:
        drawn.append(ids)
    return drawn


GRID = ((50, 5), (27, 10), (27, 5), (50, 2))


def assert_shared_out(table, drawn):
    """Disjoint, complete, and each draw in the order of them all."""
    order = [row.id for row in table.missing()]
    place = {id: number for number, id in enumerate(order)}
    everything = [id for ids in drawn for id in ids]
    assert len(everything) == len(set(everything)) and set(everything) == set(order)
    for ids in drawn:
        assert ids == sorted(ids, key=place.__getitem__)


def test_those_that_share_a_batch_come_together(table, given):
    ids = planned(table, given, 12, GRID)
    order = [ids[n] for n in (2, 6, 10, 1, 5, 9, 3, 7, 11, 0, 4, 8)]
    assert [row.id for row in table.missing()] == order
    assert drain(table, "w", 5) == [order[:5], order[5:10], order[10:]]
    assert table.count_missing() == 12  # held, not made


def test_a_drawn_recipe_is_whole(table, given):
    (id,) = planned(table, given, 1)
    _, (row,) = table.claim("w", 10, HOUR)
    assert (row.id, row.style, row.seed, row.json) == (id, "crayon", 0, given.planned(0).recipe.canonical_json())
    assert (row.source_image_sha256, row.source_mask_sha256) == (given.sha256("image 1"), None)
    assert table.claim("w", 10, HOUR)[1] == [] == Table.claim(table, "w", 0, HOUR)[1]


def test_threads_never_draw_the_same(table, given):
    planned(table, given, 300, GRID)
    with ThreadPoolExecutor(8) as pool:
        drawn = [ids for each in pool.map(lambda n: drain(table, f"w{n}", 7), range(8)) for ids in each]
    assert_shared_out(table, drawn)


DRAIN = """
answer = []
while rows := table.claim(f"w{me}", 7, 3600)[1]:
    answer.append([row.id for row in rows])
"""


def test_processes_never_draw_the_same(table, url, given):
    planned(table, given, 300, GRID)
    shares = together(DRAIN, url)
    assert_shared_out(table, [ids for share in shares for ids in share])
    held = {row.worker: row.held for row in table.workers()}
    assert held == {f"w{me}": sum(map(len, share)) for me, share in enumerate(shares) if share}


def test_drawing_waits_for_no_writer(postgres_url, given):
    table = Table.open(postgres_url)
    ids = planned(table, given, 6)
    claim, held = draw(table, "w", 2)
    with ThreadPoolExecutor(1) as pool, writing(table.engine):  # the table's turn is taken

        def work_on():
            again = draw(table, "v", 2)
            return again[1], table.renew(claim, HOUR), table.fail(again[0], {ids[2]: "torn"}), table.release(again[0])

        drawn, renewed, *_ = pool.submit(work_on).result(timeout=20)
    assert (held, drawn, renewed) == (ids[:2], ids[2:4], 2)
    assert holders(table) == dict.fromkeys(ids) | dict.fromkeys(ids[:2], "w")
    table.close()


def test_drawing_passes_over_locked_rows(postgres_url, given):
    table = Table.open(postgres_url)
    ids = planned(table, given, 5)
    with ThreadPoolExecutor(1) as pool, table.engine.begin() as other:
        other.execute(sa.select(work).where(work.c.recipe_id.in_(ids[:2])).with_for_update())
        assert pool.submit(draw, table, "w").result(timeout=20)[1] == ids[2:]
    assert draw(table, "w")[1] == ids[:2]
    table.close()


def test_lease_that_ran_out_is_anybodys(table, given):
    ids = planned(table, given, 3)
    lost, _ = draw(table, "slow", 2, OVER)
    claim, drawn = draw(table, "quick", 3)
    assert drawn == ids and draw(table, "late")[1] == []
    assert table.renew(lost, HOUR) == 0 and table.renew(claim, HOUR) == 3
    table.release(lost)
    table.fail(lost, {ids[0]: "torn"})
    assert holders(table) == dict.fromkeys(ids, "quick") and table.problems() == []


def test_renewing_prolongs_a_lease(table, given):
    ids = planned(table, given, 3)
    claim, _ = draw(table, "w", 2, OVER)
    assert [round(row.seconds_left / 3_600) for row in table.workers()] == [0]
    assert table.renew(claim, HOUR) == 2
    assert [(row.worker, row.held, round(row.seconds_left / HOUR)) for row in table.workers()] == [("w", 2, 1)]
    assert draw(table, "v")[1] == ids[2:]
    table.finish(claim, made(given, ids[:1]))
    assert table.renew(claim, HOUR) == 1
    table.finish(claim, made(given, ids[1:2]))
    assert table.renew(claim, HOUR) == table.renew("never given", HOUR) == 0


def test_finished_work_is_candidates(table, given):
    ids = planned(table, given, 3)
    claim, _ = draw(table, "w", 2)
    rows = [row | {"worker": "w"} for row in made(given, ids[:2])]
    assert table.finish(claim, rows) == set(ids[:2])
    assert table.finish(claim, rows) == set(ids[:2])  # the answer was lost
    assert table.finish(claim, []) == set()
    assert [(row.id, row.worker, row.number) for row in table.candidates(ids)] == [(ids[0], "w", 1), (ids[1], "w", 2)]
    assert holders(table) == {ids[2]: None} and table.faults() == []


def test_lost_claim_stores_nothing(table, given):
    ids = planned(table, given, 3)
    lost, _ = draw(table, "slow", 3, OVER)
    claim, _ = draw(table, "quick", 2)
    late = [row | {"image_sha256": given.sha256(f"late {row['id']}")} for row in made(given, ids)]
    assert table.finish(lost, late) == {ids[2]}  # of which nobody took over
    assert table.finish(claim, made(given, ids[:2])) == set(ids[:2])
    assert table.finish(lost, late) == {ids[2]}
    assert [row.image_sha256 for row in table.candidates(ids[:2])] == [given.sha256(f"made {id}") for id in ids[:2]]
    assert table.faults() == [] and table.count_missing() == 0


def test_what_was_not_drawn_is_not_finished(table, given):
    ids = planned(table, given, 3)
    claim, _ = draw(table, "w", 1)
    assert table.finish(claim, made(given, ids)) == {ids[0]}
    assert table.finish("never given", made(given, ids[1:])) == set()
    assert table.count_missing() == 2 and table.faults() == []


def test_released_work_is_drawn_by_others(table, given):
    ids = planned(table, given, 4)
    claim, _ = draw(table, "w", 3)
    table.finish(claim, made(given, ids[:1]))
    table.release(claim)
    table.release("never given")
    assert table.workers() == [] and table.finish(claim, made(given, ids[1:2])) == set()
    assert draw(table, "v")[1] == ids[1:]


def test_dead_workers_give_all_back(table, given):
    ids = planned(table, given, 6)
    for worker in ("a", "b", "a", "c"):
        draw(table, worker, 1)
    assert [(row.worker, row.held) for row in table.workers()] == [("a", 2), ("b", 1), ("c", 1)]
    assert table.release_workers(["a", "c", "nobody"]) == 3
    assert table.release_workers(["a"]) == table.release_workers([]) == 0
    assert holders(table) == dict.fromkeys(ids) | {ids[1]: "b"}


def test_failures_wait_until_tried_again(table, given):
    ids = planned(table, given, 4)
    claim, _ = draw(table, "w", 3)
    table.fail(claim, {ids[2]: "torn", ids[0]: "out of \0 memory \udcff", ids[3]: "not drawn", "no such": "x"})
    told = [(row.id, row.problem.isprintable(), row.source_id, row.style) for row in table.problems()]
    assert told == [(ids[0], True, "toad1", "crayon"), (ids[2], True, "toad1", "crayon")]
    assert table.counts()["failed"] == 2 and table.counts()["missing"] == 4
    assert drain(table, "v", 10) == [[ids[3]]]
    assert table.finish(claim, made(given, ids[:1])) == set()
    assert table.try_again() == 2 and table.try_again() == 0 and table.problems() == []
    assert drain(table, "v", 10) == [[ids[0], ids[2]]]


def test_failed_candidates_may_come_from_elsewhere(table, given):
    ids = planned(table, given, 2)
    claim, _ = draw(table, "w")
    table.fail(claim, {ids[0]: "torn"})
    assert table.add_candidates(made(given, ids)) == 2
    assert table.problems() == table.workers() == [] and table.faults() == []
    assert table.finish(claim, made(given, ids[1:])) == {ids[1]}  # the same picture


def test_new_plan_keeps_claims_on_what_it_keeps(table, given):
    ids = planned(table, given, 4)
    claim, _ = draw(table, "w", 3)
    table.fail(claim, {ids[2]: "torn"})
    table.plan([given.planned(n, steps=27) for n in (5, 2, 1)])  # 1 and 2 elsewhere, 0 and 3 no longer
    assert holders(table) == {given.planned(5).recipe.id: None, ids[2]: None, ids[1]: "w"}
    assert [row.id for row in table.missing()] == [given.planned(5).recipe.id, ids[2], ids[1]]
    assert [row.id for row in table.problems()] == [ids[2]] and table.faults() == []
    assert table.renew(claim, HOUR) == 1
    assert table.finish(claim, made(given, ids[:2])) == {ids[1]}
    table.plan([given.planned(n) for n in range(4)])
    assert draw(table, "v")[1] == [ids[0], ids[3]] and table.faults() == []


def test_work_is_what_is_planned_and_not_made(table, given):
    ids = planned(table, given, 30)
    wanted, done = set(range(30)), set()
    for size in (3, 5, 8):
        claim, drawn = draw(table, "w", size)
        done |= {ids.index(id) for id in table.finish(claim, made(given, drawn[1:]))}
        wanted = (wanted | set(range(size))) - set(range(size * 2, size * 3))
        table.plan([given.planned(n) for n in sorted(wanted, reverse=True)])
        assert holders(table).keys() == {ids[n] for n in wanted - done}
        assert table.count_missing() == len(wanted - done) and table.faults() == []


def test_workers_that_stand_in_each_others_way_go_on(postgres_url, given):
    """A deadlock: PostgreSQL breaks one of the two off, which is repeated."""
    table, other = Table.open(postgres_url), Table.open(postgres_url)
    ids = planned(table, given, 2)
    claim, _ = draw(table, "w")
    first, second = (sa.select(work).where(work.c.recipe_id == id).with_for_update() for id in holders(table))
    asked, wait = threading.Event(), threading.Event().wait

    def notice(connection, cursor, statement, *rest):
        if statement.startswith("UPDATE work"):
            asked.set()

    sa.event.listen(table.engine, "before_cursor_execute", notice)
    with ThreadPoolExecutor(1) as pool, other.engine.connect() as connection:
        connection.exec_driver_sql("SET deadlock_timeout = '60s'")  # so that it is not this one
        connection.execute(second)
        renewed = pool.submit(table.renew, claim, HOUR)
        assert asked.wait(20)
        wait(0.3)  # until it holds the first and waits for the second
        connection.execute(first)
        connection.rollback()
        assert renewed.result(timeout=20) == 2
    assert holders(table) == dict.fromkeys(ids, "w")
    table.close()
    other.close()


@pytest.mark.parametrize("text", ["", "w" * 300])
def test_any_name_may_draw(table, given, text):
    ids = planned(table, given, 1)
    assert draw(table, text)[1] == ids and [row.worker for row in table.workers()] == [text]
