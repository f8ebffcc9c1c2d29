"""Pictures of notebook 09."""

import numpy as np
import pytest

from tp_cnn.plots import non_supervise as pictures


def test_rows_of_images_share_one_scale_and_are_named():
    images = np.linspace(0, 2, 3 * 4 * 4).reshape(3, 4, 4)
    axes = np.array(pictures.rows_of_images({"a": images, "b": images / 2}).axes).reshape(2, 3)
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["a", "b"]
    assert {axis.images[0].get_clim() for axis in axes.flat} == {(0, 1)}


def test_filters_are_drawn_one_a_hidden_unit_with_white_for_0():
    weights = np.random.default_rng(0).normal(size=(12, 20))
    drawn = [axis.images[0] for axis in pictures.filters(weights, (3, 4)).axes if axis.images]
    assert len(drawn) == 20
    assert np.array_equal(drawn[5].get_array(), weights[:, 5].reshape(3, 4))
    assert {image.get_clim() for image in drawn} == {(-abs(weights).max(), abs(weights).max())}


def test_every_class_is_named_in_the_plane():
    codes = np.random.default_rng(0).normal(size=(60, 2))
    (axis,) = pictures.latent_plane(codes, np.arange(60) % 10, "0123456789").axes
    assert [text.get_text() for text in axis.texts] == list("0123456789")
    looks = {(line.get_color(), line.get_marker()) for line in axis.lines}
    assert len(looks) == 10


def test_means_by_labels_and_their_spread():
    (axis,) = pictures.by_labels({"a": {100: [0.5, 0.7], 1000: [0.8, 0.9]}}).axes
    assert list(axis.lines[0].get_ydata()) == pytest.approx([0.6, 0.85])
    assert len(axis.collections) == 1
    (alone,) = pictures.by_labels({"a": {100: [0.5], 1000: [0.8]}}).axes
    assert len(alone.collections) == 0  # one seed has no spread


def test_bias_by_steps():
    (axis,) = pictures.bias({1: 0.02, 10: 0.004}, noise=0.003).axes
    assert list(axis.lines[0].get_ydata()) == [0.02, 0.004]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "10"]


def test_energies_of_both_sets():
    rows = [{"reconstruction": 1 / k, "apprentissage": -k, "mises de côté": 1 - k} for k in (1, 2)]
    left, right = pictures.energies(rows).axes
    assert list(left.lines[0].get_ydata()) == [1, 0.5]
    assert [list(line.get_ydata()) for line in right.lines] == [[-1, -2], [0, -1]]
