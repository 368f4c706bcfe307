"""Servers that lie, fail or are not there, and addresses: what is refused, what is tried again, and what is said."""

from __future__ import annotations

import gzip

import pytest

from errors import BadValue, BadWeights, RunFailed
from glide.fetching import Patience, RemoteFile, adopt, fetch, mirrored, sha256_of, shown_url

HALF = 120_000  # of the 200,000 bytes that the server has


def test_length_too_long_is_given_up(server, folder, get, content):
    def boast(handler):
        handler.begin(200, Content_Length=len(content) + 100, ETag='"one"')
        handler.put(content)
        handler.close_connection = True

    server.answers = [boast] * 3
    with pytest.raises(RunFailed, match="given up after 3 tries"):
        get(server.remote(), folder)
    assert not (folder / "toad.bin").exists()


def test_length_too_short_is_refused_for_a_known_file(server, folder, get, files_of, content):
    def understate(handler):
        handler.begin(200, Content_Length=1000, ETag='"one"')
        handler.put(content)
        handler.close_connection = True

    server.answers = [understate]
    with pytest.raises(BadWeights, match=f"has 1000 bytes there, and {len(content)} are known"):
        get(server.remote(pin=content), folder)
    assert files_of(folder) == []


def test_no_length_is_refused_unless_known(server, folder, get, content):
    def endless(handler):
        handler.begin(200, Connection="close")
        handler.put(content)
        handler.close_connection = True

    server.answers = [endless, endless]
    with pytest.raises(BadWeights, match="has no length there"):
        get(server.remote(), folder)
    assert get(server.remote(pin=content), folder).read_bytes() == content


def test_wrong_bytes_are_refused_and_the_next_try_is_clean(server, folder, get, digest, files_of, content, other):
    server.content = other
    with pytest.raises(BadWeights, match=f"{digest(other)}.*not {digest(content)}.*published"):
        get(server.remote(pin=content), folder)
    assert files_of(folder) == []
    server.content = content
    assert get(server.remote(pin=content), folder).read_bytes() == content


def test_pinned_size_alone_is_held_too(server, folder, tmp_path, get, files_of, content):
    (tmp_path / "toad.bin").write_bytes(content)
    with pytest.raises(BadWeights, match="5 are known"):
        get(RemoteFile("toad.bin", server.url(), size=5), folder)
    with pytest.raises(BadWeights, match=r"200000 bytes, not .* 5 bytes"):
        adopt(RemoteFile("toad.bin", server.url(), size=5), tmp_path, folder)
    assert files_of(folder) == []


def test_file_changed_since_its_first_use_is_refused(server, folder, get, files_of, other):
    get(server.remote(), folder).unlink()
    lock = (folder / "weights.lock").read_bytes()
    server.content, server.etag = other, '"two"'
    with pytest.raises(BadWeights, match=r"refused.*as locked on 20.*remove its entry from weights\.lock"):
        get(server.remote(), folder)
    assert files_of(folder) == ["weights.lock"] and (folder / "weights.lock").read_bytes() == lock


def test_good_file_stays_when_another_is_offered(server, folder, tmp_path, get, digest, files_of, content, other):
    here = get(server.remote(), folder)
    (tmp_path / "toad.bin").write_bytes(other)
    with pytest.raises(BadWeights, match="is refused"):
        adopt(server.remote(), tmp_path, folder)
    assert here.read_bytes() == content and sha256_of(server.remote(), folder) == digest(content)
    assert files_of(folder) == ["toad.bin", "weights.lock"]


def test_web_page_instead_of_the_file_is_refused(server, folder, get, content):
    def login(handler):
        handler.begin(200, Content_Length=5, Content_Type="text/html; charset=utf-8")
        handler.put(b"login")

    server.answers = [server.break_at(HALF)] * 3 + [login]
    with pytest.raises(RunFailed):
        get(server.remote(), folder)
    with pytest.raises(BadWeights, match="is a web page there"):
        get(server.remote(), folder)
    assert (folder / "toad.bin.part").stat().st_size == HALF  # what came before is no worse for it
    assert get(server.remote(), folder).read_bytes() == content


