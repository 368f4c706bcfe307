"""Stage 5: contact sheets, so that a person sees at once what came out."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import Table
from collection_db.rows import pieces
from curation.contact_sheets import grid_sheet
from flows.look_alike_sheets import draw_look_alikes, save_sheet
from flows.progress import meter, say
from flows.settings import Settings
from flows.sources import Pictures

ROWS = 24  # sources on one sheet
STEPS_BY_SCALES = "steps-by-scales.png"


@flow(name="sheets", flow_run_name="sheets {collection}", validate_parameters=False, persist_result=False)
async def sheets(collection: str) -> list[str]:
    """Draw all contact sheets; return their files.

    One a guidance scale and insertion step (sources down, styles across; several where there are many sources), one of
    insertion steps x scales for a source and a style, and those of look-alikes.
    """
    return draw_sheets(collection)


@task(name="contact sheets", cache_policy=NO_CACHE)
def draw_sheets(collection: str) -> list[str]:
    settings = Settings.read(collection)
    table, pictures = Table.open(settings.database_url), Pictures(settings.open_assets())
    frame = planned_candidates(table)
    if frame.empty:
        table.close()
        return [str(file) for file in draw_look_alikes(settings)]
    sources = {row.id: row for row in table.sources()}
    table.close()
    settings.sheets.mkdir(parents=True, exist_ok=True)
    drawn: list[Path] = []
    variants = list(frame.groupby(["guidance_scale", "insertion_step", "seed"]))
    several_seeds = frame["seed"].nunique() > 1
    with meter("sheets", len(variants) + 1) as shown:
        for (scale, step, seed), part in variants:
            name = f"scale-{scale:g}-step-{step}" + (f"-seed-{seed}" if several_seeds else "")
            pages = list(pieces(list(part["source"].unique()), ROWS))
            for number, page in enumerate(pages, start=1):
                sheet = _by_style(settings, pictures, sources, part[part["source"].isin(page)])
                drawn.append(
                    save_sheet(sheet, settings.sheets / f"{name}{f'-{number:03}' if len(pages) > 1 else ''}.png")
                )
            shown.advance()
        one_seed = frame[frame["seed"] == frame["seed"].iloc[0]]
        drawn.append(save_sheet(_steps_by_scales(pictures, sources, one_seed), settings.sheets / STEPS_BY_SCALES))
        shown.advance()
    if told := pictures.told():
        say(told)
    drawn += draw_look_alikes(settings)
    # only what an earlier run drew goes: the folder is the user's
    for file in set(settings.sheets.glob("scale-*-step-*.png")) - set(drawn):
        file.unlink()
    return [str(file) for file in drawn]


def planned_candidates(table: Table) -> Any:
    """The table's frame without candidates that were decided under an earlier plan."""
    frame = table.frame()
    return frame[frame["planned"]]


def _by_style(settings: Settings, pictures: Pictures, sources: Any, part: Any) -> Image.Image:
    """Sources down, styles across, at one guidance scale and insertion step."""
    first = part.iloc[0]
    rows, styles = list(part["source"].unique()), list(part["style"].unique())
    cells, marks = _cells(pictures, part, rows, "source", styles, "style")
    return grid_sheet(
        f"{settings.name}: guidance scale {first['guidance_scale']:g}, "
        f"insertion step {first['insertion_step']} of {first['steps']}",
        rows,
        styles,
        cells,
        [pictures.get(sources[id].image_sha256) for id in rows],
        footer=_footer(part),
        marks=marks,
    )


def _steps_by_scales(pictures: Pictures, sources: Any, frame: Any) -> Image.Image:
    """Insertion steps down, guidance scales across, for the source and style with the most of both."""
    first = frame.groupby(["source", "style"], sort=False).size().idxmax()
    part = frame[(frame["source"] == first[0]) & (frame["style"] == first[1])]
    steps, scales = sorted(part["insertion_step"].unique()), sorted(part["guidance_scale"].unique())
    cells, marks = _cells(pictures, part, steps, "insertion_step", scales, "guidance_scale")
    return grid_sheet(
        f'{first[0]}: "{part["prompt"].iloc[0]}"',
        [f"step {step}" for step in steps],
        [f"scale {scale:g}" for scale in scales],
        cells,
        footer=_footer(part),
        marks=marks,
        title_image=pictures.get(sources[first[0]].image_sha256),
    )


def _cells(
    pictures: Pictures, part: Any, rows: list[Any], row_key: str, columns: list[Any], column_key: str
) -> tuple[list[list[Image.Image | None]], list[list[str | None]]]:
    at: dict[tuple[Any, Any], Any] = defaultdict(lambda: None)
    for candidate in part.itertuples():
        at[getattr(candidate, row_key), getattr(candidate, column_key)] = candidate
    found = [[at[row, column] for column in columns] for row in rows]
    drawn = [[pictures.get(cell.image_sha256) if cell else None for cell in line] for line in found]
    return drawn, [[_mark(cell) if cell else None for cell in line] for line in found]


def _mark(candidate: Any) -> str | None:
    if candidate.verdict in ("accept", "reject"):
        return f"{candidate.verdict}ed"
    if candidate.unchanged is not pd.NA and candidate.unchanged:
        return "unchanged"
    return "look-alike" if any(map(pd.notna, (candidate.copy_of, candidate.earlier, candidate.twin))) else None


def _footer(part: Any) -> str:
    first = part.iloc[0]
    return (
        f"{first['model']}, {first['sampler']} {first['steps']} steps, {first['mode']} insertion, seed {first['seed']}"
    )
