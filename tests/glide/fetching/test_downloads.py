"""Downloads that break off, change between tries, or are whole already: each byte is fetched once, and never glued to
another file's."""

from __future__ import annotations

import json
import random

import pytest

from errors import RunFailed
from glide.fetching import Patience, fetch

HALF = 120_000  # of the 200,000 bytes that the server has
QUICK = Patience(pauses=(0.0, 0.0), silence=5.0)


def test_file_comes_whole_and_is_locked(server, folder, get, digest, files_of, content, told):
    here = get(server.remote(), folder)
    assert here == folder / "toad.bin" and here.read_bytes() == content
    assert files_of(folder) == ["toad.bin", "weights.lock"]
    assert told.progress[0] == (0, len(content)) and told.progress[-1] == (len(content), len(content))
    assert told.progress == sorted(told.progress) and told.said == []
    entry = json.loads((folder / "weights.lock").read_text())["toad.bin"]
    assert (entry["url"], entry["size"], entry["sha256"]) == (server.url(), len(content), digest(content))
    assert entry["fetched_at"].startswith("20")


def test_file_that_is_there_is_not_fetched_again(server, folder, get, content):
    for pin in (None, content):
        assert get(server.remote(pin=pin), folder).read_bytes() == content
    assert len(server.asked) == 1


def test_broken_download_goes_on_where_it_ended(server, folder, get, files_of, content, told):
    server.answers = [server.break_at(HALF)]
    assert get(server.remote(), folder).read_bytes() == content
    assert "Range" not in server.asked[0]
    assert (server.asked[1]["Range"], server.asked[1]["If-Range"]) == (f"bytes={HALF}-", '"one"')
    assert server.sent == [HALF, len(content) - HALF]
    assert len(told.said) == 1 and "trying again in 0 s" in told.said[0]
    assert (HALF, len(content)) in told.progress
    assert files_of(folder) == ["toad.bin", "weights.lock"]


def test_patience_ends_and_the_next_call_goes_on(server, folder, get, files_of, content):
    server.answers = [server.break_at(30_000), server.break_at(60_000), server.break_at(90_000)]
    with pytest.raises(RunFailed, match=r"given up after 3 tries.*90000 bytes that came are kept"):
        get(server.remote(), folder)
    assert files_of(folder) == ["toad.bin.part", "toad.bin.part.json"]
    assert get(server.remote(), folder).read_bytes() == content
    assert sum(server.sent) == len(content)


def test_tries_that_bring_much_do_not_use_up_patience(server, folder, get):
    server.content = random.Random(3).randbytes(5_500_000)
    server.answers = [server.break_at(1_100_000 * count) for count in (1, 2, 3, 4)]
    assert get(server.remote(), folder).read_bytes() == server.content
    assert len(server.asked) == 5 and sum(server.sent) == len(server.content)


def test_server_that_ignores_range_starts_anew(server, folder, get, content):
    server.answers = [server.break_at(HALF), server.whole]
    assert get(server.remote(), folder).read_bytes() == content
    assert server.asked[1]["Range"] == f"bytes={HALF}-" and server.sent[1] == len(content)


def test_file_changed_between_is_not_glued(server, folder, get, other):
    def change(handler):
        handler.serve(HALF)
        server.content, server.etag = other, '"two"'

    server.answers = [change]
    assert get(server.remote(), folder).read_bytes() == other
    assert len(server.asked) == 2


def test_change_is_noticed_where_if_range_is_ignored(server, folder, get, other, told):
    def change(handler):
        handler.serve(HALF)
        server.content, server.etag = other, '"two"'

    def rest_of_another(handler):
        span = f"bytes {HALF}-{len(other) - 1}/{len(other)}"
        handler.begin(206, Content_Length=len(other) - HALF, Content_Range=span, ETag='"two"')
        handler.put(other[HALF:])

    server.answers = [change, rest_of_another]
    assert get(server.remote(), folder).read_bytes() == other
    assert "changed on the server" in told.said[1] and "Range" not in server.asked[2]


def test_another_part_than_asked_for_is_not_glued(server, folder, get, content):
    def shifted(handler):
        size = len(content)
        handler.begin(206, Content_Length=size - 5, Content_Range=f"bytes 5-{size - 1}/{size}", ETag='"one"')
        handler.put(content[5:])

    server.answers = [server.break_at(HALF), shifted]
    assert get(server.remote(), folder).read_bytes() == content
    assert len(server.asked) == 3 and "Range" not in server.asked[2]


def test_date_stands_in_for_a_missing_or_weak_etag(server, folder, get, content):
    server.etag, server.date = 'W/"one"', "Wed, 22 Dec 2021 10:00:00 GMT"
    server.answers = [server.break_at(HALF)]
    assert get(server.remote(), folder).read_bytes() == content
    assert server.asked[1]["If-Range"] == server.date and sum(server.sent) == len(content)


def test_part_without_etag_or_date_goes_on_only_if_pinned(server, folder, get, content):
    server.etag = ""
    server.answers = [server.break_at(HALF)]
    assert get(server.remote(), folder).read_bytes() == content
    assert "Range" not in server.asked[1]
    server.answers = [server.break_at(HALF)]
    assert get(server.remote("pinned.bin", content), folder).read_bytes() == content
    assert server.asked[3]["Range"] == f"bytes={HALF}-"


def test_part_of_another_address_is_not_gone_on_with(server, folder, get, content):
    server.answers = [server.break_at(HALF)] * 3
    with pytest.raises(RunFailed):
        get(server.remote(), folder)
    fetch(server.remote(), folder, url=server.url("mirror/toad.bin"), patience=QUICK)
    assert "Range" not in server.asked[-1]
    assert (folder / "toad.bin").read_bytes() == content


def test_part_that_is_whole_only_needs_its_name(server, folder, get, content):
    server.answers = [server.break_at(HALF)] * 3
    with pytest.raises(RunFailed):
        get(server.remote(), folder)
    (folder / "toad.bin.part").write_bytes(content)  # as if killed between the last byte and the name
    asked = len(server.asked)
    assert get(server.remote(), folder).read_bytes() == content
    assert len(server.asked) == asked


def test_part_longer_than_the_file_starts_anew(server, folder, get, content):
    server.answers = [server.break_at(HALF)] * 3
    with pytest.raises(RunFailed):
        get(server.remote(), folder)
    (folder / "toad.bin.part").write_bytes(content + b"more")
    asked = len(server.asked)
    assert get(server.remote(), folder).read_bytes() == content
    assert len(server.asked) == asked + 1 and "Range" not in server.asked[-1]


def test_refused_range_starts_anew(server, folder, get, content):
    server.answers = [server.break_at(HALF), server.status(416)]
    assert get(server.remote(), folder).read_bytes() == content
    assert "Range" not in server.asked[2]
