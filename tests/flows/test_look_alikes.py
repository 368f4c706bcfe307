"""What a person sees of look-alikes: pictures, a list, notes."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image

from flows.group import group_candidates
from flows.look_alike_sheets import GROUPS, NEAREST, TWINS, draw_look_alikes
from flows.look_alikes import listed, notes_on
from tests.flows.ponds import Pond, changed, drawing, mixed


def test_follower_without_its_leader_is_not_drawn(pond: Callable[..., Pond]) -> None:
    one = pond()
    ids = one.add([(0, drawing(9, shift)) for shift in range(3)])
    group_candidates(one.settings)
    leader = one.look(ids[0]).leader_id
    one.table.plan([item for item in one.planned if item.recipe.id != leader])
    assert GROUPS not in [file.name for file in draw_look_alikes(one.settings)]


def test_sheets_are_drawn_and_removed(pond: Callable[..., Pond]) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add(mixed())
    group_candidates(full.settings)
    drawn = draw_look_alikes(full.settings)
    assert [file.name for file in drawn] == [GROUPS, TWINS, NEAREST]
    for file in drawn:
        image = Image.open(io.BytesIO(file.read_bytes()))
        assert image.width > 600 and len(image.getcolors(1 << 24)) > 20
    changed(full, "[look_alikes]\nbits = 0\ncolour = 0.0\nsource_bits = 0\n")
    full.table.plan([])
    assert draw_look_alikes(full.settings) == [] and list(full.settings.sheets.iterdir()) == []


def test_list_tells_every_kind(pond: Callable[..., Pond]) -> None:
    full = pond([drawing(0), drawing(1), drawing(2)])
    full.add([*mixed(), (0, drawing(1))])
    group_candidates(full.settings)
    lines = "\n".join(listed(full.settings, 2))
    for kind in ("groups of look-alikes", "twins, leaders", "unchanged", "copies", "earlier", "flat"):
        assert kind in lines
    assert "(--limit 0 prints all)" in lines and "(--limit" not in "\n".join(listed(full.settings, 0))
    assert "61  candidates compared" in lines and " 1  copies of other sources" in lines


def test_accepting_a_look_alike_is_told(pond: Callable[..., Pond]) -> None:
    two = pond()
    a, b, c, own = two.add([(0, drawing(9)), (1, drawing(9, 2)), (1, drawing(10)), (0, drawing(0))])
    group_candidates(two.settings)
    two.table.decide([a, c], "accept", "ann")
    assert notes_on([a, c], two.settings, two.table) == []
    two.table.decide([b, own], "accept", "ann")
    first, second = sorted(notes_on([b, own], two.settings, two.table), key=lambda note: "source" in note)
    assert first.startswith(f"{b[:8]} of 1 looks like {a[:8]} of 0, accepted too (")
    assert second == f"{own[:8]} of 0 is practically its own source (0 bits apart)"
