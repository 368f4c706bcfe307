"""A guarded application, and browsers that ask it; and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from curation.accounts import Accounts
from curation.guarding import guard
from tests.conftest import missing
from tests.curation import browsing
from tests.curation.guarded import HERE, PASSWORDS, QUICK, Browser, Clock, made_app


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seen() -> list[str]:
    """Who said something that came through."""
    return []


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "curators.json", QUICK)


@pytest.fixture
def with_log_in(accounts: Accounts) -> Accounts:
    for name, password in PASSWORDS.items():
        accounts.add(name, password)
    return accounts


@pytest.fixture
def browser(accounts: Accounts, clock: Clock, seen: list[str]) -> Browser:
    """browser(address="10.0.0.7", https=False, ...) is a new browser; all of a test ask one server, unless `curator` or
    other options of the server are given."""
    servers: dict[str, FastAPI] = {}

    def made(base: str = HERE, address: str = "127.0.0.1", **options: Any) -> TestClient:
        given = {"curator": "me", "hosts": ["127.0.0.1", "review.example.org"], "now": clock, "steady": clock}
        key = repr(options)
        if key not in servers:
            servers[key] = made_app(seen)
            guard(servers[key], accounts, **(given | options))
        return TestClient(servers[key], base_url=base, client=(address, 50_000), follow_redirects=False)

    return made


@pytest.fixture(scope="module")  # no longer: its event loop would be in the way of other tests
def chromium() -> Iterator[Any]:
    """Chromium, without a window."""
    if told := browsing.lacking():
        missing(told)
    with browsing.chromium() as opened:
        yield opened
