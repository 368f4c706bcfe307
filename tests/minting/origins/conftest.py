"""A stranger's server, and little patience with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minting.origins import web
from tests.minting.origins.strangers import Stranger, serving


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "FIRST_WAIT_S", 0.01)
