"""The candidates as a pandas frame, whose columns and types are the same however few rows there are."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd  # type: ignore[import-untyped, unused-ignore]
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from collection_db.rows import shown
from collection_db.schema import candidates, mints, recipes, tagged, tokens

MOMENT = "datetime64[us, UTC]"
COLUMNS: dict[str, str] = {
    "id": "str",
    "source": "str",
    "style": "str",
    "prompt": "str",
    "guidance_scale": "float64",
    "insertion_step": "int64",
    "mode": "str",
    "seed": "int64",
    "sampler": "str",
    "steps": "int64",
    "model": "str",
    "structure": "float64",
    "score": "float64",
    "clip_score": "float64",
    "sample_scores": "str",
    "flat": "boolean",
    "source_bits": "Int64",
    "unchanged": "boolean",
    "copy_of": "str",
    "earlier": "str",
    "leader": "str",
    "twin": "str",
    "verdict": "str",
    "curator": "str",
    "decided_at": MOMENT,
    "disagreed": "bool",
    "stars": "int64",
    "tags": "str",
    "note": "str",
    "name": "str",
    "entries": "int64",
    "token": "Int64",
    "minted": "str",
    "image_sha256": "str",
    "made_at": MOMENT,
    "planned": "bool",
}


def candidate_frame(connection: Connection, everything: bool) -> pd.DataFrame:
    """One row a candidate with the columns and types of `COLUMNS`, in order of position, then id."""
    statement = (
        sa.select(
            candidates.c.id,
            candidates.c.source_id,
            candidates.c.style,
            recipes.c.prompt,
            recipes.c.guidance_scale,
            recipes.c.insertion_step,
            recipes.c.mode,
            recipes.c.seed,
            recipes.c.sampler,
            recipes.c.steps,
            recipes.c.model,
            candidates.c.structure,
            candidates.c.score,
            candidates.c.clip_score,
            candidates.c.samples,
            candidates.c.flat,
            candidates.c.source_bits,
            candidates.c.unchanged,
            candidates.c.copy_of,
            candidates.c.earlier,
            candidates.c.leader_id,
            candidates.c.twin_id,
            candidates.c.verdict,
            candidates.c.curator,
            candidates.c.decided_at,
            candidates.c.disagreed,
            candidates.c.stars,
            sa.literal("").label("tags"),
            candidates.c.note,
            candidates.c.name,
            candidates.c.entries,
            tokens.c.number,
            sa.literal("").label("minted"),
            candidates.c.image_sha256,
            candidates.c.made_at,
            recipes.c.planned,
        )
        .join(recipes, recipes.c.id == candidates.c.id)
        .outerjoin(tokens, tokens.c.candidate_id == candidates.c.id)
        .order_by(candidates.c.position, candidates.c.id)
    )
    if not everything:
        statement = statement.where(shown())
    rows = connection.execute(statement).all()
    values: Sequence[Sequence[object]] = list(zip(*map(_as_text, rows), strict=True)) or [()] * len(COLUMNS)
    columns = zip(COLUMNS.items(), values, strict=True)
    frame = pd.DataFrame({name: pd.Series(list(column), dtype=dtype) for (name, dtype), column in columns})
    tags: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(tagged)):
        tags.setdefault(row.candidate_id, []).append(row.tag)
    frame["tags"] = frame["id"].map(lambda id: json.dumps(sorted(tags.get(id, ())), ensure_ascii=False)).astype("str")
    minted: dict[int, dict[str, str]] = {}
    for row in connection.execute(sa.select(mints).order_by(mints.c.contract)):
        minted.setdefault(row.number, {})[row.contract] = row.tx
    told = [json.dumps(minted.get(int(number), {})) if pd.notna(number) else "{}" for number in frame["token"]]
    frame["minted"] = pd.Series(told, index=frame.index, dtype="str")
    return frame


def _as_text(row: Sequence[object]) -> list[object]:
    """The scores of drawn samples as JSON, so that they fit into a column of a CSV."""
    return [json.dumps(value, sort_keys=True) if isinstance(value, dict) else value for value in row]
