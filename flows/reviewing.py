"""The review page of a collection, served on this machine."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from collection_db import Table
from curation.accounts import FILE, Accounts
from curation.app import make_app
from curation.hosts import check_binding, hosts_of
from curation.review import Review
from errors import BadValue, RunFailed
from flows.finishing import Finishing
from flows.progress import say
from flows.settings import Settings
from flows.traits import Traits

STOPPING_S = 3  # for which answers that are under way are waited for


def review_of(settings: Settings) -> Review:
    """What the page works on. The table stays open."""
    table = Table.open(settings.database_url)
    return Review(
        collection=settings.name,
        table=table,
        assets=settings.open_assets(),
        traits=Traits(table, settings.release.rules),
        finishing=Finishing(settings, heard=say),
        supply=settings["review"]["supply"],
        blind=settings["review"]["blind"],
    )


def serve(
    settings: Settings,
    curator: str,
    host: str = "127.0.0.1",
    port: int = 8010,
    names: Sequence[str] = (),
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve the review page until Ctrl-C.

    `curator`: who decides as long as nobody can log in; `names`: further host names by which it is reached; with
    `certificate` and `key` (PEM) by https. `port` 0 takes a free one. Raises BadValue for a host that would let anybody
    in, or a certificate that is none, RunFailed where the port is taken.
    """
    import uvicorn  # here, as it takes a while

    accounts, https = Accounts(settings.folder / FILE), certificate is not None
    if (key is None) == https:
        raise BadValue("certificate", str(certificate or key), "both --certificate and --key, or neither")
    note = check_binding(host, accounts, https)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    app = make_app(review_of(settings), accounts, curator=curator, hosts=hosts_of(host, names), https=https)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,  # else all who come through a proxy with TLS share one address, and cookies are not Secure
        forwarded_allow_ips=["127.0.0.1", "::1"],  # but nobody else's word is taken for where they come from
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=STOPPING_S,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one, and says what it found
        raise BadValue("certificate", str(certificate), f"PEM files that can be read ({error})") from None
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    if note:
        say(f"note: {note}")
    shown = f"[{host}]" if ":" in host else host
    say(f"reviewing {settings.name} at http{'s' if https else ''}://{shown}:{port}/   (Ctrl-C ends it)")
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that the server takes over: so the port is known, and nobody else takes it, before it says where."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise RunFailed(
            f"{host}:{port} cannot be served at: {error.strerror or error}; --port names another"
        ) from error
    return listening
