"""Sessions that hold, and cookies that do not; attempts that have to wait."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from pathlib import Path
from typing import cast

import pytest
from argon2 import PasswordHasher

from curation import attempts
from curation.accounts import Account, Accounts
from curation.attempts import Attempts, Verifying
from curation.sessions import LIFETIME_S, Sessions, cookies_named
from errors import BadValue, Refused

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "sesame-7f3a-toad"


class Clock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "curators.json", QUICK)


@pytest.fixture
def ann(accounts: Accounts) -> Account:
    accounts.add("ann", PASSWORD)
    found = accounts.find("ann")
    assert found is not None
    return found


def told_in(cookie: str) -> dict[str, object]:
    told: dict[str, object] = json.loads(base64.urlsafe_b64decode(cookie.partition(".")[0]))
    return told


def forged(cookie: str, **changes: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(told_in(cookie) | changes).encode()).decode()
    return f"{payload}.{cookie.partition('.')[2]}"


def test_session_outlives_a_restart(accounts: Accounts, ann: Account, clock: Clock) -> None:
    session, cookie = Sessions(accounts, "me", clock).start(ann)
    again = Sessions(Accounts(accounts.file), "me", clock)
    assert again.read(cookie) == session
    assert session.curator == "ann" and not session.local and session.expires == clock.time + LIFETIME_S


def test_cookie_tells_no_secret(accounts: Accounts, ann: Account) -> None:
    session, cookie = Sessions(accounts, "me").start(ann)
    told = str(told_in(cookie))
    assert ann.password_hash not in told and accounts.key().hex() not in told and session.csrf not in told


def test_every_changed_letter_spoils_the_cookie(accounts: Accounts, ann: Account) -> None:
    sessions = Sessions(accounts, "me")
    _, cookie = sessions.start(ann)
    for at, letter in enumerate(cookie):
        other = "A" if letter != "A" else "B"
        assert sessions.read(cookie[:at] + other + cookie[at + 1 :]) is None, at


def test_another_name_or_time_cannot_be_written_in(accounts: Accounts, ann: Account) -> None:
    accounts.add("bob", PASSWORD)
    sessions = Sessions(accounts, "me")
    _, cookie = sessions.start(ann)
    for changes in ({"curator": "bob"}, {"expires": 9e12}, {"id": "0" * 32}, {"local": True}, {"curator": "me"}):
        assert sessions.read(forged(cookie, **changes)) is None


@pytest.mark.parametrize(
    "cookie",
    ["", ".", "x", "e30=.", "bnVsbA==.0", "W10=.0", "é.é", "\ud800", "A" * 5000, "e30=." + "0" * 64, '"' * 9]
    + [
        base64.urlsafe_b64encode(text.encode()).decode() + ".0"
        for text in (
            '{"curator": "ann", "id": "0", "expires": 1' + "0" * 400 + ', "local": false}',
            '{"curator": "ann", "id": "0", "expires": NaN, "local": false}',
            '{"curator": "\\ud800", "id": "0", "expires": 9e99, "local": false}',
            "[" * 2000,
        )
    ],
)
def test_nonsense_is_no_session(accounts: Accounts, ann: Account, cookie: str) -> None:
    assert Sessions(accounts, "me").read(cookie) is None


def test_cookie_of_another_key_is_none(accounts: Accounts, ann: Account, tmp_path: Path) -> None:
    other = Accounts(tmp_path / "other.json", QUICK)
    told = json.loads(accounts.file.read_text())
    other.key()
    mixed = json.loads(other.file.read_text()) | {"curators": told["curators"]}
    other.file.write_text(json.dumps(mixed))
    _, cookie = Sessions(other, "me").start(other.find("ann"))
    assert Sessions(accounts, "me").read(cookie) is None


def test_session_expires(accounts: Accounts, ann: Account, clock: Clock) -> None:
    sessions = Sessions(accounts, "me", clock)
    _, cookie = sessions.start(ann)
    clock.time += LIFETIME_S - 1
    assert sessions.read(cookie)
    clock.time += 1
    assert sessions.read(cookie) is None


def test_new_password_ends_sessions(accounts: Accounts, ann: Account) -> None:
    sessions = Sessions(accounts, "me")
    _, cookie = sessions.start(ann)
    accounts.add("ann", PASSWORD)  # the same words, even
    assert sessions.read(cookie) is None


def test_removed_curator_has_no_session(accounts: Accounts, ann: Account) -> None:
    accounts.add("bob", PASSWORD)
    sessions = Sessions(accounts, "me")
    _, cookie = sessions.start(ann)
    accounts.remove("ann")
    assert sessions.read(cookie) is None
    accounts.add("ann", PASSWORD)
    assert sessions.read(cookie) is None


def test_log_out_holds_on_the_server(accounts: Accounts, ann: Account) -> None:
    sessions = Sessions(accounts, "me")
    (one, first), (_, second) = sessions.start(ann), sessions.start(ann)
    sessions.end(one)
    for server in (sessions, Sessions(Accounts(accounts.file), "me")):
        assert server.read(first) is None
        assert server.read(second)


def test_tokens_belong_to_a_session(accounts: Accounts, ann: Account) -> None:
    sessions = Sessions(accounts, "me")
    (one, cookie), (two, _) = sessions.start(ann), sessions.start(ann)
    assert one.csrf != two.csrf and len(one.csrf) == 64
    again = sessions.read(cookie)
    assert again is not None and again.csrf == one.csrf


def test_who_is_here_needs_no_log_in(accounts: Accounts, clock: Clock) -> None:
    sessions = Sessions(accounts, "me", clock)
    assert sessions.local
    session, cookie = sessions.start()
    assert session.curator == "me" and session.local
    assert Sessions(Accounts(accounts.file), "me", clock).read(cookie) == session
    clock.time += LIFETIME_S
    assert sessions.read(cookie) is None
    assert sessions.start()[0].csrf == session.csrf  # a page that is open goes on


def test_other_curator_of_this_machine_is_another(accounts: Accounts) -> None:
    session, cookie = Sessions(accounts, "me").start()
    other = Sessions(accounts, "you")
    assert other.read(cookie) is None
    assert other.start()[0].csrf != session.csrf


def test_nobody_is_let_in_again_without_log_in(accounts: Accounts) -> None:
    sessions = Sessions(accounts, "me")
    _, cookie = sessions.start()
    assert sessions.read(cookie)
    accounts.add("ann", PASSWORD)
    assert not sessions.local and sessions.read(cookie) is None
    accounts.remove("ann")
    assert not sessions.local and sessions.read(cookie) is None
    accounts.file.unlink()
    assert not sessions.local and sessions.read(cookie) is None


@pytest.mark.parametrize("name", ["", "auto", "Auto"])
def test_server_needs_a_curator(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadValue):
        Sessions(accounts, name)


def test_form_cookie_is_no_session(accounts: Accounts, ann: Account, clock: Clock) -> None:
    sessions = Sessions(accounts, "me", clock)
    form = sessions.start_form()
    assert sessions.read(form) is None
    assert sessions.form_token(form) and sessions.form_token(form) != sessions.form_token(sessions.start_form())
    assert sessions.form_token(form[:-1] + "x") is None
    assert sessions.form_token(sessions.start(ann)[1]) is None
    assert sessions.form_token("") is None
    clock.time += 13 * 3600
    assert sessions.form_token(form) is None


def test_collections_do_not_share_a_cookie(accounts: Accounts, tmp_path: Path) -> None:
    other = Accounts(tmp_path / "other.json")
    assert Sessions(accounts, "me").suffix != Sessions(other, "me").suffix
    assert Sessions(accounts, "me").suffix == Sessions(accounts, "you").suffix


def test_all_cookies_of_a_name_are_looked_at() -> None:
    assert list(cookies_named("a", 'b=1; a=2;a="3"; aa=4; a')) == ["2", "3", ""]


def waiting(attempts: Attempts, name: str, address: str) -> int:
    """The seconds that this attempt has to wait; 0: it was let through."""
    try:
        attempts.begin(name, address)
    except Refused as error:
        assert error.status == 429 and error.wait is not None and str(error.wait) in str(error)
        return error.wait
    return 0


def test_waits_grow(clock: Clock) -> None:
    limits, waits = Attempts(clock), []
    for number in range(16):
        while wait := waiting(limits, "ann", f"10.0.{number}.1"):  # from everywhere
            waits.append(wait)
            assert waiting(limits, "ann", f"10.0.{number}.2") == wait  # being refused changes nothing
            clock.time += wait
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_names_and_addresses_count_apart(clock: Clock) -> None:
    limits = Attempts(clock)
    for number in range(20):
        assert not waiting(limits, f"name {number}", "10.0.0.1")
    assert waiting(limits, "fresh", "10.0.0.1") == 1
    assert waiting(limits, "fresh", "10.0.0.2") == 0


@pytest.mark.parametrize("name", ["ANN", " ann ", "Ａnn"])
def test_forms_of_a_name_count_as_one(clock: Clock, name: str) -> None:
    limits = Attempts(clock)
    for number in range(5):
        assert not waiting(limits, "ann", f"10.0.0.{number}")
    assert waiting(limits, name, "10.0.1.1")


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8::ffff:1"), ("10.0.0.1", "::ffff:10.0.0.1"), ("fe80::1%a", "fe80::2%b")]
)
def test_addresses_of_one_place_count_as_one(clock: Clock, one: str, other: str) -> None:
    limits = Attempts(clock)
    for number in range(20):
        assert not waiting(limits, f"name {number}", one)
    assert waiting(limits, "fresh", other)
    assert not waiting(limits, "fresh", "2001:db9::1")


def test_right_password_clears_the_name_alone(clock: Clock) -> None:
    limits = Attempts(clock)
    for _ in range(4):
        for _ in range(4):
            assert not waiting(limits, "ann", "10.0.0.1")
        assert not waiting(limits, "ann", "10.0.0.1")
        limits.succeeded("ann", "10.0.0.1")
    for _ in range(4):
        assert not waiting(limits, "bob", "10.0.0.1")
    assert waiting(limits, "cid", "10.0.0.1") == 1  # 20 wrong ones, whatever was right between them


def test_attempts_are_forgotten(clock: Clock) -> None:
    limits = Attempts(clock)
    for number in range(5):
        waiting(limits, "ann", f"10.0.0.{number}")
    assert waiting(limits, "ann", "10.0.1.1")
    clock.time += 3600
    for number in range(5):
        assert not waiting(limits, "ann", f"10.0.2.{number}")


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_KEPT", 100)
    limits = Attempts(clock)
    for number in range(300):
        limits.begin(f"name {number}" + "x" * 1000, f"10.0.{number // 250}.{number % 250}" + "y" * 1000)
    assert len(limits._kept) == 100
    assert max(len(text) for _, text in limits._kept) <= 64


def test_endless_attempts_overflow_nothing(clock: Clock) -> None:
    limits = Attempts(clock)
    for _ in range(1200):
        if wait := waiting(limits, "ann", "10.0.0.1"):
            clock.time += wait
            assert not waiting(limits, "ann", "10.0.0.1")
        clock.time += 900


class Slow:
    """Accounts of which verifying takes a while; notes where it is done, and how many at a time."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.threads: set[int] = set()
        self.lock = threading.Lock()

    def verify(self, name: str, password: str) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.get_ident())
        time.sleep(0.02)
        with self.lock:
            self.now -= 1


