"""Strangers' servers with every fault: what passes is waited out, what does not is told, and nothing takes for ever."""

from __future__ import annotations

import gzip
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from minting.origins import web as web_module
from minting.origins.web import NotFetched, Web
from tests.minting.origins import strangers
from tests.minting.origins.strangers import Answer, Stranger, cut, first, leads_to, status

BODY = b"toad" * 1000


@pytest.fixture
def web() -> Web:
    return Web(anywhere=True, plain_http=True, per_second=1000, patience_s=5)


class Clock:
    """Time that passes by sleeping only; `slept`: how long at a time."""

    def __init__(self) -> None:
        self.skew, self.slept = 0.0, list[float]()

    def monotonic(self) -> float:
        return time.monotonic() + self.skew

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.skew += max(0, seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(web_module, "time", SimpleNamespace(monotonic=made.monotonic, sleep=made.sleep))
    return made


@pytest.mark.parametrize("fault", [status(500), status(503), status(429), status(408), cut(BODY)])
def test_what_passes_is_waited_out(stranger: Stranger, web: Web, fault: Answer) -> None:
    stranger.routes["/1"] = first(2, fault, BODY)
    assert web.get(f"{stranger.url}/1", 10_000) == BODY
    assert stranger.asked == ["/1"] * 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501])
def test_what_does_not_pass_is_not_asked_again(stranger: Stranger, web: Web, code: int) -> None:
    stranger.routes["/1"] = status(code)
    with pytest.raises(NotFetched, match=f"answers {code}") as caught:
        web.get(f"{stranger.url}/1", 10_000)
    assert caught.value.status == code and len(stranger.asked) == 1


def test_rest_that_is_asked_for_is_given(stranger: Stranger, clock: Clock) -> None:
    stranger.routes["/1"] = first(1, status(429, Retry_After="7"), BODY)
    assert Web(anywhere=True, plain_http=True, patience_s=30).get(f"{stranger.url}/1", 10_000) == BODY
    assert 7 <= max(clock.slept) < 9


def test_rest_that_is_longer_than_patience_is_not_waited_for(stranger: Stranger, clock: Clock) -> None:
    stranger.routes["/1"] = status(429, Retry_After="86400")
    with pytest.raises(NotFetched, match="answers 429"):
        Web(anywhere=True, plain_http=True, patience_s=30).get(f"{stranger.url}/1", 10_000)
    assert max(clock.slept) < 1 and len(stranger.asked) == 1


def test_host_is_asked_so_many_times_a_second(stranger: Stranger, clock: Clock) -> None:
    stranger.routes["/1"] = b"x"
    web = Web(anywhere=True, plain_http=True, per_second=2)
    begun = clock.monotonic()
    for _ in range(5):
        web.get(f"{stranger.url}/1", 10)
    assert clock.monotonic() - begun >= 2  # four times half a second between five


def test_host_that_stays_away_is_not_waited_for_each_time(stranger: Stranger, clock: Clock) -> None:
    stranger.routes["/1"] = status(500)
    web = Web(anywhere=True, plain_http=True, per_second=1000, patience_s=1)
    counts = []
    for _ in range(5):
        before = len(stranger.asked)
        with pytest.raises(NotFetched):
            web.get(f"{stranger.url}/1", 10)
        counts.append(len(stranger.asked) - before)
    assert min(counts[:3]) > 1 and counts[3:] == [1, 1]
    stranger.routes["/1"] = b"x"
    assert web.get(f"{stranger.url}/1", 10) == b"x"


@pytest.mark.parametrize("fault", [strangers.silent, strangers.dripping, strangers.dripping_body])
def test_who_takes_for_ever_is_not_waited_for(stranger: Stranger, fault: Answer, monkeypatch: Any) -> None:
    monkeypatch.setattr(web_module, "SILENCE_S", 0.3)
    monkeypatch.setattr(web_module, "GRACE_S", 0.5)
    stranger.routes["/1"] = fault
    with pytest.raises(NotFetched, match="takes too long"):
        Web(anywhere=True, plain_http=True, patience_s=0).get(f"{stranger.url}/1", 200_000)


@pytest.mark.parametrize("answer", [status(200, b"x" * 1001), strangers.endless])
def test_what_is_too_large_is_not_read(stranger: Stranger, web: Web, answer: Answer) -> None:
    stranger.routes["/1"] = answer
    with pytest.raises(NotFetched, match=r"larger than 0\.001 MB"):
        web.get(f"{stranger.url}/1", 1000)


def test_what_is_packed_is_unpacked_up_to_the_limit(stranger: Stranger, web: Web) -> None:
    stranger.routes["/1"] = status(200, gzip.compress(BODY), Content_Encoding="gzip")
    stranger.routes["/bomb"] = status(200, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    stranger.routes["/br"] = status(200, BODY, Content_Encoding="br")
    stranger.routes["/none"] = status(200, BODY, Content_Encoding="gzip")
    assert web.get(f"{stranger.url}/1", 4000) == BODY
    for path, told in (("/bomb", "larger than"), ("/br", "packed"), ("/none", "no gzip")):
        with pytest.raises(NotFetched, match=told):
            web.get(f"{stranger.url}{path}", 100_000)


def test_redirects_are_followed_five_times(stranger: Stranger, web: Web) -> None:
    for at in range(1, 7):
        stranger.routes[f"/{at}"] = leads_to(f"{at + 1}", 301 + at % 3)
    stranger.routes["/7"] = BODY
    assert web.get(f"{stranger.url}/2", 10_000) == BODY
    with pytest.raises(NotFetched, match="more than 5 times"):
        web.get(f"{stranger.url}/1", 10_000)


def test_http_is_refused_unless_allowed(stranger: Stranger) -> None:
    with pytest.raises(NotFetched, match="--allow-http"):
        Web(anywhere=True).get(f"{stranger.url}/1", 10)
    assert stranger.asked == []


def test_users_in_addresses_are_refused(stranger: Stranger, web: Web) -> None:
    with pytest.raises(NotFetched, match="a user or a password"):
        web.get(f"http://toad:secret@127.0.0.1:{stranger.port}/1", 10)
    assert stranger.asked == []


def test_it_says_who_asks_and_uses_no_proxy(stranger: Stranger, web: Web, monkeypatch: Any) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    stranger.routes["/1"] = b"x"
    assert web.get(f"{stranger.url}/1", 10) == b"x"
    assert stranger.headers[0]["User-Agent"].startswith("toadworks")


def test_threads_share_it(stranger: Stranger, web: Web) -> None:
    stranger.routes["/1"] = first(5, status(503), BODY)
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(web.get(f"{stranger.url}/1", 10_000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [BODY] * 8
