"""Stage 2: sources and styles become planned recipes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from collection_db import PlannedRecipe, Table
from errors import NothingLeft
from flows.masking import ASSET_SUFFIX, Masks, mask_name, masks_of
from flows.progress import say
from flows.settings import Settings
from glide.models import weights_hashes
from styles.grid import Cell, Grid
from styles.near import near
from styles.recipes import Recipe

SHORT = 8  # digits of an id


@flow(name="pair", flow_run_name="pair {collection}", validate_parameters=False, persist_result=False)
async def pair(collection: str) -> tuple[int, int, list[tuple[str, str]]]:
    """Plan the grid: how many recipes are new, how many were there, and (file, reason) of masks that cannot be used."""
    return plan_recipes(collection)


@task(name="plan recipes", cache_policy=NO_CACHE)
def plan_recipes(collection: str) -> tuple[int, int, list[tuple[str, str]]]:
    settings = Settings.read(collection)
    table, assets = Table.open(settings.database_url), settings.open_assets()
    sources = [(row.id, row.pixels_sha256) for row in table.present_sources()]
    if not sources:
        raise NothingLeft(f"{settings.images}: there are no sources to pair; see `toadworks status`")
    masks, skipped = masks_of(settings, [id for id, _ in sources])
    for mask in set(masks.values()):
        if isinstance(mask, bytes):
            assets.put(mask, ASSET_SUFFIX)
    for file, reason in skipped:
        say(f"skipped {file}: {reason}")
    if not masks:
        raise NothingLeft(
            f"{settings['inpainting']['mask']}: no source has a mask that can be used; nothing is planned"
        )
    for warning in warnings(settings):
        say(warning)
    new, known = table.plan(_Plan(settings, sources, masks, more_like(table, settings)))
    table.close()
    return new, known, skipped


@dataclass(frozen=True)
class _Plan:
    """The recipes of the grid. They can be walked again, and are never all in memory."""

    settings: Settings
    sources: list[tuple[str, str]]
    masks: Masks
    liked: list[PlannedRecipe]

    def __iter__(self) -> Iterator[PlannedRecipe]:
        for cell in cells(self.settings, self.sources, self.masks):
            yield PlannedRecipe(cell.recipe, cell.source_id, cell.style, self.settings.model.name)
        yield from self.liked


def more_like(table: Table, settings: Settings) -> list[PlannedRecipe]:
    """The candidates of which curators asked for more, and the recipes near them. Of one that other weights made, or
    whose source is gone, there can be no more: it is told of."""
    present = {row.id for row in table.present_sources()}
    hashes = weights_hashes(settings.model, settings.parts)
    planned = []
    for row in table.asked_for_more():
        recipe = Recipe.from_json(row.json)
        if row.source_id not in present or recipe.weights_sha256 != hashes.base:
            say(f"no more like {row.id[:SHORT]}: its source is gone, or other weights made it")
            continue
        planned += [PlannedRecipe(one, row.source_id, row.style, row.model) for one in (recipe, *near(recipe))]
    return planned


def cells(settings: Settings, sources: list[tuple[str, str]], masks: Masks) -> Iterable[Cell]:
    """The grid's cells over (id, SHA-256 of pixels) sources, or the sample of it that the settings ask for. Sources
    that `masks` leaves out take no part."""
    grid = grid_of(settings, sources, masks)
    count = settings["grid"]["sample"]
    return grid.sample(count, settings["grid"]["sample_seed"]) if count else grid.cells()


def grid_of(settings: Settings, sources: list[tuple[str, str]], masks: Masks) -> Grid:
    hashes = weights_hashes(settings.model, settings.parts)
    options = settings.options
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
        precision=settings.parts.precision,
        prepare=settings["sources"]["prepare"],
        backdrop=settings["sources"]["backdrop"],
        **asdict(options),
    )
    return Grid(
        sources=[source for source in sources if source[0] in masks],
        styles=settings.styles,
        seeds=list(dict.fromkeys(settings["grid"]["seeds"])),
        base=base,
        masks={id: mask_name(mask) for id, mask in masks.items()},
    )


def warnings(settings: Settings) -> list[str]:
    """What users should know before time is spent: what the model is not for, which words it does not get to read, and
    what will come out the same."""
    spec, parts = settings.model, settings.parts
    told = [f"model {spec.name}: {spec.warning}"] if spec.warning else []
    readers = [(spec.name, spec.tokens(), spec.base.unet.text_context, "{prompt}")]
    if parts.upsampled and spec.upsample:
        template = settings.options.upsampler_prompt
        readers.append((f"{spec.name}'s upsampler", spec.tokens(), spec.upsample.unet.text_context, template))
    if parts.clip and spec.clip:
        readers.append((f"{spec.name}'s CLIP", spec.clip_tokens(), spec.clip.text.context, "{prompt}"))
    for reader, tokens, context, template in readers:
        for style in settings.styles:
            prompt = template.replace("{prompt}", style.prompt)
            if lost := tokens(prompt, context).lost:
                words = " ".join(prompt.split()[-len(lost.split()) :])  # whole ones: the first may be cut in two
                told.append(f"the prompt of {style.name!r} is longer than {reader} reads; lost: {words}")
    from_nothing = [style.name for style in settings.styles if 0 in style.insertion_steps]
    if from_nothing and not parts.masked:
        told.append(
            "insertion step 0 leaves nothing of a source: one scale and seed give the same picture from every source "
            f"({', '.join(from_nothing)})"
        )
    return told
