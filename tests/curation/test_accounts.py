"""The file of curators: who is let in, what it never holds, and that no change to it is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters

from curation.accounts import MOST_ENDED, Accounts
from errors import BadAccounts, BadPassword, BadValue, RunFailed

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD, OTHER = "sesame-7f3a-toad", "quite another one"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "curators.json", QUICK)


def spoil(accounts: Accounts, **changes: Any) -> None:
    told = json.loads(accounts.file.read_text()) | changes
    accounts.file.write_text(json.dumps(told))


def test_right_password_is_verified(accounts: Accounts) -> None:
    assert accounts.add("ann", PASSWORD)
    found = accounts.verify("ann", PASSWORD)
    assert found is not None and found == accounts.find("ann")
    assert found.name == "ann" and found.since.endswith("+00:00")


@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", OTHER), ("ann", ""), ("ann", PASSWORD.upper()), ("bob", PASSWORD), ("", PASSWORD), ("ann", "\ud800" * 12)],
)
def test_others_are_not_verified(accounts: Accounts, name: str, password: str) -> None:
    accounts.add("ann", PASSWORD)
    assert accounts.verify(name, password) is None


def test_nobody_is_let_in_without_a_file(accounts: Accounts) -> None:
    assert accounts.verify("ann", PASSWORD) is None
    assert accounts.curators() == [] and not accounts.file.exists()


def test_hash_of_default_strength_is_argon2id(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "curators.json")
    accounts.add("ann", PASSWORD)
    used = extract_parameters(accounts.curators()[0].password_hash)
    assert used.type.name == "ID" and used.memory_cost >= 65536 and used.time_cost >= 3


def test_file_is_private_and_holds_no_password(accounts: Accounts) -> None:
    before = os.umask(0)
    try:
        accounts.add("ann", PASSWORD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(accounts.file.stat().st_mode) == 0o600
    for file in accounts.file.parent.iterdir():
        assert PASSWORD.encode() not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_neither_hash_nor_key_is_shown(accounts: Accounts) -> None:
    accounts.add("ann", PASSWORD)
    shown = repr(accounts.content())
    assert "ann" in shown and "argon2" not in shown and repr(accounts.key()) not in shown


def test_file_that_others_may_read_is_refused(accounts: Accounts) -> None:
    accounts.add("ann", PASSWORD)
    for mode in (0o640, 0o604, 0o660):
        accounts.file.chmod(mode)  # also under a server that runs and knows the file
        with pytest.raises(BadAccounts, match="chmod 600"):
            accounts.verify("ann", PASSWORD)
    accounts.file.chmod(0o600)
    assert accounts.verify("ann", PASSWORD)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "abcd"},
        {"key": "x" * 64},
        {"key": None},
        {"curators": []},
        {"curators": {"ann": {"password": PASSWORD, "since": "2026-01-01T00:00:00+00:00"}}},
        {"curators": {"ann": {"password": "$argon2id$"}}},
        {"curators": {"ann": {"password": "$argon2id$", "since": "yesterday"}}},
        {"curators": {"auto": {"password": "$argon2id$", "since": "2026-01-01T00:00:00+00:00"}}},
        {"curators": {" ann": {"password": "$argon2id$", "since": "2026-01-01T00:00:00+00:00"}}},
        {"ended": {"a": "soon"}},
        {"version": 2},
    ],
)
def test_damaged_file_lets_nobody_in(accounts: Accounts, changes: dict[str, Any]) -> None:
    accounts.add("ann", PASSWORD)
    key = accounts.key().hex()
    spoil(accounts, **changes)
    with pytest.raises(BadAccounts) as told:
        accounts.verify("ann", PASSWORD)
    assert str(accounts.file) in str(told.value)
    assert PASSWORD not in str(told.value) and key not in str(told.value)
    with pytest.raises(BadAccounts):  # nor is it replaced
        accounts.add("bob", PASSWORD)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_file_that_is_no_such_file_is_refused(accounts: Accounts, data: bytes) -> None:
    accounts.file.touch(0o600)
    accounts.file.write_bytes(data)
    with pytest.raises(BadAccounts, match="damaged"):
        accounts.curators()


@pytest.mark.parametrize("name", ["", " ", "auto", " Auto", "ＡＵＴＯ", "a\nb", "a\0b", "x" * 65])
def test_names_that_nobody_can_have(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadValue):
        accounts.add(name, PASSWORD)
    assert not accounts.file.exists()


def test_name_is_not_mistaken_for_another(accounts: Accounts) -> None:
    accounts.add("Ann", PASSWORD)
    for name in ("ann", "ANN", "Ａnn"):
        with pytest.raises(BadValue, match="mistaken for Ann"):
            accounts.add(name, PASSWORD)
        assert accounts.verify(name, PASSWORD) is None


def test_keyboards_write_letters_in_two_ways(accounts: Accounts) -> None:
    one, two = (unicodedata.normalize(form, "René") for form in ("NFC", "NFD"))
    accounts.add(two, f"{two} {PASSWORD}")
    found = accounts.verify(one, f"{one} {PASSWORD}")
    assert found is not None and found.name == one


@pytest.mark.parametrize("password", ["", "123456789", " " * 20, "ann-of-the-pond", "x" * 1025, "\ud800" * 12])
def test_poor_passwords_are_refused_unspoken(accounts: Accounts, password: str) -> None:
    with pytest.raises(BadPassword) as told:
        accounts.add("Ann-of-the-pond", password)
    assert not password or password not in str(told.value)
    assert not accounts.file.exists()


def test_adding_again_changes_the_password(accounts: Accounts) -> None:
    accounts.add("ann", PASSWORD)
    assert not accounts.add("ann", OTHER)
    assert accounts.verify("ann", PASSWORD) is None and accounts.verify("ann", OTHER) is not None
    assert len(accounts.curators()) == 1


def test_removed_curator_is_gone(accounts: Accounts) -> None:
    accounts.add("ann", PASSWORD)
    accounts.add("bob", PASSWORD)
    accounts.remove("ann")
    assert [account.name for account in accounts.curators()] == ["bob"]
    assert accounts.verify("ann", PASSWORD) is None
    with pytest.raises(BadValue, match="allowed: bob"):
        accounts.remove("ann")


def test_other_processes_changes_count_at_once(accounts: Accounts) -> None:
    server = Accounts(accounts.file, QUICK)
    accounts.add("ann", PASSWORD)
    assert server.verify("ann", PASSWORD)
    accounts.remove("ann")
    assert server.verify("ann", PASSWORD) is None


def test_key_stays(accounts: Accounts) -> None:
    key = accounts.key()
    assert len(key) == 32
    accounts.add("ann", PASSWORD)
    assert Accounts(accounts.file).key() == key
    assert Accounts(accounts.file.with_name("other.json")).key() != key


class Counting(PasswordHasher):
    """Tells which hashes were verified."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=16, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.verified.append(str(hash))
        return super().verify(hash, password)


