"""A worker as the kills need one: it does real work through the real code, and writes down what it was told is done.

What it writes down stands in a file of its slot: a line once a call has returned, which SIGKILL cannot take back.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import flows.stylize
from collection_db import Table, View
from collection_db.deciding import Said
from flows.group import group_candidates
from flows.ingest import ingest_batch
from flows.pair import plan_recipes
from flows.progress import Meter
from flows.settings import Settings
from flows.stylize import make_batch
from flows.working import dead

STAGES = ("ingest", "plan", "stylize", "group", "decide")
WITHIN_S = 0.25  # how long a stage is repeated before the next one
NOBODY_LOOKS = Meter("", 0, None)


class Acknowledged:
    """Lines that are only ever added, each whole."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, **what: Any) -> None:
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, json.dumps(what).encode() + b"\n")  # one call: it is written whole or not at all
        os.close(handle)

    def all(self, key: str) -> Iterator[Any]:
        if self.file.exists():
            for line in self.file.read_bytes().splitlines():
                if key in (told := json.loads(line)):
                    yield told[key]


class Worker:
    """One of several, in `slot`. A new one goes on where the last one of its slot was killed."""

    def __init__(self, plans: Sequence[Path], slot: int, rng: random.Random) -> None:
        self.plans, self.rng, self.curator = plans, rng, f"curator {slot}"
        self.settings = Settings.read(plans[0])
        self.acknowledged = Acknowledged(acknowledgements(self.settings.folder) / f"{slot}.jsonl")
        self.table = Table.open(self.settings.database_url)

    def ingest(self) -> None:
        files = sorted(self.settings.images.glob("*.png"))
        chosen = [(file.stem, str(file)) for file in self.rng.sample(files, min(4, len(files)))]
        taken, _ = ingest_batch.fn(str(self.settings.file), chosen, self.rng.randrange(len(files)))
        self.acknowledged.add(sources=taken)

    def plan(self) -> None:
        new, _, _ = plan_recipes.fn(str(self.rng.choice(self.plans)))
        self.acknowledged.add(planned=new)

    def stylize(self) -> None:
        self.table.release_workers(dead(row.worker for row in self.table.workers()))
        drawn, _, _ = make_batch(str(self.settings.file), NOBODY_LOOKS)
        if not drawn:
            self.plan()

    def group(self) -> None:
        self.acknowledged.add(groups=group_candidates(self.settings))

    def decide(self) -> None:
        if self.rng.random() < 0.3:
            self._undo()
        elif rows := self.table.page(View(), limit=60):
            ids = [row.id for row in self.rng.sample(rows, min(5, len(rows)))]
            said = [Said(id, self.rng.choice(("accept", "reject", "star", "unstar", "lead"))) for id in ids]
            said.append(Said(ids[0], "tag", str(self.rng.randrange(20))))
            asked = {"request": secrets.token_hex(8), "said": [asdict(one) for one in said]}
            self.acknowledged.add(asked=asked)
            self._say(asked)

    def say_again(self) -> None:
        """What the last one of this slot asked for and may not have lived to see done; and some that it did."""
        asked = list(self.acknowledged.all("asked"))
        done = {told["request"]: told["added"] for told in self.acknowledged.all("entries")}
        for one in asked:
            if one["request"] not in done:
                self._say(one)
        # a step that found everything said before left no entry by which it could be known
        known = [one for one in asked if done.get(one["request"])]
        for one in self.rng.sample(known, min(3, len(known))):
            said = [Said(**each) for each in one["said"]]
            self.acknowledged.add(said_again=self.table.record(said, self.curator, one["request"]))

    def _say(self, asked: Mapping[str, Any]) -> None:
        added = self.table.record([Said(**one) for one in asked["said"]], self.curator, asked["request"])
        self.acknowledged.add(entries={"request": asked["request"], "added": added})

    def _undo(self) -> None:
        numbers = self.table.last_step(self.curator)
        if numbers and self.table.undo(numbers, self.curator) == len(numbers):
            self.acknowledged.add(undone=numbers)


def acknowledgements(folder: Path) -> Path:
    return folder / "acknowledged"


def work_until_killed(plans: Sequence[Path], slot: int, seed: int, set_stage: Callable[[int], None]) -> NoReturn:
    """Stage after stage, in a process that was forked for it. `set_stage` gets the number of each as it begins (0: none
    of them), so that the killer sees what it hit."""
    parent = os.getppid()
    rng = random.Random(seed)
    try:
        worker = Worker(plans, slot, rng)
        _acknowledge_candidates(worker.acknowledged)
        set_stage(1 + STAGES.index("decide"))
        worker.say_again()
        while os.getppid() == parent:
            number = rng.randrange(len(STAGES))
            set_stage(1 + number)
            until = time.monotonic() + WITHIN_S
            while time.monotonic() < until:
                getattr(worker, STAGES[number])()
            set_stage(0)
    except BaseException:  # noqa: BLE001  # whatever it is, the test is to see it
        Acknowledged(acknowledgements(plans[0].parent) / f"{slot}.jsonl").add(error=traceback.format_exc())
    os._exit(1)  # it never ends by itself


def _acknowledge_candidates(acknowledged: Acknowledged) -> None:
    """Let every `Table.finish` of this process write down what it says is stored."""
    finish = Table.finish

    def told(self: Table, claim: str, rows: Sequence[Mapping[str, Any]]) -> set[str]:
        kept = finish(self, claim, rows)
        acknowledged.add(stored={row["id"]: row["image_sha256"] for row in rows if row["id"] in kept})
        return kept

    Table.finish = told  # type: ignore[method-assign]
    flows.stylize.TASK_BATCH = 8
