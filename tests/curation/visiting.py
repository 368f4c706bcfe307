"""The review page over a small crowd, for tests that talk to it without a browser."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from collection_db import Assets, Table, open_assets
from curation.accounts import Accounts
from curation.app import make_app
from curation.review import Review
from tests.curation.crowd import Crowd

PASSWORD = "a pond full of toads"


@dataclass
class Ended:
    """What follows the review, here: nothing, but it is remembered who asked for it."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def state(self) -> dict[str, str]:
        return {"state": "done" if self.said else "open", "what": "the export"}

    def finish(self, curator: str, note: str = "") -> dict[str, str]:
        self.said.append((curator, note))
        return self.state()


class House:
    """A collection under review, and its visitors."""

    def __init__(self, folder: Path, size: int = 200, url: str = "") -> None:
        self.folder, self.ended = folder, Ended()
        self.table: Table = Table.open(url or f"sqlite:///{folder}/toadworks.db")
        self.assets: Assets = open_assets(folder / "assets")
        self.ids = Crowd(size, pictures=6).fill(self.table, self.assets)
        self.accounts = Accounts(folder / "curators.json")
        self.review = Review("Pond", self.table, self.assets, traits, self.ended, supply=20)

    def visit(self, curator: str, logged_in: bool = False) -> Visitor:
        """Somebody's browser: on this machine without a log-in, or after one."""
        if logged_in:
            self.accounts.add(curator, PASSWORD)
        app = make_app(self.review, self.accounts, curator=curator, hosts=["127.0.0.1"])
        return Visitor(
            TestClient(app, base_url="http://127.0.0.1:8010", client=("127.0.0.1", 50_000)), logged_in, curator
        )

    def number(self, id: str) -> int:
        return self.table.numbers_of([id])[id]


class Visitor:
    """A browser that has the page open. `get` and `post` give the JSON of an answer; `status` that of the last one."""

    def __init__(self, client: TestClient, logs_in: bool, name: str) -> None:
        self.client, self.status, self._steps = client, 0, count(1)
        if logs_in:
            form = self.client.get("/login").text
            token = form.split('name="csrf" value="')[1].split('"')[0]
            fields = {"name": name, "password": PASSWORD, "csrf": token, "next": "/"}
            answer = self.client.post("/login", data=fields, headers={"Origin": "http://127.0.0.1:8010"})
            assert answer.status_code == 200, answer.text
        self.page = self.client.get("/").text
        self.csrf = self.page.split('<meta name="csrf-token" content="')[1].split('"')[0]

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        self.status = answer.status_code
        return answer.json()

    def post(self, path: str, body: Any, **headers: str) -> Any:
        sent = {"X-CSRF-Token": self.csrf, "Origin": "http://127.0.0.1:8010"} | headers
        answer = self.client.post(path, json=body, headers=sent)
        self.status = answer.status_code
        return answer.json()

    def say(self, *said: tuple[int, str] | dict[str, Any], request: str = "") -> Any:
        """One step of (number, action) statements, or whole ones."""
        whole = [one if isinstance(one, dict) else {"number": one[0], "action": one[1]} for one in said]
        step = {"request": request or f"{id(self)}-step-{next(self._steps)}", "said": whole}
        return self.post("/api/say", {"steps": [step]})

    def undo(self, step: str | None = None, request: str = "") -> Any:
        name = request or f"{id(self)}-undo-{next(self._steps)}"
        return self.post("/api/say", {"steps": [{"request": name, "undo": step}]})

    def row(self, number: int) -> dict[str, Any]:
        (row,) = self.get(f"/api/rows?numbers={number}")["rows"]
        return row

    def list(self, query: str = "") -> tuple[dict[str, Any], list[int], list[int], list[int]]:
        """The header, numbers, groups and flags of a list, read as the page reads them."""
        answer = self.client.get(f"/api/list?{query}")
        self.status = answer.status_code
        data = answer.content
        (length,) = struct.unpack_from("<I", data)
        assert (4 + length) % 4 == 0
        header = json.loads(data[4 : 4 + length])
        total = header["count"]
        assert len(data) == 4 + length + 9 * total
        at = 4 + length
        numbers, groups = (np.frombuffer(data, "<u4", total, at + 4 * total * part).tolist() for part in (0, 1))
        return header, numbers, groups, list(data[at + 8 * total :])


def traits(source: str, style: str, guidance_scale: float, insertion_step: int) -> list[tuple[str, str]]:
    return [("Style", style), ("Hat", f"hat of {source}")]
