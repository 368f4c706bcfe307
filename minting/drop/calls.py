"""Calls of the contract: each step of a drop as the bytes that a transaction carries, and what the contract says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from errors import StepRefused
from minting.chain.node import Node
from minting.drop.contract import compiled
from minting.drop.journal import DEPLOY
from minting.drop.terms import Terms
from minting.ethereum import keeping_recursion_limit

with keeping_recursion_limit():
    from eth_utils.abi import abi_to_signature
    from eth_utils.crypto import keccak
    from web3 import Web3
    from web3.contract import Contract
    from web3.exceptions import ContractLogicError

_ENCODER = Web3()  # asks nobody


@dataclass(frozen=True, kw_only=True)
class Call:
    """`kind`: of step; `what`: a sentence for people; `to`: the contract, "" deploys it; `data`: hexadecimal with 0x;
    `value`: wei; `function`, `arguments`: the same as names and values, and `details`: what else there is to know."""

    kind: str
    what: str
    to: str
    data: str
    function: str
    arguments: tuple[Any, ...]
    value: int = 0
    details: tuple[str, ...] = ()


def deployment(terms: Terms, signer: str) -> Call:
    given = terms.constructor(signer)
    built = _ENCODER.eth.contract(abi=compiled().abi, bytecode=compiled().bytecode)
    data = built.constructor(given).data_in_transaction
    what = f"deploy {terms.name!r}: at most {terms.supply} tokens"
    owner = terms.owner or signer
    details = (
        f"symbol {terms.symbol or '(none)'}, owned by {owner}",
        f"until the reveal: {terms.base_uri}",
        f"contractURI: {terms.contract_uri}",
        f"provenance (SHA-256, fixed with the first mint): {terms.provenance}",
        f"royalty: {terms.royalty_basis_points / 100:g} % to {terms.royalty_receiver or owner}",
        *(f"of what is paid, {share / 100:g} % to {payee}, for ever" for payee, share in terms.shares(signer).items()),
    )
    return Call(
        kind=DEPLOY,
        what=what,
        to="",
        data=str(data),
        function="constructor",
        arguments=(given,),
        details=details,
    )


def call(
    kind: str,
    what: str,
    contract: str,
    function: str,
    *arguments: Any,
    value: int = 0,
    details: tuple[str, ...] = (),
) -> Call:
    data = _ENCODER.eth.contract(abi=compiled().abi).encode_abi(function, args=list(arguments))
    return Call(
        kind=kind,
        what=what,
        to=contract,
        data=data,
        function=function,
        arguments=tuple(arguments),
        value=value,
        details=details,
    )


def contract_at(node: Node, address: str) -> Contract:
    return node.web3.eth.contract(address=Web3.to_checksum_address(address), abi=compiled().abi)


def ask(node: Node, address: str, function: str, *arguments: Any, block: int | None = None) -> Any:
    """What the contract answers to a function that changes nothing, at a block or now. Raises NodeFailed."""
    with node.asking(function):
        asked = contract_at(node, address).functions[function](*arguments)
        return asked.call(block_identifier="latest" if block is None else block)


def gas_of(node: Node, one: Call, sender: str) -> int:
    """What the node expects the call to take, if it came next. Raises StepRefused where it would be reverted."""
    given: dict[str, Any] = {"from": sender, "data": one.data, "value": one.value}
    if one.to:
        given["to"] = one.to
    with node.asking(f"the gas of {one.function}"):
        try:
            return int(node.web3.eth.estimate_gas(given))  # type: ignore[arg-type]
        except ContractLogicError as error:  # here, as `asking` takes it for a fault of the node
            told = f"the contract refuses it ({reason_of(error)})"
    raise StepRefused(node.network.name, one.what, told)


def reason_of(error: ContractLogicError) -> str:
    """The name of Drop.sol's error, or the node's words."""
    data = str(error.data or "")
    for entry in compiled().abi:
        if entry["type"] == "error" and data.startswith("0x" + keccak(text=abi_to_signature(entry))[:4].hex()):  # type: ignore[arg-type]
            return str(entry["name"])
    return "".join(filter(str.isprintable, str(error.message or data)))[:200] or "without a word"
