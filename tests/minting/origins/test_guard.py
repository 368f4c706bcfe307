"""Nobody leads us to where only this machine, or its network, can go."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest

from minting.origins import guard
from minting.origins.guard import NotPublic, is_public, public_address
from minting.origins.web import NotFetched, Web
from tests.minting.origins.strangers import Stranger, leads_to

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "5f00::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
SPELT = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_address_is_known(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_is_known(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def resolving(*addresses: str) -> Callable[..., Any]:
    """A resolver that gives these, one after the other, and says how often it was asked."""
    left = list(addresses)

    def find(host: str, port: int, *args: Any, **more: Any) -> Any:
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    return find


@pytest.mark.parametrize("host", SPELT)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_is_refused_however_it_is_spelt(stranger: Stranger, host: str, scheme: str) -> None:
    web = Web(plain_http=True, patience_s=0)
    with pytest.raises(NotFetched, match="not of the open internet"):
        web.get(f"{scheme}://{host}/secret", 100)
    with pytest.raises(NotFetched, match="leads to port"):
        web.get(f"{scheme}://{host}:{stranger.port}/secret", 100)
    assert stranger.asked == []


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://user@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//127.0.0.1:22/",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "https://t\u00f6adz.example/",
        "http://127.0.0.1:22/",
    ],
)
def test_redirect_is_held_against_the_same_rules(stranger: Stranger, to: str) -> None:
    stranger.routes["/ipfs/x"] = leads_to(to)
    web = Web(plain_http=True, patience_s=0)
    with pytest.raises(
        NotFetched, match=r"open internet|no https address|no address|cannot be asked|holds a user|port 22"
    ):
        web.get(f"{stranger.url}/ipfs/x", 100, own=True)  # the user's own gateway may be here; where it leads may not
    assert stranger.asked == ["/ipfs/x"]


def test_connection_to_an_own_service_is_not_there_for_strangers(stranger: Stranger) -> None:
    stranger.routes["/"] = b"secret"
    web = Web(plain_http=True, patience_s=0)
    assert web.get(f"{stranger.url}/", 100, own=True) == b"secret"
    with pytest.raises(NotFetched):
        web.get(f"{stranger.url}/", 100)
    assert len(stranger.asked) == 1


def test_name_is_resolved_once_and_that_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer would be 127.0.0.1."""
    monkeypatch.setattr(guard.socket, "getaddrinfo", resolving("93.184.215.14", "127.0.0.1"))
    connected = []

    def connect(self: Any, host: str, port: int, *args: Any) -> Any:
        connected.append((host, port))
        raise OSError("far away")

    monkeypatch.setattr(guard.httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(NotFetched):
        Web(patience_s=0).get("https://toadz.example/1.json", 100)
    assert connected == [("93.184.215.14", 443)]


def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(host: str, port: int, *args: Any, **more: Any) -> Any:
        return [resolving(address)(host, port)[0] for address in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(guard.socket, "getaddrinfo", both)
    with pytest.raises(NotPublic, match=r"10\.0\.0\.1"):
        public_address("toadz.example", 443)


def test_other_ports_are_refused_before_a_name_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard.socket, "getaddrinfo", resolving("8.8.8.8"))
    assert public_address("toadz.example", 443) == "8.8.8.8"
    with pytest.raises(NotPublic, match="port 6379"):
        public_address("toadz.example", 6379)


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "toadz.invalid"])
def test_name_that_is_none_is_told(host: str) -> None:
    with pytest.raises(NotFetched, match=r"does not answer|cannot be asked"):
        Web(patience_s=0).get(f"https://{host}/", 100)
