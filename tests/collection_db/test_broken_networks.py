"""A bucket behind a network that breaks: what passes is survived with the right bytes, what does not is told clearly
and without a secret."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from collection_db.buckets import AssetBucket
from errors import DamagedAsset, MissingAsset, RunFailed
from tests.collection_db import breaking
from tests.collection_db.breaking import (
    BUSY,
    CUT,
    FLIP,
    FOR_EVER,
    HOLD,
    RESET,
    RESET_INSIDE,
    SHORT,
    STALL,
    STALL_INSIDE,
    THROTTLED,
    Breaking,
)
from tests.collection_db.serving import FORGOTTEN_S, KEY, SECRET, Service, free_port

ROOT = Path(__file__).parents[2]
DATA = bytes(range(256)) * 4000  # larger than what a connection holds back
NAME = hashlib.sha256(DATA).hexdigest()
PUT = """
import sys
from collection_db import open_assets
open_assets(*sys.argv[1:]).put(bytes(range(256)) * 4000)
"""


def names(store: AssetBucket) -> list[str]:
    return [one.sha256 for one in store.stored()]


def told(failing: Callable[[], object], kind: type[Exception] = RunFailed) -> str:
    """The sentence of the error that is raised; no key and no secret is in what anybody might print of it."""
    with pytest.raises(kind) as caught:
        failing()
    error = caught.value
    shown = [str(error), repr(error.args), *traceback.format_exception(error)]
    assert not any(secret in text for secret in (KEY, SECRET) for text in shown)
    assert error.__cause__ is error.__context__ is None and "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize(
    "fault", [BUSY, THROTTLED, RESET, RESET_INSIDE, STALL, STALL_INSIDE, CUT, SHORT, FLIP], ids=str
)
def test_read_survives(broken: AssetBucket, direct: AssetBucket, proxy: Breaking, fault: breaking.Fault) -> None:
    direct.put(DATA)
    proxy.break_next("GET", fault, times=2)
    assert broken.read(NAME) == DATA
    assert proxy.broken == 2


@pytest.mark.parametrize(
    "fault", [BUSY, THROTTLED, RESET, RESET_INSIDE, STALL, CUT, FLIP, (400, "RequestTimeout")], ids=str
)
def test_put_survives(
    broken: AssetBucket, direct: AssetBucket, proxy: Breaking, bucket: Path, fault: breaking.Fault
) -> None:
    proxy.break_next("PUT", fault, times=2)
    assert broken.put(DATA) == NAME
    assert proxy.broken == 2 and names(direct) == [NAME]
    assert direct.read(NAME) == (bucket / "toads" / NAME[:2] / f"{NAME[2:]}.png").read_bytes() == DATA


@pytest.mark.parametrize("fault", [BUSY, RESET, STALL, STALL_INSIDE, CUT], ids=str)
def test_list_survives(broken: AssetBucket, direct: AssetBucket, proxy: Breaking, fault: breaking.Fault) -> None:
    direct.put(DATA)
    proxy.break_next("LIST", fault)
    assert names(broken) == [NAME] and proxy.broken == 1


def test_remove_survives_a_reset(broken: AssetBucket, direct: AssetBucket, proxy: Breaking) -> None:
    direct.put(DATA)
    proxy.break_next("DELETE", RESET)
    broken.remove(NAME)
    assert proxy.broken == 1 and names(direct) == []


WAITED_OUT_IN_VAIN = [
    (BUSY, "has been too busy for too long (SlowDown); run this again later"),
    (RESET, "does not answer as it should (ConnectionClosedError); look at the network"),
    (FLIP, "arrived damaged, again and again"),
]


@pytest.mark.parametrize(("fault", "sentence"), WAITED_OUT_IN_VAIN, ids=str)
def test_put_that_never_works_is_told(
    broken: AssetBucket, direct: AssetBucket, proxy: Breaking, fault: breaking.Fault, sentence: str
) -> None:
    broken.patience_s = 2
    proxy.break_next("PUT", fault, FOR_EVER)
    error = told(lambda: broken.put(DATA))
    assert error.startswith(f"s3://{broken.bucket}/toads/{NAME[:2]}/{NAME[2:]}.png: the asset cannot be written: ")
    assert sentence in error
    assert proxy.broken > 1 and names(direct) == []


def test_read_that_never_comes_whole_is_told(broken: AssetBucket, direct: AssetBucket, proxy: Breaking) -> None:
    direct.put(DATA)
    broken.patience_s = 2
    proxy.break_next("GET", CUT, FOR_EVER)
    assert "the asset cannot be read: the service does not answer" in told(lambda: broken.read(NAME))
    assert proxy.broken > 1


@pytest.mark.parametrize("fault", [SHORT, FLIP])
def test_read_that_is_always_damaged_is_told(
    broken: AssetBucket, direct: AssetBucket, proxy: Breaking, tmp_path: Path, fault: str
) -> None:
    direct.put(DATA)
    proxy.break_next("GET", fault, FOR_EVER)
    for method in (broken.read, broken.local):
        assert f"{NAME[2:]}.png: the asset is damaged" in told(lambda method=method: method(NAME), DamagedAsset)
    assert proxy.broken > 2 and not list((tmp_path / "cache").rglob("*.png"))


REFUSED = [
    ((403, "AccessDenied"), "access is denied to these credentials; they need to list"),
    ((403, "InvalidAccessKeyId"), "does not know this access key; set AWS_ACCESS_KEY_ID"),
    ((403, "SomethingNew"), "access is denied"),
    ((400, "ExpiredToken"), "the credentials have expired"),
    ((400, "AuthorizationHeaderMalformed"), "another region; name the bucket's own region in AWS_DEFAULT_REGION"),
    ((400, "PermanentRedirect"), "another region"),
    ((403, "RequestTimeTooSkewed"), "this machine's clock is wrong"),
    ((507, "XMinioStorageFull"), "no room left"),
    ((400, "SomethingNew"), "refuses it (SomethingNew, status 400)"),
    ((400, KEY + "/x"), "refuses it (unknown, status 400)"),
]


@pytest.mark.parametrize(("answer", "sentence"), REFUSED, ids=lambda given: str(given)[:24])
def test_refusal_is_told_at_once_without_a_secret(
    broken: AssetBucket, proxy: Breaking, answer: tuple[int, str], sentence: str
) -> None:
    for kind, failing in (("PUT", lambda: broken.put(DATA)), ("GET", lambda: broken.read(NAME))):
        before = proxy.broken
        proxy.break_next(kind, answer, FOR_EVER)
        assert sentence in told(failing)
        assert 1 <= proxy.broken - before <= 2  # boto3 itself asks twice where the region may be wrong


def test_bucket_that_is_not_there_is_told(broken: AssetBucket) -> None:
    broken.bucket = "nowhere"
    for failing in (broken.check, lambda: broken.put(DATA), lambda: broken.read(NAME), lambda: names(broken)):
        assert "s3://nowhere/toads" in told(failing) and "there is no such bucket; make it" in told(failing)


def test_wrong_secret_is_told(broken: AssetBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{SECRET}x")
    assert "does not take this secret key" in told(broken.check)


@pytest.mark.parametrize("unset", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_missing_credentials_are_told(broken: AssetBucket, monkeypatch: pytest.MonkeyPatch, unset: str) -> None:
    monkeypatch.delenv(unset)
    assert "there are no credentials" in told(lambda: broken.put(DATA))


def test_profile_that_is_not_there_is_told(broken: AssetBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "frog")
    assert "there are no credentials (ProfileNotFound)" in told(broken.check)


def test_endpoint_where_nobody_is_is_told(broken: AssetBucket) -> None:
    broken.endpoint_url, broken.patience_s = f"http://127.0.0.1:{free_port()}", 1
    assert "(EndpointConnectionError); look at the network and at storage.endpoint_url" in told(
        lambda: broken.put(DATA)
    )


def test_logs_hold_no_secret(broken: AssetBucket, proxy: Breaking, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "toadworks")
    proxy.break_next("PUT", BUSY, times=2)
    broken.put(DATA)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("toadworks")]
    assert len(ours) == 2 and all("SlowDown" in line and "trying again" in line for line in ours)
    assert not any(secret in line for secret in (KEY, SECRET) for line in ours)


def test_service_that_comes_back_is_waited_for(credentials: None, s3: Service, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    service = Service(tmp_path / "served").start()
    service.bucket("pond")
    store = AssetBucket("pond", "", service.url)
    store.put(b"toad")
    service.stop()
    assert not service.answers()
    back = threading.Timer(3, service.start)
    back.start()
    try:
        assert store.put(DATA) == NAME and service.process is not None
        assert store.read(NAME) == DATA and len(names(store)) == 2
    finally:
        back.join()
        service.stop()


def test_what_is_fresh_is_not_sent_again(broken: AssetBucket, proxy: Breaking) -> None:
    for _ in range(3):
        broken.put(DATA)
    assert proxy.seen.count("PUT") == 1 and proxy.seen.count("LIST") == 3


def test_what_is_old_is_sent_again(broken: AssetBucket, proxy: Breaking, bucket: Path) -> None:
    broken.put(DATA)
    old = time.time() - 3600
    os.utime(bucket / "toads" / NAME[:2] / f"{NAME[2:]}.png", (old, old))
    time.sleep(FORGOTTEN_S)
    broken.put(DATA)
    broken.put(DATA)
    assert proxy.seen.count("PUT") == 2


def test_age_is_told_by_the_service_s_clock(broken: AssetBucket, proxy: Breaking) -> None:
    broken.put(DATA)
    proxy.break_next("LIST", breaking.LATE)
    broken.put(DATA)
    assert proxy.seen.count("PUT") == 2 and proxy.broken == 1


def test_forked_process_has_a_connection_of_its_own(broken: AssetBucket, proxy: Breaking) -> None:
    broken.put(DATA)
    assert proxy.connections == 1
    child = multiprocessing.get_context("fork").Process(target=broken.put, args=(b"frog",))
    child.start()
    child.join(60)
    assert child.exitcode == 0 and len(names(broken)) == 2 and proxy.connections == 2


def test_local_file_is_fetched_once(broken: AssetBucket, direct: AssetBucket, proxy: Breaking) -> None:
    direct.put(DATA)
    file = broken.local(NAME)
    assert broken.local(NAME) == file and proxy.seen == ["GET"]
    file.write_bytes(DATA[:-1])
    assert broken.local(NAME).read_bytes() == DATA and proxy.seen == ["GET", "GET"]


def test_killed_writer_leaves_nothing(bucket: Path, direct: AssetBucket, broken: AssetBucket, proxy: Breaking) -> None:
    proxy.break_next("PUT", HOLD)
    writer = subprocess.Popen([sys.executable, "-c", PUT, f"s3://{bucket.name}/toads", proxy.url], cwd=ROOT)
    assert proxy.held.wait(60)
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    told(lambda: direct.read(NAME), MissingAsset)
    assert names(direct) == [] and broken.put(DATA) == NAME and direct.read(NAME) == DATA


@pytest.mark.parametrize(
    "code", ["import toadworks", "from collection_db import open_assets; open_assets(r'{}').put(b'')"]
)
def test_without_a_bucket_boto3_is_not_loaded(tmp_path: Path, code: str) -> None:
    code = f"import sys; {code.format(tmp_path)}; sys.exit(any(name.startswith('boto') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
