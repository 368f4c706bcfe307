"""Setting up curators as a person types it, and where the password does not show."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curation.accounts import Accounts
from flows.new import paint_sources, write_collection
from toadworks import main

PASSWORD = "sesame-7f3a-toad"


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    return write_collection(folder / "pond", paint_sources(folder / "toads", 1, 7)).file.parent


@pytest.fixture
def accounts(pond: Path):
    """The collection's accounts; none to begin with."""
    found = Accounts(pond / "curators.json")
    yield found
    found.file.unlink(missing_ok=True)


def files_that_hold(secret: str, folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]


def test_curators_come_and_go(pond, accounts, toadworks) -> None:
    told = toadworks("curators", "list", cwd=pond)
    assert told.returncode == 0 and told.stdout.startswith("nobody: ") and not accounts.file.exists()
    told = toadworks("curators", "add", "ann", cwd=pond, TOADWORKS_PASSWORD=PASSWORD)
    assert told.returncode == 0, told.stderr
    assert "ann can log in" in told.stdout and "from now on" in told.stdout
    assert PASSWORD not in told.stdout + told.stderr
    assert stat.S_IMODE(accounts.file.stat().st_mode) == 0o600 and files_that_hold(PASSWORD, pond) == []
    assert accounts.verify("ann", PASSWORD)
    listed = toadworks("curators", "list", cwd=pond).stdout
    assert listed.startswith("ann  since 20") and "argon2" not in listed
    told = toadworks("curators", "remove", "ann", cwd=pond)
    assert told.returncode == 0 and "what ann decided stays" in told.stdout and "nobody is left" in told.stdout
    told = toadworks("curators", "remove", "ann", cwd=pond)
    assert told.returncode == 2 and "'ann' cannot be used" in told.stderr


def test_token_is_shown_once(pond, accounts, toadworks) -> None:
    told = toadworks("curators", "add", "bob", "--token", cwd=pond)
    token = told.stdout.splitlines()[-1]
    assert told.returncode == 0 and len(token) == 32
    assert accounts.verify("bob", token) and files_that_hold(token, pond) == []
    again = toadworks("curators", "add", "bob", "--token", cwd=pond)
    assert "bob has another password" in again.stdout and again.stdout.splitlines()[-1] != token
    assert accounts.verify("bob", token) is None


@pytest.mark.parametrize(
    ("arguments", "more", "words"),
    [
        (["auto"], {"TOADWORKS_PASSWORD": PASSWORD}, "runs without people"),
        ([" "], {"TOADWORKS_PASSWORD": PASSWORD}, "a name"),
        (["ann"], {"TOADWORKS_PASSWORD": "too-short"}, "10 to 1024 characters"),
        (["ann"], {"TOADWORKS_PASSWORD": ""}, "10 to 1024 characters"),
        (["ann", PASSWORD], {}, "unexpected extra argument"),
        (["ann", "--password", PASSWORD], {}, "No such option"),
        (["ann"], {}, "nobody is there to be asked"),
    ],
)
def test_bad_use_is_one_sentence(pond, accounts, arguments, more, words, monkeypatch, capsys) -> None:
    monkeypatch.chdir(pond)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))  # nobody is there
    monkeypatch.setattr("sys.argv", ["toadworks", "curators", "add", *arguments])
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        signal.signal(signal.SIGINT, handler)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and words in told and told.startswith("toadworks: ")
    assert "too-short" not in told and not accounts.file.exists()


def test_file_that_others_may_read_is_refused(pond, accounts, toadworks) -> None:
    accounts.add("ann", PASSWORD)
    accounts.file.chmod(0o644)
    for arguments in (["list"], ["remove", "ann"], ["add", "bob", "--token"]):
        told = toadworks("curators", *arguments, cwd=pond)
        assert told.returncode == 2 and "chmod 600" in told.stderr


class Typing:
    """A person at a terminal."""

    def __init__(self, command: list[str], cwd: Path, environment: dict[str, str]) -> None:
        self.mine, its = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=its, stdout=its, stderr=its, start_new_session=True
        )
        os.close(its)
        self.seen = ""

    def wait_for(self, words: str, seconds: float = 60) -> None:
        deadline, begun = time.monotonic() + seconds, len(self.seen)
        while words not in self.seen[begun:]:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.mine], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.mine, 4096).decode()
                except OSError:  # it has ended
                    break
        assert words in self.seen[begun:], self.seen

    def type(self, text: str) -> None:
        os.write(self.mine, f"{text}\n".encode())


def test_typed_password_does_not_show(pond, accounts, environment) -> None:
    person = Typing([sys.executable, "-m", "toadworks", "curators", "add", "ann"], pond, environment)
    person.wait_for("password: ")
    person.type(PASSWORD)
    person.wait_for("again: ")
    person.type("another one")
    person.wait_for("password: ")
    person.type(PASSWORD)
    person.wait_for("again: ")
    person.type(PASSWORD)
    person.wait_for("ann can log in")
    assert person.process.wait(60) == 0
    os.close(person.mine)
    assert PASSWORD not in person.seen and "another one" not in person.seen
    assert accounts.verify("ann", PASSWORD)
