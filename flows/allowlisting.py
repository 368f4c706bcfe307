"""The allowlist of a drop: from lists to drop/NETWORK/allowlist.json, and the proofs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from errors import BadSetting, BadValue
from flows.holding import DROP
from flows.settings import Settings
from minting.allowlist.files import FILE, Allowlist, make_allowlist, read_allowlist, write_allowlist
from minting.allowlist.rows import MOST_LIMIT, checked_address, read_lists
from minting.allowlist.rules import Rules, entries_of
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

    `limit`, `price` (coins): instead of drop.presale_limit and drop.presale_price. Raises BadValue, BadSetting,
    BadSource, BadRows, and NothingLeft where nothing was deployed or no wallet is left; nothing is written then.
    """
    if at_most and not per_token:
        raise BadValue("--at-most", at_most, "what --per-token comes to: give both, or --limit for every wallet")
    rules = Rules(_limit(settings, limit), _price(settings, price), per_token, at_most)
    address = checked_address(contract) if contract else deployed(settings, network)
    lists = read_lists([*files, *exclude])
    sources, excluded = lists[: len(files)], {row.address for one in lists[len(files) :] for row in one.rows}
    entries = entries_of(sources, rules, excluded)
    allowlist = make_allowlist(network.chain_id, address, entries, sources, rules, len(excluded))
    return write_allowlist(folder_of(settings, network), allowlist), allowlist


def folder_of(settings: Settings, network: Network) -> Path:
    """Where a collection keeps what belongs to a network."""
    return settings.folder / DROP / network.name


def allowlist_of(settings: Settings, network: Network) -> Allowlist:
    """The one that was made. Raises BadSource where there is none, or it was changed."""
    return read_allowlist(folder_of(settings, network) / FILE)


def supply_of(settings: Settings) -> int:
    """Tokens that there will be: drop.supply, or those of the release; 0 where nothing says so yet."""
    supply = int(settings["drop"]["supply"])
    if not supply and (settings.release_folder / "manifest.json").is_file():
        from minting.manifest import read_manifest

        supply = len(read_manifest(settings.release_folder / "manifest.json").tokens)
    return supply


def deployed(settings: Settings, network: Network) -> str:
    """The contract's address. Raises NothingLeft."""
    from flows.dropping import deployment_of  # type: ignore[import-not-found]

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
