"""balanceOf of many wallets at a block, some hundred by one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eth_utils.abi import function_signature_to_4byte_selector

from errors import NodeRefused
from minting.chain.node import Node
from minting.chain.raw import ask, number_in

AT_ONCE = 256  # wallets; what comes back has to fit into the code of a contract, 24,576 bytes
NO_ANSWER = 2**256 - 1  # instead of a balance, of a call that fails
_BALANCE_OF = function_signature_to_4byte_selector("balanceOf(address)")
_TOTAL_SUPPLY = function_signature_to_4byte_selector("totalSupply()")


def balances_at(
    node: Node, contract: str, wallets: Sequence[str], block: int, progress: Callable[[int], None]
) -> list[int]:
    """Of each wallet, in order, NO_ANSWER where the contract has none. Raises NodeFailed, NodeRefused, as a node does
    that keeps no state of the block."""
    found: list[int] = []
    together = True
    for at in range(0, len(wallets), AT_ONCE):
        some = wallets[at : at + AT_ONCE]
        if together:
            try:
                found += _together(node, contract, some, block)
            except NodeRefused:  # some nodes run no code that lies in no contract
                together = False
        if not together:
            found += [_alone(node, contract, wallet, block) for wallet in some]
        progress(len(some))
    return found


def total_supply_at(node: Node, contract: str, block: int) -> int | None:
    """None where the contract does not tell. Raises NodeFailed, NodeRefused for a node that keeps no state of then."""
    return _called(node, contract, _TOTAL_SUPPLY, block, "totalSupply")


def _alone(node: Node, contract: str, wallet: str, block: int) -> int:
    data = _BALANCE_OF + bytes.fromhex(wallet[2:]).rjust(32, b"\0")
    found = _called(node, contract, data, block, f"balanceOf of {wallet}")
    return NO_ANSWER if found is None else found


def _called(node: Node, contract: str, data: bytes, block: int, what: str) -> int | None:
    """The number that a call gives, None where it fails by the contract's doing."""
    try:
        answer = ask(node, f"{what} at block {block}", "eth_call", {"to": contract, "data": _hex(data)}, hex(block))
    except NodeRefused as error:
        if error.code == 3 or "revert" in error.words.lower():
            return None
        raise
    return number_in(node, answer, what) if len(str(answer)) == 66 else None


def _together(node: Node, contract: str, wallets: Sequence[str], block: int) -> list[int]:
    what = f"balanceOf of {len(wallets)} wallets at block {block}"
    answer = str(ask(node, what, "eth_call", {"data": _hex(_asking_for(contract, wallets))}, hex(block)))
    if len(answer) != 2 + 64 * len(wallets):
        raise NodeRefused(node.network.name, what, 0, "its answer has another length")
    return [number_in(node, answer[at : at + 64], "a balance") for at in range(2, len(answer), 64)]


def _asking_for(contract: str, wallets: Sequence[str]) -> bytes:
    """A contract's creation that creates none: it asks for the balances of the wallets behind it, and returns them.

    Memory: 0..36 what balanceOf is called with, from 64 on what comes back, 32 bytes each.
    """
    push2 = "61{:04x}"
    program = [
        "63" + _BALANCE_OF.hex() + "60e01b600052",  # the selector to memory 0
        "6000",  # i
        "LOOP", "5b",
        "80" + push2.format(len(wallets)) + "14", "->END", "57",  # i == count?
        "6014", "81601402", "->DATA", "01", "601039",  # 20 bytes at DATA + 20 i, to memory 16
        "6020", "8160051b604001", "60246000", "73" + contract[2:].lower(), "5afa",  # staticcall, answer to 64 + 32 i
        "601f3d1116", "->NEXT", "57",  # it went well, and gave 32 bytes?
        "600019", "8160051b604001", "52",  # else all ones
        "NEXT", "5b", "600101", "->LOOP", "56",
        "END", "5b", "60051b6040f3",
        "DATA",
    ]  # fmt: skip
    places: dict[str, int] = {}
    length = 0
    for part in program:
        if part.isupper() and part.isalpha():
            places[part] = length
        else:
            length += 3 if part.startswith("->") else len(part) // 2
    code = "".join(
        push2.format(places[part[2:]]) if part.startswith("->") else part for part in program if part not in places
    )
    return bytes.fromhex(code + "".join(wallet[2:] for wallet in wallets))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
