"""A connection to the address that was checked still asks for the certificate of the name."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from minting.origins import guard
from minting.origins import web as web_module
from minting.origins.web import NotFetched, Web
from tests.minting.origins.strangers import Stranger, leads_to, serving

NAME = "toadz.example"


def certificate(folder: Path) -> Path:
    """Of NAME, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "toadz.pem"
    plain = serialization.NoEncryption()
    packed = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(packed + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def far_away(tmp_path: Path, monkeypatch: Any) -> Iterator[Stranger]:
    """A server with TLS, which passes for one of the open internet; `headers` get the names that were asked for."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with serving() as server:
        context.sni_callback = lambda sock, name, made: server.headers.append({"SNI": str(name)})
        server.socket = context.wrap_socket(server.socket, server_side=True)
        for module in (guard, web_module):
            monkeypatch.setattr(module, "PORTS", (80, 443, server.port))
        monkeypatch.setattr(guard, "is_public", lambda address: str(address) == "127.0.0.1")
        here = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        given = socket.getaddrinfo
        monkeypatch.setattr(
            guard.socket,
            "getaddrinfo",
            lambda host, *args, **more: [here] if str(host).endswith(".example") else given(host, *args, **more),
        )
        yield server


def test_name_is_asked_for_and_verified(far_away: Stranger) -> None:
    far_away.routes["/1"] = b"toad"
    assert Web(patience_s=0).get(f"https://{NAME}:{far_away.port}/1", 100) == b"toad"
    assert far_away.headers[0] == {"SNI": NAME} and far_away.headers[1]["Host"] == f"{NAME}:{far_away.port}"


def test_certificate_of_another_name_is_refused(far_away: Stranger) -> None:
    far_away.routes["/1"] = b"toad"
    with pytest.raises(NotFetched, match="certificate that is not trusted"):
        Web(patience_s=0).get(f"https://other.example:{far_away.port}/1", 100)
    assert far_away.asked == []


def test_https_does_not_lead_to_http_or_to_this_machine(far_away: Stranger, monkeypatch: Any) -> None:
    with serving() as secret:
        monkeypatch.setattr(guard, "PORTS", (80, 443, far_away.port, secret.port))
        monkeypatch.setattr(web_module, "PORTS", guard.PORTS)
        far_away.routes["/1"] = leads_to(f"http://{NAME}:{far_away.port}/2")
        far_away.routes["/2"] = leads_to(f"https://[::1]:{secret.port}/")
        with pytest.raises(NotFetched, match="--allow-http"):
            Web(patience_s=0).get(f"https://{NAME}:{far_away.port}/1", 100)
        with pytest.raises(NotFetched, match="leads to ::1"):
            Web(patience_s=0).get(f"https://{NAME}:{far_away.port}/2", 100)
        assert secret.asked == []
