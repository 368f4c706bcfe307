"""Stage 2: sources and styles become planned recipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import AssetFolder, PlannedRecipe, Table
from errors import NothingLeft
from flows.masking import SUFFIX, drawn_masks, mask_name
from flows.progress import say
from flows.settings import Settings
from glide.masks import MASKS
from glide.models import weights_hashes
from styles.grid import Cell, Grid
from styles.recipes import Recipe


@flow(name="pair", flow_run_name="pair {collection}", validate_parameters=False)
async def pair(collection: str) -> tuple[int, int, list[tuple[str, str]]]:
    """Plan the grid: how many recipes are new, how many were there, and (file, reason) of masks that cannot be used."""
    return plan_recipes(collection)


@task(name="plan recipes", cache_policy=NO_CACHE)
def plan_recipes(collection: str) -> tuple[int, int, list[tuple[str, str]]]:
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), AssetFolder(settings.assets)
    sources = [(row.id, row.pixels_sha256) for row in table.present_sources()]
    if not sources:
        raise NothingLeft(f"{settings.images}: there are no sources to pair; see `toadworks status`")
    masks, skipped = drawn_masks(settings, [id for id, _ in sources])
    for data in masks.values():
        assets.put(data, SUFFIX)
    for file, reason in skipped:
        say(f"skipped {file}: {reason}")
    for style, lost in cut_prompts(settings):
        say(f"the prompt of {style!r} is longer than {settings.model.name} reads; lost: {lost}")
    planned = (
        PlannedRecipe(cell.recipe, cell.source_id, cell.style, settings.model.name)
        for cell in cells(settings, sources, masks)
    )
    new, known = table.plan(planned)
    table.close()
    return new, known, skipped


def cells(settings: Settings, sources: list[tuple[str, str]], masks: Mapping[str, bytes]) -> Iterable[Cell]:
    """The grid's cells over (id, SHA-256 of pixels) sources, or the sample of it that the settings ask for. Where masks
    are drawn, sources without one are left out."""
    grid = grid_of(settings, sources, masks)
    count = settings["grid"]["sample"]
    return grid.sample(count, settings["grid"]["sample_seed"]) if count else grid.cells()


def grid_of(settings: Settings, sources: list[tuple[str, str]], masks: Mapping[str, bytes]) -> Grid:
    hashes = weights_hashes(settings.model, settings.parts)
    options, mask = settings.options, settings["inpainting"]["mask"]
    drawn = bool(mask) and mask not in MASKS
    base = Recipe(
        source_sha256="",
        prompt="",
        guidance_scale=0.0,
        insertion_step=0,
        seed=0,
        weights_sha256=hashes.base,
        # CLIP scores of finished images change no pixel
        clip_sha256=hashes.clip if options.clip_scale or options.scorer == "clip" else "",
        upsampler_sha256=hashes.upsampler,
        mode=settings["grid"]["mode"],
        mask="" if drawn else mask,
        precision=settings.parts.precision,
        prepare=settings["sources"]["prepare"],
        backdrop=settings["sources"]["backdrop"],
        **asdict(options),
    )
    return Grid(
        sources=[source for source in sources if not drawn or source[0] in masks],
        styles=settings.styles,
        seeds=list(dict.fromkeys(settings["grid"]["seeds"])),
        base=base,
        masks={id: mask_name(data) for id, data in masks.items()},
    )


def cut_prompts(settings: Settings) -> list[tuple[str, str]]:
    """(style, the words of its prompt that the model does not get to read whole), of prompts that are too long."""
    tokens, context = settings.model.tokens(), settings.model.base.unet.text_context
    cut = []
    for style in settings.styles:
        if lost := tokens(style.prompt, context).lost:
            cut.append((style.name, " ".join(style.prompt.split()[-len(lost.split()) :])))
    return cut