def test_unknown_name_takes_as_much_work(tmp_path: Path) -> None:
    hasher = Counting()
    accounts = Accounts(tmp_path / "curators.json", hasher)
    accounts.add("ann", PASSWORD)
    assert accounts.verify("ann", OTHER) is None and accounts.verify("bob", OTHER) is None
    known, unknown = map(extract_parameters, hasher.verified)
    assert known == unknown


def test_hash_of_old_strength_is_renewed(accounts: Accounts) -> None:
    accounts.add("ann", PASSWORD)
    stronger = Accounts(accounts.file, Counting())
    old = accounts.find("ann")
    assert stronger.verify("ann", OTHER) is None
    assert accounts.find("ann") == old
    new = stronger.verify("ann", PASSWORD)
    assert new is not None and new == accounts.find("ann") and new != old
    assert extract_parameters(new.password_hash).time_cost == 2
    assert accounts.verify("ann", PASSWORD)


def test_renewing_brings_nobody_back(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.add("ann", PASSWORD)
    hasher = Counting()
    renew = hasher.hash
    monkeypatch.setattr(hasher, "hash", lambda password: (accounts.remove("ann"), renew(password))[1])
    Accounts(accounts.file, hasher).verify("ann", PASSWORD)
    assert accounts.curators() == []


def full(*given: object) -> None:
    raise OSError(28, "No space left on device")


def test_full_disk_leaves_the_file_as_it_was(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.add("ann", PASSWORD)
    before = accounts.file.read_bytes()
    monkeypatch.setattr("curation.accounts.os.fsync", full)
    with pytest.raises(RunFailed, match="No space left"):
        accounts.add("bob", PASSWORD)
    assert accounts.file.read_bytes() == before
    assert not [file for file in accounts.file.parent.iterdir() if file.suffix == ".new"]
    stronger = Accounts(accounts.file, Counting())
    assert stronger.verify("ann", PASSWORD)  # its hash could not be renewed


def test_rest_of_a_killed_process_is_replaced(accounts: Accounts) -> None:
    rest = accounts.file.with_name(".curators.json.new")
    rest.write_text("{")
    rest.chmod(0o644)
    accounts.add("ann", PASSWORD)
    assert accounts.verify("ann", PASSWORD) and not rest.exists()
    assert stat.S_IMODE(accounts.file.stat().st_mode) == 0o600


def _add_many(file: Path, names: list[str], all_here: Any) -> None:
    all_here.wait(60)
    for name in names:
        Accounts(file, QUICK).add(name, PASSWORD)


def test_two_processes_lose_nothing(accounts: Accounts) -> None:
    wanted = [[f"{letter}{number}" for number in range(20)] for letter in "abc"]
    spawn = multiprocessing.get_context("spawn")
    all_here = spawn.Barrier(len(wanted))
    processes = [spawn.Process(target=_add_many, args=(accounts.file, names, all_here)) for names in wanted]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert [account.name for account in accounts.curators()] == sorted(name for names in wanted for name in names)


def test_log_outs_are_remembered_while_they_matter(accounts: Accounts) -> None:
    accounts.add("ann", PASSWORD)
    spoil(accounts, ended={f"s{number}": 1000.0 + number for number in range(MOST_ENDED)})
    accounts.end_session("mine", 9000.0, now=1003.0)
    content = Accounts(accounts.file).content()
    assert content is not None and len(content.ended) == MOST_ENDED - 3  # four had expired
    accounts.end_session("one more", 9001.0, now=0.0)
    accounts.end_session("two more", 9002.0, now=0.0)
    accounts.end_session("three more", 9003.0, now=0.0)
    accounts.end_session("four more", 9004.0, now=0.0)
    content = accounts.content()
    assert content is not None and len(content.ended) == MOST_ENDED and "mine" in content.ended
