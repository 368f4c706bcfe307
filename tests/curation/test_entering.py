"""Coming in and going: log-ins, log-outs, and those who try passwords."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from curation.accounts import Accounts
from tests.curation.guarded import HERE, PASSWORDS, Browser, Clock, error_of, fields_of, log_in, token

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx`")


def test_log_in_and_out(browser: Browser, with_log_in: Accounts, seen: list[str]) -> None:
    anns = browser(address="10.0.0.7")
    assert log_in(anns).status_code == 303
    csrf = token(anns)
    assert anns.post("/api/say", json={}, headers=csrf).status_code == 200 and seen == ["ann"]
    cookies = dict(anns.cookies)
    assert anns.post("/logout", headers=csrf).headers["location"] == "/login"
    assert not anns.cookies
    anns.cookies.update(cookies)  # a copy of them is worth nothing
    assert anns.get("/api/setup").status_code == 401


def test_log_out_by_a_plain_form(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    log_in(anns)
    csrf = token(anns)["X-CSRF-Token"]
    assert anns.post("/logout").status_code == 403
    assert anns.post("/logout", data={"csrf": "0" * 64}).status_code == 403
    assert anns.get("/api/setup").status_code == 200
    assert anns.post("/logout", data={"csrf": csrf}).status_code == 303
    assert anns.get("/api/setup").status_code == 401


def test_server_that_was_started_anew_knows_its_sessions(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    log_in(anns)
    csrf = token(anns)
    again = browser(curator="somebody")
    again.cookies.update(dict(anns.cookies))
    assert again.post("/api/say", json={}, headers=csrf).json()["curator"] == "ann"


def test_everything_needs_a_log_in(browser: Browser, with_log_in: Accounts) -> None:
    stranger = browser()
    for path in ("/api/setup", "/api/none", "/image/0", "/thumb/0"):
        assert stranger.get(path).status_code == 401
    for path in ("/", "/ledger", "/export.csv", "/none", "/logout", "/docs", "/openapi.json", "/static", "/loginx"):
        assert stranger.get(path).headers["location"].startswith("/login?next=%2F")
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        assert stranger.request(method, "/api/say").status_code == 401
        assert stranger.request(method, "/").status_code == 401
    assert stranger.options("/api/say").status_code == 401
    assert stranger.get("/static/page.css").status_code == 200
    assert stranger.get("/login").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../api/setup",
        "/static/./page.css",
        "/static/../../curators.json",
        "/static//etc/passwd",
        "/static/..\\..\\curators.json",
        "/static/\0",
        "/static/..",
        "/login/../api/setup",
        "//api/setup",
        "/./api/setup",
    ],
)
def test_paths_lead_nowhere_else(browser: Browser, with_log_in: Accounts, path: str) -> None:
    app = browser().app

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:  # as a server does; httpx tidies paths up
        await app(scope | {"path": path}, receive, send)

    answer = TestClient(plain, base_url=HERE).get("/")
    assert answer.status_code == 400 and error_of(answer) == "there is no such address"


def test_log_in_leads_where_one_was_going(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    sent = anns.get("/?style=ink&sort=score")
    form = anns.get(sent.headers["location"])
    onward = fields_of(form) | {"name": "ann", "password": PASSWORDS["ann"]}
    onward["next"] = onward["next"].replace("&amp;", "&")
    assert anns.post("/login", data=onward).headers["location"] == "/?style=ink&sort=score"


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "evil",
        "javascript:alert(1)",
        "/login",
        "/logout",
        "",
        "/é",
    ],
)
def test_log_in_leads_nowhere_else(browser: Browser, with_log_in: Accounts, onward: str) -> None:
    assert log_in(browser(), next=onward).headers["location"] == "/"


def test_form_shows_what_was_typed_as_text(browser: Browser, with_log_in: Accounts) -> None:
    answer = log_in(browser(), '"><script>alert(1)</script>', "wrong password", next='/"><script>')
    assert answer.status_code == 401
    assert "<script>" not in answer.text and "&lt;script&gt;" in answer.text
    assert "wrong password" not in answer.text


def test_form_is_of_this_browser(browser: Browser, with_log_in: Accounts, clock: Clock) -> None:
    anns, other = browser(), browser()
    foreign = fields_of(other.get("/login"))["csrf"]
    for csrf in ("", "0" * 64, foreign):
        assert log_in(anns, csrf=csrf).status_code == 403
    given = fields_of(anns.get("/login")) | {"name": "ann", "password": PASSWORDS["ann"]}
    anns.cookies.clear()
    assert anns.post("/login", data=given).status_code == 403
    given = fields_of(anns.get("/login")) | {"name": "ann", "password": PASSWORDS["ann"]}
    clock.time += 13 * 3600
    late = anns.post("/login", data=given)
    assert late.status_code == 403 and "too long" in late.text
    assert anns.post("/login", data=given | fields_of(late)).status_code == 303


def test_two_forms_at_once_both_hold(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    first = fields_of(anns.get("/login"))
    assert log_in(anns, "ann", "wrong password").status_code == 401
    assert anns.post("/login", data=first | {"name": "ann", "password": PASSWORDS["ann"]}).status_code == 303


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"name", b"&" * 100, b"name=a&name=b", b"{}"])
def test_nonsense_for_a_form(browser: Browser, with_log_in: Accounts, data: bytes) -> None:
    assert browser().post("/login", content=data).status_code in (400, 403)


# Brute force


def test_wrong_passwords_have_to_wait(browser: Browser, with_log_in: Accounts, clock: Clock) -> None:
    for number in range(5):
        assert log_in(browser(address=f"10.0.0.{number}"), "ann", "wrong password").status_code == 401
    refused = log_in(browser(address="10.0.1.1"))  # with the right one, even
    assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
    assert "Too many attempts. Try again in 1 s." in refused.text
    assert log_in(browser(address="10.0.1.1"), "bob").status_code == 303
    clock.time += 1
    assert log_in(browser(address="10.0.1.1")).status_code == 303


def test_typing_errors_are_forgiven(browser: Browser, with_log_in: Accounts) -> None:
    for _ in range(4):
        for _ in range(4):
            assert log_in(browser(), "ann", "wrong password").status_code == 401
        assert log_in(browser()).status_code == 303


def test_address_that_tries_many_names_has_to_wait(browser: Browser, with_log_in: Accounts) -> None:
    for number in range(20):
        assert log_in(browser(address="10.0.0.9"), f"name {number}", "wrong password").status_code == 401
    assert log_in(browser(address="10.0.0.9")).status_code == 429
    assert log_in(browser(address="10.0.0.8")).status_code == 303


def test_answer_does_not_tell_who_there_is(browser: Browser, with_log_in: Accounts) -> None:
    def answer(name: str) -> tuple[int, str]:
        told = log_in(browser(address="10.0.0.1"), name, "wrong password")
        return told.status_code, re.sub(r'(value|content)="[^"]*"', "", told.text)

    for _ in range(6):
        assert answer("ann") == answer("abc")
