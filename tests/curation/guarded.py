"""An application behind the guard, and what its tests do in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI, Request
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.testclient import TestClient

from curation.guarding import csrf_of, curator_of
from errors import BadValue, RunFailed, UnknownCandidate

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORDS = {"ann": "sesame-7f3a-toad", "bob": "another-91c2-newt"}
HERE = "http://127.0.0.1:8000"
Browser = Callable[..., TestClient]


class Clock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


def made_app(seen: list[str]) -> FastAPI:
    """A page, something to say, and what goes wrong."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/")
    def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{curator_of(request)} {csrf_of(request)}")

    @app.get("/api/setup")
    def setup(request: Request) -> dict[str, str]:
        return {"curator": curator_of(request), "csrf": csrf_of(request)}

    @app.post("/api/say")
    def say(request: Request, said: dict[str, Any]) -> dict[str, str]:
        seen.append(curator_of(request))
        return {"curator": curator_of(request), "said": str(len(str(said)))}

    @app.get("/api/number")
    def number(number: int) -> int:
        return number

    @app.get("/static/{name:path}")
    def static(name: str) -> str:
        return name

    @app.get("/image/{sha256}")
    def image(sha256: str) -> FileResponse:
        return FileResponse(__file__, media_type="image/png", headers={"Cache-Control": "private, immutable"})

    @app.get("/api/fails/{how}")
    def fails(how: str) -> StreamingResponse:
        def half() -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("sesame of the traceback")

        errors = {
            "unknown": UnknownCandidate("3fa9", "there is none"),
            "bad": BadValue("action", "fly", "accept, reject"),
            "failed": RunFailed("the disk is full"),
        }
        if how in errors:
            raise errors[how]
        if how == "half":
            return StreamingResponse(half())
        raise RuntimeError("sesame of the traceback")

    return app


def fields_of(form: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.text))


def log_in(browser: TestClient, name: str = "ann", password: str | None = None, **hidden: str) -> httpx.Response:
    given = fields_of(browser.get("/login")) | hidden | {"name": name, "password": password or PASSWORDS[name]}
    return browser.post("/login", data=given)


def token(browser: TestClient) -> dict[str, str]:
    return {"X-CSRF-Token": browser.get("/api/setup").json()["csrf"]}


def error_of(response: httpx.Response) -> str:
    assert set(response.json()) == {"error"}
    return str(response.json()["error"])