def test_packed_answer_is_refused(server, folder, get, content):
    def pack(handler):
        data = gzip.compress(content)
        handler.begin(200, Content_Length=len(data), Content_Encoding="gzip")
        handler.put(data)

    server.answers = [pack]
    with pytest.raises(BadWeights, match="comes packed"):
        get(server.remote(), folder)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_final_status_is_told_at_once(server, folder, code, get, files_of):
    server.answers = [server.status(code)]
    with pytest.raises(BadWeights, match=rf"toad\.bin: http://127.*answers {code}.*--url.*--from"):
        get(server.remote(), folder)
    assert len(server.asked) == 1
    assert files_of(folder) == []


def test_busy_server_is_tried_again(server, folder, get, content, told):
    server.answers = [server.status(503), server.status(429)]
    assert get(server.remote(), folder).read_bytes() == content
    assert ["503" in told.said[0], "429" in told.said[1]] == [True, True]


def test_redirect_is_followed_and_range_goes_with_it(server, folder, get, content):
    def lead_on(handler):
        handler.begin(302, Location="/elsewhere/toad.bin", Content_Length=0)

    server.answers = [server.break_at(HALF), lead_on]
    assert get(server.remote(), folder).read_bytes() == content
    assert server.asked[2]["Range"] == f"bytes={HALF}-"


def test_silent_server_is_left(server, folder, content):
    server.answers = [lambda handler: handler.serve(wait_at=HALF)]
    said: list[str] = []
    here = fetch(server.remote(), folder, patience=Patience((0.0,), silence=0.3), say=said.append)
    assert here.read_bytes() == content and "was silent for 0.3 s" in said[0]


def test_server_that_is_not_there_is_named(folder, get):
    file = RemoteFile("toad.bin", "http://127.0.0.1:9/weights/toad.bin")
    with pytest.raises(RunFailed, match=r"toad\.bin: given up after 3 tries: the connection to http://127.0.0.1:9/"):
        get(file, folder)


def test_unknown_host_is_named(folder, get):
    with pytest.raises(RunFailed, match=r"connection to https://toads\.invalid/toad\.bin failed"):
        get(RemoteFile("toad.bin", "https://toads.invalid/toad.bin"), folder)


@pytest.mark.parametrize("url", ["toad.bin", "ftp://host/toad.bin", "http://user:pass/word@host/toad.bin"])
def test_useless_address_is_refused(folder, url, get):
    with pytest.raises(BadWeights, match="no http or https address") as refused:
        get(RemoteFile("toad.bin", url), folder)
    assert "word" not in str(refused.value)


def test_secrets_of_an_address_are_not_shown(server, folder, get, content, told):
    url = server.url().replace("//", "//user:hush@") + "?key=hush#hush"
    server.answers = [server.break_at(10), server.break_at(10), server.status(403)]
    with pytest.raises(BadWeights, match=r"http://127.0.0.1:\d+/weights/toad.bin answers 403") as refused:
        get(RemoteFile("toad.bin", url), folder)
    assert "Authorization" in server.asked[0] and len(told.said) == 2
    assert get(RemoteFile("toad.bin", url), folder).read_bytes() == content
    written = (folder / "weights.lock").read_text() + "".join(told.said) + str(refused.value)
    assert "hush" not in written and "user" not in written


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a:b@host:8/x?y#z", "https://host:8/x"),
        ("http://[::1]:8/x", "http://[::1]:8/x"),
        ("user:hush@host/x", "the address given"),
        ("http://user:hu/sh@host/x", "the address given"),
    ],
)
def test_shown_address_holds_no_secrets(url, shown):
    assert shown_url(url) == shown


def test_mirror_has_the_name_below_its_base():
    file = RemoteFile("base.pt", "https://first/where/base.pt")
    assert (
        mirrored(file, "https://second/glide/")
        == mirrored(file, "https://second/glide")
        == ("https://second/glide/base.pt")
    )
    assert mirrored(file, "https://second/glide?key=1") == "https://second/glide/base.pt?key=1"
    for wrong in ("", "second/glide", "ftp://second", "http://["):
        with pytest.raises(BadValue, match="mirror"):
            mirrored(file, wrong)
