"""Collections that were exported and may be dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.export import write_tokens
from flows.settings import Settings
from tests.chains import Anvil
from tests.flows.ponds import Pond, drawing

BEGAN, ENDS = "2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
RELEASE = """[sources]
images = "images"
[release]
image_size = 64
symbol = "POND"
royalty_basis_points = 500
royalty_recipient = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
"""


def exported(folder: Path, tokens: int, *, placeholder: bool = True) -> Path:
    """A collection with so many tokens, and its release."""
    (folder / "images").mkdir(parents=True)
    (folder / "collection.toml").write_text(RELEASE, encoding="utf-8")
    held = Pond(Settings.read(folder), [drawing(0), drawing(1)])
    held.table.decide(held.add([(0, drawing(number)) for number in range(5, 5 + tokens)]), "accept", "ann")
    held.table.close()
    write_tokens.fn(str(folder / "collection.toml"), False, placeholder)
    return folder


def with_drop(folder: Path, networks: Mapping[str, Anvil], more: str = "", **drop: Any) -> Settings:
    """The collection with these keys of [drop], and networks; `more`: lines for each of them."""
    lines = [RELEASE, "[drop]", *(f"{key} = {_toml(value)}" for key, value in drop.items())]
    for name, anvil in networks.items():
        about = {"chain_id": anvil.chain_id, "rpc": anvil.url, "confirmations": 0, "coin": "POL", "coin_price": 0.5}
        lines += [f"[networks.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in about.items()), more]
    (folder / "collection.toml").write_text("\n".join(lines), encoding="utf-8")
    return Settings.read(folder)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)
