"""Routes by which a view is taken home: CSV and Parquet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from curation import answers
from curation.review import Review

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

HIDDEN_AS = {
    "verdict": "undecided",
    "curator": None,
    "decided_at": None,
    "disagreed": False,
    "stars": 0,
    "tags": "[]",
    "note": "",
    "name": "",
    "entries": 0,
}


def files(review: Review) -> APIRouter:
    router = APIRouter()

    @router.get("/export.csv")
    def csv(request: Request) -> Response:
        text = _frame(review, request).to_csv(index=False)
        return _download(text.encode(), "text/csv; charset=utf-8", "candidates.csv")

    @router.get("/export.parquet")
    def parquet(request: Request) -> Response:
        packed = io.BytesIO()
        _frame(review, request).to_parquet(packed)
        return _download(packed.getvalue(), "application/vnd.apache.parquet", "candidates.parquet")

    return router


def _frame(review: Review, request: Request) -> pd.DataFrame:
    """The candidates of a view in its order, with what this curator may see of them."""
    eyes = review.eyes(request)
    ids = review.table.ids_of(answers.listing_of(request.query_params), eyes)
    frame = review.table.frame().set_index("id", drop=False)
    frame = frame.loc[[id for id in ids if id in frame.index]].reset_index(drop=True)
    hidden = frame["id"].isin(review.table.hidden_ids(eyes))
    for column, value in HIDDEN_AS.items():
        frame.loc[hidden, column] = value
    return frame


def _download(data: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type=kind, headers=headers)
