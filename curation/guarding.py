"""Who is let in to the review page: what every request has to be, and what every answer says."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlsplit

import anyio
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from curation.accounts import Accounts
from curation.attempts import Attempts, Verifying
from curation.entering import Door, Render, form_in, plain_render
from curation.hosts import Host, Hosts, is_loopback
from curation.sessions import (
    Now,
    Session,
    Sessions,
    cookie_name,
    cookies_named,
    is_secure,
    same,
    session_of,
    set_cookie,
)
from errors import (
    BadAccounts,
    MissingAsset,
    NothingLeft,
    Refused,
    RunFailed,
    ToadworksError,
    UnknownCandidate,
    UnknownEntry,
)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
MOST_BODY = 1 << 20  # bytes of a request
MOST_FORM = 8 << 10
BODY_S = 30
READING = ("GET", "HEAD", "OPTIONS")
DATA = ("/api/", "/image/", "/thumb/")  # asked for by the page itself: no use in a log-in form as the answer
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

log = logging.getLogger("toadworks.review")

_STATUSES: tuple[tuple[type[ToadworksError], int], ...] = (
    (UnknownCandidate, 404),
    (UnknownEntry, 404),
    (MissingAsset, 404),
    (NothingLeft, 409),
    (BadAccounts, 500),
    (RunFailed, 500),
    (ToadworksError, 400),
)


def guard(
    app: FastAPI,
    accounts: Accounts,
    *,
    curator: str,
    hosts: Sequence[str],
    https: bool = False,
    title: str = "Toadworks",
    render: Render | None = None,
    most_body: int = MOST_BODY,
    now: Now = time.time,
    steady: Now = time.monotonic,
) -> None:
    """Let nobody use `app` but curators; give it /login and /logout. To be called when its routes are there.

    `curator`: who everybody on this machine is as long as nobody can log in; `hosts`: the server's own names as
    browsers write them, with a port or with any ("127.0.0.1" stands for every name of the loopback, "0.0.0.0" for every
    address); `https`: it is reached by https only; `title`: above the form; `render(template, values)`: the HTML of
    login.html; `most_body`: bytes of a request; `now`: seconds since 1970, `steady`: seconds of a clock that nobody
    sets. Raises BadValue for what is no curator's name or no host, BadAccounts.
    """
    sessions = Sessions(accounts, curator, now)
    verifying = Verifying(accounts, Attempts(steady))
    door = Door(sessions, verifying, https, title, render or plain_render())
    app.add_route("/login", door.show_form, methods=["GET"])
    app.add_route("/login", door.log_in, methods=["POST"])
    app.add_route("/logout", door.log_out, methods=["POST"])
    app.add_exception_handler(ToadworksError, _tell_ours)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_middleware(Guard, sessions=sessions, hosts=Hosts(hosts), https=https, most_body=most_body)


def curator_of(request: HTTPConnection) -> str:
    """Who asks. What a request itself says of that counts nowhere."""
    return session_of(request).curator


def csrf_of(request: HTTPConnection) -> str:
    """What the page has to send as X-CSRF-Token with every POST."""
    return session_of(request).csrf


class Guard:
    """ASGI middleware: lets a request through once it is the server's own, same-origin and a curator's."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, hosts: Hosts, https: bool, most_body: int) -> None:
        self.app, self.sessions, self.hosts, self.https, self.most_body = app, sessions, hosts, https, most_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started = False
        cookies: list[str] = []
        secure = is_secure(scope, self.https)

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message), secure, cookies)
                _say_who(MutableHeaders(scope=message), scope)
            await send(message)

        try:
            ready = await self._admit(scope, receive, secure, cookies)
            if isinstance(ready, Response):
                await ready(scope, receive, answer)
            else:
                await self.app(scope, ready, answer)
        except ToadworksError as error:
            if started:
                raise
            await answer_to(error)(scope, receive, answer)
        except Exception:
            if started:
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            response = _error(500, "something went wrong here; the server's log says what")
            await response(scope, receive, answer)

    async def _admit(self, scope: Scope, receive: Receive, secure: bool, cookies: list[str]) -> Response | Receive:
        """What the application shall read the request from, or the answer instead of it."""
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        local = self.sessions.local
        host = self._check_host(headers, secure)
        _check_path(path)
        if local:
            _check_this_machine(scope, headers, host)
        _check_fetched(method, headers)
        if method not in READING:
            _check_origin(headers, host, secure)
        session = self._session(headers, secure)
        scope["toadworks.session"] = session
        public = path == "/login" or path.startswith("/static/")
        page = method in READING and not public and not path.startswith(DATA)
        if session is None and not public:
            if not page:
                raise Refused(401, "load the page / first" if local else "log in first, at /login")
            if _is_from_elsewhere(headers):
                return _once_more()
            if not local:
                return RedirectResponse(f"/login?next={quote(_address_of(scope), safe='')}", 303)
        if page and local:  # also where there is one: it shall not expire under a page that is in use
            session, value = self.sessions.start()
            scope["toadworks.session"] = session
            name, lifetime = cookie_name(self.sessions, secure), session.expires - session.made
            cookies.append(set_cookie(name, value, secure, lifetime))
        if method in READING:
            return receive
        if path != "/login" and session is not None:
            return await self._checked_body(path, session, headers, receive)
        return await _read_body(receive, headers, MOST_FORM)

    async def _checked_body(self, path: str, session: Session, headers: Headers, receive: Receive) -> Receive:
        given = headers.get("x-csrf-token")
        if given is None and path == "/logout":  # a plain form is enough for that
            receive = await _read_body(receive, headers, MOST_FORM)
            given = form_in((await receive())["body"]).get("csrf")
            receive = _replay(b"", receive)
        if given is None or not same(given, session.csrf):
            raise Refused(403, "this did not come from the page as it is now (its token is wrong); load the page anew")
        if (
            path.startswith("/api/")
            and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json"
        ):
            raise Refused(415, "what is sent here has to be application/json")
        return await _read_body(receive, headers, self.most_body)

    def _check_host(self, headers: Headers, secure: bool) -> Host:
        given = headers.getlist("host")
        host = Host.parse(given[0]) if len(given) == 1 else None
        if host is None or not self.hosts.has(host, 443 if secure else 80):
            shown = given[0][:100] if given else ""
            raise Refused(400, f"{shown!r} is not a name of this server; serve the page with its name to allow it")
        return host

    def _session(self, headers: Headers, secure: bool) -> Session | None:
        name = cookie_name(self.sessions, secure)
        found = (
            self.sessions.read(value) for header in headers.getlist("cookie") for value in cookies_named(name, header)
        )
        return next((session for session in found if session is not None), None)


