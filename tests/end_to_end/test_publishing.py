"""`toadworks publish` as a person runs it: asked, killed amid an upload, run again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from flows.export import write_tokens
from flows.settings import Settings
from tests.collection_db.breaking import FOR_EVER, HOLD, RESET, Breaking
from tests.collection_db.serving import KEY, SECRET
from tests.flows.ponds import Pond, drawing
from tests.minting.uploading.releases import contents, write_release

Run = Callable[..., subprocess.CompletedProcess[str]]
AWS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
ROOT = Path(__file__).parents[2]
PUBLISH = """
from flows.publish import publish
from flows.settings import Settings
publish(Settings.read("."), agree=lambda shown, cost: True)
"""
ONE_AT_A_TIME = "parallel = 1\npatience = 20\n"


@pytest.fixture
def pond(tmp_path: Path) -> Callable[..., Path]:
    """pond(to, more, tokens): a collection with a release; `more` in its [publish]."""

    def made(to: str, more: str = "", tokens: int = 3) -> Path:
        folder = collection(tmp_path / "pond", to, more)
        held = Pond(Settings.read(folder), [drawing(0), drawing(1)])
        held.table.decide(held.add([(0, drawing(number)) for number in range(5, 5 + tokens)]), "accept", "ann")
        held.table.close()
        write_tokens.fn(str(folder / "collection.toml"))
        return folder

    return made


def collection(folder: Path, to: str, more: str) -> Path:
    (folder / "images").mkdir(parents=True)
    text = f'[sources]\nimages = "images"\n[release]\nimage_size = 64\n[publish]\nto = {json.dumps(to)}\n{more}'
    (folder / "collection.toml").write_text(text, encoding="utf-8")
    return folder


def puts(proxy: Breaking) -> list[str]:
    return [asked.split("toads/", 1)[1] for asked in proxy.asked if asked.startswith("PUT ")]


def kill_amid_an_upload(folder: Path, proxy: Breaking, environment: dict[str, str], command: Sequence[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment | AWS, stdout=subprocess.DEVNULL, stderr=None
    )
    assert proxy.held.wait(120), process.poll()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_killed_amid_files_goes_on(
    pond: Callable[..., Path], bucket: Path, proxy: Breaking, toadworks: Run, environment: dict[str, str]
) -> None:
    folder = pond(f"s3://{bucket.name}/toads", more=f'endpoint_url = "{proxy.url}"\n{ONE_AT_A_TIME}', tokens=6)
    proxy.break_next(f"PUT /{bucket.name}/toads/images/4.png", HOLD)
    kill_amid_an_upload(folder, proxy, environment, ["-m", "toadworks", "publish", "--yes"])
    verified = {"images/1.png", "images/2.png", "images/3.png"}
    assert set(puts(proxy)) == verified | {"images/4.png"} and not (bucket / "toads" / "metadata").exists()

    done = toadworks("publish", "--yes", cwd=folder, **AWS)
    assert done.returncode == 0, done.stderr
    release = contents(folder / "release")
    assert f"{len(release) - 3} of {len(release)} now" in done.stdout
    assert "all of it went to s3://" in done.stdout and contents(bucket / "toads") == release
    assert all(puts(proxy).count(name) == 1 for name in verified) and puts(proxy).count("images/4.png") == 2
    assert len(puts(proxy)) == len(release) + 1  # every other file once

    before = len(proxy.asked)
    done = toadworks("publish", cwd=folder, **AWS)  # with nothing to send, nobody is asked
    assert done.returncode == 0 and f"0 of {len(release)} now" in done.stdout and len(proxy.asked) == before
    assert KEY not in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr


@pytest.mark.slow
def test_killed_amid_parts_goes_on(tmp_path: Path, bucket: Path, proxy: Breaking, environment: dict[str, str]) -> None:
    more = f'endpoint_url = "{proxy.url}"\n{ONE_AT_A_TIME}'
    folder = collection(tmp_path / "pond", f"s3://{bucket.name}/toads", more)
    write_release(folder / "release", tokens=1, size=20 << 20)  # larger than any picture that is quickly made
    proxy.break_next(lambda request: "partNumber=2" in request, HOLD)
    environment = environment | {"PYTHONPATH": str(ROOT)}
    kill_amid_an_upload(folder, proxy, environment, ["-c", PUBLISH])
    subprocess.run([sys.executable, "-c", PUBLISH], cwd=folder, env=environment | AWS, check=True)
    assert contents(bucket / "toads") == contents(folder / "release")
    assert [name[-1] for name in puts(proxy) if "partNumber=" in name] == ["1", "2", "2", "3"]


@pytest.mark.slow
def test_cost_is_told_and_asked_for(pond: Callable[..., Path], toadworks: Run) -> None:
    folder = pond("out", more="price_per_gb_month = 1000000.0\n")
    asked = toadworks("publish", cwd=folder)
    assert asked.returncode == 2 and "--yes does it unasked" in asked.stderr and not (folder / "out").exists()
    count = len(contents(folder / "release"))
    for line in (
        f"to {folder / 'out'}",
        f"{count}  files or CARs",
        " 0  of them there",
        f"{count}  to send",
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
    missing = [name for name in contents(folder / "release") if not name.startswith("images/")]
    assert f"missing or not verified are {len(missing)}: metadata/1, metadata/2, metadata/3, collection" in done.stderr
    listed = (folder / ".publish" / "missing.txt").read_text().split()
    assert sorted(listed) == sorted(missing) and not (bucket / "toads" / "collection.json").exists()
    assert [entry.name for entry in (bucket / "toads").iterdir()] == ["images"]
