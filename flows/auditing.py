"""What `toadworks audit` answers: the contract of a network's drop, held against the collection; what it minted is marked in
the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from collection_db import Table
from errors import BadRelease, BadValue, NothingLeft, RunFailed
from flows.progress import shown
from flows.settings import Settings
from flows.verifying import verify_published
from minting.chain.node import Node
from minting.chain.reading import TAGS
from minting.drop.auditing import DIFFERS, OK, UNCHECKED, Expected, Line, Report, audit
from minting.drop.terms import read_address, read_drop
from minting.manifest import FILE, Manifest, read_manifest
from minting.verifying import verify

ALLOWLIST = "allowlist.json"
MOST_FAULTS = 20  # of the files
MARKS = {OK: "ok ", DIFFERS: "BAD", UNCHECKED: "-  "}


def audit_collection(
    settings: Settings, name: str, *, block: str, gateway: str, contract: str, from_block: int
) -> Report:
    """Audit the drop on the network called `name`; `contract`: its address, "" for the one that was deployed there, and
    mints are then looked for since its block. `gateway`: where the files are fetched, "" for those on this disk.

    Raises NothingLeft where nothing was deployed or exported, BadSetting, BadValue, NodeFailed.
    """
    network = settings.network(name)
    at = _block(block)
    address, first = _contract(settings, name, contract, from_block)
    expected = expected_of(settings, name, address)
    report = audit(Node.open(network), address, expected, block=at, from_block=first, meter=shown)
    folder = settings.placeholder_folder if report.stage == "placeholder" else settings.release_folder
    folder = folder if (folder / FILE).exists() else settings.placeholder_folder
    report = replace(report, lines=[*report.lines, *_files(folder, gateway)])
    return replace(report, lines=[*report.lines, _marked(settings, report)])


def expected_of(settings: Settings, network: str, address: str) -> Expected:
    """What collection.toml, the release, the placeholder and the network's allowlist say of the contract. Raises NothingLeft
    where nothing was exported, BadSetting, BadRelease, BadValue for an allowlist of another contract."""
    release, placeholder = _manifest(settings.release_folder), _manifest(settings.placeholder_folder)
    manifest = release or placeholder
    if manifest is None:
        raise NothingLeft("there is no release to hold the contract against: `toadworks export` writes one")
    drop = read_drop(settings["drop"], settings.file)
    royalty = settings["release"]["royalty_recipient"]
    given = settings["drop"]
    return Expected(
        release=release,
        placeholder=placeholder,
        supply=drop.supply or len(manifest.tokens),
        owner=drop.owner or None,
        payees=drop.payees or ({drop.owner: 10_000} if drop.owner else None),
        royalty=(read_address(royalty) if royalty else drop.owner, settings["release"]["royalty_basis_points"]),
        presale=(drop.presale.start, drop.presale.end) if given["presale_start"] else None,
        public=(drop.public.start, drop.public.end, drop.public.price, drop.public.limit)
        if given["public_start"]
        else None,
        root=_root(settings.folder / "drop" / network / ALLOWLIST, settings.network(network).chain_id, address),
    )


def forget(settings: Settings, name: str, contract: str) -> int:
    """Take all marks of the network's contract out of the table; how many there were."""
    address, _ = _contract(settings, name, contract, 0)
    table = Table.open(settings.database_url)
    count = table.mark_minted(f"eip155:{settings.network(name).chain_id}/erc721:{address}", {}, whole=True)
    table.close()
    return count


def told(report: Report) -> Iterator[str]:
    """The report for a person."""
    at = report.block
    yield f"contract {report.address} on {report.network}, block {at.number} ({at.asked}), {at.hash}"
    for line in report.lines:
        yield f"{MARKS[line.state]}  {line.what:<16} {line.told}"
        if line.remedy:
            yield f"{'':<21} what to do: {line.remedy}"
    bad = sum(line.state == DIFFERS for line in report.lines)
    left = sum(line.state == UNCHECKED for line in report.lines)
    tail = f"; {left} not checked, marked -" if left else ""
    yield f"{bad} to look at, marked BAD{tail}" if bad else f"the chain says what the collection says{tail}"


def _contract(settings: Settings, name: str, contract: str, from_block: int) -> tuple[str, int]:
    if contract:
        return read_address(contract), from_block
    from flows.dropping import deployment_of

    found = deployment_of(settings, name)
    return read_address(found.address), from_block or found.block


def _block(given: str) -> str | int:
    if given in TAGS:
        return given
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    raise BadValue("block", given, f"{', '.join(TAGS)} or a block's number")


def _manifest(folder: Path) -> Manifest | None:
    return read_manifest(folder / FILE) if (folder / FILE).exists() else None


def _root(file: Path, chain_id: int, address: str) -> str | None:
    """The root of the network's allowlist, hexadecimal; None where there is no list."""
    if not file.exists():
        return None
    try:
        about: Any = json.loads(file.read_text(encoding="utf-8"))
        found = (int(about["chain_id"]), read_address(about["contract"]), bytes.fromhex(about["root"][2:]).hex())
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadValue("allowlist", str(file), "the one that `toadworks allowlist` wrote; make it again") from None
    if found[:2] != (chain_id, address):
        allowed = f"one for {address} on chain {chain_id}; make it again"
        raise BadValue("allowlist", f"{file} for {found[1]} on chain {found[0]}", allowed)
    return found[2]


def _files(folder: Path, gateway: str) -> Iterator[Line]:
    """Those behind the URIs: as a gateway gives them, or on this disk."""
    what, remedy = "files", "publish them again (`toadworks publish --recheck`)"
    try:
        if gateway:
            verify_published(folder / FILE, gateway, None, ipfs=True)
            yield Line(what, OK, "every file that has a CID came from the gateway, and is as the manifest says")
            return
        manifest = read_manifest(folder / FILE)
        with shown("verify", len(manifest.all_files())) as advance:
            faults = list(map(str, verify(folder, advance).faults))
        if not faults:
            yield Line(what, OK, f"all of {folder} are as its manifest says; --gateway URL fetches what the world gets")
    except BadRelease as error:
        faults = error.faults
    except RunFailed as error:
        faults = [str(error)]
    for fault in faults[:MOST_FAULTS]:
        yield Line(what, DIFFERS, fault, remedy)
    if len(faults) > MOST_FAULTS:
        yield Line(what, DIFFERS, f"... and {len(faults) - MOST_FAULTS} more", remedy)


def _marked(settings: Settings, report: Report) -> Line:
    what = "table"
    if report.mints is None:
        return Line(what, UNCHECKED, "no token is marked, as not all mints are known")
    table = Table.open(settings.database_url)
    try:
        known = {row.number for row in table.tokens()}
        minted = {number: (mint.tx, mint.block) for number, mint in report.mints.items()}
        fresh = table.mark_minted(report.contract, minted, whole=True)
    finally:
        table.close()
    if strange := sorted(minted.keys() - known):
        told = f"{len(strange)} tokens were minted that the table does not have, the first is {strange[0]}"
        return Line(what, DIFFERS, told, "accept as many again as there were, and export")
    return Line(what, OK, f"{len(minted)} tokens are marked as minted, {fresh} marks are new or others")
