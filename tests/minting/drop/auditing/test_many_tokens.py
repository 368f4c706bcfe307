"""Thousands of tokens, asked for a hundred at a time."""

from __future__ import annotations

from minting.manifest import Manifest, provenance
from tests.chains import Anvil, accounts
from tests.drops import Drop, wrong
from tests.minting.drop.auditing.between import between

TOKENS = 2_000


def test_two_thousand_tokens_are_read_in_batches(anvil: Anvil, standing: Drop) -> None:
    owner, friend = accounts(2)
    manifest = many(standing.said.release)
    drop = Drop(anvil, owner, manifest, {owner.address: 10_000}).open()
    for _ in range(TOKENS // 200):
        drop.call("teamMint", friend.address, 200)
    with between(anvil) as watched:
        report = drop.audit(watched.node())
    assert report.clean and report.mints is not None and len(report.mints) == TOKENS
    asked = [one for one in watched.asked if "eth_call" in one]
    assert sum(map(len, asked)) < TOKENS + 50 and len(asked) < 60
    drop.call("setBaseURI", manifest.base_uri.replace("ipfs", "http"))
    assert wrong(drop.audit())["token URIs"].told.startswith("2000 of 2000 are others (1-2000); token 1:")


def many(manifest: Manifest) -> Manifest:
    """As many tokens, which share their pictures."""
    tokens = [
        manifest.tokens[number % len(manifest.tokens)].model_copy(update={"number": number + 1})
        for number in range(TOKENS)
    ]
    return manifest.model_copy(update={"tokens": tokens, "provenance": provenance([one.image for one in tokens])})
