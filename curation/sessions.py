"""Who asks: signed cookies that say which curator a browser belongs to, and the tokens that only the page's own
requests carry."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope

from curation.accounts import Account, Accounts, checked_name

LIFETIME_S = 7 * 24 * 3600  # of a session
FORM_LIFETIME_S = 12 * 3600  # of a log-in form

Now = Callable[[], float]


@dataclass(frozen=True)
class Session:
    """That a browser belongs to `curator`, until `expires` (seconds since 1970). `csrf`: what its page sends with every
    POST. `local`: without a log-in, on this machine."""

    curator: str
    id: str
    made: float
    expires: float
    csrf: str
    local: bool


class Sessions:
    """Makes and reads the cookies of sessions.

    A cookie is signed with the server's key, so nothing is kept of it here: it is good for a server that was started
    anew, too. The hash of the curator's password takes part in the signature: with another password, or without the
    account, it no longer holds.

    Where nobody can log in, whoever uses this machine is the curator `curator`. Once somebody can, this is over for as
    long as the server runs: it never opens again because accounts were removed.
    """

    def __init__(self, accounts: Accounts, curator: str, now: Now = time.time) -> None:
        """Raises BadValue for what is no curator's name, BadAccounts for a file that cannot be used."""
        self.accounts, self.now = accounts, now
        self._curator = checked_name(curator)
        self._closed = False
        # Cookies know no ports: two collections that are reviewed on one machine need names of their own.
        self.suffix = self._signed("name", "")[:8]

    @property
    def local(self) -> bool:
        """Is everybody on this machine the one curator, as nobody can log in?"""
        self._closed = self._closed or bool(self.accounts.curators())
        return not self._closed

    def start(self, account: Account | None = None) -> tuple[Session, str]:
        """A new session, and its cookie. Without an account it is the local curator's: these all have one id, so that
        no tab's token is spoilt by another tab's session."""
        made = self.now()
        curator = account.name if account else self._curator
        id = secrets.token_hex(16) if account else self._signed("local", curator)[:32]
        told = {"curator": curator, "id": id, "made": made, "expires": made + LIFETIME_S, "local": account is None}
        payload = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return self._session(told), f"{payload}.{self._signature(payload, account)}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None for one that is forged, expired, logged out of, or of an account that was
        changed or removed."""
        payload, _, signature = cookie.partition(".")
        try:
            told = json.loads(base64.b64decode(payload.encode(), altchars=b"-_", validate=True))
            curator, id, local = str(told["curator"]), str(told["id"]), told["local"] is True
            expires = float(told["expires"])
        except (binascii.Error, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        account = None if local else self.accounts.find(curator)
        if not same(signature, self._signature(payload, account)) or expires <= self.now():
            return None
        # what is local was signed without a hash, and is good for the curator whom this server was started with alone
        if local != (account is None) or (local and not (self.local and curator == self._curator)):
            return None
        content = self.accounts.content()
        return None if content is None or id in content.ended else self._session(told)

    def end(self, session: Session) -> None:
        """The session's cookie is good no more, wherever a copy of it is."""
        if not session.local:
            self.accounts.end_session(session.id, session.expires, self.now())

    def start_form(self) -> str:
        """The cookie of a browser that is to log in: `form_token` of it goes into the form."""
        payload = f"{secrets.token_hex(16)}-{self.now() + FORM_LIFETIME_S:.0f}"
        return f"{payload}.{self._signed('form cookie', payload)}"

    def form_token(self, cookie: str) -> str | None:
        """What a form has to send with this cookie; None for a cookie that is forged or expired."""
        payload, _, signature = cookie.partition(".")
        if not same(signature, self._signed("form cookie", payload)):
            return None
        expires = float(payload.partition("-")[2])  # ours, as it is signed
        return self._signed("form token", payload) if expires > self.now() else None

    def _session(self, told: dict[str, object]) -> Session:
        id = str(told["id"])
        made, expires = float(str(told["made"])), float(str(told["expires"]))
        return Session(str(told["curator"]), id, made, expires, self._signed("csrf", id), told["local"] is True)

    def _signature(self, payload: str, account: Account | None) -> str:
        return self._signed("session", f"{payload}\0{account.password_hash if account else ''}")

    def _signed(self, purpose: str, text: str) -> str:
        """HMAC-SHA256 in hex; what is signed for one purpose is no signature for another."""
        told = f"toadworks {purpose}\0{text}".encode(errors="surrogatepass")
        return hmac.new(self.accounts.key(), told, "sha256").hexdigest()


def session_of(request: HTTPConnection) -> Session:
    """The session of a request that came through the guard."""
    found: Session = request.scope["toadworks.session"]
    return found


def same(given: str, right: str) -> bool:
    """Are they equal? The time that it takes says nothing of where they differ."""
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())


def cookies_named(name: str, header: str) -> Iterator[str]:
    """All values that a Cookie header has for a name: another server of this machine may have set one, too."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            yield value.strip('"')


def cookie_name(sessions: Sessions, secure: bool) -> str:
    """By its prefix a browser takes a cookie only from this very host, and only over https."""
    return f"{'__Host-' if secure else ''}toadworks-{sessions.suffix}"


def set_cookie(name: str, value: str, secure: bool, lifetime: float | None) -> str:
    """A Set-Cookie header; `lifetime` in seconds, None: until the browser is closed, 0: not any more."""
    age = "" if lifetime is None else f"; Max-Age={int(lifetime)}"
    return f"{name}={value}; Path=/{age}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def is_secure(scope: Scope, https: bool) -> bool:
    return https or scope.get("scheme") == "https"
