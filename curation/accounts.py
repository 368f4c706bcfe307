"""Who may log in to the review page: the file `curators.json`, with hashes of passwords and the server's key."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from collection_db.deciding import checked_text
from durable import sync_folder
from errors import BadAccounts, BadPassword, BadValue, RunFailed

FILE = "curators.json"
VERSION = 1
UNATTENDED = "auto"  # who decides in runs without people
SHORTEST, LONGEST = 10, 1024  # characters of a password
MOST_ENDED = 5_000  # log-outs that are remembered
KEY_BYTES = 32
_DAMAGED = "is damaged ({}): restore it from a copy, or remove it and add the curators anew"


@dataclass(frozen=True)
class Account:
    """A curator who can log in. `password_hash`: argon2id, with its parameters; `since`: UTC, ISO 8601."""

    name: str
    password_hash: str = field(repr=False)
    since: str


@dataclass(frozen=True)
class Content:
    """What the file says. `key` signs sessions; `ended`: sessions that were logged out of, and when each would have
    expired (seconds since 1970)."""

    key: bytes = field(repr=False)
    curators: Mapping[str, Account]
    ended: Mapping[str, float] = field(default_factory=dict)


class Accounts:
    """The file of curators' accounts. It is read anew when it changes, so that what a command changes counts at once
    for a server that runs. Of changes by several processes at once none is lost."""

    def __init__(self, file: Path, hasher: PasswordHasher | None = None) -> None:
        """`hasher`: with which parameters passwords are hashed (default: RFC 9106's for little memory, 64 MiB)."""
        self.file = file
        self._hasher = hasher or PasswordHasher()
        self._nobody = _hash_of_nobody(self._hasher)
        self._known: tuple[tuple[int, ...], Content] | None = None

    def content(self) -> Content | None:
        """What the file says; None where there is none. Raises BadAccounts for one that is damaged or that others may
        read, RunFailed where it cannot be read."""
        try:
            about = self.file.stat()
            known = self._known
            if known is not None and known[0] == _print_of(about):
                return known[1]
            with open(self.file, "rb") as opened:
                about = os.fstat(opened.fileno())
                _check_private(self.file, about)
                content = _parsed(self.file, opened.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunFailed(f"{self.file} cannot be read: {error.strerror or error}") from error
        self._known = (_print_of(about), content)
        return content

    def key(self) -> bytes:
        """The server's key, 32 bytes; the first call ever makes it, and the file."""
        content = self.content()
        if content is None:
            with self._changing() as content:
                self._write(content)
        return content.key

    def curators(self) -> list[Account]:
        """All who can log in, by name."""
        content = self.content()
        return [] if content is None else sorted(content.curators.values(), key=lambda account: account.name)

    def find(self, name: str) -> Account | None:
        content = self.content()
        return None if content is None else content.curators.get(same_form(name))

    def add(self, name: str, password: str) -> bool:
        """Let a curator log in with this password, from now on with no other; return whether they are new.

        Raises BadValue for what is no curator's name, "auto", or one that differs from another's only in case or
        script form; BadPassword.
        """
        name = checked_name(name)
        password_hash = self._hasher.hash(checked_password(password, name))
        with self._changing() as content:
            self._check_distinct(name, content)
            account = Account(name, password_hash, datetime.now(UTC).isoformat(timespec="seconds"))
            self._write(replace(content, curators={**content.curators, name: account}))
            return name not in content.curators

    def check_new(self, name: str) -> str:
        """The name in the form in which `add` keeps it. Raises BadValue as `add` does."""
        name = checked_name(name)
        content = self.content()
        if content is not None:
            self._check_distinct(name, content)
        return name

    def remove(self, name: str) -> None:
        """Let a curator log in no more; their sessions end. Raises BadValue for one who is not there."""
        name = same_form(name)
        if self.find(name) is None:  # before the file is made
            raise self._unknown(name)
        with self._changing() as content:
            if name not in content.curators:
                raise self._unknown(name)
            left = {key: account for key, account in content.curators.items() if key != name}
            self._write(replace(content, curators=left))

    def verify(self, name: str, password: str) -> Account | None:
        """The account with this name and password, or None. A name that is not there takes as long as a wrong
        password. A password that was hashed with other parameters is hashed anew."""
        account = self.find(name)
        password = same_form(password)[:LONGEST]
        try:
            right = self._hasher.verify(account.password_hash if account else self._nobody, password)
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return None
        if account is None or not right:
            return None
        return self._renewed(account, password)

    def end_session(self, id: str, expires: float, now: float) -> None:
        """Remember that this session was logged out of, until it would have expired anyway."""
        with self._changing() as content:
            ended = {key: until for key, until in content.ended.items() if until > now} | {id: expires}
            kept = sorted(ended.items(), key=lambda one: one[1])[-MOST_ENDED:]
            self._write(replace(content, ended=dict(kept)))

    def _renewed(self, account: Account, password: str) -> Account:
        if not self._hasher.check_needs_rehash(account.password_hash):
            return account
        renewed = replace(account, password_hash=self._hasher.hash(password))
        try:
            with self._changing() as content:
                if content.curators.get(account.name) != account:  # changed or removed meanwhile
                    return account
                self._write(replace(content, curators={**content.curators, account.name: renewed}))
        except RunFailed:  # a full disk keeps nobody out: the old hash is as right as before
            return account
        return renewed

    def _check_distinct(self, name: str, content: Content) -> None:
        alike = [other for other in content.curators if other != name and folded(other) == folded(name)]
        if alike:
            raise BadValue("curator", name, f"a name that is not mistaken for {alike[0]}")

    def _unknown(self, name: str) -> BadValue:
        return BadValue("curator", name, ", ".join(account.name for account in self.curators()) or "there are none")

    @contextmanager
    def _changing(self) -> Iterator[Content]:
        """What the file says, new where there is none, while no other process changes it."""
        try:
            with filelock.FileLock(self.file.with_name(f".{self.file.name}.busy"), mode=0o600):
                yield self.content() or Content(secrets.token_bytes(KEY_BYTES), {})
        except OSError as error:
            raise RunFailed(f"{self.file} cannot be written: {error.strerror or error}") from error

    def _write(self, content: Content) -> None:
        """Replace the file, whole also after a power cut. Only under the lock, so that the temporary name is ours."""
        curators = {one.name: {"password": one.password_hash, "since": one.since} for one in content.curators.values()}
        told = {"version": VERSION, "key": content.key.hex(), "curators": curators, "ended": dict(content.ended)}
        temporary = self.file.with_name(f".{self.file.name}.new")
        temporary.unlink(missing_ok=True)  # of a process that was killed
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "w", encoding="utf-8") as out:
                json.dump(told, out, indent=2, ensure_ascii=False)
                out.write("\n")
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, self.file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(self.file.parent)


def checked_name(name: str) -> str:
    """A curator's name as the ledger keeps it. Raises BadValue for what is none, and for "auto", however written."""
    name = checked_text("curator", same_form(name))
    if folded(name) == UNATTENDED:
        raise BadValue("curator", name, "any other name: this one stands for runs without people")
    return name


def checked_password(password: str, name: str) -> str:
    """Raises BadPassword for one that is too short or too long, or is the curator's name."""
    password = same_form(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadPassword(f"{SHORTEST} to {LONGEST} characters")
    if folded(password.strip()) == folded(name):
        raise BadPassword("one that is not the curator's name")
    try:
        password.encode()
    except UnicodeEncodeError:  # what a terminal of another encoding typed
        raise BadPassword("text in Unicode") from None
    return password


def same_form(text: str) -> str:
    """é is é, whether a keyboard sends it as one character or as two."""
    return unicodedata.normalize("NFC", text.strip())


def folded(text: str) -> str:
    """What is the same for texts that an eye takes for the same: case and forms of letters do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no password has, with the hasher's parameters: verifying it takes as long as verifying another."""

    def part(length: int) -> str:
        return base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")

    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${part(hasher.salt_len)}${part(hasher.hash_len)}"


def _print_of(about: os.stat_result) -> tuple[int, ...]:
    """What changes when the file does, or its permissions (which is when ctime does)."""
    return about.st_ino, about.st_mtime_ns, about.st_ctime_ns, about.st_size


def _check_private(file: Path, about: os.stat_result) -> None:
    if os.name == "posix" and stat.S_IMODE(about.st_mode) & 0o077:
        raise BadAccounts(
            file,
            "others may read it, and whoever can read it can act as any curator: `chmod 600` it; "
            "if others could read it until now, remove it and add the curators anew",
        )


def _parsed(file: Path, data: bytes) -> Content:
    try:
        told = json.loads(data)
        if told["version"] != VERSION:
            raise BadAccounts(file, f"was written by another version of Toadworks (it says {told['version']!r})")
        key = bytes.fromhex(told["key"])
        if len(key) != KEY_BYTES:
            raise ValueError
        curators = {name: _account(name, about) for name, about in told["curators"].items()}
        ended = {str(id): float(until) for id, until in told["ended"].items()}
    except json.JSONDecodeError as error:
        raise BadAccounts(file, _DAMAGED.format(f"line {error.lineno}: {error.msg}")) from error
    except (KeyError, ValueError, TypeError, AttributeError, BadValue):
        # not from the error: it may repeat what stands there, and nothing of that belongs into a log
        raise BadAccounts(file, _DAMAGED.format("something in it is missing, or not what it should be")) from None
    return Content(key, curators, ended)


def _account(name: str, about: Mapping[str, Any]) -> Account:
    password_hash, since = about["password"], about["since"]
    if checked_name(name) != name or not str(password_hash).startswith("$argon2id$"):
        raise ValueError
    return Account(name, password_hash, datetime.fromisoformat(since).isoformat())
