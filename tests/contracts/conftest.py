"""Drops on two chains: py-evm in this process, and anvil, a real node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minting.chain.inside import inside_node
from tests.chains import Anvil, accounts
from tests.contracts.drops import Chain, Drop
from tests.contracts.solidity import no_compiler


@pytest.fixture(scope="session")
def inside() -> Chain:
    node, owners = inside_node(6)
    return Chain(node.web3, owners)


@pytest.fixture(scope="session")
def on_anvil(anvil_binary: Any) -> Iterator[Chain]:
    node = Anvil(anvil_binary)
    yield Chain(node.node().web3, accounts(6), real=True)
    node.stop()


@pytest.fixture(params=["inside", "on_anvil"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return request.getfixturevalue(request.param)


@pytest.fixture
def make_drop(chain: Chain) -> Callable[..., Drop]:
    """make_drop(**terms): a drop of its own on the chain."""
    return lambda **terms: Drop(chain, **terms)


@pytest.fixture(scope="session")
def untouched() -> dict[bool, Drop]:
    """A drop on each chain that was used so far."""
    return {}


@pytest.fixture
def drop(chain: Chain, untouched: dict[bool, Drop]) -> Iterator[Drop]:
    """As it is just after its deployment, to which the chain goes back after each test."""
    if chain.real not in untouched:
        untouched[chain.real] = Drop(chain)
        chain.tell("evm_mine")  # to go back is to run the last block once more: an empty one
    taken = chain.tell("evm_snapshot")
    yield untouched[chain.real]
    chain.tell("evm_revert", taken)


@pytest.fixture
def compiler() -> None:
    from tests.conftest import missing

    if told := no_compiler():
        missing(told)
