"""The whole path, once, with everything that a person can look at on the way."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from collection_db import Table
from flows.hashing import hash_missing, hash_rows
from flows.settings import Settings


@pytest.fixture(scope="module")
def pond(tmp_path_factory, toadworks, small_collection):
    """A collection that was run: three toads, two styles, two scales, one insertion step."""
    settings = small_collection(tmp_path_factory.mktemp("home"), 3)
    told = toadworks("run", cwd=settings.folder)
    assert told.returncode == 0, told.stderr
    assert "12 candidates made" in told.stdout
    return settings.folder


def the_candidates(pond: Path, toadworks) -> pd.DataFrame:
    file = pond / "all.csv"
    assert toadworks("candidates", "--csv", file, cwd=pond).returncode == 0
    return pd.read_csv(file)


def test_plan_counts_before_anything_is_made(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 2)
    told = toadworks("plan", cwd=settings.folder)
    assert "8  recipes in the plan, 8 still to make (16 sampling steps)" in told.stdout
    assert "time  about" in told.stdout and "disk  about" in told.stdout
    assert not settings.assets.exists()


def test_running_again_makes_nothing(pond, toadworks):
    before = the_candidates(pond, toadworks)
    told = toadworks("run", cwd=pond)
    assert told.returncode == 0
    assert "0 candidates made, 12 in the plan" in told.stdout
    pd.testing.assert_frame_equal(the_candidates(pond, toadworks), before)


def test_plan_of_a_finished_run_misses_nothing(pond, toadworks):
    assert "12 recipes in the plan, 0 still to make" in toadworks("plan", cwd=pond).stdout.replace("  ", " ")


def test_parquet_and_csv_hold_the_same(pond, toadworks):
    assert toadworks("candidates", "--parquet", "all.parquet", cwd=pond).returncode == 0
    frame = pd.read_parquet(pond / "all.parquet")
    assert len(frame) == 12
    assert set(frame["style"]) == {"crayon", "neon"}
    assert set(frame["guidance_scale"]) == {3.0, 5.0}
    assert list(frame["id"]) == list(the_candidates(pond, toadworks)["id"])


def test_sheets_show_every_variant(pond):
    names = {file.name for file in (pond / "sheets").iterdir()}
    own = {"look-alikes.png", "twins.png", "nearest.png"}  # there where there are any
    assert names - own == {"scale-3-step-2.png", "scale-5-step-2.png", "steps-by-scales.png"}
    with Image.open(pond / "sheets" / "scale-3-step-2.png") as sheet:
        assert sheet.width > 3 * 128 and sheet.height > 3 * 128


def test_fingerprints_made_in_memory_are_those_of_the_files(pond):
    settings = Settings.read(pond)
    table = Table.open(settings.database_url)
    ids = [row.id for row in table.looks()]

    def hashed():
        looks = {row.id: (row.structure, row.source_bits, row.flat) for row in table.looks()}
        return looks, list(map(tuple, table.fingerprints(ids)))

    before = hashed()
    assert len(before[1]) == 12 and table.to_hash(str(settings.hashing), mirrored=False) == []
    with table.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE candidates SET hashed_with = NULL, structure = NULL, source_bits = NULL")
    assert hash_missing(settings, table, partial(hash_rows, settings, table)) == 12
    assert hashed() == before
    table.close()


def test_look_alikes_are_grouped_listed_and_led(pond, toadworks):
    written, before = (pond / "collection.toml").read_text(), list(the_candidates(pond, toadworks)["leader"])
    wide = {"bits": "128", "colour": "100.0", "chroma": "100.0", "grey": "255", "source_bits": "128"}
    text = written
    for key, value in wide.items():
        text = re.sub(rf"^{key} = \S+", f"{key} = {value}", text, flags=re.MULTILINE)
    (pond / "collection.toml").write_text(text)
    told = toadworks("similarity", "show", "--limit", 1, cwd=pond)
    assert told.returncode == 0, told.stderr
    assert "12  candidates compared, 3 groups" in told.stdout and "4 led by " in told.stdout
    assert "12  unchanged from their sources" in told.stdout and "... and 11 more" in told.stdout
    assert all(f"picture: {pond / 'sheets' / name}.png" in told.stdout for name in ("look-alikes", "twins", "nearest"))
    frame = the_candidates(pond, toadworks)
    follower = frame[frame["leader"] != frame["id"]].iloc[0]
    assert "chosen: 1; now 3 groups" in toadworks("lead", follower["id"][:10], "--curator", "ada", cwd=pond).stdout
    led = the_candidates(pond, toadworks)
    assert set(led[led["source"] == follower["source"]]["leader"]) == {follower["id"]}
    assert "is practically its own source" in toadworks("accept", follower["id"], cwd=pond).stderr
    toadworks("undecide", follower["id"], cwd=pond)
    assert "taken back: 1; now 3 groups" in toadworks("lead", "--undo", follower["id"], cwd=pond).stdout
    (pond / "collection.toml").write_text(written)
    told = toadworks("similarity", "show", cwd=pond)
    assert "0  unchanged from their sources" in told.stdout, told.stdout
    assert list(the_candidates(pond, toadworks)["leader"]) == before


def test_accepted_candidates_become_tokens(pond, toadworks):
    frame = the_candidates(pond, toadworks)
    first, second, third = frame["id"][:3]
    assert toadworks("export", cwd=pond).returncode == 2
    assert "accepted 2; now 2 accepted" in toadworks("accept", first[:8], second, cwd=pond).stdout
    assert "rejected 1; now 2 accepted" in toadworks("reject", third[:8], cwd=pond).stdout
    told = toadworks("export", cwd=pond)
    assert told.returncode == 2 and "token 2: looks like token 1" in told.stderr  # one source, two scales
    assert toadworks("tag", "look-alike-ok", second, cwd=pond).stdout == "tag: 1\n"
    told = toadworks("export", cwd=pond)
    assert told.returncode == 0 and "2 tokens" in told.stdout
    metadata = json.loads((pond / "release" / "metadata" / "1").read_text())
    assert metadata["name"] == "pond #1"
    traits = {trait["trait_type"]: trait["value"] for trait in metadata["attributes"]}
    assert traits["Style"] == "crayon" and traits["Insertion Step"] == 2 and "Body" in traits
    assert {metadata["properties"]["provenance"]["recipe"]} <= {first, second}
    with Image.open(pond / "release" / "images" / "1.png") as image:
        assert image.size == (128, 128)
    assert set(the_candidates(pond, toadworks)["token"].dropna()) == {1, 2}


def test_show_makes_the_same_picture_again(pond, toadworks):
    one = the_candidates(pond, toadworks).iloc[5]
    sha256 = one["image_sha256"]
    image = pond / "assets" / sha256[:2] / f"{sha256[2:]}.png"
    told = toadworks("show", image, "--again", "--to", "again.png", cwd=pond)
    assert f"id: {one['id']}" in told.stdout
    assert "prompt: " + one["prompt"] in told.stdout
    assert "the same, pixel for pixel" in told.stdout
    assert (pond / "again.png").read_bytes() == image.read_bytes()
    elsewhere = toadworks("show", image, "--again", "--source", f"../toads/images/{one['source']}.png", cwd=pond.parent)
    assert elsewhere.returncode == 2, "without the collection the source file is named relative to where we are"
    given = pond.parent / "toads" / "images" / f"{one['source']}.png"
    elsewhere = toadworks("show", image, "--again", "--source", given, "--to", "b.png", cwd=pond.parent)
    assert "the same, pixel for pixel" in elsewhere.stdout


def test_a_changed_style_plans_anew_and_loses_nothing(pond, toadworks):
    file = pond / "collection.toml"
    text = file.read_text()
    before = the_candidates(pond, toadworks)
    file.write_text(text.replace('styles = ["crayon", "neon"]', 'styles = ["crayon"]'))
    try:
        assert "0 candidates made, 6 in the plan" in toadworks("run", cwd=pond).stdout
    finally:
        file.write_text(text)
    assert "0 candidates made, 12 in the plan" in toadworks("run", cwd=pond).stdout
    assert set(the_candidates(pond, toadworks)["id"]) == set(before["id"])


def test_transparent_source_keeps_its_alpha_as_mask(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 6)  # every sixth painted toad is transparent
    assert toadworks("run", cwd=settings.folder).returncode == 0
    from collection_db import AssetFolder, Table

    rows = {row.id: row for row in Table.open(settings.database_url).sources()}
    assert rows["1"].mask_sha256 is None
    mask = AssetFolder(settings.assets).path(rows["6"].mask_sha256)
    with Image.open(mask) as alpha, Image.open(tmp_path / "toads" / "images" / "6.png") as source:
        assert np.array_equal(np.asarray(alpha), np.asarray(source.getchannel("A")))
