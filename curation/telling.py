"""Routes that tell of people and of the collection: progress, agreement, the ledger, what the collection becomes, and
the end of the review."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from collection_db.filtering import Listing
from curation import answers
from curation.becoming import becoming
from curation.guarding import curator_of
from curation.review import Review

PAGE = 100  # entries of the ledger


class Ending(BaseModel):
    note: str = Field("", max_length=4_000)


def telling(review: Review) -> APIRouter:
    router, table = APIRouter(), review.table

    @router.get("/api/progress")
    def progress(request: Request) -> dict[str, Any]:
        return answers.progress(review.progress(review.eyes(request)), review.supply)

    @router.get("/api/becoming")
    def becomes(request: Request, number: int | None = Query(None, ge=1)) -> dict[str, Any]:
        return becoming(review, review.eyes(request), number)

    @router.get("/api/agreement")
    def agreement(request: Request) -> dict[str, Any]:
        return {
            "pairs": [
                {
                    "curators": list(pair.curators),
                    "both": pair.both,
                    "agree": pair.agree,
                    "kappa": pair.kappa,
                    "counts": pair.counts,
                }
                for pair in table.agreements()
            ],
            "disagreements": _disagreements(request),
            "settled": _settled(),
        }

    @router.get("/api/ledger")
    def ledger(request: Request, before: int | None = Query(None, ge=1), curator: str | None = None) -> dict[str, Any]:
        found = table.ledger(review.eyes(request), before, PAGE, curator)
        entries = [
            answers.entry(told)
            | {"candidate": told.entry.candidate, "id": told.entry.candidate_id, "image": told.entry.image_sha256}
            for told in found
        ]
        return {"entries": entries, "next": entries[-1]["number"] if len(entries) == PAGE else None}

    @router.get("/api/finish")
    def how_it_ends(request: Request) -> dict[str, Any]:
        return _ending(request, review.finishing.state())

    @router.post("/api/finish")
    def finish(request: Request, given: Ending) -> dict[str, Any]:
        return _ending(request, review.finishing.finish(curator_of(request), given.note))

    def _ending(request: Request, state: Any) -> dict[str, Any]:
        needing = review.progress(review.eyes(request)).needing
        return {**state, "needing": needing, "disagreements": _disagreements(request), "settled": _settled()}

    def _disagreements(request: Request) -> int:
        return table.count_listed(Listing({"disagreed": ["1"]}), review.eyes(request))[0]

    def _settled() -> list[dict[str, Any]]:
        ended = table.settled()
        numbers = table.numbers_of([entry.candidate_id for entry, _ in ended])
        return [
            {
                "number": numbers[entry.candidate_id],
                "id": entry.candidate_id,
                "verdict": entry.action,
                "curator": entry.curator,
                "decided_at": entry.decided_at.isoformat(),
                "opinions": opinions,
            }
            for entry, opinions in ended
        ]

    return router
