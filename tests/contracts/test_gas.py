"""The gas that the contract promises to stay under; benchmarks/gas.py prints all of it."""

from __future__ import annotations

import pytest

from benchmarks.gas import drop_rows, plain_rows
from minting.chain.inside import inside_node
from tests.contracts.drops import Chain


@pytest.fixture(scope="module")
def new_chain() -> Chain:
    node, owners = inside_node(6, seed="gas")
    return Chain(node.web3, owners)


def test_claims_and_team_mints_stay_within_their_targets(new_chain: Chain):
    rows = {row.step: row for row in drop_rows(new_chain)}
    bound = {name: row.target for name, row in rows.items() if row.target}
    assert bound == {
        "claim of 1": 88_500,
        "claim of 5": 96_500,
        "team: 20 to a fresh address": 119_999,
        "team: 20 to a holder": 99_999,
    }
    assert {name: rows[name].gas for name in bound if rows[name].gas > bound[name]} == {}
    assert rows["transfer: last of a run of 20"].gas - rows["transfer: first of that run"].gas < 60_000  # to look back


@pytest.mark.slow
def test_plain_contracts_that_it_is_held_against_cost_what_is_known_of_them(new_chain: Chain, compiler: None):
    gas = {row.step: row.gas for row in plain_rows(new_chain)}
    assert gas["BareERC721A: claim of 1"] == pytest.approx(84_211, rel=0.03)
    assert gas["BareERC721A: claim of 5"] == pytest.approx(91_967, rel=0.03)
    assert gas["PlainERC721: claim of 1"] == pytest.approx(106_483, rel=0.03)
    assert gas["PlainERC721: claim of 5"] == pytest.approx(206_571, rel=0.03)
