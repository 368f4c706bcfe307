"""A drop is read back from a real chain, and whatever is not as the collection says is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from minting.drop.auditing import OK, UNCHECKED, ranges
from minting.drop.promised import provenances
from minting.manifest import Manifest, provenance
from tests.chains import accounts
from tests.drops import PRICE, Drop, wrong

STRANGER = "0x000000000000000000000000000000000000bEEF"


def test_a_drop_as_it_was_meant_is_clean(drop: Drop) -> None:
    report = drop.audit()
    assert report.clean and wrong(report) == {}
    assert {line.state for line in report.lines} == {OK}
    assert (report.stage, report.block.asked, len(report.mints or {})) == ("release", "latest", 5)
    assert report.contract == f"eip155:31337/erc721:{drop.address}"
    told = {line.what: line.told for line in report.lines}
    assert told["tokens"] == "5 of 6 are minted, from 1 without a gap"
    assert told["token URIs"] == "all 5 are the manifest's"
    assert told["money"] == "holds 0.001000 ETH, paid out 0.000000 ETH, which is what its mints paid"


def test_report_is_json_with_all_its_lines(drop: Drop) -> None:
    report = drop.audit()
    about = json.loads(json.dumps(report.json()))
    assert (about["clean"], about["minted"], about["block"]["number"]) == (True, 5, report.block.number)
    assert [line["what"] for line in about["lines"]] == [line.what for line in report.lines]


def test_mints_are_named_with_their_transactions(drop: Drop) -> None:
    receipt = drop.call("mint", 1, sender=accounts(3)[2], value=PRICE)
    minted = drop.audit().mints
    assert minted is not None and list(minted) == [1, 2, 3, 4, 5, 6]
    assert (minted[6].tx, minted[6].block) == (receipt["transactionHash"].to_0x_hex(), receipt["blockNumber"])
    assert minted[1] == minted[4] and minted[4].tx != minted[5].tx


@pytest.mark.parametrize(
    ("function", "given", "what", "words"),
    [
        ("setBaseURI", ("ipfs://other/",), "base URI", "the chain says 'ipfs://other/'"),
        (
            "setBaseURI",
            ("ipfs://other/",),
            "token URIs",
            "5 of 5 are others (1-5); token 1: the chain says 'ipfs://oth",
        ),
        (
            "setContractURI",
            ("ipfs://other",),
            "contractURI",
            "the chain says 'ipfs://other', and the manifest 'ipfs://",
        ),
        ("setRoyalty", (STRANGER, 500), "royalty", f"the chain says 5 % to {STRANGER}, and [release] 5 % to 0xf39F"),
        ("setRoyalty", (STRANGER, 1000), "royalty", "the chain says 10 % to"),
        ("setPresale", (bytes(32), 1, 2), "allowlist", "the chain has none, and allowlist.json the root 0x1717"),
        ("setPresale", (b"\x18" * 32, 1, 2), "allowlist", "the chain has the root 0x1818"),
        ("setPresale", (b"\x17" * 32, 1, 3), "presale", "00:00:03 UTC, and the collection 1970-01-01 00:00:01 UTC to"),
        ("setPublicSale", (1, 9, PRICE, 3), "public sale", "to 1970-01-01 00:00:09 UTC"),
        ("setPublicSale", (1, 4_000_000_000, PRICE + 10**12, 3), "public sale", "0.001001 ETH each"),
        ("setPublicSale", (1, 4_000_000_000, PRICE, 0), "public sale", "any number a wallet"),
        ("setPublicSale", (0, 0, 0, 0), "public sale", "the chain says never, and the collection"),
        ("setPaused", (True,), "pause", "minting is paused"),
        ("transferOwnership", (STRANGER,), "new owner", f"{STRANGER} was offered the contract"),
    ],
)
def test_what_the_owner_changed_is_told(
    drop: Drop, function: str, given: tuple[Any, ...], what: str, words: str
) -> None:
    drop.call(function, *given)
    report = drop.audit()
    found = wrong(report)
    assert words in found[what].told and found[what].remedy
    both = {"base URI", "token URIs"}
    assert found.keys() <= both if what in both else found.keys() == {what}
    assert not report.clean


def test_another_owner_is_told(drop: Drop) -> None:
    friend = accounts(2)[1]
    drop.call("transferOwnership", friend.address)
    drop.call("acceptOwnership", sender=friend)
    [line] = wrong(drop.audit()).values()
    assert (line.what, friend.address in line.told) == ("owner", True)


def tokens(manifest: Manifest, **changes: Any) -> Manifest:
    """With another image for the first token."""
    first = manifest.tokens[0]
    image = first.image.model_copy(update={"sha256": "0" * 64, "keccak256": "0" * 64})
    others = [first.model_copy(update={"image": image}), *manifest.tokens[1:]]
    return manifest.model_copy(update={"tokens": others, "provenance": provenance([one.image for one in others])})


@pytest.mark.parametrize(
    ("change", "what", "words"),
    [
        (lambda said: {"release": said.release.model_copy(update={"base_uri": "ipfs://x/"})}, "token URIs", "5 of 5"),
        (lambda said: {"release": said.release.model_copy(update={"contract_uri": "ipfs://x"})}, "contractURI", "'ipfs://x'"),
        (lambda said: {"release": tokens(said.release)}, "provenance", "and the manifest 0x"),
        (lambda said: {"release": renamed(said.release, name="Toads")}, "name", "the manifest 'Toads'"),
        (lambda said: {"release": renamed(said.release, symbol="T")}, "symbol", "the manifest 'T'"),
        (lambda said: {"supply": 7}, "maximum supply", "the chain says 6, and the collection 7"),
        (lambda said: {"owner": STRANGER}, "owner", f"and the collection {STRANGER}"),
        (lambda said: {"payees": {STRANGER: 10_000}}, "payees", f"and drop.payees 100 % to {STRANGER}"),
        (lambda said: {"payees": exchanged(said.payees)}, "payees", "75 % to 0x7099"),
        (lambda said: {"royalty": (STRANGER, 500)}, "royalty", f"[release] 5 % to {STRANGER}"),
        (lambda said: {"royalty": (said.owner, 0)}, "royalty", "[release] 0 %"),
        (lambda said: {"presale": (1, 5)}, "presale", "00:00:05 UTC"),
        (lambda said: {"public": (*said.public[:3], 4)}, "public sale", "4 a wallet"),
        (lambda said: {"root": "0x" + 64 * "1"}, "allowlist", "0x1111"),
    ],
)  # fmt: skip
def test_what_the_collection_changed_is_told(
    drop: Drop, change: Callable[[Any], dict[str, Any]], what: str, words: str
) -> None:
    found = wrong(drop.audit(**change(drop.said)))
    assert words in found[what].told
    assert found.keys() - {"base URI"} == {what}


def exchanged(payees: dict[str, int]) -> dict[str, int]:
    return dict(zip(payees, reversed(payees.values()), strict=True))


def renamed(manifest: Manifest, **about: str) -> Manifest:
    return manifest.model_copy(update={"collection": manifest.collection.model_copy(update=about)})


def test_tokens_that_the_manifest_lacks_are_told(drop: Drop) -> None:
    fewer = drop.said.release.model_copy(update={"tokens": drop.said.release.tokens[:3]})
    assert wrong(drop.audit(release=fewer))["tokens"].told == "5 are minted, and the manifest has 3"


def test_before_the_reveal_the_placeholder_is_what_counts(drop: Drop) -> None:
    placeholder = drop.said.placeholder
    drop.call("setBaseURI", placeholder.base_uri)
    assert set(wrong(drop.audit())) == {"contractURI"}
    drop.call("setContractURI", placeholder.contract_uri)
    report = drop.audit()
    assert (report.clean, report.stage) == (True, "placeholder")
    drop.call("freeze")
    assert "the tokens will never be revealed" in wrong(drop.audit())["freeze"].remedy


def test_a_placeholder_promises_the_provenance_of_what_is_not_here(drop: Drop) -> None:
    placeholder = drop.said.placeholder
    drop.call("setBaseURI", placeholder.base_uri)
    drop.call("setContractURI", placeholder.contract_uri)
    report = drop.audit(release=None)
    assert report.clean and "as the placeholder promises it" in str(report.lines)
    other = placeholder.promise.model_copy(update={"provenance_sha256": "0" * 64})
    assert set(wrong(drop.audit(release=None, placeholder=placeholder.model_copy(update={"promise": other})))) == {
        "provenance"
    }


def test_a_freeze_after_the_reveal_is_well(drop: Drop) -> None:
    drop.call("freeze")
    report = drop.audit()
    assert report.clean and "no token's URI will ever change" in str(report.lines)


def test_tokens_added_behind_those_promised_change_no_provenance(drop: Drop) -> None:
    release = drop.said.release
    more = release.model_copy(update={"tokens": [*release.tokens, release.tokens[0]]})
    assert release.provenance.sha256 in provenances(more, 6)
    assert set(wrong(drop.audit(release=more))) == set()
    assert release.provenance.sha256 not in provenances(more)


def test_a_shuffle_keeps_the_provenance_of_the_order_before_it(drop: Drop) -> None:
    release = drop.said.release
    before = [token.image.sha256 for token in release.tokens]
    turned = release.tokens[::-1]
    shuffled = release.model_copy(
        update={
            "tokens": turned,
            "shuffle": {"initial": before, "order": [5, 4, 3, 2, 1, 0]},
            "provenance": provenance([token.image for token in turned]),
        }
    )
    assert shuffled.provenance != release.provenance
    assert list(provenances(shuffled)) == [release.provenance.sha256, release.provenance.keccak256]


def test_what_nothing_is_said_of_is_not_checked(drop: Drop) -> None:
    report = drop.audit(owner=None, payees=None, presale=None, public=None, root=None)
    unchecked = {line.what for line in report.lines if line.state == UNCHECKED}
    assert report.clean and unchecked == {"owner", "payees", "presale", "public sale", "allowlist"}


def test_money_is_held_against_what_was_paid(drop: Drop) -> None:
    friend = accounts(2)[1]
    drop.call("withdraw", friend.address)
    report = drop.audit()
    assert report.clean
    assert "holds 0.000750 ETH, paid out 0.000250 ETH, which is" in str(report.lines)
    drop.anvil.ask("anvil_setBalance", drop.address, hex(PRICE))
    assert "0.000250 ETH came in without a mint" in str(drop.audit().lines)
    drop.anvil.ask("anvil_setBalance", drop.address, "0x0")
    [line] = wrong(drop.audit()).values()
    assert (line.what, "its mints paid 0.001000 ETH" in line.told) == ("money", True)


def test_a_contract_that_is_none_of_ours_is_not_asked(drop: Drop) -> None:
    code = bytearray(drop.web3.eth.get_code(drop.address))
    code[-70] ^= 1
    drop.anvil.ask("anvil_setCode", drop.address, "0x" + bytes(code).hex())
    report = drop.audit()
    assert set(wrong(report)) == {"code"} and report.mints is None
    drop.anvil.ask("anvil_setCode", drop.address, "0x")
    assert "there is no contract in block" in wrong(drop.audit())["code"].told


def test_a_block_before_the_contract_says_what_to_do(drop: Drop) -> None:
    [line] = wrong(drop.audit(block="finalized")).values()
    assert "there is no contract in block 0 (finalized)" in line.told and "--block latest" in line.remedy


def test_an_earlier_block_is_read_as_it_was(drop: Drop) -> None:
    before = drop.web3.eth.block_number
    drop.call("setRoyalty", STRANGER, 1)
    assert set(wrong(drop.audit())) == {"royalty"}
    report = drop.audit(block=before)
    assert report.clean and report.block.number == before


def test_mints_before_the_first_block_are_missed_and_told(drop: Drop) -> None:
    last = drop.web3.eth.block_number
    report = drop.audit(from_block=last)
    assert "it counts 5 minted, and its logs have 1: 5" in wrong(report)["tokens"].told
    assert report.mints is None


def test_numbers_are_told_in_runs() -> None:
    assert ranges([]) == "none"
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert ranges(range(1, 100, 2)) == "1, 3, 5, 7, 9, ..."


def test_nothing_minted_yet_is_well(drop: Drop) -> None:
    said = drop.said
    fresh = Drop(drop.anvil, drop.owner, said.release, drop.payees, placeholder=said.placeholder).open()
    report = fresh.audit()
    assert report.clean and report.mints == {}
    assert "nothing is minted yet" in str(report.lines)
