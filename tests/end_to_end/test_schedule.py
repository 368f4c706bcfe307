"""A deployment from prefect.yaml, with a real server and worker: the scheduled run happens by itself."""

from __future__ import annotations

import pytest

from tests.end_to_end.studio import Studio


@pytest.mark.slow
def test_scheduled_run_happens_by_itself(tmp_path, environment, toadworks, small_collection):
    settings = small_collection(tmp_path, 2)
    with Studio(tmp_path, environment, settings) as studio:
        studio.prefect("--no-prompt", "deploy", "--name", "nightly", "--interval", "60")
        studio.start_worker()
        studio.wait_for((settings.sheets / "steps-by-scales.png").exists)
    assert "8  candidates" in toadworks("status", cwd=settings.folder).stdout
