"""The terms of a collection's drop, from its settings and what it exported; and whether they were rehearsed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from durable import write_json
from errors import BadRelease, BadSetting, NothingLeft
from flows.settings import Settings
from minting.allowlist.rules import Entry
from minting.chain.networks import Network
from minting.drop.contract import compiled
from minting.drop.promised import provenances
from minting.drop.terms import MOST_ROYALTY, Terms, read_drop
from minting.manifest import FILE, Manifest, read_manifest
from minting.placeholder import broken_promises, unrevealed

SALE, DEPLOYED, ALLOWLIST = "the terms", "the release", "the allowlist"
FOLDER, REHEARSAL = "drop", "rehearsal.json"  # in the collection's folder, and in that


def drop_folder(settings: Settings) -> Path:
    return settings.folder / FOLDER


def network_folder(settings: Settings, network: Network) -> Path:
    """What belongs to one network: the journal, the allowlist, snapshots, what explorers ask for."""
    return drop_folder(settings) / network.name


def terms_of(settings: Settings) -> Terms:
    """What is deployed: with the placeholder's addresses where there is one, else with the release's, revealed at once.

    Raises BadSetting, and BadRelease where nothing was exported or the release may not be shown yet.
    """
    manifest = read_manifest(manifest_before_reveal(settings))
    given = read_drop(settings["drop"], settings.file)
    if manifest.standard != "ERC-721":
        raise BadSetting(settings.file, "release.standard", f"the contract has no {manifest.standard}", "ERC-721")
    if faults := [] if manifest.promise else unrevealed(manifest):
        raise BadRelease(settings.release_folder, [*faults, "or `toadworks export --placeholder`, to reveal later"])
    royalty = settings["release"]["royalty_basis_points"]
    if royalty > MOST_ROYALTY:
        allowed = f"0..{MOST_ROYALTY}: the contract takes no more"
        raise BadSetting(settings.file, "release.royalty_basis_points", str(royalty), allowed)
    count = manifest.promise.count if manifest.promise else len(manifest.tokens)
    supply = given.supply or count
    if supply > count:
        raise BadSetting(settings.file, "drop.supply", f"{supply} tokens, and the release has {count}", f"1..{count}")
    if sum(given.team.values()) > supply:
        raise BadSetting(settings.file, "drop.team", f"{sum(given.team.values())} tokens", f"at most {supply} in all")
    promised = manifest.promise.provenance_sha256 if manifest.promise else manifest.provenance.sha256
    return Terms(
        name=manifest.collection.name,
        symbol=manifest.collection.symbol,
        supply=supply,
        owner=given.owner,
        provenance=promised,
        base_uri=manifest.base_uri,
        contract_uri=manifest.contract_uri,
        royalty_receiver=settings["release"]["royalty_recipient"] if royalty else "",
        royalty_basis_points=royalty,
        payees=given.payees,
        team=given.team,
        presale=given.presale,
        public=given.public,
    )


def manifest_before_reveal(settings: Settings) -> Path:
    """Of the placeholder if there is one, else of the release."""
    placeholder = settings.placeholder_folder / FILE
    return placeholder if placeholder.exists() else settings.release_folder / FILE


def release_to_reveal(settings: Settings) -> tuple[Manifest, set[str]]:
    """The release, and every provenance hash that a contract may have been given for it. Raises BadRelease where it may
    not be shown yet, or is not what the placeholder promised."""
    manifest = read_manifest(settings.release_folder / FILE)
    faults, count = unrevealed(manifest), None
    if (settings.placeholder_folder / FILE).exists():
        placeholder = read_manifest(settings.placeholder_folder / FILE)
        if placeholder.promise:
            count = placeholder.promise.count
            faults += broken_promises(placeholder.promise, placeholder.shuffle, manifest)
    if faults:
        raise BadRelease(settings.release_folder, list(dict.fromkeys(faults)))
    return manifest, set(provenances(manifest, count))


def note_rehearsed(settings: Settings, terms: Terms, entries: Sequence[Entry]) -> Path:
    """These terms went well, with this contract and this allowlist."""
    file = drop_folder(settings) / REHEARSAL
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_json(file, {**_rehearsed(terms), DEPLOYED: terms.digest, ALLOWLIST: _digest(entries)})
    return file


def check_rehearsed(
    settings: Settings, terms: Terms, entries: Sequence[Entry] | None = None, *, deploying: bool = False
) -> None:
    """Raises NothingLeft where something else was rehearsed, or nothing. `entries`: of the allowlist, where that
    matters; what is deployed for ever matters while `deploying`."""
    file = drop_folder(settings) / REHEARSAL
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NothingLeft("this drop was not rehearsed: `toadworks rehearse` first; it costs nothing") from None
    now = _rehearsed(terms)
    if deploying:
        now[DEPLOYED] = terms.digest
    if entries is not None:
        now[ALLOWLIST] = _digest(entries)
    changed = [key for key, value in now.items() if not isinstance(found, dict) or found.get(key) != value]
    if changed:
        told = f"what was rehearsed is not what would be done: {', '.join(changed)} changed"
        more = "; lists and rules of the allowlist belong into [drop]" if ALLOWLIST in changed else ""
        raise NothingLeft(f"{told}: `toadworks rehearse` again{more}")


def _rehearsed(terms: Terms) -> dict[str, str]:
    return {SALE: terms.sale_digest, "the contract": hashlib.sha256(compiled().bytecode.encode()).hexdigest()}


def _digest(entries: Sequence[Entry]) -> str:
    return hashlib.sha256(json.dumps([astuple(entry) for entry in sorted(entries)]).encode()).hexdigest()
