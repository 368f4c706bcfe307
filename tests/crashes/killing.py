"""Kills workers at random moments: `python -m tests.crashes.killing SEED KILLS PLAN.toml...` prints what was hit.

Workers are forked from a process that has imported everything, so that kills meet work and no start-up.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from flows.making import maker
from flows.settings import Settings
from tests.crashes.workers import STAGES, acknowledgements, work_until_killed

WORKERS = 4
BETWEEN_S = (0.05, 0.4)  # kills
HITS_A_STAGE = 10  # at least
KILLS_A_BATCH = 5  # at most, for each batch that was stored: on a slow machine nothing would ever be


class Killing:
    """Workers on the collection of `plans`, and what has become of those before them."""

    def __init__(self, plans: Sequence[Path], seed: int) -> None:
        self.plans, self.rng = plans, random.Random(seed)
        self.settings = Settings.read(plans[0])
        self.stages = mmap.mmap(-1, WORKERS)  # what each does now; shared with them
        self.pids = [self._start(slot) for slot in range(WORKERS)]
        self.killed: Counter[str] = Counter()
        self.ended: list[int] = []  # statuses of those that went by themselves

    def kill_one(self, left: int) -> None:
        """Any one; but where only so many kills are `left` as some stages still need, one that is at such a stage."""
        slot = self.rng.randrange(WORKERS)
        lacking = {stage: max(0, HITS_A_STAGE - self.killed[stage]) for stage in STAGES}
        now = self.stages[slot]
        if sum(lacking.values()) >= left and not (now and lacking[STAGES[now - 1]]):
            return
        os.kill(self.pids[slot], signal.SIGKILL)
        _, status = os.waitpid(self.pids[slot], 0)
        if not os.WIFSIGNALED(status):
            self.ended.append(status)
        elif stage := self.stages[slot]:
            self.killed[STAGES[stage - 1]] += 1
        self.pids[slot] = self._start(slot)

    def change_a_file(self) -> None:
        """A source that was not there, or was another picture."""
        version = self.rng.choice(("first", "second"))
        file = self.rng.choice(sorted((self.settings.folder / version).glob("*.png")))
        temporary = self.settings.folder / "changing"
        shutil.copy(file, temporary)
        temporary.replace(self.settings.images / file.name)

    def batches_stored(self) -> int:
        files = acknowledgements(self.settings.folder).iterdir()
        return sum(file.read_bytes().count(b'{"stored": {"') for file in files)

    def stop(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _start(self, slot: int) -> int:
        seed = self.rng.randrange(2**32)
        self.stages[slot] = 0
        pid = os.fork()
        if pid == 0:
            work_until_killed(self.plans, slot, seed, lambda stage: self.stages.__setitem__(slot, stage))
        return pid


def main(seed: int, kills: int, plans: Sequence[Path]) -> None:
    torch.set_num_threads(1)
    settings = Settings.read(plans[0])
    maker(settings.model, settings.parts, settings["model"]["device"], settings["model"]["batch"])
    if threading.active_count() > 1:
        raise RuntimeError(f"forking would lose threads: {threading.enumerate()}")
    parent = os.getppid()
    killing = Killing(plans, seed)
    try:
        while killing.killed.total() < kills and not killing.ended and os.getppid() == parent:
            time.sleep(killing.rng.uniform(*BETWEEN_S))
            if killing.killed.total() > KILLS_A_BATCH * killing.batches_stored():
                continue
            if killing.rng.random() < 0.3:
                killing.change_a_file()
            killing.kill_one(kills - killing.killed.total())
    finally:
        killing.stop()
    print(json.dumps({"killed": killing.killed, "ended": killing.ended}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [Path(file) for file in sys.argv[3:]])
