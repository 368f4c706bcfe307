"""The allowlist of a drop: from lists to drop/NETWORK/allowlist.json, and the proofs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from errors import BadSetting, BadSource, BadValue, NothingLeft
from flows.drop_terms import drop_folder, network_folder
from flows.settings import Settings
from minting.allowlist.files import FILE, Allowlist, make_allowlist, read_allowlist, write_allowlist
from minting.allowlist.rows import MOST_LIMIT, Source, read_lists
from minting.allowlist.rules import Entry, Rules, entries_of
from minting.chain.addresses import checked_address
from minting.chain.coins import wei_of
from minting.chain.networks import Network


def make(
    settings: Settings,
    network: Network,
    files: Sequence[Path],
    *,
    per_token: int = 0,
    at_most: int = 0,
    limit: int | None = None,
    price: str | None = None,
    exclude: Sequence[Path] = (),
    contract: str = "",
) -> tuple[Path, Allowlist]:
    """Write the allowlist of the contract that was deployed on `network`, or of `contract`; return where it is.

    What is not given is as [drop] says: `files` as drop.allowlist, `exclude` as drop.not_allowed, the others as
    drop.presale_limit, presale_price (coins), presale_per_token and presale_at_most. Raises BadValue, BadSetting,
    BadSource, BadRows, and NothingLeft where nothing was deployed or no wallet is left; nothing is written then.
    """
    own = settings["drop"]
    rules = _rules(settings, per_token or own["presale_per_token"], at_most or own["presale_at_most"], limit, price)
    address = checked_address(contract) if contract else deployed(settings, network)
    sources, excluded = _lists(settings, files, exclude)
    entries = entries_of(sources, rules, excluded)
    allowlist = make_allowlist(network.chain_id, address, entries, sources, rules, len(excluded))
    return write_allowlist(network_folder(settings, network), allowlist), allowlist


def planned_entries(settings: Settings) -> list[Entry]:
    """Who may mint in the presale, as drop.allowlist and the keys beside it say, before there is a contract. Where it
    is empty: as the allowlist says that was made last, of whatever network; none where none was. Raises as `make`
    does."""
    own = settings["drop"]
    if not own["allowlist"]:
        made = sorted(drop_folder(settings).glob(f"*/{FILE}"), key=lambda file: file.stat().st_mtime)
        return list(read_allowlist(made[-1]).entries) if made else []
    sources, excluded = _lists(settings, (), ())
    rules = _rules(settings, own["presale_per_token"], own["presale_at_most"], None, None)
    return entries_of(sources, rules, excluded)


def lists_told(settings: Settings) -> list[dict[str, Any]]:
    """What the release's manifest says of the lists in drop.allowlist. Raises BadSource and BadRows."""
    found = read_lists([settings.folder / name for name in settings["drop"]["allowlist"]])
    return [{"file": one.name, "sha256": one.sha256, "snapshot": one.snapshot} for one in found]


def _lists(settings: Settings, files: Sequence[Path], exclude: Sequence[Path]) -> tuple[list[Source], set[str]]:
    """The lists that were given, or those of drop.allowlist; and the wallets that are left out."""
    own = settings["drop"]
    files = files or [settings.folder / name for name in own["allowlist"]]
    if not files:
        raise NothingLeft("whose wallets? Name lists on the command line, or in drop.allowlist")
    exclude = exclude or [settings.folder / name for name in own["not_allowed"]]
    lists = read_lists([*files, *exclude])
    return lists[: len(files)], {row.address for one in lists[len(files) :] for row in one.rows}


def _rules(settings: Settings, per_token: int, at_most: int, limit: int | None, price: str | None) -> Rules:
    if at_most and not per_token:
        allowed = "what --per-token (drop.presale_per_token) comes to: give both, or --limit for every wallet"
        raise BadValue("--at-most (drop.presale_at_most)", at_most, allowed)
    return Rules(_limit(settings, limit), _price(settings, price), per_token, at_most)


def allowlist_of(settings: Settings, network: Network, contract: str) -> Allowlist | None:
    """The one that was made for this very contract; None where none was made. Raises BadSource where it was changed, or
    is for another contract."""
    file = network_folder(settings, network) / FILE
    if not file.exists():
        return None
    allowlist = read_allowlist(file)
    if (allowlist.chain_id, allowlist.contract) != (network.chain_id, contract):
        told = f"is for {allowlist.contract} on chain {allowlist.chain_id}, not for {contract} on {network.chain_id}"
        raise BadSource(file, f"{told}: `toadworks allowlist --network {network.name}` makes it again")
    return allowlist


def supply_of(settings: Settings) -> int:
    """Tokens that there will be: drop.supply, or those of the release; 0 where nothing says so yet."""
    supply = int(settings["drop"]["supply"])
    if not supply and (settings.release_folder / "manifest.json").is_file():
        from minting.manifest import read_manifest

        supply = len(read_manifest(settings.release_folder / "manifest.json").tokens)
    return supply


def deployed(settings: Settings, network: Network) -> str:
    """The contract's address. Raises NothingLeft."""
    from flows.dropping import deployment_of

    return checked_address(deployment_of(settings, network).address)


def _limit(settings: Settings, given: int | None) -> int:
    limit = settings["drop"]["presale_limit"] if given is None else given
    if not 1 <= limit <= MOST_LIMIT:
        raise BadSetting(settings.file, "drop.presale_limit", f"{limit}", f"1..{MOST_LIMIT} tokens of each wallet")
    return int(limit)


def _price(settings: Settings, given: str | None) -> int:
    if given is not None:
        return wei_of(given)
    try:
        return wei_of(settings["drop"]["presale_price"])
    except BadValue as error:
        raise BadSetting(settings.file, "drop.presale_price", f"{error.value!r} is no price", error.allowed) from None
