"""Lists of wallets as users have them: snapshots, spreadsheets, plain lists of addresses. What is wrong with them is
told all at once."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errors import BadRows, BadSource, BadValue
from minting.chain.addresses import checked_address
from minting.chain.coins import wei_of

MOST_BYTES = 2**28  # of a file
MOST_TOLD = 1_000  # rows that cannot be taken
MOST_LIMIT = 2**32 - 1  # tokens that a wallet may claim: what the contract counts to
COLUMNS = ("address", "limit", "price")  # in this order, where a file does not name them
HELD = ("tokens", "token_ids")  # columns of a snapshot
_DELIMITERS = ",;\t"
_WHOLE = re.compile(r"\d{1,20}", re.ASCII)


@dataclass(frozen=True)
class Row:
    """A wallet in a list. `tokens`: that it holds by a snapshot; `limit`, `price` (wei): what the list says; None each
    where it says nothing."""

    where: str
    address: str
    tokens: int | None = None
    limit: int | None = None
    price: int | None = None


@dataclass(frozen=True)
class Source:
    """A file that was read. `snapshot`: what lies beside it, of what contract it is and at which block."""

    name: str
    sha256: str
    rows: list[Row] = field(repr=False)
    snapshot: dict[str, Any] | None = None


def read_lists(files: Sequence[Path]) -> list[Source]:
    """Raises BadSource for a file that is no such list, and BadRows with every bad row of all files."""
    sources, bad = [], []
    for file in files:
        source, problems = _read(file)
        sources.append(source)
        bad += problems
    if bad:
        raise BadRows(", ".join(str(file) for file in files), bad, MOST_TOLD)
    return sources


def _read(file: Path) -> tuple[Source, list[str]]:
    """The file, and what is wrong with its rows."""
    data = _bytes(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadSource(file, "is not text in UTF-8: a list is a CSV file, or an address on each line") from None
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    columns: Sequence[str] = COLUMNS
    rows: list[Row] = []
    bad: list[str] = []
    seen: dict[str, int] = {}
    lines = csv.reader(text.splitlines(), delimiter=delimiter, strict=True)
    try:
        for cells in ([cell.strip() for cell in line] for line in lines):
            number = lines.line_num
            if not any(cells):
                continue
            if not rows and not bad and columns is COLUMNS and "address" in map(str.lower, cells):
                columns = _columns(file, cells)
                continue
            try:
                row = _row(f"{file}: line {number}", cells, columns)
            except BadValue as error:
                bad.append(f"{file}: line {number}: {error}")
                continue
            if row.address in seen:
                bad.append(f"{file}: line {number}: {row.address} is in line {seen[row.address]}, too; each only once")
                continue
            seen[row.address] = number
            rows.append(row)
    except csv.Error as error:
        raise BadSource(file, f"line {lines.line_num}: is not CSV ({error})") from None
    if not rows and not bad:
        raise BadSource(file, "names no wallet")
    digest = hashlib.sha256(data).hexdigest()
    return Source(file.name, digest, rows, _snapshot(file, digest) if "tokens" in columns else None), bad


def _bytes(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadSource(file, f"has more than {MOST_BYTES // 2**20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise BadSource(file, f"cannot be read ({error.strerror})") from None


def _columns(file: Path, cells: Sequence[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    known = {*COLUMNS, *HELD}
    if strange := [name for name in names if name not in known]:
        raise BadSource(file, f"has a column {strange[0]!r}; allowed: {', '.join((*COLUMNS, *HELD))}")
    if len(set(names)) < len(names):
        raise BadSource(file, "has a column twice")
    return names


def _row(where: str, cells: Sequence[str], columns: Sequence[str]) -> Row:
    if len(cells) > len(columns):
        raise BadValue("row", ",".join(cells)[:80], f"{len(columns)} cells at most: {', '.join(columns)}")
    given = {column: cell for column, cell in zip(columns, cells, strict=False) if cell}
    address = checked_address(given.get("address", ""))
    price = wei_of(given["price"]) if "price" in given else None
    return Row(where, address, _whole(given, "tokens"), _whole(given, "limit"), price)


def _whole(given: dict[str, str], column: str) -> int | None:
    if column not in given:
        return None
    text = given[column]
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MOST_LIMIT:
        raise BadValue(column, text, f"whole numbers from 1 to {MOST_LIMIT}; who may mint nothing is left out")
    return int(text)


def _snapshot(file: Path, digest: str) -> dict[str, Any] | None:
    """What `toadworks snapshot` wrote beside its CSV, if it did. Raises BadSource where it wrote another CSV."""
    beside = file.with_suffix(".json")
    if not beside.is_file():
        return None
    try:
        about = json.loads(_bytes(beside))
        found = {key: about[key] for key in ("chain_id", "contract", "block", "hash")}
        expected = about["sha256"]
    except (ValueError, TypeError, KeyError):
        raise BadSource(beside, f"does not say what {file.name} is a snapshot of; take it again") from None
    if expected != digest:
        raise BadSource(file, f"is not the snapshot that {beside.name} tells of: it was changed; take it again")
    return found
