"""Drop.sol, compiled: what contracts/build.mjs wrote into the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
BUILT, INPUT = _FOLDER / "Drop.json", _FOLDER / "Drop.input.json"


@dataclass(frozen=True)
class Compiled:
    """`abi`: as solc gives it; `bytecode`: to deploy; `runtime`: what then lies on the chain, where `immutables` (id:
    places of 32 bytes) are filled in; `compiler`: solc's version; `contract`: what explorers ask the name of."""

    abi: list[dict[str, Any]]
    bytecode: str
    runtime: str
    immutables: Mapping[str, list[dict[str, int]]]
    compiler: str
    contract: str

    def is_code(self, code: bytes) -> bool:
        """Whether this is the contract's code on a chain, whatever its immutables are."""
        expected, found = bytearray.fromhex(self.runtime[2:]), bytearray(code)
        for place in (place for places in self.immutables.values() for place in places):
            for one in (expected, found):
                one[place["start"] : place["start"] + place["length"]] = bytes(place["length"])
        return expected == found


@cache
def compiled() -> Compiled:
    return Compiled(**json.loads(BUILT.read_text(encoding="utf-8")))