def verify_many(slow: Slow, count: int) -> tuple[list[object], int]:
    """The outcomes of that many attempts at once, and how often the loop went round meanwhile."""
    verifying = Verifying(cast(Accounts, slow), Attempts())

    async def run() -> tuple[list[object], int]:
        wanted = [verifying.verify(f"name {number}", "x", f"10.0.{number}.1") for number in range(count)]
        rounds, all_of_them = 0, asyncio.gather(*wanted, return_exceptions=True)
        while not all_of_them.done():
            await asyncio.sleep(0.001)
            rounds += 1
        return list(all_of_them.result()), rounds

    return asyncio.run(run())


def test_passwords_are_verified_two_at_a_time_beside_the_loop() -> None:
    slow = Slow()
    outcomes, rounds = verify_many(slow, 10)
    assert outcomes == [None] * 10
    assert slow.most == 2 and len(slow.threads) == 2 and threading.get_ident() not in slow.threads
    assert rounds > 10


def test_crowd_is_sent_away() -> None:
    outcomes, _ = verify_many(Slow(), 40)
    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert len(refused) == 8 and all(one.status == 429 for one in refused)


def test_many_attempts_at_once_are_many() -> None:
    verifying = Verifying(cast(Accounts, Slow()), Attempts())

    async def run() -> list[object]:
        wanted = [verifying.verify("ann", "x", f"10.0.{number}.1") for number in range(30)]
        return list(await asyncio.gather(*wanted, return_exceptions=True))

    outcomes = asyncio.run(run())
    assert sum(outcome is None for outcome in outcomes) == 5
