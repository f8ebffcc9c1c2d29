"""Pictures of notebook 09."""

import numpy as np

from tp_cnn.plots import non_supervise as pictures


def test_filters_are_drawn_one_a_hidden_unit_with_white_for_0():
    weights = np.random.default_rng(0).normal(size=(12, 20))
    drawn = [axis.images[0] for axis in pictures.filters(weights, (3, 4)).axes if axis.images]
    assert len(drawn) == 20
    assert np.array_equal(drawn[5].get_array(), weights[:, 5].reshape(3, 4))
    assert {image.get_clim() for image in drawn} == {(-abs(weights).max(), abs(weights).max())}


def test_every_class_is_named_in_the_plane():
    codes = np.random.default_rng(0).normal(size=(60, 2))
    drawn = pictures.latent_plane(codes, np.arange(60) % 10, "0123456789")
    (axis,) = drawn.axes
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == list("0123456789")
    looks = {(line.get_color(), line.get_marker()) for line in axis.lines}
    assert len(looks) == 10


def test_bias_by_steps():
    (axis,) = pictures.bias({1: 0.02, 10: 0.004}, noise=0.003).axes
    assert list(axis.lines[0].get_ydata()) == [0.02, 0.004]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "10"]


def test_energies_of_both_sets():
    rows = [{"reconstruction": 1 / k, "apprentissage": -k, "mises de côté": 1 - k} for k in (1, 2)]
    left, right = pictures.energies(rows).axes
    assert list(left.lines[0].get_ydata()) == [1, 0.5]
    assert [list(line.get_ydata()) for line in right.lines] == [[-1, -2], [0, -1]]
