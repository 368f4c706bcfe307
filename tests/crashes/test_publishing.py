"""Publishing through a network that breaks, by processes that are killed at any moment: in the end everything is there,
and nothing that was verified was sent twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from minting.uploading.journal import VERIFIED
from tests.collection_db.breaking import CUT, FLIP, LOST, PAGE, RESET, RESET_INSIDE, THROTTLED, Breaking
from tests.minting.uploading.releases import contents, write_release

ROOT = Path(__file__).parents[2]
TOKENS, KILLS = 60, 6
PUBLISH = """
import sys
from pathlib import Path
from minting.uploading.bucket import Bucket
from minting.uploading.contents import check_files, read_contents
from minting.uploading.journal import Journal
from minting.uploading.sending import Delivery, pieces_of
folder, bucket, url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
contents = read_contents(folder / "release")
check_files(contents)
place, journal = Bucket(bucket, "toads", url, patience_s=60), Journal(folder / "journal")
stages, _ = pieces_of(contents.parts, place, None)
Delivery(stages, place, journal).send(4, lambda count: None, folder)
"""


def verified(folder: Path) -> set[str]:
    lines = (folder / "journal" / "journal.jsonl").read_bytes().split(b"\n") if (folder / "journal").exists() else []
    said = [json.loads(line) for line in lines if line.endswith(b"}")]
    return {line["name"] for line in said if line["state"] == VERIFIED}


def puts(proxy: Breaking) -> Counter[str]:
    return Counter(asked.split("/toads/")[1] for asked in proxy.asked if asked.startswith("PUT "))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_killed_publishers_leave_nothing_out(bucket: Path, proxy: Breaking, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    write_release(tmp_path / "release", tokens=TOKENS, size=20_000)
    command = [sys.executable, "-c", PUBLISH, str(tmp_path), bucket.name, proxy.url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    kills = 0
    while True:
        for fault in (RESET, RESET_INSIDE, CUT, FLIP, LOST, PAGE, THROTTLED):
            proxy.break_next(chance.choice(("PUT", "GET")), fault)
        sure, before, begun = verified(tmp_path), puts(proxy), len(proxy.asked)
        process = subprocess.Popen(command, env=environment)
        if kills < KILLS:
            wanted = chance.randrange(5, 40)  # requests: it is killed amid its work, not while it begins
            while process.poll() is None and len(proxy.asked) < begun + wanted:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        status = process.wait(timeout=120)
        assert not {name for name in sure if puts(proxy)[name] != before[name]}
        if status == 0:
            break
        assert status == -signal.SIGKILL
        kills += 1
    assert kills >= 3 and proxy.broken > 10
    assert contents(bucket / "toads") == contents(tmp_path / "release")
    assert verified(tmp_path) == set(contents(tmp_path / "release"))
