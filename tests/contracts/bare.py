"""A Drop on py-evm itself: no blocks, no signatures, so that thousands of calls take seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth.vm.message import Message
from eth_abi import decode, encode
from eth_utils import function_abi_to_4byte_selector, to_canonical_address

from minting.drop.contract import compiled
from tests.contracts.drops import Drop, error_name

GAS = 30_000_000
_FUNCTIONS = {one["name"]: one for one in compiled().abi if one["type"] == "function"}  # of safeTransferFrom the longer


@dataclass(frozen=True)
class Outcome:
    """`error`: its name, None where there was none; `answer`: what was returned."""

    error: str | None
    answer: tuple[Any, ...] = ()


class Bare:
    """Starts as a deployed drop is at a chain's end, and never changes the chain."""

    def __init__(self, drop: Drop) -> None:
        chain = drop.chain.web3.provider.ethereum_tester.backend.chain  # type: ignore[attr-defined]
        self.state = chain.get_vm().state
        self.address = to_canonical_address(drop.address)
        self.code = self.state.get_code(self.address)
        self.context = self.state.get_transaction_context_class()(gas_price=0, origin=self.address)

    @property
    def time(self) -> int:
        return self.state.timestamp

    @time.setter
    def time(self, seconds: int) -> None:
        self.state.execution_context._timestamp = seconds

    def call(self, caller: str, name: str, *given: Any, value: int = 0) -> Outcome:
        """What a transaction would do; `caller` needs no money for it but `value`."""
        about = _FUNCTIONS[name]
        data = function_abi_to_4byte_selector(about) + encode([types(one) for one in about["inputs"]], given)
        message = Message(GAS, self.address, to_canonical_address(caller), value, data, self.code)
        done = self.state.computation_class.apply_message(self.state, message, self.context)
        if done.is_error:
            return Outcome(error_name(done.output))
        return Outcome(None, decode([types(one) for one in about["outputs"]], done.output))

    def ask(self, name: str, *given: Any) -> Any:
        """What a view returns: one value, or a tuple of several."""
        outcome = self.call("0x" + "00" * 20, name, *given)
        assert outcome.error is None, (name, given, outcome.error)
        return outcome.answer[0] if len(outcome.answer) == 1 else outcome.answer

    def balance(self, address: str) -> int:
        return self.state.get_balance(to_canonical_address(address))

    def give(self, address: str, wei: int) -> None:
        """Forced: no code of the receiver's runs."""
        self.state.delta_balance(to_canonical_address(address), wei)

    def set_code(self, address: str, code: bytes) -> None:
        self.state.set_code(to_canonical_address(address), code)


def types(one: dict[str, Any]) -> str:
    return str(one["type"])
