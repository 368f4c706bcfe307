"""Collections that were exported and may be dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.export import write_tokens
from flows.settings import Settings
from tests.flows.ponds import Pond, drawing

ALWAYS = {"start": "2026-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
PASSWORD = "a pond at night"


def dropped(folder: Path, tokens: int, *, placeholder: bool = True, networks: Any = (), **drop: Any) -> Settings:
    """A collection with so many tokens, exported. `networks`: anvils, by name; `drop`: keys of [drop]."""
    (folder / "images").mkdir(parents=True)
    lines = ['[sources]\nimages = "images"', "[release]\nimage_size = 64", 'symbol = "POND"']
    lines += ["[drop]", *(f"{key} = {_toml(value)}" for key, value in drop.items())]
    for name, anvil in dict(networks).items():
        about = {"chain_id": anvil.chain_id, "rpc": anvil.url, "confirmations": 0, "coin": "POL", "coin_price": 0.5}
        lines += [f"[networks.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in about.items())]
    (folder / "collection.toml").write_text("\n".join(lines), encoding="utf-8")
    held = Pond(Settings.read(folder), [drawing(0), drawing(1)])
    held.table.decide(held.add([(0, drawing(number)) for number in range(5, 5 + tokens)]), "accept", "ann")
    held.table.close()
    write_tokens.fn(str(folder / "collection.toml"), False, placeholder)
    return Settings.read(folder)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)
