"""A chain inside this process: nothing to install, to start or to pay."""

from __future__ import annotations

import warnings

from minting.chain.networks import Network
from minting.chain.node import Node
from minting.ethereum import Account, LocalAccount, keeping_recursion_limit

CHAIN_ID = 131277322940537  # what eth-tester's chain calls itself
RICH = 10**24  # wei of every account


def inside_node(accounts: int = 10, seed: str = "") -> tuple[Node, list[LocalAccount]]:
    """A node of a new chain, and accounts that hold a million coins each. The chain mines a block for each transaction,
    at times that follow on its own clock."""
    with warnings.catch_warnings(), keeping_recursion_limit():
        warnings.simplefilter("ignore")  # of betas, on import
        from eth_tester import EthereumTester, PyEVMBackend
        from web3 import EthereumTesterProvider
    owners = [Account.create(f"{seed}{index}") for index in range(accounts)]
    state = {owner.address: {"balance": RICH, "nonce": 0, "code": b"", "storage": {}} for owner in owners}
    genesis = {bytes.fromhex(address[2:]): about for address, about in state.items()}
    tester = EthereumTester(PyEVMBackend(genesis_state=genesis))
    return Node(Network(name="inside", chain_id=CHAIN_ID, confirmations=0), EthereumTesterProvider(tester)), owners
