"""The guard before the review page: who gets through, who does not, and what every answer says."""

from __future__ import annotations

import logging
import re

import pytest
from fastapi import FastAPI
from starlette.websockets import WebSocketDisconnect

from curation.accounts import Accounts
from curation.entering import plain_render
from curation.guarding import guard
from curation.hosts import check_binding, hosts_of
from curation.sessions import LIFETIME_S
from errors import BadAccounts, BadValue
from tests.curation.guarded import HERE, PASSWORDS, Browser, Clock, error_of, fields_of, log_in, token

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx`")


# Where nobody can log in


def test_own_machine_needs_no_log_in(browser: Browser, seen: list[str]) -> None:
    mine = browser()
    page = mine.get("/")
    assert page.status_code == 200 and page.text.startswith("me ")
    csrf = page.text.split()[1]
    assert mine.post("/api/say", json={}, headers={"X-CSRF-Token": csrf}).json()["curator"] == "me"
    assert seen == ["me"]


def test_page_of_this_machine_comes_first(browser: Browser) -> None:
    mine = browser()
    assert mine.get("/api/setup").status_code == 401
    assert mine.get("/image/0").status_code == 401
    mine.get("/")
    assert mine.get("/api/setup").json()["curator"] == "me"
    assert mine.get("/login?next=/ledger").headers["location"] == "/ledger"


@pytest.mark.parametrize("address", ["10.0.0.7", "::ffff:10.0.0.7", "testclient", ""])
def test_others_do_not_get_in_without_log_ins(browser: Browser, address: str) -> None:
    answer = browser(address=address).get("/")
    assert answer.status_code == 403 and "curators add" in error_of(answer)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "x-forwarded-host"])
def test_proxy_does_not_bring_others_in(browser: Browser, header: str) -> None:
    assert browser().get("/", headers={header: "127.0.0.1"}).status_code == 403


def test_own_machine_has_several_names(browser: Browser) -> None:
    for base in ("http://localhost:8000", "http://[::1]:8000", "http://127.0.0.1", "http://LOCALHOST"):
        assert browser(base, address="::1").get("/").status_code == 200
    assert browser("http://review.example.org").get("/").status_code == 403


def test_two_tabs_do_not_spoil_each_other(browser: Browser, clock: Clock) -> None:
    mine = browser()
    first = mine.get("/").text.split()[1]
    mine.cookies.clear()
    clock.time += LIFETIME_S
    mine.get("/")
    assert mine.post("/api/say", json={}, headers={"X-CSRF-Token": first}).status_code == 200


def test_page_in_use_does_not_expire(browser: Browser, clock: Clock) -> None:
    mine = browser()
    for _ in range(3):
        assert mine.get("/").status_code == 200
        clock.time += LIFETIME_S - 60
        assert mine.get("/api/setup").status_code == 200


def test_adding_a_curator_closes_the_page(browser: Browser, accounts: Accounts, seen: list[str]) -> None:
    mine = browser()
    mine.get("/")
    csrf = token(mine)
    accounts.add("ann", PASSWORDS["ann"])
    assert mine.post("/api/say", json={}, headers=csrf).status_code == 401
    assert mine.get("/").headers["location"] == "/login?next=%2F"
    accounts.remove("ann")
    assert mine.get("/").status_code == 303
    assert seen == []


def test_post_needs_the_token(browser: Browser, with_log_in: Accounts, seen: list[str]) -> None:
    anns, bobs = browser(), browser()
    log_in(anns)
    log_in(bobs, "bob")
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, token(bobs), {"X-CSRF-Token": "\xff"}):
        answer = anns.post("/api/say", json={}, headers={k: v.encode("latin-1") for k, v in headers.items()})
        assert answer.status_code == 403 and "load the page anew" in error_of(answer)
    assert seen == []


def test_token_of_an_earlier_session_is_none(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    log_in(anns)
    old = token(anns)
    anns.post("/logout", headers=old)
    log_in(anns)
    assert anns.post("/api/say", json={}, headers=old).status_code == 403


def test_nobody_speaks_in_anothers_name(browser: Browser, with_log_in: Accounts, seen: list[str]) -> None:
    anns = browser()
    log_in(anns)
    headers = token(anns) | {"X-Curator": "bob", "Remote-User": "bob"}
    said = anns.post("/api/say?curator=bob", json={"curator": "bob"}, headers=headers)
    assert said.json()["curator"] == "ann" and seen == ["ann"]


def test_page_speaks_json_alone(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    log_in(anns)
    csrf = token(anns)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"):
        answer = anns.post("/api/say", content=b"{}", headers=csrf | {"Content-Type": kind})
        assert answer.status_code == 415
    assert anns.post("/api/say", content=b"{}", headers=csrf | {"Content-Type": "Application/JSON; charset=utf-8"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://127.0.0.1:8000@evil.example"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Origin": "file://"},
        {"Origin": ""},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
def test_foreign_pages_change_nothing(browser: Browser, headers: dict[str, str], seen: list[str]) -> None:
    mine = browser()
    mine.get("/")
    csrf = token(mine)
    answer = mine.post("/api/say", json={}, headers=csrf | headers)
    assert answer.status_code == 403 and "another site" in error_of(answer)
    assert mine.post("/login", headers=headers).status_code == 403
    assert seen == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": HERE},
        {"Origin": HERE, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null"},  # as old browsers and plain http have it; the token is asked for all the same
    ],
)
def test_own_page_may_speak(browser: Browser, headers: dict[str, str]) -> None:
    mine = browser()
    mine.get("/")
    assert mine.post("/api/say", json={}, headers=token(mine) | headers).status_code == 200
    assert mine.post("/api/say", json={}, headers=headers).status_code == 403


def test_proxy_with_tls_is_the_origin(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser("https://review.example.org", address="10.0.0.7")
    given = fields_of(anns.get("/login")) | {"name": "ann", "password": PASSWORDS["ann"]}
    for origin in ("http://review.example.org", "https://review.example.org:8443", "https://example.org"):
        assert anns.post("/login", data=given, headers={"Origin": origin}).status_code == 403
    assert anns.post("/login", data=given, headers={"Origin": "https://review.example.org"}).status_code == 303


def test_parts_of_other_pages_get_nothing(browser: Browser) -> None:
    mine = browser()
    mine.get("/")
    image = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert mine.get("/image/0", headers=image).status_code == 403
    frame = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert mine.get("/", headers=frame).status_code == 403
    assert mine.get("/image/0", headers=image | {"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_link_from_elsewhere_asks_once_more(browser: Browser, with_log_in: Accounts) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = browser().get("/?style=ink", headers=link)  # SameSite=Strict keeps the cookie back
    assert answer.status_code == 200 and 'http-equiv="refresh" content="0"' in answer.text
    assert "set-cookie" not in answer.headers
    anns = browser()
    log_in(anns)
    assert anns.get("/", headers=link).text.startswith("ann ")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "",
        "127.0.0.1:8000:8000",
        "127.0.0.1@evil.example",
        "127.0.0.1:x",
        "[::1",
        "localhost.",
        "10.0.0.1",
        "0.0.0.0",
        "review.example.org.evil.example",
        "xreview.example.org",
    ],
)
def test_foreign_names_are_refused(browser: Browser, host: str) -> None:
    for path in ("/", "/login", "/static/page.css", "/api/setup"):
        answer = browser().get(path, headers={"Host": host})
        assert answer.status_code == 400 and "not a name of this server" in error_of(answer)
        assert "set-cookie" not in answer.headers


def test_two_hosts_are_none(browser: Browser) -> None:
    assert browser().get("/", headers=[("Host", "127.0.0.1"), ("Host", "evil.example")]).status_code == 400


def test_ports_count_where_they_are_given(browser: Browser, with_log_in: Accounts) -> None:
    hosts = ["pond.example:8000", "[2001:db8::1]:443"]
    assert browser("http://pond.example:8000", hosts=hosts).get("/login").status_code == 200
    assert browser("https://[2001:db8:0::1]", hosts=hosts).get("/login").status_code == 200
    for base in ("http://pond.example", "http://pond.example:8001", "http://[2001:db8::1]"):
        assert browser(base, hosts=hosts).get("/login").status_code == 400


def test_server_of_every_address_takes_addresses(browser: Browser, with_log_in: Accounts) -> None:
    hosts = hosts_of("0.0.0.0", ["review.example.org"])
    for base in ("http://10.1.2.3:8000", "http://[2001:db8::1]", "http://localhost", "http://review.example.org"):
        assert browser(base, hosts=hosts).get("/login").status_code == 200
    assert browser("http://evil.example", hosts=hosts).get("/login").status_code == 400


def test_hosts_have_to_be_hosts(accounts: Accounts) -> None:
    for host in ("http://a.example", "a b", "", "[::1"):
        with pytest.raises(BadValue):
            guard(FastAPI(), accounts, curator="me", hosts=[host])


def test_web_sockets_are_closed(browser: Browser) -> None:
    with pytest.raises(WebSocketDisconnect), browser().websocket_connect("/api/say"):
        pass


# Sessions that hold no more


def test_removed_curator_is_out_at_once(browser: Browser, with_log_in: Accounts, seen: list[str]) -> None:
    anns, bobs = browser(), browser()
    log_in(anns)
    log_in(bobs, "bob")
    csrf = token(anns)
    Accounts(with_log_in.file).remove("ann")
    assert anns.post("/api/say", json={}, headers=csrf).status_code == 401
    assert log_in(anns).status_code == 401
    assert bobs.post("/api/say", json={}, headers=token(bobs)).status_code == 200
    assert seen == ["bob"]


def test_old_session_is_out(browser: Browser, with_log_in: Accounts, clock: Clock) -> None:
    anns = browser()
    log_in(anns)
    session = dict(anns.cookies)
    clock.time += LIFETIME_S
    for name, value in session.items():
        assert anns.get("/api/setup", headers={"Cookie": f"{name}={value}"}).status_code == 401


def test_forged_cookie_beside_the_right_one_does_not_matter(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    log_in(anns)
    (name, value), *_ = [one for one in anns.cookies.items() if not one[0].endswith("-form")]
    anns.cookies.clear()
    assert anns.get("/api/setup", headers={"Cookie": f"{name}=x"}).status_code == 401
    assert anns.get("/api/setup", headers={"Cookie": f"{name}=x; {name}={value}"}).status_code == 200


def test_accounts_that_others_may_read_stop_the_page(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    log_in(anns)
    with_log_in.file.chmod(0o644)
    answer = anns.get("/api/setup")
    assert answer.status_code == 500 and "chmod 600" in error_of(answer)
    with pytest.raises(BadAccounts):
        browser(curator="another server")


# What answers say


def test_cookies_are_kept_from_scripts_and_other_sites(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    for answer in (anns.get("/login"), log_in(anns)):
        for cookie in answer.headers.get_list("set-cookie"):
            assert re.search("; HttpOnly; SameSite=Strict$", cookie) and "; Path=/;" in cookie
            assert "Domain" not in cookie


def test_https_is_said_and_kept(browser: Browser, with_log_in: Accounts) -> None:
    for base, options in (("https://review.example.org", {}), ("http://review.example.org", {"https": True})):
        answer = browser(base, **options).get("/login")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        (cookie,) = answer.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-toadworks-") and cookie.endswith("; Secure")
    assert "strict-transport-security" not in browser().get("/login").headers
    anns = browser("https://review.example.org", address="10.0.0.7")
    log_in(anns)
    assert anns.get("/api/setup").json()["curator"] == "ann"


def test_every_answer_says_what_a_browser_may_do(browser: Browser, with_log_in: Accounts) -> None:
    anns = browser()
    answers = [anns.get("/login"), anns.get("/"), anns.get("/", headers={"Host": "evil"}), anns.get("/api/setup")]
    answers += [log_in(anns, "ann", "wrong password"), log_in(anns), anns.get("/"), anns.get("/static/page.css")]
    answers += [anns.get(f"/{path}") for path in ("none", "image/0", "api/fails/bad", "api/fails/unforeseen")]
    answers += [anns.post("/api/say"), anns.post("/login", content=b"x" * 2**14), anns.put("/login")]
    assert {answer.status_code for answer in answers} == {200, 303, 400, 401, 403, 404, 405, 413, 500}
    for answer in answers:
        policy = answer.headers["content-security-policy"].split("; ")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        assert "unsafe" not in str(policy) and "*" not in str(policy) and "http" not in str(policy)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"]
    assert anns.get("/image/0").headers["cache-control"] == "private, immutable"
    assert anns.get("/").headers["cache-control"] == "no-store"


def test_errors_are_sentences(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    mine = browser()
    mine.get("/")
    told = {"unknown": (404, "there is none"), "bad": (400, "accept, reject"), "failed": (500, "the disk is full")}
    for how, (status, words) in told.items():
        answer = mine.get(f"/api/fails/{how}")
        assert answer.status_code == status and words in error_of(answer)
    answer = mine.get("/api/number?number=many")
    assert answer.status_code == 400 and "number" in error_of(answer)
    assert "Not Found" in error_of(mine.get("/api/none"))
    answer = mine.get("/api/fails/unforeseen")
    assert answer.status_code == 500 and "sesame" not in error_of(answer)
    assert "sesame of the traceback" in caplog.text  # in the server's log alone


def test_answer_that_breaks_off_is_not_called_whole(browser: Browser) -> None:
    mine = browser()
    mine.get("/")
    with pytest.raises(RuntimeError):
        mine.get("/api/fails/half")


def test_huge_bodies_are_refused(browser: Browser, with_log_in: Accounts, seen: list[str]) -> None:
    anns = browser(most_body=100_000)
    stranger = browser(most_body=100_000)
    assert stranger.post("/login", content=b"x" * 10_000).status_code == 413
    log_in(anns)
    headers = token(anns) | {"Content-Type": "application/json"}
    assert anns.post("/api/say", content=b" " * 99_998 + b"{}", headers=headers).status_code == 200
    assert anns.post("/api/say", content=b" " * 99_999 + b"{}", headers=headers).status_code == 413
    pieces = (b" " * 1_000 for _ in range(101))  # without saying how much it will be
    assert anns.post("/api/say", content=pieces, headers=headers).status_code == 413
    read = []
    unread = (read.append(1) or b" " for _ in range(2))
    assert anns.post("/api/say", content=unread, headers=headers | {"Content-Length": "100001"}).status_code == 413
    assert not read
    for length in ("-1", "1e9", "9" * 100, "²"):
        answer = anns.post("/api/say", content=b"{}", headers=headers | {"Content-Length": length.encode("utf-8")})
        assert answer.status_code in (400, 413)
    assert seen == ["ann"]


def test_no_password_or_token_is_written_down(
    browser: Browser, with_log_in: Accounts, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="toadworks.review")
    anns = browser()
    log_in(anns, "ann", "wrong-toad-41")
    log_in(anns, "my-secret-typed-as-name", "wrong-toad-41")
    answer = log_in(anns)
    csrf = token(anns)
    anns.get("/api/fails/unforeseen")
    anns.post("/api/say", json={})
    anns.post("/logout", headers=csrf)
    out, err = capfd.readouterr()
    written = caplog.text + out + err
    assert "ann logged in from 127.0.0.1" in written and "log-in as ann refused" in written
    cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    secrets = ["wrong-toad-41", "my-secret-typed-as-name", cookie, *csrf.values(), *PASSWORDS.values()]
    assert not [secret for secret in secrets if secret in written]


def test_form_can_be_used_without_eyes(with_log_in: Accounts) -> None:
    html = plain_render()(
        "login.html", {"collection": "P<o>nd", "csrf": "1", "next": "/", "name": "", "message": "Wrong."}
    )
    assert '<html lang="en">' in html and "P&lt;o&gt;nd" in html
    for field in ("name", "password"):
        assert f'<label for="{field}">' in html and f'<input id="{field}"' in html
    assert 'role="alert">Wrong.' in html
    assert "<script>" not in html and "style=" not in html and "onclick" not in html  # the policy forbids them


# Where it may be served


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"])
def test_own_machine_may_always_be_served(accounts: Accounts, host: str) -> None:
    assert check_binding(host, accounts) is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "", "pond.example", "127.0.0.1.example", "0", "2130706433"]
)
def test_others_are_served_only_with_log_ins(accounts: Accounts, host: str) -> None:
    with pytest.raises(BadValue, match=r"toadworks curators add NAME"):
        check_binding(host, accounts)
    accounts.add("ann", PASSWORDS["ann"])
    note = check_binding(host, accounts)
    assert note is not None and "TLS" in note
    assert check_binding(host, accounts, https=True) is None
    accounts.remove("ann")
    with pytest.raises(BadValue):
        check_binding(host, accounts, https=True)
