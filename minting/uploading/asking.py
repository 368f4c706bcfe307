"""Asking an HTTP service, with patience: what passes is waited out, what does not is told in a sentence of ours, which
holds neither a secret nor the page of a proxy."""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import httpx

from errors import BadValue, RunFailed
from minting.uploading.pieces import Moved

T = TypeVar("T")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 20.0
CONNECT_S, SILENCE_S = 10.0, 60.0
WORKED_A_S = 20e6  # bytes that a service should work through in a second before it answers: blocks to hash, pins to set
CHUNK = 1 << 18  # bytes
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # statuses that may be gone at the next try
LONGEST_ANSWER = 4 << 20  # bytes of JSON
MOST_SAID = 160  # characters of a service's own words
_ADVICE = {
    402: "the service wants to be paid first; look at your account there",
    404: "there is no such thing there; look at the address",
    405: "this is no service of that kind; look at the address",
    413: "it is too large for the service, or for a proxy before it; ask who runs it for a higher limit",
    429: "the service has been too busy for too long; run this again later, or lower publish.parallel",
    507: "the service has no room left; make some",
}
_log = logging.getLogger("toadworks.publish")
logging.getLogger("httpx").setLevel(logging.WARNING)  # below, it logs URLs, with what is secret in them


class Again(Exception):
    """An answer that is damaged, or not there yet, and may be better at the next try."""


class Refusal(Exception):
    """An answer that is final and is the caller's to judge: its status, and the service's own words (made harmless)."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


class Sending(BufferedReader):
    """A file on its way, or `size` bytes of it from `start`; `moved` is told of what was read."""

    def __init__(self, file: Path, moved: Moved, start: int = 0, size: int | None = None) -> None:
        super().__init__(FileIO(file))
        self._moved, self._end = moved, file.stat().st_size if size is None else start + size
        self.seek(start)

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._end - self.tell()
        data = super().read(left if size is None or size < 0 else min(size, left))
        self._moved(len(data))
        return data

    def chunks(self) -> Iterator[bytes]:
        while data := self.read(CHUNK):
            yield data


class Http:
    """A service at `url`, which may hold user, password or a token in its query: they go with every request, and are
    never shown.

    `headers` hold secrets, too. A failure is waited out until `patience_s` have passed since the first in a row.
    `sign_in`: what to do about a 401 or 403. Threads may share it. Raises BadValue for a URL that cannot be.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, patience_s: float = 120.0, sign_in: str = ""
    ) -> None:
        parts = checked_url(url)
        self.shown = shown_url(url)
        self.patience_s, self.sign_in = patience_s, sign_in or "look at the credentials"
        self._secrets = [value.removeprefix("Bearer ") for value in (headers or {}).values()]
        self._query = parse_qsl(parts.query)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        self._secrets += [password, *(value for _, value in self._query)]
        self._base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._client = httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": "toadworks"} | dict(headers or {}),
            auth=(user, password) if user or password else None,
            # where it leads, nobody should learn a secret
            follow_redirects=not any(self._secrets),
            limits=httpx.Limits(max_connections=32),
        )

    def ask(
        self,
        method: str,
        path: str,
        failing: str,
        read: Callable[[httpx.Response], T],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        sending: Callable[[ExitStack], dict[str, Any]] | None = None,
        first: Callable[[], T | None] | None = None,
        final: Callable[[int, str], bool] = lambda status, said: False,
        passing: Collection[int] = PASSING,
        size: int = 0,
    ) -> T:
        """What `read` makes of a good answer (a status below 300); it raises Again for one that is damaged.

        `path` follows the URL, or is a whole URL of the same service. `sending(stack)` gives what is sent (httpx's
        arguments), opened anew for every try; before each further one, `first` may find that the last had arrived
        after all. A status, with the service's words, that `final` says yes to raises Refusal; those in `passing` are
        tried again. `size`: bytes that are sent; the answer to many may take its time. All else raises RunFailed:
        `failing` ("images: the CAR cannot be sent"), why, and what to do.
        """
        until = 0.0
        for attempt in itertools.count():
            if attempt and first is not None and (found := first()) is not None:
                return found
            wait = random.uniform(0.5, 1) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
            try:
                with ExitStack() as stack:
                    given = sending(stack) if sending else {}
                    given["headers"] = {**(headers or {}), **given.get("headers", {})}
                    silence_s = SILENCE_S + size / WORKED_A_S
                    given["timeout"] = httpx.Timeout(SILENCE_S, connect=CONNECT_S, read=silence_s)
                    if query := [*self._query, *(params or {}).items()]:  # httpx would take an empty one off the URL
                        given["params"] = query
                    url = path if "://" in path else self._base + path
                    with self._client.stream(method, url, **given) as response:
                        if response.is_success:
                            return read(response)
                        why, passes = self._refused(response, final, passing)
                        wait = max(wait, asked_for(response.headers.get("Retry-After", "")))
            except Again as error:
                why, passes = f"{self.shown} {error}", True
            except (httpx.TransportError, httpx.DecodingError) as error:
                why, passes = self._broken(error)
            except (httpx.HTTPError, httpx.InvalidURL) as error:  # their texts may hold the URL
                why, passes = f"{self.shown} cannot be asked ({type(error).__name__}); look at the address", False
            # outside of the except, so that nothing of the answer hangs on the error that is raised
            now = time.monotonic()
            until = until or now + self.patience_s
            if not passes or now + wait > until:
                raise RunFailed(f"{failing}: {why}")
            _log.info("%s: %s; trying again in %.1f s", failing, why, wait)
            time.sleep(wait)
        raise AssertionError("count() does not end")

    def said(self, text: str) -> str:
        """A service's words for an error of ours: short, printable, without what was secret in the question."""
        for secret in filter(None, self._secrets):
            text = text.replace(secret, "...")
        text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return text if len(text) <= MOST_SAID else text[:MOST_SAID] + "..."

    def close(self) -> None:
        self._client.close()

    def _refused(
        self, response: httpx.Response, final: Callable[[int, str], bool], passing: Collection[int]
    ) -> tuple[str, bool]:
        """Why, and may it be gone at the next try?"""
        status, words = response.status_code, self._words(response)
        if final(status, words):
            raise Refusal(status, words)
        told = f"{self.shown} answers {status}" + (f" ({words})" if words else "")
        if status in (401, 403):
            return f"{told}: it does not take these credentials; {self.sign_in}", False
        if 300 <= status < 400:
            return f"{told}: it leads elsewhere; give the address that it leads to", False
        return f"{told}; {_ADVICE.get(status, 'run this again, or ask who runs the service')}", status in passing

    def _words(self, response: httpx.Response) -> str:
        """The message of an error in JSON, as services write it. Of a page nothing is told."""
        with suppress(httpx.HTTPError, Again):
            return self.said(message_in(read_json(response)))
        return ""

    def _broken(self, error: httpx.RequestError) -> tuple[str, bool]:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return f"the certificate of {self.shown} is not trusted; name its authority in SSL_CERT_FILE", False
        kind = type(error).__name__
        if isinstance(error, httpx.UnsupportedProtocol):
            return f"{self.shown} is no http or https address", False
        return f"{self.shown} does not answer as it should ({kind}); look at the network, then run this again", True


