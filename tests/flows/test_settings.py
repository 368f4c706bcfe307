"""collection.toml: every key that cannot be is named with the file, the key and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collection_db import AssetFolder
from collection_db.buckets import AssetBucket
from errors import BadSetting, NothingLeft
from flows.settings import DEFAULTS, Settings

Collection = Callable[..., Settings]
KEYS = [(section, key) for section in DEFAULTS if section for key in DEFAULTS[section]]
OTHER_TYPES = {
    str: ("3", '["a"]'),
    int: ('"3"', "3.0", "true"),
    float: ('"3"', "true", "[1.0]"),
    list: ('"a"', "3"),
    bool: ("1", '"true"'),
    dict: ("3", '"a"', "[]"),
}


def written(folder: Path, text: str) -> Path:
    (folder / "collection.toml").write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path, text: str, key: str) -> BadSetting:
    with pytest.raises(BadSetting) as caught:
        Settings.read(written(folder, text))
    error = caught.value
    assert (error.file, error.key) == (str(folder / "collection.toml"), key)
    assert str(error).startswith(f"{error.file}: {key}: ")
    return error


def section_with(section: str, key: str, value: str) -> str:
    """A good collection.toml but for one key."""
    sources = {"images": '"images"'} | ({key: value} if section == "sources" else {})
    lines = ["[sources]", *(f"{name} = {given}" for name, given in sources.items())]
    return "\n".join(lines if section == "sources" else [*lines, f"[{section}]", f"{key} = {value}"])


def test_least_collection_has_every_default(collection: Collection) -> None:
    settings = collection()
    assert {section: settings[section] for section in DEFAULTS} == {
        **DEFAULTS,
        "sources": DEFAULTS["sources"] | {"images": "images"},
    }
    assert settings.name == settings.folder.name and settings.metadata is None
    assert len(settings.styles) > 3 and settings.model.name == "tadpole"


def test_reading_twice_shares_nothing(collection: Collection) -> None:
    first, second = collection(), collection()
    for section, key in KEYS:
        if isinstance(DEFAULTS[section][key], list | dict):
            assert first[section][key] is not second[section][key], key


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda text: text)
def test_wrong_type_is_named(images: Path, section: str, key: str) -> None:
    for value in OTHER_TYPES[type(DEFAULTS[section][key])]:
        error = refused(images.parent, section_with(section, key, value), f"{section}.{key}")
        assert error.allowed in ("text", "a whole number", "a number", "a list", "true or false", "a table")


@pytest.mark.parametrize("section", [section for section in DEFAULTS if section])
def test_unknown_key_is_named(images: Path, section: str) -> None:
    error = refused(images.parent, section_with(section, "weather", '"wet"'), f"{section}.weather")
    assert error.allowed == ", ".join(DEFAULTS[section])


def test_unknown_section_is_named_with_the_known(images: Path) -> None:
    error = refused(images.parent, "[source]\nimages = 3", "source")
    assert {"name", "sources", "grid"} <= set(error.allowed.split(", "))


@pytest.mark.parametrize("text", ["sources = 3", "[[sources]]\nimages = 'images'"])
def test_section_that_is_no_table_is_told_so(images: Path, text: str) -> None:
    assert "is not a key" not in refused(images.parent, text, "sources").problem


NO_BUCKETS = [
    "s3:toads",
    "S3://toads",
    "gs://toads",
    "s3://",
    "s3://to",
    "s3://Toads",
    "s3://to..ads",
    "s3://-toads",
    "s3://127.0.0.1",
    "s3://toads//pond",
    "s3://toads/../pond",
    "s3://toads/a pond",
    "s3://toads/./pond",
    f"s3://toads/{'a' * 901}",
    "s3://toad:secret@toads/pond",
    "https://toad:secret@toads/pond",
]
NO_ENDPOINTS = [
    "s3.example.org",
    "ftp://s3.example.org",
    "https://",
    "https://toad:secret@s3.example.org",
    "https://secret@s3.example.org",
    "https://s3.example.org?secret",
    "https://s3.example.org:secret",
    "https://[secret",
    "https://s3.example.org#a",
    " https://s3.example.org",
]

WRONG = [
    ("sources", "images", '""', "folder"),
    ("sources", "images", '"gone"', "folder"),
    ("sources", "images", '"collection.toml"', "folder"),
    ("sources", "metadata", '"gone"', "folder"),
    ("sources", "limit", "-1", "0 or more"),
    ("sources", "frame", "-1", "0 or more"),
    ("sources", "prepare", '"sharp"', "area, nearest"),
    ("sources", "backdrop", '"white"', "#rrggbb"),
    ("sources", "backdrop", '"#fff"', "#rrggbb"),
    ("grid", "catalogue", '"gone.toml"', "toads"),
    ("grid", "catalogue", '""', "toads"),
    ("grid", "styles", '["gone"]', "crayon"),
    ("grid", "styles", "[3]", "crayon"),
    ("grid", "styles", '[["crayon"]]', "crayon"),
    ("grid", "guidance_scales", '["2"]', "finite numbers"),
    ("grid", "guidance_scales", "[nan]", "finite numbers"),
    ("grid", "insertion_steps", "[21]", "0..15"),
    ("grid", "insertion_steps", "[-0.1]", "0..15"),
    ("grid", "seeds", "[]", "whole numbers"),
    ("grid", "seeds", "[-1]", "0.."),
    ("grid", "seeds", "[1.0]", "0.."),
    ("grid", "seeds", "[true]", "0.."),
    ("grid", "seeds", f"[{2**53}]", "0.."),
    ("grid", "mode", '"fuzzy"', "clean, noised"),
    ("grid", "sample", "-1", "0 or more"),
    ("model", "name", '"frog"', "tadpole"),
    ("model", "sampler", '"euler"', "ddpm, ddim"),
    ("model", "steps", "0", "1..1000"),
    ("model", "steps", "1001", "1..1000"),
    ("model", "eta", "1.1", "0..1"),
    ("model", "eta", "nan", "0..1"),
    ("model", "device", '"tpu"', "auto, cpu, cuda"),
    ("model", "device", '"auto:1"', "auto, cpu, cuda"),
    ("model", "device", '"cuda:first"', "cuda"),
    ("model", "batch", "0", "1..1024"),
    ("model", "precision", '"float8"', "float32, float16, bfloat16"),
    ("model", "respacing", '"fast28"', '"fast27"'),
    ("model", "respacing", '"ddim999"', "whole stride"),
    ("guidance", "from", "-0.1", "0..1"),
    ("guidance", "until", "nan", "0..1"),
    ("guidance", "rescale", "1.5", "0..1"),
    ("guidance", "dynamic_thresholding", "99.5", "0..1"),
    ("guidance", "clip_scale", "-1", "0..1000"),
    ("guidance", "clip_scale", "3", "with model untrained, glide"),
    ("choosing", "samples", "0", "1..64"),
    ("choosing", "scorer", '"beauty"', "evidence, clip"),
    ("choosing", "clip_scores", "true", "with model untrained, glide"),
    ("inpainting", "mask", '"sky.png"', "subject, background"),
    ("inpainting", "others", '"sky"', "subject, background"),
    ("upsampler", "use", "true", "with model untrained, glide"),
    ("upsampler", "sampler", '"euler"', "ddpm, ddim"),
    ("upsampler", "respacing", '""', "2 or more"),
    ("upsampler", "respacing", '"1"', "2 or more"),
    ("upsampler", "respacing", '"2000"', "at most"),
    ("upsampler", "eta", "2", "0..1"),
    ("upsampler", "temperature", "-1", "0..2"),
    ("look_alikes", "bits", "-1", "0..128"),
    ("look_alikes", "bits", "129", "0..128"),
    ("look_alikes", "bits", "40\nsize = 8", "0..32"),
    ("look_alikes", "source_bits", "129", "0..128"),
    ("look_alikes", "colour", "nan", "0 or more"),
    ("look_alikes", "chroma", "-1", "0 or more"),
    ("look_alikes", "grey", "256", "0..255"),
    ("look_alikes", "size", "12", "8, 16, 32"),
    ("look_alikes", "algorithm", '"blockhash"', "phash, ahash, dhash, dhash_vertical, whash"),
    ("look_alikes", "against", '["gone"]', "another collection's folder"),
    ("look_alikes", "against", "[3]", "another collection's folder"),
    *(("storage", "assets", f'"{location}"', "s3://BUCKET/PREFIX") for location in NO_BUCKETS),
    *(("storage", "endpoint_url", f'"{url}"\nassets = "s3://toads"', "https://HOST") for url in NO_ENDPOINTS),
    ("storage", "endpoint_url", '"https://s3.example.org"', "s3://BUCKET/PREFIX"),
    ("release", "image_size", "-1", "0"),
    ("release", "resampling", '"sharp"', "nearest"),
    ("release", "name_template", '"{frog}"', "{number}"),
]


@pytest.mark.parametrize(("section", "key", "value", "allowed"), WRONG, ids=lambda text: str(text)[:16])
def test_value_that_cannot_be_is_named(images: Path, section: str, key: str, value: str, allowed: str) -> None:
    assert allowed in refused(images.parent, section_with(section, key, value), f"{section}.{key}").allowed


def test_interval_cannot_end_before_it_begins(images: Path) -> None:
    refused(images.parent, section_with("guidance", "from", "0.8\nuntil = 0.2"), "guidance.until")


@pytest.mark.parametrize(("sampler", "eta", "fine"), [("ddim", 0, False), ("ddim", 0.5, True), ("ddpm", 0, True)])
def test_samples_that_would_be_the_same_are_refused(images: Path, sampler: str, eta: float, fine: bool) -> None:
    text = section_with("choosing", "samples", "2")
    text += f'\n[grid]\nmode = "clean"\n[model]\nsampler = "{sampler}"\neta = {eta}'
    if fine:
        assert Settings.read(written(images.parent, text)).options.samples == 2
    else:
        assert "noised" in refused(images.parent, text, "choosing.samples").allowed


def test_same_steps_by_another_name_are_the_same_options(collection: Collection) -> None:
    for sampler, named in (("ddim", "ddim20"), ("ddpm", "20"), ("dpm-solver++", " 20 ")):
        plain, by_name = (
            collection(f'[model]\nsampler = "{sampler}"\n{line}').options
            for line in ("steps = 20", f'respacing = "{named}"')
        )
        assert plain == by_name
    assert collection('[model]\nrespacing = "10, 10"').options == collection('[model]\nrespacing = "10,10"').options
    assert collection('[model]\nrespacing = "fast27"').steps == 27


def test_what_has_no_meaning_makes_no_other_recipe(collection: Collection) -> None:
    plain = collection('[model]\nsampler = "ddpm"').options
    without = '[model]\nsampler = "ddpm"\neta = 0.5\n[choosing]\nscorer = "evidence"\n[upsampler]\ntemperature = 0.5'
    assert collection(without).options == plain


@pytest.mark.parametrize("value", [f"1{'0' * 400}", "-inf"])
def test_number_beyond_floats_is_named(images: Path, value: str) -> None:
    refused(images.parent, section_with("look_alikes", "colour", value), "look_alikes.colour")


def test_images_must_be_named(tmp_path: Path) -> None:
    assert "folder" in refused(tmp_path, 'name = "toads"', "sources.images").allowed


@pytest.mark.parametrize("text", ["name = ", "name = 'a'\nname = 'b'", "[sources]\n[sources]"])
def test_file_that_is_not_toml_is_named(tmp_path: Path, text: str) -> None:
    assert "is not TOML" in refused(tmp_path, text, "the file").problem


def test_mistake_in_the_catalogue_names_the_catalogue(images: Path) -> None:
    catalogue = images.parent / "mine.toml"
    catalogue.write_text("[[styles]]\nname = 'a'")
    with pytest.raises(BadSetting, match=r"mine\.toml: styles\[1\]\.prompt: is empty"):
        Settings.read(written(images.parent, section_with("grid", "catalogue", '"mine.toml"')))


def test_folder_without_a_collection_says_how_to_make_one(tmp_path: Path) -> None:
    for given in (tmp_path, tmp_path / "gone", str(tmp_path / "collection.toml")):
        with pytest.raises(NothingLeft, match=r"there is no .*; `toadworks new"):
            Settings.read(given)


def test_folder_and_file_are_the_same_collection(collection: Collection) -> None:
    settings = collection()
    assert Settings.read(settings.file) == settings == Settings.read(str(settings.folder))


def test_paths_are_beside_the_file(collection: Collection) -> None:
    settings = collection('[storage]\ndatabase = "sub/my.db"\nassets = "../pool"', metadata='"metadata"')
    assert settings.database_url == f"sqlite:///{settings.folder / 'sub' / 'my.db'}"
    assert settings.assets == settings.folder / ".." / "pool"
    assert settings.metadata == settings.folder / "metadata" and settings.metadata.is_dir()
    assert collection('[storage]\nassets = "/pool"').assets == Path("/pool")


def test_assets_may_be_in_a_bucket(collection: Collection) -> None:
    text = '[storage]\nassets = "s3://my.toads-1/all/pond"\nendpoint_url = "http://127.0.0.1:9000/s3"'
    store = collection(text).open_assets()
    assert isinstance(store, AssetBucket)
    assert (store.bucket, store.prefix, store.endpoint_url) == ("my.toads-1", "all/pond", "http://127.0.0.1:9000/s3")
    with pytest.raises(BadSetting, match=r"storage\.assets: is a bucket"):
        _ = collection(text).assets


def test_bucket_may_have_no_prefix_and_no_endpoint(collection: Collection) -> None:
    for location in ("s3://toads", "s3://toads/"):
        store = collection(f'[storage]\nassets = "{location}"').open_assets()
        assert isinstance(store, AssetBucket)
        assert (store.bucket, store.prefix, store.endpoint_url) == ("toads", "", "")


def test_assets_are_opened_beside_the_file(collection: Collection) -> None:
    settings = collection('[storage]\nassets = "../pool"')
    store = settings.open_assets()
    assert isinstance(store, AssetFolder) and store.root == settings.assets


@pytest.mark.parametrize(("key", "value"), [("assets", NO_BUCKETS), ("endpoint_url", NO_ENDPOINTS)])
def test_no_error_shows_a_password_of_the_store(images: Path, key: str, value: list[str]) -> None:
    hiding = [given for given in value if "secret" in given]
    for given in hiding:
        text = section_with("storage", key, f'"{given}"' + ('\nassets = "s3://toads"' if key != "assets" else ""))
        error = refused(images.parent, text, f"storage.{key}")
        assert "secret" not in f"{error} {error.args} {error.problem}" and error.__suppress_context__
    assert len(hiding) > 1


@pytest.mark.parametrize("url", ["sqlite:////toads/a.db", "postgresql+psycopg://toad:pond@127.0.0.1:5432/toads"])
def test_database_may_be_a_url(collection: Collection, url: str) -> None:
    assert collection(f'[storage]\ndatabase = "{url}"').database_url == url


def test_grid_s_own_numbers_go_before_the_catalogue_s(collection: Collection) -> None:
    styles = {style.name: style for style in collection().styles}
    given = collection('[grid]\nstyles = ["oil", "crayon", "oil"]\nguidance_scales = [5]\ninsertion_steps = [0.4, 3]')
    assert [(s.name, s.prompt) for s in given.styles] == [(n, styles[n].prompt) for n in ("oil", "crayon")]
    assert all((style.guidance_scales, style.insertion_steps) == ((5.0,), (6, 3)) for style in given.styles)
    assert collection('[grid]\nstyles = ["oil"]').styles == [styles["oil"]]


def test_fractions_follow_the_model_s_steps(collection: Collection) -> None:
    settings = collection("[grid]\ninsertion_steps = [0.5]\n[model]\nsteps = 50")
    assert {style.insertion_steps for style in settings.styles} == {(25,)}


def test_whole_number_may_stand_for_one_with_a_fraction(collection: Collection) -> None:
    given: Any = collection("[look_alikes]\ncolour = 3").thresholds.colour
    assert given == 3.0 and isinstance(given, float)
