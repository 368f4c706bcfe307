"""A chain inside this process: nothing to install, to start or to pay."""

from __future__ import annotations

import ast
import secrets
import warnings
from collections.abc import Iterable
from typing import Any

from eth_utils.crypto import keccak

from minting.chain.networks import Network
from minting.chain.node import Node
from minting.ethereum import Account, LocalAccount, keeping_recursion_limit

with warnings.catch_warnings(), keeping_recursion_limit():
    warnings.simplefilter("ignore")  # of betas, on import
    from eth_tester import EthereumTester, PyEVMBackend
    from eth_tester.exceptions import TransactionFailed
    from web3 import EthereumTesterProvider
    from web3.exceptions import ContractLogicError

CHAIN_ID = 131277322940537  # what eth-tester's chain calls itself
RICH = 10**24  # wei of every account


class _Provider(EthereumTesterProvider):
    """What a contract says when it reverts comes as bytes, as nodes give it, and not as their description."""

    def make_request(self, method: Any, params: Any) -> Any:
        try:
            return super().make_request(method, params)
        except TransactionFailed as error:
            said: Any = error.__context__
            while isinstance(said, Exception) and said.args:  # it comes wrapped, once or twice
                said = said.args[0]
            if isinstance(said, str) and said.startswith(("b'", 'b"')):  # or as Python would write it
                said = ast.literal_eval(said)
            data = "0x" + said.hex() if isinstance(said, bytes) else None
            raise ContractLogicError(str(error), data) from None


def inside_node(accounts: int = 10, rich: Iterable[str] = (), seed: str = "") -> tuple[Node, list[LocalAccount]]:
    """A node of a new chain, and accounts that hold a million coins each, as the addresses `rich` do; `seed`: for the
    same accounts every time. The chain mines a block for each transaction, at times that follow on its own clock."""
    keys = [keccak(text=f"{seed}{index}") if seed else secrets.token_bytes(32) for index in range(accounts)]
    owners = [Account.from_key(key) for key in keys]
    addresses = [bytes.fromhex(address[2:]) for address in (*(owner.address for owner in owners), *rich)]
    state = {address: {"balance": RICH, "nonce": 0, "code": b"", "storage": {}} for address in addresses}
    provider = _Provider(EthereumTester(PyEVMBackend(genesis_state=state)))
    node = Node(Network(name="inside", chain_id=CHAIN_ID, confirmations=0, coin="coins"), provider)
    node.web3.eth.default_account = owners[0].address  # in whose name is asked: eth-tester's own holds nothing here
    return node, owners
