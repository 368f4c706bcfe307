"""Is everything there that the table names, whole and as the table says? Looked at by `toadworks check`, which changes
nothing; `flows.repair` mends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from collection_db import Assets, Table
from collection_db.assets import Stored
from collection_db.checking import Fault
from errors import DamagedAsset, MissingAsset
from flows.progress import meter
from flows.settings import Settings

AT_ONCE = 8  # assets that are being read: each waits for disks and networks most of the time
LISTED = 20  # of a kind


@dataclass
class Findings:
    """What is not as it should be: of the table; assets that it names and that are missing or damaged; files among the
    assets that nothing names, and what dead writers left unfinished. `looked_at`: how many assets were read, or only
    looked for where `quick`."""

    faults: list[Fault] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    unreferenced: list[Stored] = field(default_factory=list)
    unfinished: list[Path] = field(default_factory=list)
    looked_at: int = 0
    quick: bool = False

    @property
    def clean(self) -> bool:
        """Nothing is wrong. Files that nothing names, or unfinished ones, do no harm: a writer that was killed leaves
        them."""
        return not (self.faults or self.missing or self.damaged)


def check(settings: Settings, quick: bool = False) -> Findings:
    """Look at the whole table and every asset; with `quick` do not read the assets, only see whether they are there.
    A run may go on meanwhile."""
    table, assets = Table.open(settings.database_url), settings.open_assets()
    found = Findings(quick=quick)
    with meter("table", table.counts()["candidates"]) as shown:
        found.faults = table.faults(shown.advance)
    # first what lies there, then what is named: what a run adds in between is on both lists
    stored = {one.sha256: one for one in assets.stored()}
    named = table.named_assets("all")
    found.missing = sorted(named.keys() - stored.keys())
    if found.missing:  # put since the listing?
        found.missing = [sha256 for sha256, state in _states(assets, found.missing) if state == "missing"]
    here = sorted(named.keys() & stored.keys())
    found.looked_at = len(here)
    if not quick:
        with meter("assets", len(here)) as shown:
            for sha256, state in _states(assets, here):
                shown.advance()
                if state == "damaged":
                    found.damaged.append(sha256)
                elif state == "missing":  # removed since the listing
                    found.missing.append(sha256)
    if found.missing or found.damaged:  # freed or replaced since the table was asked?
        still = table.named_assets("all")
        found.missing = [sha256 for sha256 in found.missing if sha256 in still]
        found.damaged = [sha256 for sha256 in found.damaged if sha256 in still]
    table.close()
    found.unfinished = list(assets.leftovers())
    found.unreferenced = sorted(
        (one for sha256, one in stored.items() if sha256 not in named), key=lambda one: one.where
    )
    return found


def _states(assets: Assets, wanted: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each asset and whether it is "whole", "missing" or "damaged"."""

    def state(sha256: str) -> tuple[str, str]:
        try:
            assets.read(sha256)
        except MissingAsset:
            return sha256, "missing"
        except DamagedAsset:
            return sha256, "damaged"
        return sha256, "whole"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(state, wanted)


def told(found: Findings) -> list[str]:
    """The findings for a person."""
    lines = [f"{found.looked_at:>8}  assets {'are there' if found.quick else 'read'}"]
    kinds = {
        "faults in the table": [f"{fault.id[:12]} {fault.told}".strip() for fault in found.faults],
        "assets missing": found.missing,
        "assets damaged": found.damaged,
        "files that nothing names": [f"{one.where}, {one.size:,} bytes" for one in found.unreferenced],
        "files left unfinished by writers that are gone": list(map(str, found.unfinished)),
    }
    for kind, listed in kinds.items():
        lines.append(f"{len(listed):>8}  {kind}")
        lines += [f"          {line}" for line in listed[:LISTED]]
        if len(listed) > LISTED:
            lines.append(f"          ... and {len(listed) - LISTED} more")
    return lines
