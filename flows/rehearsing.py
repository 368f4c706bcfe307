"""The rehearsal of a collection's drop: with its real release and allowlist, on a chain in this process."""

from __future__ import annotations

from collections.abc import Callable

from errors import BadRelease
from flows.allowlisting import planned_entries
from flows.drop_terms import drop_folder, note_rehearsed, terms_of
from flows.settings import Settings
from minting.chain.networks import GWEI, Network
from minting.drop.journal import FILE as JOURNAL
from minting.drop.rehearsing import BUYER, OWNER, PAYEE, WALLET, Line, Rehearsal, rehearse
from minting.manifest import FILE, read_manifest

__all__ = ["BUYER", "OWNER", "PAYEE", "WALLET", "Line", "Rehearsal", "cost", "networks_of", "rehearse_drop"]


def rehearse_drop(settings: Settings, heard: Callable[[Line], None]) -> Rehearsal:
    """Rehearse it, telling `heard` each line as it is played, and note that it went well: what is done afterwards has
    to be the same. Raises BadSetting and BadRelease for what is not ready, and whatever does not go well."""
    terms = terms_of(settings)
    entries = planned_entries(settings) if terms.presale.start else []
    try:
        release = read_manifest(settings.release_folder / FILE)  # this chain is nobody else's: it may be revealed here
        revealed = release.base_uri, release.contract_uri
    except BadRelease:
        revealed = terms.base_uri, terms.contract_uri
    begun = any((drop_folder(settings) / network.name / JOURNAL).exists() for network in networks_of(settings))
    told = rehearse(terms, entries, revealed, begun=begun, heard=heard)
    note_rehearsed(settings, terms, entries)
    return told


def networks_of(settings: Settings) -> list[Network]:
    """Those of collection.toml."""
    return list(settings.values.get("networks", {}).values())


def cost(network: Network, gas: int) -> str:
    """Of so much gas at the network's gas_price, in its coin, and in money where coin_price is known."""
    return network.money(int(gas * network.gas_price * GWEI))
