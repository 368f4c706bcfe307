"""Stores candidates and records decisions until nothing is left: `python -m tests.crashes.recording URL FILE NAME`.

What a call has returned is written to FILE. It prints "working" after some, goes on when it reads a line, and prints
"done" in the end.
"""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path

from collection_db import Table
from collection_db.deciding import Said
from tests.crashes.workers import Acknowledged

BETWEEN_S = 0.01


def main(url: str, file: str, name: str) -> None:
    acknowledged, table = Acknowledged(Path(file)), Table.open(url)
    while True:
        claim, rows = table.claim(name, 2, lease_s=600)
        if not rows:
            break
        made = [{"id": row.id, "image_sha256": row.id[::-1], "seconds": 1.0} for row in rows]
        for id in table.finish(claim, made):
            acknowledged.add(stored=id)
        request = secrets.token_hex(8)
        said = [Said(row.id, "accept") for row in rows]
        acknowledged.add(entries=request, added=table.record(said, name, request))
        if len(list(acknowledged.all("stored"))) == 10:
            print("working", flush=True)
            sys.stdin.readline()
        time.sleep(BETWEEN_S)
    table.close()
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
