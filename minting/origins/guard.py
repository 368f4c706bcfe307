"""Which addresses may be connected to where somebody else chose the name: none that only this machine, or its network,
can reach (server-side request forgery, OWASP).

A name is resolved once; what it resolved to is checked, and the connection is made to that very address, so that a
name which means something else a moment later (DNS rebinding) gains nothing. TLS still asks for the name's certificate.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

PORTS = (80, 443)
# beyond those that `ipaddress` knows as not global, in all of its versions
_REFUSED = [
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # behind a provider's NAT, and a cloud's metadata
        "168.63.129.16/32",  # a cloud's own service, at a public address
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo among it
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
]
_NAT64, _6TO4 = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(Exception):
    """A place that somebody else may not send us to; the text says why."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet: not private, loopback, link-local, multicast, reserved or
    unspecified, neither itself nor as the IPv4 address within it (RFC 4291 mapped, 6052 NAT64, 3056 6to4)."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped
        if address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        elif address in _6TO4:
            inside = address.sixtofour
        if inside is not None:
            return is_public(inside)
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def public_address(host: str, port: int) -> str:
    """An address of `host`, IPv4 first. Raises NotPublic where one of them is not public, whichever would be taken, and
    for a port other than 80 and 443; httpcore.ConnectError where the name is not known."""
    if port not in PORTS:
        raise NotPublic(f"leads to port {port}; only 80 and 443 are asked")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"the name {host} is not known") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise NotPublic(f"leads to {address}, an address that is not of the open internet")
    if not addresses:
        raise httpcore.ConnectError(f"the name {host} has no address")
    return str(min(addresses, key=lambda address: address.version))


class Deadline(threading.local):
    """Until when what a thread asks for has to be there, of time.monotonic()."""

    until = float("inf")

    def left(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        """Seconds to wait at most. Raises `late` where there are none left."""
        left = min(self.until - time.monotonic(), timeout if timeout is not None else 60.0)
        if left <= 0:
            raise late("it takes too long")
        return left


class Guarded(httpcore.NetworkBackend):
    """Connects as httpcore does, only to what is public unless `anywhere`, and no longer than the thread's `deadline`
    allows: who sends a byte now and then is not waited for."""

    def __init__(self, deadline: Deadline, anywhere: bool = False) -> None:
        self._deadline, self._anywhere = deadline, anywhere
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = host if self._anywhere else public_address(host, port)
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Timed(self._network.connect_tcp(address, port, left, local_address, socket_options), self._deadline)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise NotPublic("leads to a socket of this machine")

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


class _Timed(httpcore.NetworkStream):
    """A connection that is given up when its thread's time is over."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
