"""How long does the grouping stage take, table and all? First, again with nothing new, and with one new batch.

    python benchmarks/grouping.py [--sources 2000] [--each 25] [--batch 1000]

A SQLite table of made-up candidates, `--each` of every source, with fingerprints around one centre a source, so that
most of a source's candidates are alike and a few look like another source's. No picture is made or read.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from collection_db import PlannedRecipe, Table
from flows.group import group_candidates
from flows.hashing import print_row
from flows.ingest import png
from flows.look_alikes import notes_on
from flows.settings import Settings
from similarity.prints import Prints
from styles.recipes import Recipe


class Pond:
    """A collection whose table is filled with numbers."""

    def __init__(self, folder: Path, sources: int) -> None:
        (folder / "images").mkdir()
        (folder / "collection.toml").write_text('[sources]\nimages = "images"\n', encoding="utf-8")
        self.settings = Settings.read(folder)
        self.table = Table.open(self.settings.database_url)
        self.rng = np.random.default_rng(1)
        one = self.settings.open_assets().put(png(Image.new("RGB", (36, 36), (9, 99, 9))))
        self.table.add_sources(
            {
                "id": f"{number:06}",
                "position": number,
                "file": f"{number}.png",
                "pixels_sha256": f"{number:064x}",
                "image_sha256": one,
                "width": 36,
                "height": 36,
            }
            for number in range(sources)
        )
        self.planned: list[PlannedRecipe] = []
        self.bits = self.rng.integers(0, 256, (sources, 32), dtype=np.uint8)
        self.colours = self.rng.normal(50, 8, (sources, 8, 8, 3)).astype(np.float32)
        self.greys = self.rng.integers(20, 230, (sources, 16, 16), dtype=np.uint8)
        twins = np.arange(0, sources - 1, 40)  # every fortieth source looks like the one before it
        for centres in (self.bits, self.colours, self.greys):
            centres[twins + 1] = centres[twins]

    def add(self, of: np.ndarray) -> list[str]:
        """A candidate for each number of a source."""
        new = []
        for source in of.tolist():
            recipe = Recipe(
                source_sha256=f"{source:064x}",
                prompt="a toad",
                guidance_scale=3.0,
                insertion_step=4,
                steps=15,
                seed=len(self.planned) + len(new),
                weights_sha256="0" * 64,
            )
            new.append(PlannedRecipe(recipe, f"{source:06}", "ink", "tadpole"))
        self.planned += new
        self.table.plan(self.planned)
        ids = [item.recipe.id for item in new]
        self.table.add_candidates({"id": id, "image_sha256": "0" * 64, "seconds": 1.0} for id in ids)
        flips = np.packbits(self.rng.random((len(of), 256)) < self.rng.uniform(0, 0.12, (len(of), 1)), axis=1)
        prints = Prints(
            self.bits[of] ^ flips,
            self.colours[of] + self.rng.normal(0, 1, (len(of), 1, 1, 3)).astype(np.float32),
            (self.greys[of] + self.rng.integers(0, 8, (len(of), 16, 16))).astype(np.uint8),
            np.full(len(of), 64, np.uint8),
        )
        self.table.set_fingerprints(
            {
                "id": id,
                **print_row(prints, number, self.settings.hashing),
                "flat": False,
                "structure": float(self.rng.random()),
                "source_bits": 99,
            }
            for number, id in enumerate(ids)
        )
        return ids


def timed(what: str, action: Any, *arguments: Any) -> None:
    start = time.perf_counter()
    told = action(*arguments)
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    shown = told if isinstance(told, int) else len(told)
    print(f"  {what:44} {took:8.2f} s   {shown:>8,}   peak {peak:.2f} GB", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sources", type=int, default=2000)
    asked.add_argument("--each", type=int, default=25, help="candidates of each source")
    asked.add_argument("--batch", type=int, default=1000, help="candidates that come later, of a tenth of the sources")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pond = Pond(Path(folder), given.sources)
        ids = pond.add(np.repeat(np.arange(given.sources), given.each))
        print(f"{len(ids):,} candidates of {given.sources:,} sources; seconds, and groups or notes:")
        timed("group, first", group_candidates, pond.settings)
        timed("group again, nothing new", group_candidates, pond.settings)
        pond.add(np.random.default_rng(2).integers(0, max(1, given.sources // 10), given.batch))
        timed(f"group a batch of {given.batch:,}", group_candidates, pond.settings)
        print(f"  twins: {len(pond.table.twins()):,} pairs")
        pond.table.accept_leaders("auto")
        timed("group after accepting leaders", group_candidates, pond.settings)
        timed("what `accept` tells of one", notes_on, ids[:1], pond.settings, pond.table)


if __name__ == "__main__":
    main()
