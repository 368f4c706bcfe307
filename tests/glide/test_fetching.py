"""Files from a real server on 127.0.0.1 that breaks off, lies, changes its mind, and is sometimes right."""

from __future__ import annotations

import ctypes
import errno
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from errors import BadValue, BadWeights, RunFailed
from glide import locking
from glide.fetching import Patience, RemoteFile, adopt, fetch, mirrored, present, sha256_of, shown_url, weights_folder
from glide.locking import read_lock
from glide.released import CHECKPOINTS, LIMITS, VOCABULARIES, confirm_limits, limits_confirmed

ROOT = Path(__file__).parents[2]
CONTENT = random.Random(1).randbytes(200_000)
OTHER = random.Random(2).randbytes(200_000)
HALF = 120_000
QUICK = Patience(pauses=(0.0, 0.0), silence=5.0)
FETCH = """
import sys
from pathlib import Path
from glide.fetching import RemoteFile, fetch
for url in sys.argv[2:]:
    fetch(RemoteFile(url.rpartition("/")[2], url), Path(sys.argv[1]), say=lambda told: print(told, flush=True))
"""


class Server(ThreadingHTTPServer):
    """Serves `content` with its `etag`, Range and If-Range; `answers` are taken first, one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.date = CONTENT, '"one"', ""
        self.answers: list[Callable[[Handler], None]] = []
        self.asked: list[dict[str, str]] = []  # the headers of each request
        self.sent: list[int] = []  # bytes of content in each answer
        self.go_on = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left, as some tests mean it to, is no news."""

    def url(self, name: str = "toad.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        self.server.sent.append(0)
        (self.server.answers.pop(0) if self.server.answers else serve)(self)

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value != "":
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def put(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.sent[-1] += len(data)

    def log_message(self, *args: object) -> None:
        pass


def serve(handler: Handler, until: int | None = None, wait_at: int | None = None) -> None:
    """A right answer; one that ends the connection after `until` bytes of the file; one that waits at `wait_at`."""
    server, headers = handler.server, handler.headers
    size, first = len(server.content), 0
    if "Range" in headers and headers.get("If-Range", server.etag) in (server.etag, server.date):
        first = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
    told = {"Content_Length": size - first, "ETag": server.etag, "Last_Modified": server.date}
    if first >= size:
        return handler.begin(416, Content_Length=0, Content_Range=f"bytes */{size}")
    if first:
        handler.begin(206, Content_Range=f"bytes {first}-{size - 1}/{size}", **told)
    else:
        handler.begin(200, **told)
    if wait_at is not None:
        handler.put(server.content[first:wait_at])
        first = wait_at
        server.go_on.wait(20)
    handler.put(server.content[first:until])
    if until is not None:
        handler.close_connection = True


def break_at(until: int) -> Callable[[Handler], None]:
    return lambda handler: serve(handler, until)


def status(code: int) -> Callable[[Handler], None]:
    return lambda handler: handler.begin(code, Content_Length=0)


def whole(handler: Handler) -> None:
    """All of it, whatever Range says."""
    handler.begin(200, Content_Length=len(handler.server.content), ETag=handler.server.etag)
    handler.put(handler.server.content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.go_on.set()
        running.shutdown()


@dataclass
class Fetched:
    """What a fetch told, beside the file."""

    said: list[str] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def remote(server: Server, name: str = "toad.bin", pin: bytes | None = None) -> RemoteFile:
    if pin is None:
        return RemoteFile(name, server.url(name))
    return RemoteFile(name, server.url(name), sha256=digest(pin), size=len(pin))


def get(file: RemoteFile, folder: Path, told: Fetched | None = None) -> Path:
    told = told or Fetched()
    return fetch(file, folder, lambda *bytes: told.progress.append(bytes), patience=QUICK, say=told.said.append)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files_of(folder: Path) -> list[str]:
    """What lies in the folder, but for the empty files that processes wait at."""
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith(".busy"))


def assert_nothing_taken(folder: Path) -> None:
    assert files_of(folder) == []


# Downloads


def test_file_comes_whole_and_is_locked(server, folder):
    told = Fetched()
    here = get(remote(server), folder, told)
    assert here == folder / "toad.bin" and here.read_bytes() == CONTENT
    assert files_of(folder) == ["toad.bin", "weights.lock"]
    assert told.progress[0] == (0, len(CONTENT)) and told.progress[-1] == (len(CONTENT), len(CONTENT))
    assert told.progress == sorted(told.progress) and told.said == []
    entry = json.loads((folder / "weights.lock").read_text())["toad.bin"]
    assert (entry["url"], entry["size"], entry["sha256"]) == (server.url(), len(CONTENT), digest(CONTENT))
    assert entry["fetched_at"].startswith("20")


def test_file_that_is_there_is_not_fetched_again(server, folder):
    for pin in (None, CONTENT):
        assert get(remote(server, pin=pin), folder).read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_broken_download_goes_on_where_it_ended(server, folder):
    server.answers = [break_at(HALF)]
    told = Fetched()
    assert get(remote(server), folder, told).read_bytes() == CONTENT
    assert "Range" not in server.asked[0]
    assert (server.asked[1]["Range"], server.asked[1]["If-Range"]) == (f"bytes={HALF}-", '"one"')
    assert server.sent == [HALF, len(CONTENT) - HALF]
    assert len(told.said) == 1 and "trying again in 0 s" in told.said[0]
    assert (HALF, len(CONTENT)) in told.progress
    assert files_of(folder) == ["toad.bin", "weights.lock"]


def test_patience_ends_and_the_next_call_goes_on(server, folder):
    server.answers = [break_at(30_000), break_at(60_000), break_at(90_000)]
    with pytest.raises(RunFailed, match=r"given up after 3 tries.*90000 bytes that came are kept"):
        get(remote(server), folder)
    assert files_of(folder) == ["toad.bin.part", "toad.bin.part.json"]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert sum(server.sent) == len(CONTENT)


def test_tries_that_bring_much_do_not_use_up_patience(server, folder):
    server.content = random.Random(3).randbytes(5_500_000)
    server.answers = [break_at(1_100_000 * count) for count in (1, 2, 3, 4)]
    assert get(remote(server), folder).read_bytes() == server.content
    assert len(server.asked) == 5 and sum(server.sent) == len(server.content)


def test_server_that_ignores_range_starts_anew(server, folder):
    server.answers = [break_at(HALF), whole]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert server.asked[1]["Range"] == f"bytes={HALF}-" and server.sent[1] == len(CONTENT)


def test_file_changed_between_is_not_glued(server, folder):
    def change(handler):
        serve(handler, HALF)
        server.content, server.etag = OTHER, '"two"'

    server.answers = [change]
    assert get(remote(server), folder).read_bytes() == OTHER
    assert len(server.asked) == 2


def test_change_is_noticed_where_if_range_is_ignored(server, folder):
    def change(handler):
        serve(handler, HALF)
        server.content, server.etag = OTHER, '"two"'

    def rest_of_another(handler):
        span = f"bytes {HALF}-{len(OTHER) - 1}/{len(OTHER)}"
        handler.begin(206, Content_Length=len(OTHER) - HALF, Content_Range=span, ETag='"two"')
        handler.put(OTHER[HALF:])

    server.answers = [change, rest_of_another]
    told = Fetched()
    assert get(remote(server), folder, told).read_bytes() == OTHER
    assert "changed on the server" in told.said[1] and "Range" not in server.asked[2]


def test_another_part_than_asked_for_is_not_glued(server, folder):
    def shifted(handler):
        size = len(CONTENT)
        handler.begin(206, Content_Length=size - 5, Content_Range=f"bytes 5-{size - 1}/{size}", ETag='"one"')
        handler.put(CONTENT[5:])

    server.answers = [break_at(HALF), shifted]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert len(server.asked) == 3 and "Range" not in server.asked[2]


def test_date_stands_in_for_a_missing_or_weak_etag(server, folder):
    server.etag, server.date = 'W/"one"', "Wed, 22 Dec 2021 10:00:00 GMT"
    server.answers = [break_at(HALF)]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert server.asked[1]["If-Range"] == server.date and sum(server.sent) == len(CONTENT)


def test_part_without_etag_or_date_goes_on_only_if_pinned(server, folder):
    server.etag = ""
    server.answers = [break_at(HALF)]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert "Range" not in server.asked[1]
    server.answers = [break_at(HALF)]
    assert get(remote(server, "pinned.bin", CONTENT), folder).read_bytes() == CONTENT
    assert server.asked[3]["Range"] == f"bytes={HALF}-"


def test_part_of_another_address_is_not_gone_on_with(server, folder):
    server.answers = [break_at(HALF)] * 3
    with pytest.raises(RunFailed):
        get(remote(server), folder)
    fetch(remote(server), folder, url=server.url("mirror/toad.bin"), patience=QUICK)
    assert "Range" not in server.asked[-1]
    assert (folder / "toad.bin").read_bytes() == CONTENT


def test_part_that_is_whole_only_needs_its_name(server, folder):
    server.answers = [break_at(HALF)] * 3
    with pytest.raises(RunFailed):
        get(remote(server), folder)
    (folder / "toad.bin.part").write_bytes(CONTENT)  # as if killed between the last byte and the name
    asked = len(server.asked)
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert len(server.asked) == asked


def test_part_longer_than_the_file_starts_anew(server, folder):
    server.answers = [break_at(HALF)] * 3
    with pytest.raises(RunFailed):
        get(remote(server), folder)
    (folder / "toad.bin.part").write_bytes(CONTENT + b"more")
    asked = len(server.asked)
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert len(server.asked) == asked + 1 and "Range" not in server.asked[-1]


def test_refused_range_starts_anew(server, folder):
    server.answers = [break_at(HALF), status(416)]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert "Range" not in server.asked[2]


# Servers that lie


def test_length_too_long_is_given_up(server, folder):
    def boast(handler):
        handler.begin(200, Content_Length=len(CONTENT) + 100, ETag='"one"')
        handler.put(CONTENT)
        handler.close_connection = True

    server.answers = [boast] * 3
    with pytest.raises(RunFailed, match="given up after 3 tries"):
        get(remote(server), folder)
    assert not (folder / "toad.bin").exists()


def test_length_too_short_is_refused_for_a_known_file(server, folder):
    def understate(handler):
        handler.begin(200, Content_Length=1000, ETag='"one"')
        handler.put(CONTENT)
        handler.close_connection = True

    server.answers = [understate]
    with pytest.raises(BadWeights, match=f"has 1000 bytes there, and {len(CONTENT)} are known"):
        get(remote(server, pin=CONTENT), folder)
    assert_nothing_taken(folder)


def test_no_length_is_refused_unless_known(server, folder):
    def endless(handler):
        handler.begin(200, Connection="close")
        handler.put(CONTENT)
        handler.close_connection = True

    server.answers = [endless, endless]
    with pytest.raises(BadWeights, match="has no length there"):
        get(remote(server), folder)
    assert get(remote(server, pin=CONTENT), folder).read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_the_next_try_is_clean(server, folder):
    server.content = OTHER
    with pytest.raises(BadWeights, match=f"{digest(OTHER)}.*not {digest(CONTENT)}.*published"):
        get(remote(server, pin=CONTENT), folder)
    assert_nothing_taken(folder)
    server.content = CONTENT
    assert get(remote(server, pin=CONTENT), folder).read_bytes() == CONTENT


def test_pinned_size_alone_is_held_too(server, folder, tmp_path):
    (tmp_path / "toad.bin").write_bytes(CONTENT)
    with pytest.raises(BadWeights, match="5 are known"):
        get(RemoteFile("toad.bin", server.url(), size=5), folder)
    with pytest.raises(BadWeights, match=r"200000 bytes, not .* 5 bytes"):
        adopt(RemoteFile("toad.bin", server.url(), size=5), tmp_path, folder)
    assert_nothing_taken(folder)


def test_file_changed_since_its_first_use_is_refused(server, folder):
    get(remote(server), folder).unlink()
    lock = (folder / "weights.lock").read_bytes()
    server.content, server.etag = OTHER, '"two"'
    with pytest.raises(BadWeights, match=r"refused.*as locked on 20.*remove its entry from weights\.lock"):
        get(remote(server), folder)
    assert files_of(folder) == ["weights.lock"] and (folder / "weights.lock").read_bytes() == lock


def test_good_file_stays_when_another_is_offered(server, folder, tmp_path):
    here = get(remote(server), folder)
    (tmp_path / "toad.bin").write_bytes(OTHER)
    with pytest.raises(BadWeights, match="is refused"):
        adopt(remote(server), tmp_path, folder)
    assert here.read_bytes() == CONTENT and sha256_of(remote(server), folder) == digest(CONTENT)
    assert files_of(folder) == ["toad.bin", "weights.lock"]


def test_web_page_instead_of_the_file_is_refused(server, folder):
    def login(handler):
        handler.begin(200, Content_Length=5, Content_Type="text/html; charset=utf-8")
        handler.put(b"login")

    server.answers = [break_at(HALF)] * 3 + [login]
    with pytest.raises(RunFailed):
        get(remote(server), folder)
    with pytest.raises(BadWeights, match="is a web page there"):
        get(remote(server), folder)
    assert (folder / "toad.bin.part").stat().st_size == HALF  # what came before is no worse for it
    assert get(remote(server), folder).read_bytes() == CONTENT


def test_packed_answer_is_refused(server, folder):
    def pack(handler):
        data = gzip.compress(CONTENT)
        handler.begin(200, Content_Length=len(data), Content_Encoding="gzip")
        handler.put(data)

    server.answers = [pack]
    with pytest.raises(BadWeights, match="comes packed"):
        get(remote(server), folder)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_final_status_is_told_at_once(server, folder, code):
    server.answers = [status(code)]
    with pytest.raises(BadWeights, match=rf"toad\.bin: http://127.*answers {code}.*--url.*--from"):
        get(remote(server), folder)
    assert len(server.asked) == 1
    assert_nothing_taken(folder)


def test_busy_server_is_tried_again(server, folder):
    server.answers = [status(503), status(429)]
    told = Fetched()
    assert get(remote(server), folder, told).read_bytes() == CONTENT
    assert ["503" in told.said[0], "429" in told.said[1]] == [True, True]


def test_redirect_is_followed_and_range_goes_with_it(server, folder):
    def lead_on(handler):
        handler.begin(302, Location="/elsewhere/toad.bin", Content_Length=0)

    server.answers = [break_at(HALF), lead_on]
    assert get(remote(server), folder).read_bytes() == CONTENT
    assert server.asked[2]["Range"] == f"bytes={HALF}-"


def test_silent_server_is_left(server, folder):
    server.answers = [lambda handler: serve(handler, wait_at=HALF)]
    said: list[str] = []
    here = fetch(remote(server), folder, patience=Patience((0.0,), silence=0.3), say=said.append)
    assert here.read_bytes() == CONTENT and "was silent for 0.3 s" in said[0]


def test_server_that_is_not_there_is_named(folder):
    file = RemoteFile("toad.bin", "http://127.0.0.1:9/weights/toad.bin")
    with pytest.raises(RunFailed, match=r"toad\.bin: given up after 3 tries: the connection to http://127.0.0.1:9/"):
        get(file, folder)


def test_unknown_host_is_named(folder):
    with pytest.raises(RunFailed, match=r"connection to https://toads\.invalid/toad\.bin failed"):
        get(RemoteFile("toad.bin", "https://toads.invalid/toad.bin"), folder)


@pytest.mark.parametrize("url", ["toad.bin", "ftp://host/toad.bin", "http://user:pass/word@host/toad.bin"])
def test_useless_address_is_refused(folder, url):
    with pytest.raises(BadWeights, match="no http or https address") as refused:
        get(RemoteFile("toad.bin", url), folder)
    assert "word" not in str(refused.value)


def test_secrets_of_an_address_are_not_shown(server, folder):
    url = server.url().replace("//", "//user:hush@") + "?key=hush#hush"
    server.answers = [break_at(10), break_at(10), status(403)]
    told = Fetched()
    with pytest.raises(BadWeights, match=r"http://127.0.0.1:\d+/weights/toad.bin answers 403") as refused:
        get(RemoteFile("toad.bin", url), folder, told)
    assert "Authorization" in server.asked[0] and len(told.said) == 2
    assert get(RemoteFile("toad.bin", url), folder).read_bytes() == CONTENT
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


# Killed and concurrent processes


def start(folder: Path, *urls: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FETCH, str(folder), *urls]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_killed_process_is_gone_on_from(server, folder):
    server.content = random.Random(4).randbytes(1_000_000)
    server.answers = [lambda handler: serve(handler, wait_at=700_000)]
    process = start(folder, server.url())
    part = folder / "toad.bin.part"
    wait_for(lambda: part.exists() and part.stat().st_size > 500_000, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not (folder / "toad.bin").exists()
    came = part.stat().st_size
    assert get(remote(server), folder).read_bytes() == server.content
    assert server.asked[1]["Range"] == f"bytes={came}-" and server.sent[1] == 1_000_000 - came


def test_two_processes_fetch_a_file_once(server, folder):
    server.answers = [lambda handler: serve(handler, wait_at=HALF)]
    first = start(folder, server.url())
    wait_for(lambda: len(server.asked) == 1, first)
    second = start(folder, server.url())
    assert second.stdout.readline() == "toad.bin: another process is at it; waiting\n"
    server.go_on.set()
    assert [process.communicate()[0] for process in (first, second)] == ["", ""]
    assert (first.returncode, second.returncode, len(server.asked)) == (0, 0, 1)
    assert (folder / "toad.bin").read_bytes() == CONTENT


def test_two_processes_lose_no_entry_of_the_lock(server, folder):
    server.content = b"toad"
    names = [[f"{letter}{count}.bin" for count in range(15)] for letter in "ab"]
    processes = [start(folder, *map(server.url, some)) for some in names]
    assert [process.communicate()[0] for process in processes] == ["", ""]
    assert sorted(read_lock(folder)) == sorted(names[0] + names[1])


# Taking files over


def test_file_of_another_folder_is_linked(server, folder, tmp_path):
    given = tmp_path / "toad.bin"
    given.write_bytes(CONTENT)
    here = adopt(remote(server), tmp_path, folder)
    assert here == folder / "toad.bin" and here.samefile(given) and server.asked == []
    assert read_lock(folder)["toad.bin"].sha256 == digest(CONTENT)
    assert adopt(remote(server), tmp_path, folder) == here and files_of(folder) == ["toad.bin", "weights.lock"]


def test_file_of_another_disk_is_copied(server, folder, tmp_path, monkeypatch):
    def other_disk(*names):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    (tmp_path / "toad.bin").write_bytes(CONTENT)
    progress: list[tuple[int, int]] = []
    here = adopt(remote(server), tmp_path, folder, lambda *bytes: progress.append(bytes))
    assert here.read_bytes() == CONTENT and not here.samefile(tmp_path / "toad.bin")
    assert progress[-1] == (len(CONTENT), len(CONTENT))


def test_symbolic_link_is_taken_as_the_file_that_it_names(server, folder, tmp_path):
    (tmp_path / "blob").write_bytes(CONTENT)
    (tmp_path / "toad.bin").symlink_to("blob")
    here = adopt(remote(server), tmp_path, folder)
    assert not here.is_symlink() and here.samefile(tmp_path / "blob")


def test_packed_file_is_unpacked(server, folder, tmp_path):
    (tmp_path / "toad.bin.gz").write_bytes(gzip.compress(CONTENT))
    assert adopt(remote(server, pin=CONTENT), tmp_path, folder).read_bytes() == CONTENT


def test_damaged_packed_file_is_refused(server, folder, tmp_path):
    packed = gzip.compress(CONTENT)
    for damaged in (packed[:-1000], b"no gzip", packed[:5000] + bytes(2000) + packed[7000:]):
        (tmp_path / "toad.bin.gz").write_bytes(damaged)
        with pytest.raises(BadWeights, match=r"toad\.bin\.gz: cannot be unpacked"):
            adopt(remote(server), tmp_path, folder)
        assert_nothing_taken(folder)


def test_safetensors_is_preferred_and_keeps_its_name(server, folder, tmp_path):
    file = remote(server, "base.pt", pin=CONTENT)  # the pin is of the .pt
    (tmp_path / "base.pt").write_bytes(CONTENT)
    (tmp_path / "base.safetensors").write_bytes(OTHER)
    here = adopt(file, tmp_path, folder)
    assert here == present(file, folder) == folder / "base.safetensors"
    assert sha256_of(file, folder) == digest(OTHER) and list(read_lock(folder)) == ["base.safetensors"]
    assert fetch(file, folder) == here and server.asked == []


def test_damaged_safetensors_is_not_passed_over(server, folder, tmp_path):
    (tmp_path / "base.safetensors").write_bytes(OTHER)
    adopt(remote(server, "base.pt"), tmp_path, folder).unlink()
    (folder / "base.safetensors").write_bytes(CONTENT)
    with pytest.raises(BadWeights, match=r"base\.safetensors: it is damaged"):
        get(remote(server, "base.pt"), folder)
    assert server.asked == []


def test_pt_is_taken_where_there_is_no_safetensors(server, folder, tmp_path):
    (tmp_path / "base.pt").write_bytes(CONTENT)
    assert adopt(remote(server, "base.pt"), tmp_path, folder) == folder / "base.pt"


def test_wrong_file_of_another_folder_is_refused(server, folder, tmp_path):
    (tmp_path / "toad.bin").write_bytes(OTHER)
    with pytest.raises(BadWeights, match=r"refused.*published"):
        adopt(remote(server, pin=CONTENT), tmp_path, folder)
    assert_nothing_taken(folder)
    assert (tmp_path / "toad.bin").read_bytes() == OTHER


def test_file_that_is_nowhere_is_none(server, folder, tmp_path):
    assert adopt(remote(server), tmp_path, folder) is None
    assert not folder.exists() and present(remote(server), folder) is None


# What is on the disk


def test_missing_file_is_told(server, folder):
    with pytest.raises(BadWeights, match=r"toad\.bin: is not there; `toadworks weights fetch glide`"):
        sha256_of(remote(server), folder)


@pytest.mark.parametrize("pin", [None, CONTENT], ids=["locked", "pinned"])
def test_damaged_file_is_noticed_and_mended(server, folder, pin):
    here = get(remote(server, pin=pin), folder)
    here.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(BadWeights, match=f"damaged.*not {digest(CONTENT)}"):
        sha256_of(remote(server, pin=pin), folder)
    assert get(remote(server, pin=pin), folder).read_bytes() == CONTENT
    assert sha256_of(remote(server, pin=pin), folder) == digest(CONTENT)


def test_damaged_file_stays_until_a_whole_one_came(server, folder):
    here = get(remote(server), folder)
    here.write_bytes(b"damaged")
    server.answers = [status(404)]
    with pytest.raises(BadWeights, match="404"):
        get(remote(server), folder)
    assert here.read_bytes() == b"damaged"


def test_whole_file_is_hashed_once(server, folder, monkeypatch):
    here = get(remote(server), folder)
    hashed: list[Path] = []
    honest = locking._hash
    monkeypatch.setattr(locking, "_hash", lambda file: hashed.append(file) or honest(file))
    assert sha256_of(remote(server), folder) == digest(CONTENT) and hashed == []
    os.utime(here)
    for _ in range(2):
        assert sha256_of(remote(server), folder) == digest(CONTENT) and hashed == [here]


def test_new_pin_is_not_taken_from_the_lock(server, folder):
    get(remote(server), folder)
    with pytest.raises(BadWeights, match=f"not {digest(OTHER)}"):
        sha256_of(remote(server, pin=OTHER), folder)


def test_file_put_there_by_hand_is_locked_as_it_is(server, folder):
    folder.mkdir()
    (folder / "toad.bin").write_bytes(CONTENT)
    assert sha256_of(remote(server), folder) == digest(CONTENT)
    (folder / "toad.bin").write_bytes(OTHER)
    with pytest.raises(BadWeights, match="damaged or another one"):
        sha256_of(remote(server), folder)


@pytest.mark.parametrize("text", ["{not json", "[]", '{"toad.bin": 5}', '{"toad.bin": {"sha256": "x"}}', "\xff"])
def test_damaged_lock_is_told(server, folder, text):
    here = get(remote(server), folder)
    (folder / "weights.lock").write_text(text, encoding="latin-1")
    for refused in (lambda: sha256_of(remote(server), folder), lambda: get(remote(server), folder)):
        with pytest.raises(BadWeights, match=r"weights\.lock: the lock file is damaged"):
            refused()
    assert here.read_bytes() == CONTENT and (folder / "weights.lock").read_text(encoding="latin-1") == text


def test_folder_that_is_a_file_is_told(server, tmp_path):
    (tmp_path / "weights").write_text("")
    with pytest.raises(RunFailed, match=r"weights: cannot be .*TOADWORKS_WEIGHTS"):
        get(remote(server), tmp_path / "weights")


@pytest.mark.skipif(sys.platform != "linux", reason="drops a capability of Linux")
def test_read_only_folder_is_told_but_what_is_there_is_used(server, folder):
    os.utime(get(remote(server), folder))  # so that it is hashed again, which cannot be noted there
    for lock in folder.glob(".*.busy"):
        lock.unlink()
    folder.chmod(0o500)
    script = FETCH + "from glide.fetching import sha256_of\n"

    def obey() -> None:  # root, too, is held by permissions then
        ctypes.CDLL(None).prctl(24, 1)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE

    told = [
        subprocess.run(
            [sys.executable, "-c", script, str(folder), server.url(name)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            preexec_fn=obey,
            check=False,
        )
        for name in ("toad.bin", "frog.bin")
    ]
    folder.chmod(0o700)
    assert told[0].returncode == 0, told[0].stderr
    assert "RunFailed" in told[1].stderr and "Permission denied" in told[1].stderr
    assert "check its permissions" in told[1].stderr and len(server.asked) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_told(server, folder):
    folder.mkdir()
    (folder / "toad.bin.part").symlink_to("/dev/full")
    with pytest.raises(RunFailed, match=r"No space left.*make room and start again"):
        get(remote(server), folder)
    assert not (folder / "toad.bin").exists() and len(server.asked) == 1


def test_disk_too_small_is_told_before_a_byte_comes(server, folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 10**5))
    with pytest.raises(RunFailed, match=r"0\.2 MB are missing, 0\.1 MB are free.*make room"):
        get(remote(server), folder)
    assert_nothing_taken(folder)


# What was released


def test_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TOADWORKS_WEIGHTS", str(tmp_path / "mine"))
    assert weights_folder() == tmp_path / "mine"
    monkeypatch.delenv("TOADWORKS_WEIGHTS")
    assert weights_folder().parts[-2:] == ("toadworks", "weights")


def test_golden_vocabularies_are_the_pinned_ones(golden, folder):
    for file in VOCABULARIES.values():
        here = adopt(file, golden / "glide" / "vocabulary", folder)
        assert here is not None and here.name == file.name
        assert (sha256_of(file, folder), here.stat().st_size) == (file.sha256, file.size)


def test_checkpoints_are_those_of_december_2021():
    assert [file.name for file in CHECKPOINTS.values()] == [
        "base.pt",
        "upsample.pt",
        "base_inpaint.pt",
        "upsample_inpaint.pt",
        "clip_text_enc.pt",
        "clip_image_enc.pt",
    ]
    for file in CHECKPOINTS.values():
        assert file.url == f"https://openaipublic.blob.core.windows.net/diffusion/dec-2021/{file.name}"


def test_limits_are_confirmed_once(folder):
    assert not limits_confirmed(folder)
    confirm_limits(folder)
    assert limits_confirmed(folder)
    assert json.loads((folder / "limits-confirmed.json").read_text())["confirmed_at"].startswith("20")
    (folder / "limits-confirmed.json").write_text("[")
    assert not limits_confirmed(folder)


def test_limits_name_what_matters():
    for word in (
        "people",
        "violence",
        "hate symbols",
        "semi-realistic",
        "bias",
        "English",
        "commercial",
        "model-card.md",
    ):
        assert word in LIMITS
