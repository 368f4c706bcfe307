"""What a review page works on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from collection_db import Assets, Table
from collection_db.filtering import Eyes
from collection_db.reviewing import Progress
from curation.guarding import curator_of

FRESH = 5  # times as long as counting took, a curator's progress counts: who decides quickly asks for it every time

Traits = Callable[[str, str, float, int], Sequence[tuple[str, str]]]


class Finishing(Protocol):
    """What follows the review: it is started once, by whoever ends it."""

    def state(self) -> Any:
        """{"state": "open", "running", "done" or "failed", "what": a sentence}."""

    def finish(self, curator: str, note: str = "") -> Any:
        """Start it, and return the `state`."""


@dataclass(frozen=True)
class Review:
    """A collection under review.

    `supply`: how many tokens are wanted, 0 where nobody said; `blind`: whether others' opinions are hidden until one
    has given one's own; `traits`: (trait, value) pairs that a candidate of (source id, style, guidance scale, insertion
    step) has as a token.
    """

    collection: str
    table: Table
    assets: Assets
    traits: Traits
    finishing: Finishing
    supply: int = 0
    blind: bool = True
    # of each curator, until when it counts
    _progress: dict[Eyes, tuple[float, Progress]] = field(default_factory=dict, init=False)

    @property
    def version(self) -> str:
        return version("toadworks")

    def eyes(self, request: HTTPConnection) -> Eyes:
        """Those of who asks."""
        return Eyes(curator_of(request), self.blind)

    def progress(self, eyes: Eyes) -> Progress:
        """How far this curator is; in a large collection it may be half a second old."""
        until, known = self._progress.get(eyes, (0.0, None))
        began = time.monotonic()
        if known is None or began > until:
            known = self.table.progress(eyes)
            now = time.monotonic()
            self._progress[eyes] = (now + FRESH * (now - began), known)
        return known
