"""A node of an EVM chain, asked by JSON-RPC or in this process; what goes wrong is told in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from errors import NodeFailed, NodeRefused
from minting.chain.networks import Network
from minting.ethereum import keeping_recursion_limit

with keeping_recursion_limit():
    from web3 import HTTPProvider, Web3
    from web3.exceptions import BadResponseFormat, TooManyRequests, Web3Exception, Web3RPCError
    from web3.middleware import ExtraDataToPOAMiddleware
    from web3.providers.base import BaseProvider
    from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST, ExceptionRetryConfiguration

TIMEOUT = 20  # seconds for an answer
SHORT = 6  # characters: no key is as short
TRIES, PAUSE = 5, 0.25  # of what only asks; seconds, doubled each time
# what is signed is sent once for each decision to send it, and then looked for; logs are asked for again, but fewer
_ONCE = ("eth_sendRawTransaction", "eth_getLogs")
_AWAY = (requests.exceptions.RequestException, ConnectionError, TimeoutError, TooManyRequests)
# what answers that are none lead to
_STRANGE = (
    *(BadResponseFormat, ValueError, TypeError, KeyError, AttributeError),
    *(OverflowError, RecursionError, IndexError, AssertionError),
)


class Node:
    """`web3`: to ask with, within `asking`; `network`: where it stands."""

    def __init__(self, network: Network, provider: BaseProvider) -> None:
        self.network, self.web3 = network, Web3(provider)
        self.web3.middleware_onion.inject(
            ExtraDataToPOAMiddleware, layer=0
        )  # Polygon's and BNB's blocks have more of it
        provider.global_ccip_read_enabled = False  # EIP-3668: a contract could have us ask an address of its choice

    @classmethod
    def open(cls, network: Network) -> Node:
        """The node at the network's RPC. Raises NodeFailed where it does not answer, or is of another chain."""
        retries = ExceptionRetryConfiguration(
            errors=(requests.exceptions.RequestException,),
            retries=TRIES,
            backoff_factor=PAUSE,
            method_allowlist=[method for method in REQUEST_RETRY_ALLOWLIST if method not in _ONCE],
        )
        provider = HTTPProvider(
            network.url(),
            request_kwargs={"timeout": TIMEOUT, "allow_redirects": False},
            exception_retry_configuration=retries,
        )
        node = cls(network, provider)
        node.check_chain()
        return node

    def check_chain(self) -> None:
        """Raises NodeFailed where the node is of another chain than the one that is meant."""
        with self.asking("its chain id"):
            found = self.web3.eth.chain_id
        if found != self.network.chain_id:
            raise NodeFailed(
                self.network.name, f"the node at {self.network.host} is of chain {found}, not {self.network.chain_id}"
            )

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Whatever the node does not answer to leaves as NodeFailed, and what it answers with an error as NodeRefused,
        both without its address, which may hold a key."""
        try:
            yield
        except Web3RPCError as error:
            code, words = _said(error)
            raise NodeRefused(self.network.name, what, code, self._without_key(words)) from None
        except _AWAY as error:
            name = type(error).__name__
            raise NodeFailed(
                self.network.name, f"the node at {self.network.host} did not answer {what} ({name})"
            ) from None
        except (Web3Exception, *_STRANGE) as error:
            name = type(error).__name__
            raise NodeFailed(
                self.network.name, f"the node at {self.network.host} gave no answer to {what} ({name})"
            ) from None

    def _without_key(self, words: str) -> str:
        """A node may repeat its own address, with the key in it."""
        _, _, rest = self.network.url().partition("://")
        for part in re.split(r"[/?&=@:]", rest):
            if len(part) > SHORT and part not in self.network.host:
                words = words.replace(part, "...")
        return words


def _said(error: Web3RPCError) -> tuple[int, str]:
    """The code and the words of a node's error, as far as it has them."""
    response = getattr(error, "rpc_response", None)
    told = response.get("error") if isinstance(response, dict) else None
    if not isinstance(told, dict):
        return 0, ""
    code, words = told.get("code"), str(told.get("message", ""))
    return code if isinstance(code, int) else 0, "".join(filter(str.isprintable, words))[:200]
