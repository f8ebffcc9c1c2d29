import numpy as np
import torch

from tp_cnn.plots import ameliorations as plots


def test_channel_values_draw_the_share_of_each_value():
    images = torch.zeros(4, 3, 8, 8)
    images[:, 0] = torch.rand(4, 8, 8)
    left, right = plots.channel_values({"avant": images, "après": images - 0.5}).axes
    assert [axis.get_title() for axis in (left, right)] == ["avant", "après"]
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["rouge", "vert", "bleu"]
    shares = np.array([line.get_ydata() for line in left.lines])
    np.testing.assert_allclose(shares.sum(1), 1)
    assert shares[0].max() < 0.5 < shares[1].max()


def test_descents_begin_at_the_ring_and_stay_in_the_picture():
    paths = {
        "une": np.array([[-4.0, 1], [-3, -1], [-2, 0.5]]),
        "autre": np.array([[-4.0, 1], [1, 0]]),
    }
    figure = plots.descents(paths, lambda a, b: a**2 + b**2)
    (axis,) = figure.axes
    drawn = {line.get_label(): line.get_xydata() for line in axis.lines}
    for name, path in paths.items():
        np.testing.assert_array_equal(drawn[name], path)
        low, high = axis.get_xlim()
        assert (low < path[:, 0]).all()
        assert (path[:, 0] < high).all()
    ring = axis.lines[len(paths)].get_xydata()
    np.testing.assert_array_equal(ring, [[-4, 1]])
    assert axis.get_xlabel()
    assert axis.get_ylabel()


def test_learning_rates_begin_at_the_first_epoch():
    figure = plots.learning_rates({"constant": [0.1, 0.1, 0.1], "moitié": [0.1, 0.05]}, "Pas")
    (axis,) = figure.axes
    assert [list(line.get_xdata()) for line in axis.lines] == [[1, 2, 3], [1, 2]]
    assert axis.get_ylim()[0] == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["constant", "moitié"]
