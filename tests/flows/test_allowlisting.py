"""Snapshots and allowlists of a collection: what its settings say, and bad use."""

from __future__ import annotations

from functools import partial

import pytest
from click.testing import CliRunner

from errors import BadRows, BadSetting, BadSource, BadValue
from flows.allowlisting import allowlist_of, make, supply_of
from flows.holding import snapshot
from flows.settings import Settings
from toadworks import cli

CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
WALLET = "0x" + "a" * 40
TOML = """
[sources]
images = "toads"
[networks.main]
chain_id = 31337
rpc = "http://127.0.0.1:1"
[drop]
supply = 70
"""

OTHER = "0x" + "12" * 20


@pytest.fixture
def pond(tmp_path):
    """pond(more): the settings of a collection, with a list good.csv in its folder; `more`: of its section [drop]."""

    def write(more=""):
        (tmp_path / "toads").mkdir(exist_ok=True)
        (tmp_path / "collection.toml").write_text(TOML + more)
        (tmp_path / "good.csv").write_text(f"{WALLET}\n")
        return Settings.read(tmp_path)

    return write


def made(settings, *files, **more):
    files = [settings.folder / (file or "good.csv") for file in files or [""]]
    return make(settings, settings.network("main"), files, **{"contract": CONTRACT, **more})


def test_what_is_not_said_comes_from_the_settings(pond):
    settings = pond('presale_limit = 3\npresale_price = "0.05"')
    file, allowlist = made(settings)
    assert file == settings.folder / "drop" / "main" / "allowlist.json"
    assert [(entry.limit, entry.price) for entry in allowlist.entries] == [(3, 5 * 10**16)]
    assert [(e.limit, e.price) for e in made(settings, limit=2, price="0")[1].entries] == [(2, 0)]
    assert allowlist_of(settings, settings.network("main"), allowlist.contract).entries[0].limit == 2
    with pytest.raises(BadSource, match=f"is for {allowlist.contract}"):
        allowlist_of(settings, settings.network("main"), OTHER)
    assert supply_of(settings) == 70


def test_more_than_there_are_is_told(pond):
    folder = pond('presale_price = "0.05"').folder
    asked = ["allowlist", str(folder / "good.csv"), "--network", "main", "--contract", CONTRACT, "-c", str(folder)]
    fits = CliRunner().invoke(cli, [*asked, "--limit", "70"])
    assert fits.exit_code == 0 and fits.stderr == ""
    assert fits.stdout.startswith("1 wallets may mint 70 tokens at most, for 3.500000 ETH\n")
    more = CliRunner().invoke(cli, [*asked, "--limit", "71"])
    assert more.exit_code == 0 and "there are 70 tokens" in more.stderr


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"contract": "0x12"}, BadValue, "0x12"),
        ({"contract": CONTRACT.replace("F", "f", 1)}, BadValue, "EIP-55"),
        ({"at_most": 5}, BadValue, "--per-token"),
        ({"price": "5e-2"}, BadValue, "5e-2"),
        ({"exclude": ["nowhere"]}, BadSource, "nowhere"),
    ],
)
def test_bad_use_writes_nothing(pond, more, error, told):
    settings = pond()
    if "exclude" in more:
        more = {"exclude": [settings.folder / name for name in more["exclude"]]}
    with pytest.raises(error, match=told):
        made(settings, **more)
    assert not (settings.folder / "drop").exists()


@pytest.mark.parametrize(
    ("more", "key"), [("presale_limit = 0", "presale_limit"), ('presale_price = "x"', "presale_p")]
)
def test_settings_that_cannot_be_are_told_by_their_keys(pond, more, key):
    with pytest.raises(BadSetting, match=f"drop.{key}"):
        made(pond(more))


def test_bad_rows_are_told_at_once_and_nothing_is_written(pond):
    settings = pond()
    (settings.folder / "bad.csv").write_text(f"vitalik.eth\n{WALLET}\n0x{'A' * 40}\n0x{'b' * 39}c,0\n")
    with pytest.raises(BadRows, match="3 rows cannot be taken, so none was") as caught:
        made(settings, "good.csv", "bad.csv")
    assert [one.split(": ")[1] for one in caught.value.problems] == ["line 1", "line 3", "line 4"]
    assert not (settings.folder / "drop").exists()


def test_an_allowlist_that_was_not_made_is_none(pond):
    settings = pond()
    assert allowlist_of(settings, settings.network("main"), OTHER) is None


@pytest.mark.parametrize(
    ("source", "block", "told"),
    [
        ("main", "latest", "NETWORK:0x"),
        ("main:toads.eth", "latest", "NETWORK:0x"),
        (f"polygon:{CONTRACT}", "latest", "no such network; allowed: main"),
        (f"main:{CONTRACT.replace('F', 'f', 1)}", "latest", "EIP-55"),
        (f"main:{CONTRACT}", "soon", "latest, safe, finalized"),
        (f"main:{CONTRACT}", "-1", "latest, safe, finalized"),
    ],
)
def test_what_no_snapshot_can_be_of_is_refused_before_a_node_is_asked(pond, source, block, told):
    take = partial(snapshot, pond())
    with pytest.raises((BadValue, BadSetting), match=told):
        take(source, block)
    assert not (pond().folder / "drop").exists()
