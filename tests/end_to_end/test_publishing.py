"""`toadworks publish` as a person runs it: asked, killed amid an upload, run again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.collection_db.breaking import FOR_EVER, HOLD, RESET, Breaking
from tests.collection_db.serving import KEY, SECRET
from tests.minting.uploading.releases import contents, write_release

Run = Callable[..., subprocess.CompletedProcess[str]]
AWS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
ONE_AT_A_TIME = "parallel = 1\npatience = 20\n"


@pytest.fixture
def pond(tmp_path: Path) -> Callable[..., Path]:
    """pond(to, size=3000, more=""): a collection with a release, whose images have about so many bytes."""

    def made(to: str, size: int = 3000, more: str = "", tokens: int = 3) -> Path:
        folder = tmp_path / "pond"
        (folder / "images").mkdir(parents=True)
        text = f'[sources]\nimages = "images"\n[publish]\nto = {json.dumps(to)}\n{more}'
        (folder / "collection.toml").write_text(text, encoding="utf-8")
        write_release(folder / "release", tokens=tokens, size=size)
        return folder

    return made


def puts(proxy: Breaking) -> list[str]:
    return [asked.split("toads/", 1)[1] for asked in proxy.asked if asked.startswith("PUT ")]


def kill_amid_an_upload(folder: Path, proxy: Breaking, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "toadworks", "publish", "--yes"]
    process = subprocess.Popen(command, cwd=folder, env=environment | AWS, stdout=subprocess.DEVNULL, stderr=None)
    assert proxy.held.wait(120), process.poll()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_killed_amid_files_goes_on(
    pond: Callable[..., Path], bucket: Path, proxy: Breaking, toadworks: Run, environment: dict[str, str]
) -> None:
    folder = pond(f"s3://{bucket.name}/toads", more=f'endpoint_url = "{proxy.url}"\n{ONE_AT_A_TIME}', tokens=6)
    proxy.break_next(f"PUT /{bucket.name}/toads/images/4.png", HOLD)
    kill_amid_an_upload(folder, proxy, environment)
    verified = {"images/1.png", "images/2.png", "images/3.png"}
    assert set(puts(proxy)) == verified | {"images/4.png"} and not (bucket / "toads" / "metadata").exists()

    done = toadworks("publish", "--yes", cwd=folder, **AWS)
    assert done.returncode == 0, done.stderr
    assert "all of it is at s3://" in done.stdout and "13 of 16 were sent now" in done.stdout
    assert contents(bucket / "toads") == contents(folder / "release")
    assert all(puts(proxy).count(name) == 1 for name in verified) and puts(proxy).count("images/4.png") == 2
    assert len(puts(proxy)) == 17  # every other file once

    before = len(proxy.asked)
    done = toadworks("publish", cwd=folder, **AWS)  # with nothing to send, nobody is asked
    assert done.returncode == 0 and "0 of 16 were sent now" in done.stdout and len(proxy.asked) == before
    assert KEY not in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr


@pytest.mark.slow
def test_killed_amid_parts_goes_on(
    pond: Callable[..., Path], bucket: Path, proxy: Breaking, toadworks: Run, environment: dict[str, str]
) -> None:
    folder = pond(f"s3://{bucket.name}/toads", 20 << 20, f'endpoint_url = "{proxy.url}"\n{ONE_AT_A_TIME}', tokens=1)
    proxy.break_next(lambda request: "partNumber=2" in request, HOLD)
    kill_amid_an_upload(folder, proxy, environment)

    done = toadworks("publish", "--yes", cwd=folder, **AWS)
    assert done.returncode == 0, done.stderr
    assert contents(bucket / "toads") == contents(folder / "release")
    assert [name[-1] for name in puts(proxy) if "partNumber=" in name] == ["1", "2", "2", "3"]


@pytest.mark.slow
def test_cost_is_told_and_asked_for(pond: Callable[..., Path], toadworks: Run) -> None:
    folder = pond("out", more="price_per_gb_month = 1000000.0\n")
    asked = toadworks("publish", cwd=folder)
    assert asked.returncode == 2 and "--yes does it unasked" in asked.stderr and not (folder / "out").exists()
    for line in (
        "to " + str(folder / "out"),
        "10  files or CARs",
        "0  of them there already",
        "10  to send",
        "a month",
    ):
        assert line in asked.stdout
    dry = toadworks("publish", "--dry-run", cwd=folder)
    assert dry.returncode == 0 and "nothing was sent" in dry.stdout and not (folder / "out").exists()
    assert toadworks("publish", "--yes", cwd=folder).returncode == 0
    assert contents(folder / "out") == contents(folder / "release")


def test_failure_is_told_without_a_traceback(
    pond: Callable[..., Path], bucket: Path, proxy: Breaking, toadworks: Run
) -> None:
    folder = pond(f"s3://{bucket.name}/toads", more=f'endpoint_url = "{proxy.url}"\npatience = 1\n')
    proxy.break_next(f"PUT /{bucket.name}/toads/metadata", RESET, FOR_EVER)
    done = toadworks("publish", "--yes", cwd=folder, **AWS)
    assert done.returncode == 1 and done.stderr.startswith("toadworks: s3://") and "Traceback" not in done.stderr
    assert "missing or not verified are 7: metadata/1, metadata/2, metadata/3, collection.json" in done.stderr
    listed = (folder / ".publish" / "missing.txt").read_text().split()
    assert len(listed) == 7 and not (bucket / "toads" / "collection.json").exists()
    assert [entry.name for entry in (bucket / "toads").iterdir()] == ["images"]
