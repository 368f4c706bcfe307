"""A collection whose pictures are in a bucket of a real S3 service, by commands in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from collection_db import Table
from flows.settings import Settings
from tests.collection_db.serving import KEY, SECRET, Service


@pytest.mark.slow
def test_collection_in_a_bucket_is_made_and_released(
    tmp_path: Path, s3: Service, environment: dict[str, str], small_collection: Callable[..., Settings]
) -> None:
    def toadworks(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        own = environment | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, **changes}
        own["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        command = [sys.executable, "-m", "toadworks", *arguments]
        done = subprocess.run(command, cwd=settings.folder, env=own, capture_output=True, text=True, check=False)
        assert not any(secret in done.stdout + done.stderr for secret in (KEY, SECRET))
        return done

    bucket = s3.bucket("end-to-end")
    settings = small_collection(tmp_path, 2, assets='"s3://end-to-end/pond"', storage__endpoint_url=f'"{s3.url}"')
    refused = toadworks("run", AWS_SECRET_ACCESS_KEY="wrong")
    assert refused.returncode == 1 and "toadworks: s3://end-to-end/pond/" in refused.stderr
    assert "does not take this secret key" in refused.stderr and "Traceback" not in refused.stderr
    for command in (["doctor"], ["run", "--accept", "leaders"], ["export"]):
        done = toadworks(*command)
        assert done.returncode == 0, done.stdout + done.stderr

    table = Table.open(settings.database_url)
    wanted = {row.image_sha256 for row in [*table.sources(), *table.accepted()]}
    tokens = len(table.tokens())
    table.close()
    assert tokens and wanted <= {file.parent.name + file.stem for file in bucket.glob("pond/??/*.png")}
    pictures = sorted(settings.release_folder.glob("images/*.png"))
    assert len(pictures) == tokens and all(Image.open(file).size == (128, 128) for file in pictures)
    assert not (settings.folder / "assets").exists() and not (settings.folder / "s3:").exists()
