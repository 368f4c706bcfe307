"""[drop] of a collection.toml: what can be, and what cannot."""

from __future__ import annotations

import pytest

from errors import BadSetting
from flows.defaults import DEFAULTS
from minting.drop.terms import Phase, read_drop
from tests.minting.drop.conftest import terms

BEGAN, ENDS = "2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
TEAM = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def test_times_prices_and_addresses_are_read_exactly():
    given = {"public_start": "2026-01-01T01:00:00+01:00", "public_end": ENDS, "public_price": "0.000000000000000001"}
    found = read_drop({**DEFAULTS["drop"], **given, "team": {TEAM.lower(): 3}}, "collection.toml")
    assert found.public == Phase(start=1767225600, end=4102444800, price=1)
    assert found.team == {TEAM: 3} and found.presale == Phase(limit=1)


def test_other_terms_have_another_digest():
    assert len({terms().digest, terms(supply=99).digest, terms(team={TEAM: 1}).digest}) == 3
    assert terms().digest == terms().digest


@pytest.mark.parametrize(
    ("drop", "told"),
    [
        ({"owner": TEAM[:-1]}, "drop.owner: "),
        ({"owner": TEAM[:-1] + "c"}, "EIP-55"),
        ({"owner": "0x" + "0" * 40}, "drop.owner: "),
        ({"payees": {TEAM: 9_999}}, "drop.payees: the shares come to 9999"),
        ({"payees": {TEAM: 5_000, TEAM.lower(): 5_000}}, "is there twice"),
        ({"team": {TEAM: 0}}, r"drop\.team.*: is 0"),
        ({"team": {TEAM: "2"}}, r"drop\.team.*'2' cannot be used"),
        ({"public_start": "2026-01-01", "public_end": ENDS}, r"drop\.public_start: .*a time with its zone"),
        ({"public_start": BEGAN}, "drop.public_end: is missing"),
        ({"public_end": ENDS}, "drop.public_end: has no start"),
        ({"presale_start": ENDS, "presale_end": BEGAN}, "drop.presale_end: is missing, or not after"),
        ({"public_price": "-1"}, "drop.public_price: "),
        ({"public_price": "0.0000000000000000001"}, "drop.public_price: "),
        ({"public_limit": 65_536}, "drop.public_limit: "),
        ({"supply": -1}, "drop.supply: "),
    ],
)
def test_settings_that_cannot_be_are_told(drop, told):
    with pytest.raises(BadSetting, match=told):
        read_drop({**DEFAULTS["drop"], **drop}, "collection.toml")
