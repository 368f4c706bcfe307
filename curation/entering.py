"""The routes by which curators come in and go: /login and /logout."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import anyio
import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from curation.attempts import Verifying
from curation.sessions import Sessions, cookie_name, cookies_named, is_secure, same, session_of, set_cookie
from errors import Refused

TEMPLATES = Path(__file__).with_name("templates")

Render = Callable[[str, Mapping[str, Any]], str]
log = logging.getLogger("toadworks.review")


class Door:
    """The routes by which one comes in and goes."""

    def __init__(self, sessions: Sessions, verifying: Verifying, https: bool, title: str, render: Render) -> None:
        self._sessions, self._verifying, self._https = sessions, verifying, https
        self._title, self._render = title, render

    async def show_form(self, request: Request) -> Response:
        onward = _own_address(request.query_params.get("next", ""))
        if self._sessions.local or request.scope["toadworks.session"] is not None:
            return RedirectResponse(onward, 303)
        return self._form(request, 200, onward)

    async def log_in(self, request: Request) -> Response:
        given = form_in(await request.body())
        onward, name = _own_address(given.get("next", "")), given.get("name", "").strip()
        if self._sessions.local:
            return RedirectResponse(onward, 303)
        if not self._form_is_ours(request, given.get("csrf", "")):
            return self._form(request, 403, onward, name, "That form was open for too long. Try again.")
        address = request.client.host if request.client else ""
        try:
            account = await self._verifying.verify(name, given.get("password", ""), address)
        except Refused as error:
            sentence = f"Too many attempts. Try again in {_told(error.wait or 1)}."
            return self._form(request, error.status, onward, name, sentence, error.wait)
        if account is None:
            known = self._sessions.accounts.find(name)  # what is no name may be a password in the wrong field
            log.warning("log-in as %s refused, from %s", known.name if known else "nobody known", address[:64])
            return self._form(request, 401, onward, name, "The name or the password is wrong.")
        session, value = self._sessions.start(account)
        log.info("%s logged in from %s", session.curator, address[:64])
        response = RedirectResponse(onward, 303)
        secure = is_secure(request.scope, self._https)
        lifetime = session.expires - session.made
        response.headers.append("set-cookie", set_cookie(cookie_name(self._sessions, secure), value, secure, lifetime))
        response.headers.append("set-cookie", set_cookie(self._form_cookie(secure), "", secure, 0))
        return response

    async def log_out(self, request: Request) -> Response:
        session = session_of(request)
        if session.local:
            return RedirectResponse("/", 303)
        await anyio.to_thread.run_sync(self._sessions.end, session)
        response = RedirectResponse("/login", 303)
        secure = is_secure(request.scope, self._https)
        response.headers.append("set-cookie", set_cookie(cookie_name(self._sessions, secure), "", secure, 0))
        return response

    def _form(
        self, request: Request, status: int, onward: str, name: str = "", message: str = "", wait: int | None = None
    ) -> Response:
        secure = is_secure(request.scope, self._https)
        cookie = next((one for one in self._form_cookies(request, secure) if self._sessions.form_token(one)), None)
        new = cookie is None
        cookie = cookie or self._sessions.start_form()
        values = {
            "collection": self._title,
            "csrf": self._sessions.form_token(cookie),
            "next": onward,
            "name": name[:64],
            "message": message,
        }
        response = HTMLResponse(self._render("login.html", values), status)
        if new:
            response.headers.append("set-cookie", set_cookie(self._form_cookie(secure), cookie, secure, None))
        if wait is not None:
            response.headers["Retry-After"] = str(wait)
        return response

    def _form_is_ours(self, request: Request, given: str) -> bool:
        secure = is_secure(request.scope, self._https)
        tokens = map(self._sessions.form_token, self._form_cookies(request, secure))
        return any(same(given, token) for token in tokens if token is not None)

    def _form_cookies(self, request: Request, secure: bool) -> Iterable[str]:
        for header in request.headers.getlist("cookie"):
            yield from cookies_named(self._form_cookie(secure), header)

    def _form_cookie(self, secure: bool) -> str:
        return f"{cookie_name(self._sessions, secure)}-form"


def form_in(body: bytes) -> dict[str, str]:
    """The fields of a form; the last of several of one name."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        raise Refused(400, "this is no form") from None


def _own_address(given: str) -> str:
    """Where to go on after a log-in: an address of this server, else its first page."""
    fine = given.startswith("/") and given[1:2] != "/" and "\\" not in given and given.isascii() and given.isprintable()
    return given if fine and not given.startswith(("/login", "/logout")) else "/"


def _told(seconds: int) -> str:
    return f"{seconds} s" if seconds < 100 else f"{math.ceil(seconds / 60)} min"


def plain_render() -> Render:
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    templates.globals["static"] = lambda name: f"/static/{name}"
    return lambda template, values: templates.get_template(template).render(**values)
