"""A collection's drop on a real chain, audited by its settings and its release; what was minted is marked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from errors import BadSource, BadValue, NothingLeft
from flows.auditing import audit_collection, forget, told
from flows.drop_terms import terms_of
from flows.dropping import network_folder
from flows.history import history
from minting.allowlist.files import make_allowlist, write_allowlist
from minting.allowlist.rows import read_lists
from minting.allowlist.rules import Rules, entries_of
from minting.drop.auditing import UNCHECKED, Report
from minting.drop.journal import Journal
from minting.ipfs import profile_named, write_car
from minting.manifest import FILE, read_manifest
from minting.uploading.downloading import download
from tests.chains import Anvil, accounts
from tests.drops import Deployed, wrong
from tests.flows.ponds import Pond, changed, drawing
from tests.flows.test_export import exported
from tests.minting.uploading.ipfs_service import serving
from toadworks import cli

OWNER, FRIEND, BUYER = accounts(3)
TEXT = """
[release]
symbol = "POND"
royalty_basis_points = 250
royalty_recipient = "{owner}"
[networks.here]
chain_id = 31337
rpc = "{url}"
confirmations = 0
[drop]
owner = "{owner}"
payees = {{ "{owner}" = 9000, "{friend}" = 1000 }}
presale_start = "2020-01-01T00:00:00Z"
presale_end = "2020-01-02T00:00:00Z"
public_start = "2020-01-02T00:00:00Z"
public_end = "2099-01-01T00:00:00Z"
public_price = "0.01"
public_limit = 2
"""


@pytest.fixture(scope="module")
def node(anvil_binary: Path) -> Iterator[Anvil]:
    started = Anvil(anvil_binary)
    yield started
    started.stop()


@pytest.fixture
def minted(pond: Callable[..., Pond], node: Anvil) -> Iterator[Pond]:
    """A pond of three tokens, revealed at once: two are minted, one is left. `drop` is the contract."""
    made = pond(text=TEXT.format(url=node.url, owner=OWNER.address, friend=FRIEND.address))
    made.ids = made.add([(0, drawing(number)) for number in range(5, 8)])
    made.table.decide(made.ids, "accept", "ann")
    exported(made)
    terms = terms_of(made.settings)
    drop = Deployed(node, OWNER, terms.constructor(OWNER.address))
    public = terms.public
    drop.call("setPresale", bytes(32), terms.presale.start, terms.presale.end)
    drop.call("setPublicSale", public.start, public.end, public.price, public.limit)
    drop.call("teamMint", FRIEND.address, 1)
    drop.call("mint", 1, sender=BUYER, value=public.price)
    journal = Journal(network_folder(made.settings, made.settings.network("here")))
    journal.note_adopted(drop.address, drop.block)
    journal.close()
    made.drop = drop
    yield made
    made.table.close()


def audited(pond: Pond, **given: Any) -> Report:
    options = {"block": "latest", "gateway": "", "contract": "", "from_block": 0, **given}
    return audit_collection(pond.settings, "here", **options)


def test_audit_of_a_collection_is_clean_and_marks_what_was_minted(minted: Pond) -> None:
    report = audited(minted)
    assert wrong(report) == {}
    assert report.lines[-1].told == "2 tokens are marked as minted, 2 marks are new or others"
    assert "all of" in {line.what: line for line in report.lines}["files"].told
    rows = minted.table.mints()
    assert [(row.number, row.contract) for row in rows] == [(n, report.contract) for n in (1, 2)]
    assert rows[1].tx == minted.drop.last["transactionHash"].to_0x_hex()
    assert rows[1].block == minted.drop.last["blockNumber"]
    assert audited(minted).lines[-1].told == "2 tokens are marked as minted, 0 marks are new or others"
    assert minted.table.mints() == rows
    assert list(told(report))[-1].startswith("the chain says what the collection says")


def test_marks_follow_a_reorganized_chain(minted: Pond) -> None:
    kept = minted.drop.anvil.ask("evm_snapshot")
    minted.drop.call("mint", 1, sender=OWNER, value=10**16)
    audited(minted)
    assert [row.number for row in minted.table.mints()] == [1, 2, 3]
    minted.drop.anvil.ask("evm_revert", kept)
    minted.drop.anvil.mine(2)
    assert audited(minted).lines[-1].told == "2 tokens are marked as minted, 1 marks are new or others"
    assert [row.number for row in minted.table.mints()] == [1, 2]


def test_marks_are_seen_where_tokens_are(minted: Pond) -> None:
    report = audited(minted)
    [tx] = {row.tx for row in minted.table.mints(1)}
    [first] = [row.candidate_id for row in minted.table.tokens() if row.number == 1]
    [third] = [row.candidate_id for row in minted.table.tokens() if row.number == 3]
    assert any(
        f"token 1 found minted by {report.contract}" in line and tx in line for line in history(minted.settings, first)
    )
    assert not any("minted" in line for line in history(minted.settings, third))
    shown = CliRunner().invoke(cli, ["status", "-c", str(minted.settings.folder)])
    assert f"       2  minted by {report.contract}" in shown.output


def test_a_contract_that_is_not_ours_marks_nothing(minted: Pond) -> None:
    report = audited(minted, contract=FRIEND.address)
    assert set(wrong(report)) == {"code"} and minted.table.mints() == []
    assert (report.lines[-1].what, report.lines[-1].state) == ("table", UNCHECKED)


def test_tokens_that_the_table_lacks_are_told(minted: Pond) -> None:
    minted.table.set_tokens([])
    found = wrong(audited(minted))
    assert found["table"].told == "2 tokens were minted that the table does not have, the first is 1"


def test_forgotten_marks_come_back(minted: Pond) -> None:
    audited(minted)
    assert forget(minted.settings, "here", "") == 2 and minted.table.mints() == []
    assert forget(minted.settings, "here", "") == 0
    audited(minted)
    assert len(minted.table.mints()) == 2


CHANGES = [
    ("public_limit = 2", "public_limit = 3", "public sale"),
    ('public_price = "0.01"', 'public_price = "0.011"', "public sale"),
    ('"2020-01-01T00:', '"2020-01-01T01:', "presale"),
    ("= 9000", "= 8999", "payees"),
    ("= 250", "= 251", "royalty"),
]


def test_settings_that_were_changed_are_told(minted: Pond) -> None:
    text = "[release]" + minted.settings.file.read_text().partition("\n[release]")[2]
    for old, new, what in CHANGES:
        other = text.replace(old, new).replace("= 1000", "= 1001" if what == "payees" else "= 1000")
        assert other != text and set(wrong(audited(changed(minted, other)))) == {what}
    assert wrong(audited(changed(minted, text))) == {}


def test_files_that_were_changed_are_told(minted: Pond) -> None:
    (minted.settings.release_folder / "metadata" / "2").write_text("{}")
    report = audited(minted)
    files = [line for line in report.lines if line.what == "files"]
    assert any("metadata/2: has 2 bytes" in line.told for line in files) and set(wrong(report)) == {"files"}


def test_files_come_from_a_gateway(minted: Pond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minting.uploading.asking.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("flows.verifying.download", partial(download, patience_s=0.2))
    folder = minted.settings.release_folder
    about = read_manifest(folder / FILE)
    with serving() as gateway:
        for name in about.parts:
            write_car(folder / name, tmp_path / "part.car", profile_named(about.profile))
            gateway.take_car((tmp_path / "part.car").read_bytes())
        (folder / "metadata" / "2").write_text("{}")  # what lies here does not matter
        assert wrong(audited(minted, gateway=gateway.url)) == {}
        gone = gateway.named(about.tokens[1].image.cid)
        gateway.blocks = {cid: block for cid, block in gateway.blocks.items() if cid != gone}
        assert "images/2.png" in wrong(audited(minted, gateway=gateway.url))["files"].told
        gateway.blocks = {}
        assert "answers 404" in wrong(audited(minted, gateway=gateway.url))["files"].told


def test_root_is_that_of_the_networks_allowlist(minted: Pond, tmp_path: Path) -> None:
    network = minted.settings.network("here")
    (tmp_path / "list.csv").write_text(f"address,limit\n{FRIEND.address},2\n")
    rules = Rules(price=10**15)
    sources = read_lists([tmp_path / "list.csv"])
    entries, folder = entries_of(sources, rules), network_folder(minted.settings, network)
    allowlist = make_allowlist(network.chain_id, minted.drop.address, entries, sources, rules)
    write_allowlist(folder, allowlist)
    assert allowlist.root in wrong(audited(minted))["allowlist"].told
    presale = terms_of(minted.settings).presale
    minted.drop.call("setPresale", bytes.fromhex(allowlist.root[2:]), presale.start, presale.end)
    assert wrong(audited(minted)) == {}
    write_allowlist(folder, make_allowlist(network.chain_id, BUYER.address, entries, sources, rules))
    with pytest.raises(BadSource, match=f"is for {BUYER.address} on chain 31337, not for {minted.drop.address}"):
        audited(minted)


def test_what_cannot_be_audited_is_told(minted: Pond) -> None:
    with pytest.raises(BadValue, match="finalized, safe, latest or a block's number"):
        audited(minted, block="newest")
    with pytest.raises(BadValue, match="address"):
        audited(minted, contract="0x12")
    (minted.settings.release_folder / FILE).unlink()
    with pytest.raises(NothingLeft, match="there is no release to hold the contract against"):
        audited(minted)


def test_command_prints_and_ends_as_it_should(minted: Pond) -> None:
    given = ["audit", "--network", "here", "-c", str(minted.settings.folder), "--block", "latest"]
    well = CliRunner().invoke(cli, given)
    assert well.exit_code == 0 and "ok   token URIs       all 2 are the manifest's" in well.stdout
    minted.drop.call("setRoyalty", FRIEND.address, 250)
    bad = CliRunner().invoke(cli, given)
    assert bad.exit_code == 1 and "BAD  royalty" in bad.stdout and "1 to look at, marked BAD" in bad.stdout
    read = CliRunner().invoke(cli, [*given, "--json"])
    about = json.loads(read.stdout)
    assert read.exit_code == 1 and not about["clean"] and about["address"] == minted.drop.address
    assert [line["what"] for line in about["lines"] if line["state"] == "differs"] == ["royalty"]
    gone = CliRunner().invoke(cli, [*given, "--forget"])
    assert gone.exit_code == 0 and gone.stdout.startswith("2 marks taken away") and minted.table.mints() == []
