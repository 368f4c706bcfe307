"""Known CIDs: every case of golden/ipfs, as the JavaScript reference importer computed them."""

from __future__ import annotations

import json
from pathlib import Path

from minting.ipfs import PROFILES, check_car, cid_of, profile_named, write_car
from tests.minting.ipfs.conftest import Node


def test_every_known_folder_has_its_cids(ipfs_golden: Path, golden_folders: Path, tmp_path: Path) -> None:
    known = json.loads((ipfs_golden / "expected.json").read_text())["expected"]
    assert known
    for folder, profiles in known.items():
        for name, expected in profiles.items():
            told = cid_of(golden_folders / folder, profile_named(name))
            found = told.files | told.folders
            assert (told.cid, told.blocks) == (expected["rootCid"], expected["blocks"]), (folder, name)
            assert {path: found.get(path) for path in expected.get("files", {})} == expected.get("files", {})
            assert write_car(golden_folders / folder, tmp_path / "golden.car", profile_named(name)) == told
            assert check_car(tmp_path / "golden.car", expected["rootCid"]).blocks == expected["blocks"]


def test_golden_folders_without_known_cids_are_as_the_importer_has_them(
    node: Node, ipfs_golden: Path, golden_folders: Path
) -> None:
    known = json.loads((ipfs_golden / "expected.json").read_text())["expected"]
    folders = [folder for folder in sorted(golden_folders.iterdir()) if folder.is_dir() and folder.name not in known]
    jobs = [{"folder": folder, "profile": profile} for folder in folders for profile in PROFILES]
    for job, expected in zip(jobs, node.imported(jobs), strict=True):
        told = cid_of(job["folder"], profile_named(job["profile"]))
        assert (told.files | told.folders, told.blocks) == (expected["files"], expected["blocks"])
