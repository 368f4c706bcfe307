"""What a drop's contract says of itself at one block. A node may answer anything: what is no answer is told as such,
and texts stay bytes until they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from minting.chain.node import Node
from minting.chain.reading import Block, Reverted, ask, asked, call_at
from minting.drop.contract import compiled
from minting.drop.terms import WHOLE
from minting.ethereum import keeping_recursion_limit

with keeping_recursion_limit():
    from eth_abi.abi import decode, encode
    from eth_abi.exceptions import DecodingError
    from eth_utils.address import to_checksum_address
    from eth_utils.crypto import keccak

MOST_SHOWN = 100  # characters of a text of the chain's
NOBODY = "0x" + 40 * "0"
_PLAIN = (
    *("name", "symbol", "maxSupply", "totalMinted", "owner", "pendingOwner", "baseURI", "contractURI"),
    *("provenance", "allowlistRoot", "sale", "frozen", "totalReleased", "payees"),
)


@dataclass(frozen=True, kw_only=True)
class Sale:
    """Drop.sol's: seconds since 1970, wei, tokens a wallet (0: any number)."""

    presale_start: int
    presale_end: int
    public_start: int
    public_end: int
    public_price: int
    public_limit: int
    paused: bool


@dataclass(frozen=True, kw_only=True)
class Payee:
    """`share`: basis points; `released`: wei that it was paid."""

    share: int
    released: int


@dataclass(frozen=True, kw_only=True)
class State:
    """`provenance`: hexadecimal, without 0x; `root`: with it; `pending`: who was offered the contract, or "";
    `balance`, `released`: wei; addresses are in EIP-55's form."""

    name: bytes
    symbol: bytes
    supply: int
    minted: int
    owner: str
    pending: str
    base_uri: bytes
    contract_uri: bytes
    provenance: str
    root: str
    sale: Sale
    frozen: bool
    released: int
    payees: dict[str, Payee]
    royalty_receiver: str
    royalty_basis_points: int
    balance: int


def code_at(node: Node, address: str, block: Block) -> bytes:
    """b"" where there is no contract."""
    [code] = ask(node, "the contract's code", [("eth_getCode", [address, hex(block.number)])])
    with node.asking("the contract's code"):
        return bytes.fromhex(code[2:])


def read_state(node: Node, address: str, block: Block) -> State:
    """Raises NodeFailed where the answers are none of this contract's."""
    calls: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in _PLAIN]
    found = _read(node, address, block, [*calls, ("royaltyInfo", (1, WHOLE))])
    [balance] = ask(node, "the contract's balance", [("eth_getBalance", [address, hex(block.number)])])
    said = dict(zip(_PLAIN, found, strict=False))
    receiver, royalty = found[-1]
    wallets = said["payees"][0]
    both = _read(node, address, block, [(name, (one,)) for one in wallets for name in ("shareOf", "released")])
    amounts = [amount for (amount,) in both]
    shares = zip(wallets, amounts[::2], amounts[1::2], strict=True)
    pending = said["pendingOwner"][0]
    with node.asking("the contract's balance"):
        held = int(balance, 16)
    names = ("presale_start", "presale_end", "public_start", "public_end", "public_price", "public_limit", "paused")
    return State(
        name=said["name"][0],
        symbol=said["symbol"][0],
        supply=said["maxSupply"][0],
        minted=said["totalMinted"][0],
        owner=to_checksum_address(said["owner"][0]),
        pending="" if pending == NOBODY else to_checksum_address(pending),
        base_uri=said["baseURI"][0],
        contract_uri=said["contractURI"][0],
        provenance=said["provenance"][0].hex(),
        root="0x" + said["allowlistRoot"][0].hex(),
        sale=Sale(**dict(zip(names, said["sale"], strict=True))),
        frozen=said["frozen"][0],
        released=said["totalReleased"][0],
        payees={to_checksum_address(one): Payee(share=share, released=paid) for one, share, paid in shares},
        royalty_receiver=to_checksum_address(receiver),
        royalty_basis_points=royalty,
        balance=held,
    )


def token_uris(
    node: Node, address: str, block: Block, last: int, progress: Callable[[int], object]
) -> Iterator[tuple[int, bytes | None]]:
    """The number and URI of each token from 1 to `last`; None where the contract says that there is no such token."""
    questions = [call_at(address, _data("tokenURI", (number,)), block) for number in range(1, last + 1)]
    number = 0
    for answers in asked(node, "the tokens' URIs", questions, progress):
        for answer in answers:
            number += 1
            yield number, None if isinstance(answer, Reverted) else _decoded(node, "tokenURI", answer)[0]


def plain(said: bytes | str) -> str:
    """A text of the chain's, short and in one line: it does a terminal no harm, and passes for nothing of ours."""
    text = said[: 4 * MOST_SHOWN].decode("utf-8", "replace") if isinstance(said, bytes) else said
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}... ({len(said)} in all)"


def _read(node: Node, address: str, block: Block, calls: list[tuple[str, tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    answers = ask(node, "the contract", [call_at(address, _data(name, given), block) for name, given in calls])
    return [_decoded(node, name, answer) for (name, _), answer in zip(calls, answers, strict=True)]


def _data(name: str, given: tuple[Any, ...]) -> str:
    types = _types(name, "inputs")
    return "0x" + (keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, given)).hex()


def _decoded(node: Node, name: str, answer: Any) -> tuple[Any, ...]:
    with node.asking(name):
        try:
            if isinstance(answer, Reverted):
                raise ValueError("refused")
            # a string is encoded as its bytes are, and may be no UTF-8
            types = ["bytes" if one == "string" else one for one in _types(name, "outputs")]
            return decode(types, bytes.fromhex(answer[2:]))
        except (DecodingError, OverflowError):
            raise ValueError("no answer") from None


def _types(name: str, which: str) -> list[str]:
    [entry] = [one for one in compiled().abi if one["type"] == "function" and one["name"] == name]
    return [one["type"] for one in entry[which]]
