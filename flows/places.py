"""Where a release may be published to: what [publish] of a collection.toml may say, and the destination it names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collection_db.assets import ENDPOINTS, bucket_and_prefix, checked_endpoint, is_bucket
from errors import BadSetting, BadValue

if TYPE_CHECKING:
    from flows.settings import Settings
    from minting.uploading.gateway import Gateway
    from minting.uploading.journal import Journal
    from minting.uploading.pieces import Destination

KUBO, PINATA = "kubo:", "pinata"
PLACES = "a folder, s3://BUCKET/PREFIX, kubo:http://HOST:PORT, or pinata"
GATEWAYS = '"", or https://HOST of an IPFS gateway'
NO_FOLDERS = ("kubo", "pinata", "http", "https", "ipfs")  # what is written so is meant as something else
MOST_PARALLEL, LONGEST_PATIENCE_S = 32, 86_400


def check_publish(file: Path, publish: dict[str, Any]) -> None:
    """Raises BadSetting for a value of [publish] that cannot be. None is shown that may hold a password."""
    check_place(file, "publish.to", publish["to"], publish["car"])
    with _told(file, "publish.endpoint_url", "is no service's URL", ENDPOINTS):
        checked_endpoint(publish["endpoint_url"])
    with _told(file, "publish.gateway", "is no gateway's URL", GATEWAYS):
        if publish["gateway"]:
            _check_url(publish["gateway"])
    for key, least, most in (("parallel", 1, MOST_PARALLEL), ("patience", 1, LONGEST_PATIENCE_S)):
        if not least <= publish[key] <= most:
            raise BadSetting(file, f"publish.{key}", f"{publish[key]} is outside {least}..{most}", f"{least}..{most}")
    if not 0 <= publish["price_per_gb_month"] <= 1e6:
        given = publish["price_per_gb_month"]
        raise BadSetting(file, "publish.price_per_gb_month", f"{given} is no price", "0 (not known) or more")


def check_place(file: Path | str, key: str, to: str, cars: bool = False) -> None:
    """Raises BadSetting (file, key) if `to` names no place; "" names none yet, and is right."""
    with _told(file, key, "names no place to publish to", PLACES):
        if not to or to == PINATA:
            return
        if to.startswith(KUBO):
            return _check_url(to.removeprefix(KUBO))
        if is_bucket(to):
            bucket_and_prefix(to)
            return
        if not to.strip(" ./") or to.partition(":")[0].lower() in NO_FOLDERS:
            raise BadValue("place", to, PLACES)
    if cars:
        raise BadSetting(file, "publish.car", "has no meaning for a folder", "false, or a bucket in publish.to")


def is_folder(to: str) -> bool:
    return to != PINATA and not to.startswith(KUBO) and not is_bucket(to)


def destination_of(settings: Settings, to: str, journal: Journal, release: Path) -> Destination:
    """The destination that `to` names. Secrets come from the environment. Raises BadSetting, BadValue."""
    publish = settings["publish"]
    patience_s, endpoint_url = float(publish["patience"]), publish["endpoint_url"]
    # here, as each loads libraries that the others do without
    if to == PINATA:
        from minting.uploading.pinata import GATEWAY, JWT, Pinata

        gateway = _gateway(settings, publish["gateway"] or GATEWAY)
        return Pinata(_secret(JWT), gateway, journal, endpoint_url, patience_s=patience_s)
    if to.startswith(KUBO):
        from minting.uploading.kubo import AUTH, Kubo

        return Kubo(to.removeprefix(KUBO), _secret(AUTH), patience_s)
    if is_bucket(to):
        from minting.uploading.bucket import Bucket

        return Bucket(
            *bucket_and_prefix(to),
            checked_endpoint(endpoint_url),
            cars=publish["car"],
            gateway=_gateway(settings, publish["gateway"]) if publish["gateway"] else None,
            parallel=publish["parallel"],
            patience_s=patience_s,
        )
    from minting.uploading.folder import Folder

    return Folder(settings.folder / to, release)


def _gateway(settings: Settings, url: str) -> Gateway:
    from minting.uploading.gateway import PINATA_KEY, Gateway

    publish = settings["publish"]
    return Gateway(url, _secret(PINATA_KEY), float(publish["patience"]), publish["parallel"])


def _check_url(url: str) -> None:
    from minting.uploading.asking import checked_url

    checked_url(url)


def _secret(name: str) -> str:
    """The environment's variable; "" if it is not set. Raises BadSetting for what no header can hold."""
    value = os.environ.get(name, "").strip()
    if value and not (value.isascii() and value.isprintable()):
        raise BadSetting("environment", name, "holds letters that cannot be sent", "one line of ASCII")
    return value


@contextmanager
def _told(file: Path | str, key: str, problem: str, allowed: str) -> Iterator[None]:
    try:
        yield
    except BadValue:
        raise BadSetting(file, key, problem, allowed) from None
