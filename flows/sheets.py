"""Stage 5: contact sheets, so that a person sees at once what came out."""

from __future__ import annotations

import io
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from PIL import Image
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import AssetFolder, Table
from collection_db.rows import pieces
from curation.contact_sheets import grid_sheet
from flows.progress import meter
from flows.settings import Settings

ROWS = 24  # sources on one sheet


@flow(name="sheets", flow_run_name="sheets {collection}", validate_parameters=False)
async def sheets(collection: str) -> list[str]:
    """Draw all contact sheets; return their files.

    One a guidance scale and insertion step (sources down, styles across; several where there are many sources), and one
    of insertion steps x scales for a source and a style.
    """
    return draw_sheets(collection)


@task(name="contact sheets", cache_policy=NO_CACHE)
def draw_sheets(collection: str) -> list[str]:
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    frame = table.frame()
    frame = frame[frame["seed"] == (frame["seed"].iloc[0] if len(frame) else 0)]
    if frame.empty:
        return []
    sources = {row.id: row for row in table.sources()}
    folder = settings.sheets.with_name(f"{settings.sheets.name}.tmp-new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    variants = list(frame.groupby(["guidance_scale", "insertion_step"]))
    with meter("sheets", len(variants) + 1) as shown:
        for (scale, step), part in variants:
            pages = list(pieces(list(part["source"].unique()), ROWS))
            for number, page in enumerate(pages, start=1):
                sheet = _by_style(settings, assets, sources, part[part["source"].isin(page)], scale, step)
                tail = f"-{number:03}" if len(pages) > 1 else ""
                sheet.save(folder / f"scale-{scale:g}-step-{step}{tail}.png")
            shown.advance()
        _steps_by_scales(settings, assets, sources, frame).save(folder / "steps-by-scales.png")
        shown.advance()
    table.close()
    shutil.rmtree(settings.sheets, ignore_errors=True)
    folder.rename(settings.sheets)
    return [str(file) for file in sorted(settings.sheets.iterdir())]


def _by_style(settings: Settings, assets: AssetFolder, sources: Any, part: Any, scale: float, step: int) -> Image.Image:
    """Sources down, styles across, at one guidance scale and insertion step."""
    rows, styles = list(part["source"].unique()), list(part["style"].unique())
    cells, marks = _cells(assets, part, rows, "source", styles, "style")
    return grid_sheet(
        f"{settings.name}: guidance scale {scale:g}, insertion step {step} of {part['steps'].iloc[0]}",
        rows,
        styles,
        cells,
        [_picture(assets, sources[id].image_sha256) for id in rows],
        footer=_footer(part),
        marks=marks,
    )


def _steps_by_scales(settings: Settings, assets: AssetFolder, sources: Any, frame: Any) -> Image.Image:
    """Insertion steps down, guidance scales across, for the source and style with the most of both."""
    first = frame.groupby(["source", "style"], sort=False).size().idxmax()
    part = frame[(frame["source"] == first[0]) & (frame["style"] == first[1])]
    steps, scales = sorted(part["insertion_step"].unique()), sorted(part["guidance_scale"].unique())
    cells, marks = _cells(assets, part, steps, "insertion_step", scales, "guidance_scale")
    return grid_sheet(
        f'{first[0]}: "{part["prompt"].iloc[0]}"',
        [f"step {step}" for step in steps],
        [f"scale {scale:g}" for scale in scales],
        cells,
        footer=_footer(part),
        marks=marks,
        title_image=_picture(assets, sources[first[0]].image_sha256),
    )


def _cells(
    assets: AssetFolder, part: Any, rows: list[Any], row_key: str, columns: list[Any], column_key: str
) -> tuple[list[list[Image.Image | None]], list[list[str | None]]]:
    at: dict[tuple[Any, Any], Any] = defaultdict(lambda: None)
    for candidate in part.itertuples():
        at[getattr(candidate, row_key), getattr(candidate, column_key)] = candidate
    found = [[at[row, column] for column in columns] for row in rows]
    pictures = [[_picture(assets, cell.image_sha256) if cell else None for cell in line] for line in found]
    return pictures, [[_mark(cell) if cell else None for cell in line] for line in found]


def _mark(candidate: Any) -> str | None:
    if candidate.verdict in ("accept", "reject"):
        return f"{candidate.verdict}ed"
    return "near-source" if candidate.near_source is True else None


def _footer(part: Any) -> str:
    first = part.iloc[0]
    return (
        f"{first['model']}, {first['sampler']} {first['steps']} steps, {first['mode']} insertion, seed {first['seed']}"
    )


def _picture(assets: AssetFolder, sha256: str) -> Image.Image:
    return Image.open(io.BytesIO(assets.read(sha256)))


def sheet_files(settings: Settings) -> list[Path]:
    """The contact sheets that were drawn last."""
    return sorted(settings.sheets.glob("*.png"))
