"""Solidity that tests and benchmarks bring along, compiled by npm's solc."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CONTRACTS = Path(__file__).parents[2] / "contracts"
SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": "cancun",
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
}


@dataclass(frozen=True)
class Built:
    abi: list[dict[str, Any]]
    bytecode: str


def no_compiler() -> str:
    """Why nothing can be compiled here; empty where it can."""
    if shutil.which("node") and (CONTRACTS / "node_modules" / "solc").is_dir():
        return ""
    return "no compiler: `npm install --prefix contracts --no-package-lock`"


@cache
def build(source: str) -> dict[str, Built]:
    """The contracts of a source, by name, with Drop.sol's settings. Raises ValueError with what solc says."""
    question = {"language": "Solidity", "sources": {"own.sol": {"content": source}}, "settings": SETTINGS}
    command = ["node", str(CONTRACTS / "solc.mjs"), "--standard-json"]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    if errors := [one["formattedMessage"] for one in answer.get("errors", []) if one["severity"] == "error"]:
        raise ValueError("\n".join(errors))
    return {
        name: Built(about["abi"], f"0x{about['evm']['bytecode']['object']}")
        for name, about in answer["contracts"]["own.sol"].items()
    }
