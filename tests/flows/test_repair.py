"""`toadworks check --repair`: lost pictures are made again byte for byte, and no other picture ever takes the place of
one that somebody accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from collection_db import Table
from flows import again, making
from flows import repair as repairing
from flows.check import check
from flows.ingest import png
from flows.making import candidate_png
from flows.repair import Repaired, repair
from flows.settings import Settings
from glide.models import Hashes
from styles.recipes import Recipe
from tests.flows.made import Opened, copied, made, toad

pytestmark = pytest.mark.usefixtures("one_thread_here")
STANDINGS = ("undecided", "rejected", "accepted", "a token")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, one_thread_here: None) -> Settings:
    return made(tmp_path_factory.mktemp("made") / "pond", alpha=True)


@pytest.fixture
def pond(original: Settings, tmp_path: Path) -> Opened:
    """A copy of a collection that a model made: two sources, the second transparent in parts, two styles."""
    making.maker.cache_clear()
    return Opened(copied(original, tmp_path / "pond"))


def mended(pond: Opened, clean: bool = True) -> Repaired:
    done = repair(pond.settings, check(pond.settings))
    assert check(pond.settings).clean is clean
    return done


def stand(pond: Opened, id: str, standing: str) -> None:
    if standing == "a token":
        pond.accept_token(id)
    elif standing != "undecided":
        pond.table.decide([id], standing.removesuffix("ed"), "ann")


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_lost_image_is_made_again_byte_for_byte(pond: Opened, standing: str, how: str) -> None:
    id = pond.ids[1]
    stand(pond, id, standing)
    before, image = pond.table.frame(), pond.image_of(id)
    data = pond.bytes_of(image)
    pond.spoil(image, how)
    assert mended(pond) == Repaired(restored=1)
    assert pond.bytes_of(image) == data and pond.table.frame().equals(before)


def test_all_at_once_are_made_again(pond: Opened) -> None:
    named = {sha256: pond.bytes_of(sha256) for sha256 in pond.table.named_assets("all")}
    for number, sha256 in enumerate(named):
        pond.spoil(sha256, ("missing", "damaged")[number % 2])
    assert mended(pond) == Repaired(restored=7) and len(named) == 7
    assert {sha256: pond.bytes_of(sha256) for sha256 in named} == named


CHANGES = ("threads", "torch", "batch", "style", "compression")


def rewritten(pond: Opened, id: str, pixel: int = 0, **made_with: Any) -> None:
    """Let a candidate be one that was made otherwise, and came out with another pixel."""
    [row] = pond.table.whole([id])
    pixels = np.asarray(Image.open(pond.assets.path(row.image_sha256))).copy()
    pixels[5, 5, 0] ^= pixel
    other = row.made_with | made_with
    about = {"source": row.source_id, "style": row.style, "model": row.model, "made_with": other}
    pond.spoil(row.image_sha256)
    image = pond.assets.put(candidate_png(pixels, Recipe.from_json(row.json), about))
    values = (image, json.dumps(other), id)
    pond.sql("UPDATE candidates SET image_sha256 = ?, made_with = ? WHERE id = ?", *values)


def changed(pond: Opened, id: str, change: str) -> None:
    """Let a candidate be one that here would become other bytes."""
    if change == "style":
        for table in ("recipes", "candidates"):
            pond.sql(f"UPDATE {table} SET style = 'renamed' WHERE id = ?", id)
    elif change == "compression":
        with Image.open(pond.assets.path(pond.image_of(id))) as picture:
            packed = png(picture.convert("RGB"))
        pond.spoil(pond.image_of(id))
        pond.sql("UPDATE candidates SET image_sha256 = ? WHERE id = ?", pond.assets.put(packed), id)
    else:
        rewritten(pond, id, pixel=1, **{change: {"batch": 8}.get(change, "another")})


@pytest.mark.parametrize("change", ["threads", "torch", "batch"])
def test_same_pixels_of_another_machine_are_the_same_bytes(pond: Opened, change: str) -> None:
    id = pond.ids[1]
    rewritten(pond, id, **{change: {"batch": 8}.get(change, "another")})
    pond.table.decide([id], "accept", "ann")
    rows, data = pond.table.whole([id]), pond.bytes_of(pond.image_of(id))
    pond.spoil(pond.image_of(id))
    assert mended(pond) == Repaired(restored=1)
    assert pond.bytes_of(pond.image_of(id)) == data and pond.table.whole([id]) == rows


def test_row_that_tells_of_another_machine_does_no_harm(pond: Opened) -> None:
    id = pond.ids[1]
    pond.sql("UPDATE candidates SET made_with = '{}' WHERE id = ?", id)
    pond.table.decide([id], "accept", "ann")
    pond.spoil(pond.image_of(id))
    assert mended(pond) == Repaired(restored=1)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("standing", ["undecided", "rejected"])
def test_unaccepted_image_is_replaced_and_hashed_anew(pond: Opened, change: str, standing: str) -> None:
    id = pond.ids[1]
    stand(pond, id, standing)
    changed(pond, id, change)
    [before] = pond.table.candidates([id])
    pond.spoil(before.image_sha256)
    assert mended(pond) == Repaired(replaced=1)
    [after] = pond.table.candidates([id])
    assert after.image_sha256 != before.image_sha256 and after.verdict == before.verdict
    assert after.made_with == pond.table.candidates(pond.ids[:1])[0].made_with | {"batch": after.made_with["batch"]}
    assert after.hashed_with == str(pond.settings.hashing) and after.compared_as is None
    assert json.loads(Image.open(pond.assets.path(after.image_sha256)).info["toadworks"])["id"] == id


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("standing", ["accepted", "a token"])
def test_accepted_image_is_never_replaced(pond: Opened, change: str, standing: str) -> None:
    id = pond.ids[1]
    changed(pond, id, change)
    stand(pond, id, standing)
    image = pond.image_of(id)
    pond.spoil(image)
    rows = pond.table.whole([id])
    files = {one.sha256 for one in pond.assets.stored()}
    done = mended(pond, clean=False)
    assert (done.restored, done.replaced, len(done.problems)) == (0, 0, 1)
    assert done.problems[0].startswith(f"candidate {id[:12]} is {standing}, and made again it is not the same")
    assert pond.table.whole([id]) == rows and check(pond.settings).missing == [image]
    assert files == {one.sha256 for one in pond.assets.stored()}  # not even beside it


def test_token_that_was_rejected_since_is_never_replaced(pond: Opened) -> None:
    id = pond.ids[1]
    pond.accept_token(id)
    pond.table.decide([id], "reject", "ann")
    changed(pond, id, "compression")
    pond.sql("UPDATE tokens SET image_sha256 = ?", pond.image_of(id))
    pond.spoil(pond.image_of(id))
    assert "is a token" in mended(pond, clean=False).problems[0]


@pytest.mark.parametrize("standing", ["accepted", "a token"])
def test_image_accepted_while_it_is_made_again_is_not_replaced(
    pond: Opened, monkeypatch: pytest.MonkeyPatch, standing: str
) -> None:
    id = pond.ids[1]
    changed(pond, id, "torch")
    image = pond.image_of(id)
    pond.spoil(image)
    make = again.outcomes

    def meanwhile(*given: Any) -> Any:
        stand(pond, id, standing)
        return make(*given)

    monkeypatch.setattr(again, "outcomes", meanwhile)
    [problem] = mended(pond, clean=False).problems
    assert "is accepted, and made again it is not the same" in problem and pond.image_of(id) == image


def test_what_differs_is_told(pond: Opened) -> None:
    id = pond.ids[1]
    now = pond.table.candidates([id])[0].made_with
    rewritten(pond, id, pixel=1, torch="1.0", threads=64)
    pond.table.decide([id], "accept", "ann")
    pond.spoil(pond.image_of(id))
    [problem] = mended(pond, clean=False).problems
    assert f"(threads 64 then, {now['threads']} now; torch 1.0 then, {now['torch']} now)" in problem


def test_sources_come_from_the_users_files(pond: Opened) -> None:
    rows = pond.table.sources()
    assert rows[1].mask_sha256 is not None
    for sha256 in (rows[0].image_sha256, rows[1].image_sha256, rows[1].mask_sha256):
        pond.spoil(sha256)
    assert mended(pond) == Repaired(restored=3)
    assert pond.table.sources() == rows


def test_repair_leaves_traits_as_they_were_released(pond: Opened) -> None:
    (pond.settings.folder / "metadata").mkdir()
    (pond.settings.folder / "metadata" / "1.json").write_text("no JSON")
    text = pond.settings.file.read_text().replace("[sources]", '[sources]\nmetadata = "metadata"\nlicence = "other"')
    pond.settings.file.write_text(text)
    pond.settings = Settings.read(pond.settings.file)
    rows = pond.table.sources()
    pond.spoil(rows[0].image_sha256)
    assert mended(pond) == Repaired(restored=1) and pond.table.sources() == rows


@pytest.mark.parametrize(
    ("how", "words"), [("other", "is another picture now"), ("gone", "No such file"), ("damaged", "does not decode")]
)
def test_source_file_that_changed_is_told(pond: Opened, how: str, words: str) -> None:
    file = pond.settings.images / "1.png"
    if how == "other":
        toad(9).save(file)
    elif how == "gone":
        file.unlink()
        pond.sql("UPDATE sources SET file = ?", str(file))
    else:
        file.write_bytes(b"no picture")
    rows, files = pond.table.sources(), {one.sha256 for one in pond.assets.stored()}
    pond.spoil(rows[0].image_sha256)
    [problem] = mended(pond, clean=False).problems
    assert problem.startswith("source 1: ") and str(file) in problem and words in problem
    assert pond.table.sources() == rows
    assert {one.sha256 for one in pond.assets.stored()} == files - {rows[0].image_sha256}


def test_candidates_of_a_lost_source_are_told(pond: Opened) -> None:
    (pond.settings.images / "1.png").write_bytes(b"no picture")
    [source, _] = pond.table.sources()
    pond.spoil(source.image_sha256)
    mine = [row for row in pond.table.whole(pond.ids) if row.source_id == "1"]
    for row in mine:
        pond.spoil(row.image_sha256)
    done = mended(pond, clean=False)
    assert (done.restored, len(done.problems)) == (0, 3)
    assert all(any(row.id[:12] in problem for problem in done.problems) for row in mine), done.problems


def test_candidate_of_a_former_source_is_told(pond: Opened) -> None:
    id = pond.ids[0]
    [row] = pond.table.whole([id])
    pond.sql("UPDATE sources SET pixels_sha256 = ? WHERE id = ?", "f" * 64, row.source_id)
    pond.spoil(row.image_sha256)
    [problem] = mended(pond, clean=False).problems
    assert problem == f"candidate {id[:12]}: its source {row.source_id} is another picture by now"


def test_other_weights_are_told(pond: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for id in pond.ids[:2]:
        pond.spoil(pond.image_of(id))
    monkeypatch.setattr(making, "weights_hashes", lambda spec, parts: Hashes("f" * 64))
    done = mended(pond, clean=False)
    assert done.restored == 0 and len(done.problems) == 2
    assert all("those here are ffffffffffff, which would give another picture" in told for told in done.problems)


def test_unknown_model_is_told(pond: Opened) -> None:
    pond.sql("UPDATE recipes SET model = 'frog'")
    pond.spoil(pond.image_of(pond.ids[0]))
    [problem] = mended(pond, clean=False).problems
    assert pond.ids[0][:12] in problem and "model 'frog' cannot be used; allowed: tadpole" in problem


def test_quick_repair_makes_what_is_missing(pond: Opened) -> None:
    image, damaged = (pond.image_of(id) for id in pond.ids[:2])
    pond.spoil(image)
    pond.spoil(damaged, "damaged")
    assert repair(pond.settings, check(pond.settings, quick=True)) == Repaired(restored=1)
    assert check(pond.settings).damaged == [damaged]


def test_killed_in_the_middle_it_can_be_started_again(pond: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process is gone."""

    named = {sha256: pond.bytes_of(sha256) for sha256 in pond.table.named_assets("all")}
    for sha256 in named:
        pond.spoil(sha256)
    put, count = repairing._put_back, 0

    def some(*given: Any) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise Killed
        put(*given)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(repairing, "_put_back", some)
        repair(pond.settings, check(pond.settings))
    assert len(check(pond.settings).missing) == 2
    assert mended(pond) == Repaired(restored=2)
    assert {sha256: pond.bytes_of(sha256) for sha256 in named} == named


def test_killed_between_file_and_row_of_another_image(pond: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def killed(*given: Any) -> bool:
        raise Killed

    id = pond.ids[1]
    changed(pond, id, "threads")
    pond.spoil(pond.image_of(id))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Table, "replace_image", killed)
        repair(pond.settings, check(pond.settings))
    found = check(pond.settings)
    assert found.missing == [pond.image_of(id)] and len(found.unreferenced) == 1
    assert mended(pond) == Repaired(replaced=1)
    assert pond.image_of(id) == found.unreferenced[0].sha256
