"""Terms, an account and a sender on a node of a new chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from minting.chain.node import Node
from minting.drop.calls import deployment
from minting.drop.journal import Journal
from minting.drop.sending import Sender, Waiting
from minting.drop.steps import Drop
from minting.drop.terms import Phase, Terms
from tests.chains import Anvil

QUICK = Waiting(pause=0.02, again=0.3, stalled=2.0, doubt=0.5, away=5.0)


def terms(**other: Any) -> Terms:
    given: dict[str, Any] = {
        "name": "Pond",
        "symbol": "POND",
        "supply": 100,
        "owner": "",
        "provenance": "ab" * 32,
        "base_uri": "ipfs://bafyplaceholder/",
        "contract_uri": "ipfs://bafycollection",
        "royalty_receiver": "",
        "royalty_basis_points": 500,
        "payees": {},
        "team": {},
        "presale": Phase(),
        "public": Phase(),
    }
    return Terms(**(given | other))


@dataclass
class Party:
    """An account that sends to a node, with a journal in a folder, which another `Sender` may go on with."""

    anvil: Anvil
    folder: Path
    account: Any
    network: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def node(self) -> Node:
        return self.anvil.node(**self.network)

    def sender(self, node: Node | None = None, waiting: Waiting = QUICK) -> Sender:
        return Sender(node or self.node(), Journal(self.folder), self.account, say=self.said.append, waiting=waiting)

    def deployed(self, given: Terms) -> Drop:
        sender = self.sender()
        done = sender.send(deployment(given, self.account.address))
        return Drop(sender.node, done.contract, given)


@pytest.fixture
def party(anvil: Anvil, tmp_path: Path) -> Party:
    return Party(anvil, tmp_path / "drop", anvil.fresh())


@pytest.fixture
def slow_anvil(anvil: Anvil) -> Anvil:
    """It mines only when it is told to."""
    anvil.ask("evm_setAutomine", False)
    return anvil
