"""The edge score: one for the same drawing, nothing for a flat page, nothing of colour in it."""

from __future__ import annotations

import numpy as np
import pytest

from errors import BadValue
from similarity.scores import edge_correlation, edge_strength

NOISE = np.random.default_rng(0).integers(0, 256, (32, 24, 3), dtype=np.uint8)


def test_same_image_scores_one() -> None:
    assert edge_correlation(NOISE, NOISE) == pytest.approx(1)


def test_negative_has_the_same_edges() -> None:
    assert edge_correlation(NOISE, 255 - NOISE) == pytest.approx(1)


def test_unrelated_images_score_near_zero() -> None:
    other = np.random.default_rng(1).integers(0, 256, NOISE.shape, dtype=np.uint8)
    assert abs(edge_correlation(NOISE, other)) < 0.2


def test_opposite_edges_score_below_zero() -> None:
    left, right = np.zeros((2, *NOISE.shape), np.uint8)
    left[:, :12], right[:, 12:] = NOISE[:, :12], NOISE[:, 12:]
    assert edge_correlation(left, right) < -0.3


def test_flat_image_scores_zero() -> None:
    flat = np.full_like(NOISE, 77)
    assert edge_correlation(flat, NOISE) == edge_correlation(NOISE, flat) == edge_correlation(flat, flat) == 0.0


def test_edge_between_equal_greys_counts() -> None:
    image = np.zeros((6, 6, 3), np.uint8)
    image[:, :3], image[:, 3:] = (200, 0, 0), (0, 102, 0)  # about the same grey
    strength = edge_strength(image)
    assert np.allclose(strength[:, 2:4], 800) and not strength[:, [0, 1, 4, 5]].any()


@pytest.mark.parametrize("shape", [(32, 24), (32, 24, 4), (24, 32, 3), (0, 24, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadValue, match="shape"):
        edge_correlation(NOISE, np.zeros(shape, np.uint8))
