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


def test_small_and_large_rates_are_all_seen():
    (axis,) = plots.learning_rates({"Adam": [0.001, 0.001], "cycle": [0.01, 0.05]}, "Pas").axes
    assert axis.get_yscale() == "log"
    low, high = axis.get_ylim()
    assert low < 0.001
    assert high > 0.05


def test_equal_rates_can_both_be_seen():
    (axis,) = plots.learning_rates({"Adam": [0.1, 0.1], "AdamW": [0.1, 0.1]}, "Pas").axes
    under, over = axis.lines
    assert under.get_markersize() > over.get_markersize()
    assert under.get_marker() != over.get_marker()
    assert under.get_linestyle() != over.get_linestyle()


def test_losses_name_a_run_that_diverged():
    figure = plots.losses({"un": [2.0, 1.0], "autre": [float("nan")] * 2}, "Coûts")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["un", "autre (diverge)"]


def test_windows_are_framed_where_they_were_cut():
    image = torch.rand(3, 12, 12)
    window = image[:, 1:9, 3:11]
    axes = plots.windows(image, {"test": window, "époque 1": window.flip(2)}).axes
    for above in axes[:2]:
        assert {patch.get_xy() for patch in above.patches} == {(2.5, 0.5)}
    assert [below.get_title() for below in axes[2:]] == ["", "en miroir"]


def test_a_window_of_another_image_has_no_frame():
    above, _ = plots.windows(torch.zeros(3, 8, 8), {"test": torch.ones(3, 6, 6)}).axes
    assert not above.patches
