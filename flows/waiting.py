"""A run that waits for its review: how it suspends on a Prefect server, and how it is found there.

A run's pauses are numbered. What whoever finishes says is kept with the run as the input of its last pause: Prefect
stores a pause's inputs under `suspended-review-NUMBER-schema`, `-description` and `-response`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from pydantic import Field

from errors import RunFailed
from flows.settings import FILE, Settings

FLOW = "make collection"
KEY = "review-"  # and the pause's number
INPUTS = f"suspended-{KEY}"
UNFINISHED = [StateType.PAUSED, StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
PATIENCE_S = 10.0
PAGE = 200  # rows of one answer


class Finished(RunInput):
    """What whoever finishes a review says: on the page, by `toadworks finish-review`, or in Prefect's own form."""

    curator: str = Field(min_length=1, max_length=64, description="Who finishes the review.")
    note: str = Field(default="", max_length=2000, description="Anything to be kept with the run.")


@dataclass(frozen=True)
class ReviewedRun:
    """A run that suspended for review and has not ended. It `waits`, or `said` is what it was resumed with. `why` is
    what it told when it suspended; `pause` its pauses so far, `since` the time of its state."""

    id: UUID
    name: str
    state: str
    since: datetime
    pause: int
    why: str = ""
    said: Finished | None = None

    @property
    def waits(self) -> bool:
        return self.said is None


@contextmanager
def prefect_server() -> Iterator[SyncPrefectClient]:
    """The server that PREFECT_API_URL names. Raises RunFailed where it does not answer, within seconds."""
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(httpx_settings={"timeout": PATIENCE_S}, sync_client=True) as client,
        ):
            yield client
    except (httpx.TransportError, httpx.HTTPStatusError, httpx.InvalidURL) as error:
        url = PREFECT_API_URL.value()
        told = f"Prefect's server {url} does not answer as it should ({str(error).splitlines()[0]})"
        raise RunFailed(f"{told}; start it, or unset PREFECT_API_URL to do without one") from error


def reviewed_runs(settings: Settings) -> list[ReviewedRun]:
    """The collection's runs that suspended for review and have not ended, the oldest first."""
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
        start_time=FlowRunFilterStartTime(is_null_=False),  # else every run of the schedule to come
    )
    named, oldest = FlowFilter(name=FlowFilterName(any_=[FLOW])), FlowRunSort.START_TIME_ASC
    found: list[ReviewedRun] = []
    with prefect_server() as client:
        offset = 0
        while runs := client.read_flow_runs(
            flow_filter=named, flow_run_filter=wanted, sort=oldest, limit=PAGE, offset=offset
        ):
            found += [seen for run in runs if _is_of(run, settings) and (seen := _reviewed(client, run))]
            offset += len(runs)
    return found


def _is_of(run: FlowRun, settings: Settings) -> bool:
    named = Path(str(run.parameters.get("collection")))
    return (named / FILE if named.is_dir() else named).resolve() == settings.file


def _reviewed(client: SyncPrefectClient, run: FlowRun) -> ReviewedRun | None:
    """None for a run that never suspended for review, or that somebody paused for another reason."""
    pause, inputs = _last_pause(client, run.id)
    state = run.state
    if state is None or not pause:
        return None
    paused = state.type == StateType.PAUSED
    if paused and state.state_details.pause_key != f"{KEY}{pause}":
        return None
    said = inputs.get("response")
    if not paused and said is None:
        return None
    return ReviewedRun(
        id=run.id,
        name=run.name,
        state=str(state.name or state.type.value),
        since=state.timestamp,
        pause=pause,
        why=str(inputs.get("description", "")),
        said=None if said is None else Finished(**said),
    )


def _last_pause(client: SyncPrefectClient, run: UUID) -> tuple[int, dict[str, Any]]:
    """The number of a run's last pause for review, 0 if there was none; and its inputs by their kind."""
    kept: dict[int, dict[str, Any]] = {}
    for given in client.filter_flow_run_input(run, INPUTS, PAGE, set()):
        number, _, kind = given.key.removeprefix(INPUTS).partition("-")
        kept.setdefault(int(number), {})[kind] = given.decoded_value
    pause = max(kept, default=0)
    return pause, kept.get(pause, {})


def resume(run: ReviewedRun, said: Finished) -> bool:
    """Let a run go on; False if it waits no longer, as somebody was faster. Raises RunFailed with Prefect's reason."""
    with prefect_server() as client:
        answer = client.resume_flow_run(run.id, run_input=said.model_dump())
        if answer.status.value == "ACCEPT":
            return True
        state = client.read_flow_run(run.id).state
    if state is None or state.type != StateType.PAUSED:
        return False
    raise RunFailed(f"the run {run.name} cannot go on: {getattr(answer.details, 'reason', answer.status.value)}")


def outcome(id: str) -> tuple[str, str]:
    """The state of a run that was resumed, and its message; ("", "") where it is not known any more."""
    with prefect_server() as client:
        found = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [id]}}), limit=1)
    state = found[0].state if found else None
    return (str(state.name), state.message or "") if state else ("", "")


def own_review() -> tuple[int, Finished | None]:
    """In a run: the number of its last pause for review, 0 if it did not suspend yet; and what it was resumed with."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return 0, None
    with prefect_server() as client:
        pause, inputs = _last_pause(client, context.flow_run.id)
    said = inputs.get("response")
    return pause, None if said is None else Finished(**said)


def can_suspend() -> bool:
    """In a run: is it one of a deployment? Prefect starts no other again."""
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None


def another_waits(settings: Settings) -> ReviewedRun | None:
    """In a run: another one of the collection that waits for its review."""
    context = FlowRunContext.get()
    own = context.flow_run.id if context and context.flow_run else None
    return next((run for run in reviewed_runs(settings) if run.waits and run.id != own), None)


async def suspend(pause: int, why: str) -> Finished:
    """End this process, and go on in another one when the run is resumed. Prefect's form shows `why`."""
    return await asuspend_flow_run(wait_for_input=Finished.with_initial_data(description=why), key=f"{KEY}{pause}")
