"""Who holds what of an ERC-721 contract, followed through its logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from errors import BadValue
from minting.chain.logs import Log

TRANSFER = keccak(b"Transfer(address,address,uint256)")
RUN = keccak(b"ConsecutiveTransfer(uint256,uint256,address,address)")  # ERC-2309: a mint of many by one log
TOPICS = [["0x" + TRANSFER.hex(), "0x" + RUN.hex()]]
NOBODY = "0x" + "0" * 40
LONGEST_RUN = 1_000_000  # tokens that one log may mint


@dataclass
class Holders:
    """`owners`: of each token that there was, NOBODY of one that was burned; `transfers`: logs that were read;
    `strange`: transfers from a wallet that did not hold the token by the logs before."""

    contract: str
    owners: dict[int, str] = field(default_factory=dict)
    transfers: int = 0
    strange: int = 0

    def take(self, logs: Iterable[Log]) -> dict[int, str]:
        """What the logs, which follow on those before, make of the tokens that they name. Raises BadValue where they
        are not an ERC-721's."""
        moved: dict[int, str] = {}
        for log in logs:
            begin, end, sender, to = self._move(log)
            for token in range(begin, end + 1):
                self.strange += self.owners.get(token, NOBODY) != sender
                self.owners[token] = moved[token] = to
            self.transfers += 1
        return moved

    def _move(self, log: Log) -> tuple[int, int, str, str]:
        """First and last token, from whom, to whom."""
        if log.topics and log.topics[0] == RUN and len(log.topics) == 4 and len(log.data) == 32:
            begin, end = int.from_bytes(log.topics[1]), int.from_bytes(log.data)
            if not 0 <= end - begin < LONGEST_RUN:
                raise BadValue("contract", self.contract, f"one that mints at most {LONGEST_RUN:,} tokens by a log")
            return begin, end, _address(log.topics[2]), _address(log.topics[3])
        if len(log.topics) != 4 or log.topics[0] != TRANSFER:
            about = "an ERC-20's, which name amounts" if len(log.topics) == 3 else f"of {len(log.topics)} topics"
            allowed = f"an ERC-721, whose Transfer logs have 4 topics; those in block {log.block} are {about}"
            raise BadValue("contract", self.contract, allowed)
        token = int.from_bytes(log.topics[3])
        return token, token, _address(log.topics[1]), _address(log.topics[2])

    @property
    def burned(self) -> int:
        return sum(owner == NOBODY for owner in self.owners.values())

    def counts(self) -> dict[str, int]:
        """Tokens of each holder, by address."""
        found = Counter(owner for owner in self.owners.values() if owner != NOBODY)
        return {owner: found[owner] for owner in sorted(found)}

    def tokens(self) -> dict[str, list[int]]:
        """Ids, ascending, of each holder, by address; addresses with checksums (EIP-55), sorted by their digits."""
        held: dict[str, list[int]] = {}
        for token in sorted(self.owners):
            held.setdefault(self.owners[token], []).append(token)
        return {to_checksum_address(owner): held[owner] for owner in sorted(held) if owner != NOBODY}


def _address(topic: bytes) -> str:
    """In lower case: checksums are for people."""
    return "0x" + topic[12:].hex()
