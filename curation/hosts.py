"""The server's own names, where it may be bound, and what is the machine itself."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curation.accounts import Accounts
from errors import BadValue

ANY_ADDRESS = ("0.0.0.0", "::")
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")


def check_binding(host: str, accounts: Accounts, https: bool = False) -> str | None:
    """May the page be served at `host`? Returns a note to be shown where it is served without TLS to others, else None.
    Raises BadValue where anybody could use it."""
    if is_loopback(host):
        return None
    if not accounts.curators():
        raise BadValue(
            "host",
            host,
            "127.0.0.1, as long as nobody can log in; `toadworks curators add NAME` sets up the first who can, "
            "and then any",
        )
    if https:
        return None
    return (
        f"{host} is reached without TLS: whoever is on the network in between can read passwords and decide as others; "
        "use it behind a proxy with TLS, or over an SSH tunnel"
    )


def hosts_of(host: str, names: Iterable[str] = ()) -> list[str]:
    """The names of a server that is bound to `host`; `names`: further ones, such as a proxy's."""
    own = [host, *names]
    if host in ANY_ADDRESS:
        own += [name for name in ("127.0.0.1", socket.gethostname()) if Host.parse(name)]
    return list(dict.fromkeys(own))


def is_loopback(host: str) -> bool:
    """Is this an address, or the name, of the machine itself? Never in doubt: other names may mean anything."""
    address = address_in(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


@dataclass(frozen=True)
class Host:
    """A host as a browser writes it: a name in lower case or an address, and the port unless it is the usual one."""

    name: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Host | None:
        bare = address_in(text)
        if bare is not None:
            return cls(str(bare), None)
        found = _HOST.fullmatch(text.lower())
        if found is None:
            return None
        address = address_in(found["six"] or found["name"])
        if found["six"] and address is None:
            return None
        return cls(str(address or found["name"]), int(found["port"]) if found["port"] else None)


class Hosts:
    """The server's own names. A page of another name that was made to point here (DNS rebinding) sends that name."""

    def __init__(self, given: Sequence[str]) -> None:
        self._own = []
        for text in given:
            host = Host.parse(text)
            if host is None:
                raise BadValue("host", text, "a name or an address, with a port or without")
            self._own.append(host)

    def has(self, host: Host, usual_port: int) -> bool:
        return any(
            (
                own.name == host.name
                or (is_loopback(own.name) and is_loopback(host.name))
                or (own.name in ANY_ADDRESS and address_in(host.name) is not None)
            )
            and own.port in (None, host.port or usual_port)
            for own in self._own
        )


def address_in(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
