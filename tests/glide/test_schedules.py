"""Respacing: what each way of writing it keeps, and that a wrong one says what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from errors import BadValue
from glide.schedules import BETAS, kept_steps, make_schedule


def test_no_respacing_keeps_all() -> None:
    assert kept_steps("") == list(range(1000)) == kept_steps("1000")


def test_whole_strides_start_at_zero() -> None:
    assert kept_steps("ddim25") == list(range(0, 1000, 40))
    assert kept_steps("ddim50") == list(range(0, 1000, 20))
    assert kept_steps("ddim334") == list(range(0, 1000, 3))


def test_one_section_reaches_both_ends() -> None:
    for count in (2, 20, 27, 100, 999):
        kept = kept_steps(str(count))
        assert len(kept) == len(set(kept)) == count
        assert (kept[0], kept[-1]) == (0, 999) and kept == sorted(kept)


def test_sections_share_the_thousand_steps() -> None:
    kept = kept_steps("3, 1,2")  # sections of 334, 333 and 333
    assert kept == [0, 166, 333, 334, 667, 999]  # 166.5 is rounded to even


def test_fast27_spends_most_steps_on_fine_detail() -> None:
    kept = kept_steps("fast27")
    assert len(kept) == 27 and kept[-1] == 997
    assert [sum(low <= step < low + 200 for step in kept) for low in range(0, 1000, 200)] == [10, 10, 3, 2, 2]


@pytest.mark.parametrize("wrong", ["many", "0", "-3", "10,", "10,0", "2.5", "ddim", "ddim-5", "fast", "²"])
def test_unreadable_respacing_names_what_is_allowed(wrong: str) -> None:
    with pytest.raises(BadValue, match=r"fast27") as caught:
        kept_steps(wrong)
    assert caught.value.value == wrong


def test_impossible_counts_say_why() -> None:
    with pytest.raises(BadValue, match="at most 1000 steps"):
        kept_steps("1001")
    with pytest.raises(BadValue, match="at most 500 steps"):
        kept_steps("10,501")
    with pytest.raises(BadValue, match="whole stride"):
        kept_steps("ddim999")


def test_unknown_schedule_names_the_known() -> None:
    with pytest.raises(BadValue, match=r"linear, squaredcos_cap_v2"):
        make_schedule("cosine")


@pytest.mark.parametrize("name", BETAS)
@pytest.mark.parametrize("respacing", ["", "1", "2", "20", "ddim25", "fast27"])
def test_arrays_are_finite_and_fit_together(name: str, respacing: str) -> None:
    schedule = make_schedule(name, respacing)
    assert all(np.isfinite(values).all() and len(values) == len(schedule) for values in vars(schedule).values())
    assert (np.diff(schedule.alphas_cumprod) < 0).all() and (schedule.alphas_cumprod > 0).all()
    assert np.allclose(np.cumprod(1 - schedule.betas), schedule.alphas_cumprod, rtol=1e-9)
    # with no noise left in x, the posterior's mean is the picture itself
    mean = schedule.posterior_mean_x0 + schedule.posterior_mean_x * np.sqrt(schedule.alphas_cumprod)
    assert np.allclose(mean, np.sqrt(schedule.alphas_cumprod_prev))


def test_first_log_variance_is_the_second_s() -> None:
    clipped = make_schedule("linear", "20").posterior_log_variance_clipped
    assert clipped[0] == clipped[1]
