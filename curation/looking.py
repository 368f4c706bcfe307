"""Routes that tell of candidates: lists, rows, histories, what changed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request, Response

from collection_db.filtering import CHOICES
from curation import answers
from curation.guarding import csrf_of, curator_of
from curation.review import Review
from curation.sessions import session_of
from errors import BadValue, UnknownCandidate

MOST_ROWS = 200


def looking(review: Review) -> APIRouter:
    router, table = APIRouter(), review.table

    @router.get("/api/setup")
    def setup(request: Request) -> dict[str, Any]:
        curator, styles, tags = curator_of(request), table.styles_shown(), table.all_tags()
        known = {"style": styles, "tag": tags, "verdict": CHOICES["verdict"]}
        return {
            "collection": review.collection,
            "curator": curator,
            "others": [name for name in table.curators() if name != curator],
            "can_log_out": not session_of(request).local,
            "blind": review.blind,
            "supply": review.supply,
            "csrf": csrf_of(request),
            "version": review.version,
            "styles": styles,
            "sources": len(table.present_sources()),
            "tags": tags,
            "columns": answers.columns(known),
            "newest": answers.newest(table.newest()),
        }

    @router.get("/api/list")
    def whole_list(request: Request, limit: int | None = Query(None, ge=1)) -> Response:
        newest = table.newest()  # before the list: what comes meanwhile is told as news, rather than never
        query = request.query_params
        listed = table.listed(answers.listing_of(query), review.eyes(request), query.get("layout", "grid"), limit)
        return Response(answers.packed(listed, newest), media_type="application/octet-stream")

    @router.get("/api/count")
    def count(request: Request) -> dict[str, int]:
        found, needing = table.count_listed(answers.listing_of(request.query_params), review.eyes(request))
        return {"count": found, "needing": needing}

    @router.get("/api/rows")
    def rows(request: Request, numbers: str = "") -> dict[str, Any]:
        return {"rows": rows_of(review, request, _numbers(numbers))}

    @router.get("/api/history/{number}")
    def history(request: Request, number: int) -> dict[str, Any]:
        ids = table.ids_by_number([number])
        if number not in ids:
            raise UnknownCandidate(str(number), "there is no candidate of this number")
        return {"entries": [answers.entry(told) for told in table.told_of(ids[number], review.eyes(request))]}

    @router.get("/api/changes")
    def changes(request: Request, entry: int = Query(ge=0), candidate: int = Query(ge=0)) -> dict[str, Any]:
        newest = table.newest()
        changed = table.changed_since(entry, review.eyes(request)) if newest[0] > entry else []
        return {
            "newest": answers.newest(newest),
            "changed": changed or [],
            "all": changed is None,
            "candidates": max(0, newest[1] - candidate),
        }

    return router


def rows_of(review: Review, request: Request, numbers: list[int]) -> list[dict[str, Any]]:
    """What the page shows of these candidates."""
    eyes = review.eyes(request)
    seen = review.table.seen(numbers, eyes)
    flags = review.table.flags_of([one.row.number for one in seen], eyes)
    return [answers.row(one, flags[one.row.number]) for one in seen]


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(one) for one in text.split(",") if one]
    except ValueError:
        raise BadValue("numbers", text[:40], "numbers of candidates with commas between them") from None
    if len(numbers) > MOST_ROWS:
        raise BadValue("numbers", len(numbers), f"{MOST_ROWS} at most")
    return numbers
