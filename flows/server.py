"""Prefect in the process: its settings for a command line, a temporary server that never outlives its run, and running
a flow."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any

from errors import RunFailed

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
}


def quiet_prefect() -> None:
    """Settings for a person's terminal, where the environment does not say otherwise. Call it before prefect is
    imported: it reads its settings then."""
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)


@lru_cache(maxsize=1)
def start_server() -> subprocess.Popen[bytes] | None:
    """Start Prefect's temporary server, unless PREFECT_API_URL names one; return what watches over it.

    Prefect stops it when the process ends, but not when it is killed. The little shell reads a pipe that only this
    process holds open: when it ends, however, the read returns and the server is stopped.
    """
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        return None
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start()
    if server.server_process is None or os.name != "posix":
        return None
    return subprocess.Popen(  # kept by the cache: with it the pipe stays open
        ["sh", "-c", "read _; kill $0", str(server.server_process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in the terminal must not end it before its time
    )


def run_flow(module: str, name: str, *arguments: str | bool) -> Any:
    """Run the flow `name` of a module in this process. Raises RunFailed where Prefect's server does not answer."""
    quiet_prefect()
    import httpx

    flow: Callable[..., Coroutine[Any, Any, Any]] = getattr(importlib.import_module(module), name)
    try:
        start_server()
        return asyncio.run(flow(*arguments))
    except (httpx.TransportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "Failed to reach API" not in str(error):
            raise  # that is what Prefect says where it finds no server
        where = os.environ.get("PREFECT_API_URL", "of this run")
        told = f"Prefect's server {where} does not answer ({error}); unset PREFECT_API_URL to run without one"
        raise RunFailed(told) from error
