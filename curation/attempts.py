"""Attempts at logging in: how many, how soon again, and how many passwords are verified at a time."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from curation.accounts import Account, Accounts, folded, same_form
from curation.sessions import Now
from errors import Refused

AT_ONCE = 2  # passwords that are verified at a time: each takes 64 MiB and all of a core
MOST_WAITING = 32
FORGOTTEN_S = 3600  # failed attempts
MOST_KEPT = 10_000  # names and addresses whose attempts are counted


class Attempts:
    """Counts attempts at logging in, by name and by address; after a few, each waits twice as long as the one before.

    An attempt counts when it begins, so that many at once are many. The right password clears the name; an address is
    only forgotten, since its user may have an account and try another's. Names that nobody has count like others, so
    the waiting tells nothing. Memory is bounded: of too many, those tried longest ago are forgotten.
    """

    def __init__(self, now: Now = time.monotonic) -> None:
        self._now = now
        self._kept: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()  # how many, and when the last was

    def begin(self, name: str, address: str) -> None:
        """Count an attempt. Raises Refused with the seconds to wait; a refused attempt does not count."""
        keys = _keys(name, address)
        wait = max(self._wait(key) for key in keys)
        if wait > 0:
            raise _too_many(math.ceil(wait))
        for key in keys:
            self._kept[key] = (self._count(key) + 1, self._now())
            self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was the curator's."""
        name_key, address_key = _keys(name, address)
        self._kept.pop(name_key, None)
        count, last = self._kept.get(address_key, (0, 0.0))
        if count:
            self._kept[address_key] = (count - 1, last)

    def _count(self, key: tuple[str, str]) -> int:
        count, last = self._kept.get(key, (0, 0.0))
        return count if self._now() - last < FORGOTTEN_S else 0

    def _wait(self, key: tuple[str, str]) -> float:
        """Seconds until the next attempt: none after the first few, then 1, 2, 4, ..."""
        free, longest = (5, 300) if key[0] == "name" else (20, 900)
        count = self._count(key)
        if count < free:
            return 0.0
        return min(2.0 ** min(count - free, 16), longest) - (self._now() - self._kept[key][1])


class Verifying:
    """Verifies passwords beside the event loop, a few at a time."""

    def __init__(self, accounts: Accounts, attempts: Attempts) -> None:
        self._accounts, self._attempts = accounts, attempts
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="log-in")
        self._under_way = 0

    async def verify(self, name: str, password: str, address: str) -> Account | None:
        """The account with this name and password, or None. Raises Refused (429) where it has to wait."""
        if self._under_way >= MOST_WAITING:
            raise _too_many(5)
        self._attempts.begin(name, address)
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            account = await loop.run_in_executor(self._threads, self._accounts.verify, name, password)
        finally:
            self._under_way -= 1
        if account is not None:
            self._attempts.succeeded(name, address)
        return account


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", folded(same_form(name))[:64]), ("address", _neighbourhood(address))


def _neighbourhood(address: str) -> str:
    """The address as far as it says who it is: somebody with IPv6 has 2**64 of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _too_many(seconds: int) -> Refused:
    return Refused(429, f"too many attempts at logging in; try again in {seconds} s", seconds)