def answer_to(error: ToadworksError) -> JSONResponse:
    """An error of ours, as the page is told of it."""
    if isinstance(error, Refused):
        response = _error(error.status, str(error))
        if error.wait is not None:
            response.headers["Retry-After"] = str(error.wait)
        return response
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    if status >= 500:
        log.error("%s", error)
    return _error(status, str(error))


def _error(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)


async def _tell_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ToadworksError)
    return answer_to(error)


async def _tell_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _tell_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return _error(400, "; ".join(told[:5]))


def _add_headers(headers: MutableHeaders, secure: bool, cookies: Iterable[str]) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", "no-store")
    for cookie in cookies:
        headers.append("Set-Cookie", cookie)


def _say_who(headers: MutableHeaders, scope: Scope) -> None:
    """Whom the answer is for: a page of somebody who is logged in no more does not take it for theirs."""
    session = scope.get("toadworks.session")
    if session is not None and scope["path"].startswith("/api/"):
        headers["Toadworks-Curator"] = quote(session.curator, safe="")


def _check_path(path: str) -> None:
    """What is public is told by how a path begins: it must not lead elsewhere from there."""
    if "\\" in path or "\0" in path or "//" in path or {".", ".."} & set(path.split("/")):
        raise Refused(400, "there is no such address")


def _check_this_machine(scope: Scope, headers: Headers, host: Host) -> None:
    """Without log-ins only this machine's own user may be asking, not somebody behind a proxy or a forwarded port."""
    client = scope.get("client")
    forwarded = next((name for name in FORWARDED if name in headers), None)
    if client is None or not is_loopback(client[0]) or not is_loopback(host.name) or forwarded:
        raise Refused(403, "from elsewhere the page opens only for who logs in: `toadworks curators add NAME`")


def _check_fetched(method: str, headers: Headers) -> None:
    """Nothing here is a part of another site's pages; they may link to it."""
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not (
        method in READING
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    ):
        raise Refused(403, "this came from another site's page")


def _check_origin(headers: Headers, host: Host, secure: bool) -> None:
    """What changes something comes from the server's own pages, as far as the browser says where from."""
    site, origins = headers.get("sec-fetch-site"), headers.getlist("origin")
    foreign = Refused(403, "this came from another site's page")
    if site not in (None, "same-origin") or len(origins) > 1:
        raise foreign
    if not origins or origins[0] == "null":  # so with no-referrer; the token tells then, as it does for old browsers
        return
    try:
        parsed = urlsplit(origins[0])
    except ValueError:
        raise foreign from None
    usual = {"http": 80, "https": 443}.get(parsed.scheme)
    origin = Host.parse(parsed.netloc)
    if usual is None or origin is None or (secure and parsed.scheme != "https"):
        raise foreign
    if (origin.name, origin.port or usual) != (host.name, host.port or usual):
        raise foreign


def _is_from_elsewhere(headers: Headers) -> bool:
    """Did somebody follow a link from another site? Then the browser keeps the session's cookie to itself."""
    return headers.get("sec-fetch-site") == "cross-site"


def _once_more() -> Response:
    """A page that asks for itself again: now from here, so that the cookie comes with it."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0">'
        '<title>Toadworks</title><p><a href="">Go on</a></p></html>'
    )


def _address_of(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")


async def _read_body(receive: Receive, headers: Headers, most: int) -> Receive:
    """Read all of a request, and return what it can be read from again. Raises Refused for one that is too large, also
    if it did not say so, or too slow."""
    too_large = Refused(413, f"more than {most} bytes were sent")
    announced = headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise Refused(400, "how much was sent is not said as a number")
    if len(announced) > 15 or int(announced) > most:
        raise too_large
    parts, size = [], 0
    try:
        with anyio.fail_after(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "the connection ended too early")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most:
                    raise too_large
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Refused(408, f"this took more than {BODY_S} s to be sent") from None
    return _replay(b"".join(parts), receive)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
