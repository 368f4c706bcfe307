"""The table seen whole: counts, frame, threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from collection_db.frames import COLUMNS

ROOT = Path(__file__).parents[2]


def types(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def test_empty_frame_has_its_types(table):
    frame = table.frame()
    assert len(frame) == 0 and list(frame.columns) == list(COLUMNS)
    assert types(frame) == COLUMNS


def test_frame_types_do_not_depend_on_rows(table, given):
    first, second = given.candidates(table, 2)
    assert types(table.frame()) == COLUMNS  # nothing known yet of either
    table.set_looks([{"id": first, "score": 0.5, "unchanged": True, "leader_id": first}])
    table.decide([first], "accept", "ann")
    table.set_tokens([{"number": 7, "candidate_id": first, "name": "Toad", "image_sha256": "f" * 64}])
    frame = table.frame()
    assert types(frame) == COLUMNS
    known, unknown = frame.to_dict("records")
    assert (known["id"], known["source"], known["leader"], known["token"]) == (first, "toad1", first, 7)
    assert (known["verdict"], known["curator"], known["unchanged"]) == ("accept", "ann", True)
    assert known["decided_at"] == table.decisions(first)[0].decided_at
    nothing = ["structure", "score", "flat", "source_bits", "unchanged", "copy_of", "earlier", "leader", "twin"]
    nothing += ["curator", "decided_at", "token"]
    assert unknown["id"] == second and frame.loc[1, nothing].isna().all()


def test_frame_leaves_the_forgotten_out(table, given):
    first, second, third = given.candidates(table, 3)
    table.decide([first], "reject", "ann")
    table.plan([given.planned(1)])
    assert set(table.frame()["id"]) == {first, second}
    assert set(table.frame(everything=True)["id"]) == {first, second, third}


def test_counts_of_nothing_and_of_all(table, given):
    assert set(table.counts().values()) == {0}
    ids = given.candidates(table, 6)
    table.set_skipped([("a.gif", "no picture")])
    looks = [{"id": id, "unchanged": n == 4, "leader_id": ids[min(n, 3)]} for n, id in enumerate(ids)]
    for row, (copied, earlier, twin) in zip(
        looks, [("7", None, None), (None, "old #1", ids[2]), (None, "old #2", None)], strict=False
    ):
        row |= {"copy_of": copied, "earlier": earlier, "twin_id": twin}
    for row in looks:
        table.set_looks([row])
    table.decide(ids[:2], "accept", "ann")
    table.decide(ids[2:4], "reject", "ann")
    table.decide(ids[3:4], "undecide", "ann")
    table.plan([given.planned(n) for n in (1, 2, 3, 4, 8, 9)])  # 0 is decided; 5 is neither
    assert table.counts() == {
        "sources": 1,
        "skipped": 1,
        "planned": 6,
        "missing": 2,
        "failed": 0,
        "candidates": 5,
        "groups": 4,
        "flat": 0,
        "unchanged": 1,
        "copies": 1,
        "earlier": 2,
        "twins": 1,
        "accepted": 2,
        "rejected": 1,
        "undecided": 2,
        "disagreed": 0,
        "starred": 0,
        "tokens": 0,
    }


def test_threads_decide_together(table, given):
    ids = given.candidates(table, 40)
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda n: table.decide(ids[n % 10 :], "accept", f"curator {n % 10}"), range(40)))
    decisions = [row for id in ids for row in table.decisions(id)]
    assert sum(added) == len(decisions) and len({row.decided_at for row in decisions}) == sum(map(bool, added))
    assert len(table.accepted()) == 40


def test_importing_is_cheap_and_silent():
    code = "import sys, collection_db; print(sorted({'pandas', 'torch', 'prefect'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
