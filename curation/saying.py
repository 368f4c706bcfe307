"""Routes by which curators decide. A step is sent under a name of its own: sent twice it is said once, so a page may
send again whatever was not acknowledged."""

from __future__ import annotations

from typing import Any, Literal, Self

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator
from starlette.datastructures import QueryParams

from collection_db.deciding import Said
from curation import answers
from curation.guarding import curator_of
from curation.looking import MOST_ROWS, rows_of
from curation.review import Review
from errors import BadValue, UnknownCandidate, UnknownEntry

MOST_TOLD = 1_000  # numbers of candidates in an answer


class Statement(BaseModel):
    """What is said of a candidate."""

    number: int
    action: str
    value: str = ""
    note: str = ""
    settles: bool = False


class Step(BaseModel):
    """What is said at once, or else which earlier step is taken back: by its name, or None for one's last."""

    request: str = Field(min_length=8, max_length=200)
    said: list[Statement] | None = Field(None, min_length=1, max_length=5_000)
    undo: str | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        """So that a step of which something was lost takes nothing back."""
        if (self.said is not None) == ("undo" in self.model_fields_set):
            raise ValueError('a step has either "said" or "undo"')
        return self


class Steps(BaseModel):
    steps: list[Step] = Field(max_length=200)


class Everything(BaseModel):
    """One verdict of all candidates of a view. `count`: how many the person was told they are."""

    request: str = Field(min_length=8, max_length=200)
    view: str
    action: Literal["accept", "reject", "undecide"]
    only_needing: bool = True
    count: int


def saying(review: Review) -> APIRouter:
    router, table = APIRouter(), review.table

    @router.post("/api/say")
    def say(request: Request, given: Steps) -> dict[str, Any]:
        curator = curator_of(request)
        done: list[dict[str, Any]] = []
        for step in given.steps:
            try:
                added = _undo(review, step, curator) if step.said is None else _record(review, step, curator)
                done.append({"request": step.request, "added": added, "numbers": _concerned(review, step)})
            except (BadValue, UnknownCandidate, UnknownEntry) as error:  # for good: sent again it would be no better
                done.append({"request": step.request, "added": 0, "numbers": [], "error": str(error)})
        numbers = list(dict.fromkeys(number for step in done for number in step["numbers"]))
        return {"done": done, "rows": rows_of(review, request, numbers[:MOST_ROWS]), **_after(review, request)}

    @router.post("/api/say_all", response_model=None)
    def say_all(request: Request, given: Everything) -> dict[str, Any] | JSONResponse:
        listing, eyes = answers.listing_of(QueryParams(given.view)), review.eyes(request)
        entries = table.said_in(given.request)
        if not entries:
            ids = table.ids_of(listing, eyes, given.only_needing)
            if len(ids) != given.count:
                told = f"these are {len(ids)} by now, not {given.count}"
                return JSONResponse({"error": told, "count": len(ids)}, 409)
            table.decide(ids, given.action, eyes.curator, request=given.request)
            entries = table.said_in(given.request)
        numbers = table.numbers_of([entry.candidate_id for entry in entries[:MOST_TOLD]])
        return {"added": len(entries), "numbers": list(numbers.values()), **_after(review, request)}

    return router


def _record(review: Review, step: Step, curator: str) -> int:
    assert step.said is not None
    ids = review.table.ids_by_number([one.number for one in step.said])
    for one in step.said:
        if one.number not in ids:
            raise UnknownCandidate(str(one.number), "there is no candidate of this number")
    said = [Said(ids[one.number], one.action, one.value, one.note, one.settles) for one in step.said]
    return review.table.record(said, curator, step.request)


def _undo(review: Review, step: Step, curator: str) -> int:
    table = review.table
    if table.said_in(step.request):
        return 0  # and was acknowledged, but the answer was lost
    if step.undo is None:
        numbers = table.last_step(curator)
        if not numbers:
            return 0  # nothing is left: no error, who goes back and back comes to it
    else:
        entries = table.step(step.undo)
        if any(who != curator for _, who in entries):
            raise BadValue("step", step.undo, "one of your own")
        numbers = [number for number, _ in entries]
    if not numbers:
        raise BadValue("undo", step.undo, "a step of yours that stands")
    return table.undo(numbers, curator, request=step.request)


def _concerned(review: Review, step: Step) -> list[int]:
    """The numbers of the candidates that a step speaks of, whether or not it changed anything."""
    if step.said is not None:
        return list(dict.fromkeys(one.number for one in step.said))[:MOST_TOLD]
    ids = list(dict.fromkeys(entry.candidate_id for entry in review.table.said_in(step.request)))
    return list(review.table.numbers_of(ids[:MOST_TOLD]).values())


def _after(review: Review, request: Request) -> dict[str, Any]:
    """How it stands now."""
    eyes = review.eyes(request)
    return {
        "progress": answers.progress(review.progress(eyes), review.supply),
        "newest": answers.newest(review.table.newest()),
    }