def read_json(response: httpx.Response) -> Any:
    """The JSON that the answer is. Raises Again for what is none, is cut short, or too long to be one."""
    return json_of(read_bytes(response), response)


def json_of(data: bytes, response: httpx.Response) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        kind = re.sub(r"[^\w/+.-].*", "", response.headers.get("Content-Type", "")) or "no type"
        raise Again(f"answers {response.status_code} with what is no JSON ({kind[:40]})") from None


def read_bytes(response: httpx.Response, most: int = LONGEST_ANSWER) -> bytes:
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > most:
            raise Again(f"answers more than {most} bytes")
    return bytes(data)


def message_in(answer: Any) -> str:
    """{"Message": ...} as kubo writes it; {"error": {"message": ...}} or {"error": ...} as Pinata does."""
    if not isinstance(answer, dict):
        return ""
    told = answer.get("Message") or answer.get("error") or answer.get("message") or ""
    if isinstance(told, dict):
        told = told.get("message") or told.get("reason") or told.get("details") or ""
    return told if isinstance(told, str) else ""


def asked_for(retry_after: str) -> float:
    """Seconds that Retry-After asks for, as a number or as a date (RFC 9110, 10.2.3); 0 if it is neither."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return 0.0


def checked_url(url: str) -> Any:
    """Its parts. Raises BadValue, in which only what is no secret is shown."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        raise BadValue("address", shown_url(url), "https://HOST or http://HOST:PORT, without blanks or #")
    return parts


def shown_url(url: str) -> str:
    """The URL without what may be secret in it: user, password, query and fragment."""
    with suppress(ValueError):
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number: that is half a password then
        if parts.hostname:
            return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    return "the address given"
