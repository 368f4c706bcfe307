"""Getting what strangers' addresses lead to: bounded in size and time, politely, and only from the open internet."""

from __future__ import annotations

import random
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from minting.origins.guard import PORTS, Deadline, Guarded, NotPublic
from minting.uploading.asking import PASSING, asked_for

AGENT = "toadworks (reads a source collection, once)"
MOST_REDIRECTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
CONNECT_S, SILENCE_S = 10.0, 20.0
GRACE_S, SLOWEST = 30.0, 20e3  # seconds, and the bytes of each second after them that an answer must bring
GIVEN_UP = 3  # failures of a host in a row, after which it is asked once for each thing
_MOVED = frozenset({301, 302, 303, 307, 308})


class NotFetched(Exception):
    """Something that did not come. `status`: HTTP's, 0 where there was none; `passes`: it may come another time."""

    def __init__(self, problem: str, *, status: int = 0, passes: bool = False, wait: float = 0.0) -> None:
        super().__init__(problem)
        self.status, self.passes, self.wait = status, passes, wait


class Web:
    """Whom to ask, and how often. Threads share it.

    `anywhere`: private addresses and any port are asked, too (dangerous: a token may then name a service of this
    machine); `plain_http`: http: as well as https:; `per_second`: requests to a host at most; `patience_s`: how long
    what may pass is waited out. Proxies that the environment names are not used: they would resolve names again.
    """

    def __init__(
        self,
        *,
        anywhere: bool = False,
        plain_http: bool = False,
        per_second: float = 8.0,
        patience_s: float = 60.0,
    ) -> None:
        self._plain_http, self._between_s, self._patience_s = plain_http, 1 / per_second, patience_s
        self._anywhere = anywhere
        self._deadline = Deadline()
        trust = httpx.create_ssl_context()
        # apart, as a connection to the user's own service must not be there to be used for a stranger's address
        self._pools = {
            own: httpcore.ConnectionPool(
                ssl_context=trust,
                max_connections=16,
                keepalive_expiry=10.0,
                network_backend=Guarded(self._deadline, anywhere or own),
            )
            for own in (False, True)
        }
        self._lock = threading.Lock()
        self._next: dict[str, float] = defaultdict(float)  # when a host may be asked again
        self._failed: Counter[str] = Counter()

    def get(self, url: str, most: int, *, accept: str = "*/*", own: bool = False, once: bool = False) -> bytes:
        """What is at `url`, `most` bytes at most. `own`: the user named this service, so it may be anywhere, and http;
        where it redirects to, may not. `once`: there are others to ask first. Raises NotFetched."""
        until, attempt = 0.0, 0
        host = _host(url)
        while True:
            try:
                data = self._follow(url, most, accept, own)
                self._failed[host] = 0
                return data
            except NotFetched as error:
                failed = error
            if once:
                raise failed
            now = time.monotonic()
            patience_s = 0.0 if self._failed[host] >= GIVEN_UP else self._patience_s
            until = until or now + patience_s
            wait = max(failed.wait, random.uniform(0.5, 1) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt))
            if not failed.passes or now + wait > until:
                if failed.passes:
                    self._failed[host] += 1
                raise failed
            if failed.wait:  # it asked for a rest: nobody here disturbs it
                with self._lock:
                    self._next[host] = max(self._next[host], now + failed.wait)
            attempt += 1
            time.sleep(wait)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _follow(self, url: str, most: int, accept: str, own: bool) -> bytes:
        """The redirects, one by one: each is held against the same rules."""
        for _ in range(MOST_REDIRECTS + 1):
            found, leads_to = self._hop(url, most, accept, own)
            if not leads_to:
                return found
            own = own and _origin(leads_to) == _origin(url)
            url = leads_to
        raise NotFetched(f"is redirected more than {MOST_REDIRECTS} times")

    def _hop(self, url: str, most: int, accept: str, own: bool) -> tuple[bytes, str]:
        """What is there, or the address that it leads to."""
        self._check(url, own)
        self._pace(_host(url))
        headers = [("User-Agent", AGENT), ("Accept", accept), ("Accept-Encoding", "identity")]
        timeouts = {"connect": CONNECT_S, "read": SILENCE_S, "write": SILENCE_S, "pool": CONNECT_S + GRACE_S}
        with (
            self._told(),
            self._pools[own].stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as answer,
        ):
            given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            if answer.status in _MOVED and given.get("location"):
                return b"", urljoin(url, given["location"].strip())
            if answer.status != 200:
                passes = answer.status in PASSING
                wait = asked_for(given.get("retry-after", "")) if passes else 0.0
                told = f"its host answers {answer.status}"
                raise NotFetched(told, status=answer.status, passes=passes, wait=wait)
            if given.get("content-length", "").isdecimal() and int(given["content-length"][:20]) > most:
                raise NotFetched(_too_large(most))
            return b"".join(_bounded(self._chunks(answer), given.get("content-encoding", ""), most)), ""

    def _chunks(self, answer: httpcore.Response) -> Iterator[bytes]:
        began, got = time.monotonic(), 0
        for chunk in answer.iter_stream():
            got += len(chunk)
            self._deadline.until = began + GRACE_S + got / SLOWEST
            yield chunk

    def _check(self, url: str, own: bool) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or (80 if parts.scheme == "http" else 443)
        except ValueError:
            raise NotFetched("is no address") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
            raise NotFetched("leads to what is no https address")
        if parts.username is not None or parts.password is not None:
            raise NotFetched("holds a user or a password")
        if not own and parts.scheme == "http" and not self._plain_http:
            raise NotFetched("is http, which anybody on the way can change; --allow-http takes it")
        if not (own or self._anywhere) and port not in PORTS:
            raise NotFetched(f"leads to port {port}; only 80 and 443 are asked")

    def _pace(self, host: str) -> None:
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next[host])
            self._next[host] = at + self._between_s
        time.sleep(at - now)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong below HTTP, in our words."""
        self._deadline.until = time.monotonic() + GRACE_S
        try:
            yield
        except NotPublic as error:
            raise NotFetched(str(error)) from None
        except httpcore.TimeoutException:
            raise NotFetched("its host takes too long to answer", passes=True) from None
        except (httpcore.NetworkError, httpcore.RemoteProtocolError, OSError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise NotFetched("its host has a certificate that is not trusted") from None
            kind = type(error).__name__
            raise NotFetched(f"its host does not answer as it should ({kind})", passes=True) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError) as error:
            raise NotFetched(f"its host cannot be asked ({type(error).__name__})") from None


def _bounded(chunks: Iterator[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """The content, unpacked where a host packs it although it was asked not to."""
    packed = encoding.strip().lower() in ("gzip", "x-gzip")
    if encoding and not packed and encoding.strip().lower() != "identity":
        raise NotFetched("is packed in a way that was not asked for")
    unpacking = zlib.decompressobj(31)
    got = 0
    for chunk in chunks:
        if packed:
            try:
                chunk = unpacking.decompress(chunk, most - got + 1)
            except zlib.error:
                raise NotFetched("is no gzip, as its host says") from None
        got += len(chunk)
        if got > most or unpacking.unconsumed_tail:
            raise NotFetched(_too_large(most))
        yield chunk
    if packed and not unpacking.eof:
        raise NotFetched("is cut off", passes=True)


def _too_large(most: int) -> str:
    return f"is larger than {most / 1e6:g} MB"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc
