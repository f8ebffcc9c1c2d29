import math

import pytest
import torch

from tp_cnn.plots import cifar as plots
from tp_cnn.training.history import History, Row


def make_history(last=0.5, seconds=1.25):
    rows = [(1, 2.3, 0.1, 2.3, 0.1), (2, 1.0, 0.7, 1.9, last)]
    return History(Row(*row, 0.1, seconds) for row in rows)


def texts(axis):
    return [text.get_text().replace("\N{NO-BREAK SPACE}", " ").strip() for text in axis.texts]


def test_layer_shares_count_each_weight_once_a_position():
    layers = {"conv1": ((32, 16, 16), 100), "pool1": ((32, 8, 8), 0), "fc2": (10, 300)}
    weights, outputs, products = plots.layer_shares(layers).axes
    assert texts(weights) == ["100 (25 %)", "300 (75 %)"]
    assert texts(outputs) == ["8 192 (80 %)", "2 048 (20 %)", "10 (0 %)"]
    assert texts(products) == ["25 600 (99 %)", "300 (1 %)"]


def test_patches_shown_are_those_framed():
    image = torch.arange(3 * 32 * 32).view(3, 32, 32).byte()
    whole, *patches = plots.patches_on(image, side=6, stride=2).axes
    frames = [patch for patch in whole.patches if patch.get_width() == 6]
    assert len(frames) == len(patches)
    left, top = frames[2].get_x() + 0.5, frames[2].get_y() + 0.5
    shown = patches[2].images[0].get_array()
    expected = image[:, int(top) : int(top) + 6, int(left) : int(left) + 6].permute(1, 2, 0)
    assert (shown == expected.numpy()).all()


def test_vocabulary_shows_every_word_at_its_own_contrast():
    words = torch.randn(7, 3 * 4 * 4) * torch.logspace(-2, 2, 7)[:, None]
    (axis,) = plots.vocabulary(words, channels=3, columns=4).axes
    mosaic = torch.as_tensor(axis.images[0].get_array())
    assert mosaic.shape == (2 * 5 + 1, 4 * 5 + 1, 3)
    first, last = mosaic[1:5, 1:5], mosaic[6:10, 11:15]
    for picture in (first, last):
        assert picture.min() == pytest.approx(0, abs=1e-3)
        assert picture.max() == pytest.approx(1, abs=1e-3)


def test_histograms_have_a_bar_a_word():
    shares = torch.tensor([[0.5, 0.5, 0], [0.2, 0.2, 0.6]])
    figure = plots.histograms(torch.zeros(2, 3, 8, 8), shares, ["a", "b"])
    bars = [[bar.get_height() for bar in axis.patches] for axis in figure.axes[1::2]]
    assert bars[1] == pytest.approx([0.2, 0.2, 0.6])


def test_grid_puts_rates_in_rows_and_batch_sizes_in_columns():
    runs = {
        (rate, size): make_history(last=rate + size / 1000)
        for rate in (0.01, 0.1)
        for size in (32, 8, 128)
    }
    axes = plots.grid(runs).axes
    assert [axis.get_title() for axis in axes[:3]] == ["lots de 8", "lots de 32", "lots de 128"]
    assert [axes[row].get_ylabel() for row in (0, 3)] == ["pas 0,1", "pas 0,01"]
    assert texts(axes[5]) == ["14 % · 1,2 s"]  # 0.01 and 128
    assert axes[5].lines[1].get_ydata().tolist() == pytest.approx([0.1, 0.138])


def test_grid_says_which_run_diverged():
    first, second = plots.grid({(0.5, 8): History(), (0.1, 8): make_history()}).axes
    assert texts(first) == ["diverge : le coût\nn'est plus un nombre"]
    assert not first.lines
    assert len(second.lines) == 2


def test_a_run_of_one_epoch_can_be_seen():
    short = History(make_history()[:1])
    (cell,) = plots.grid({(0.1, 8): short}).axes
    left, _ = plots.overfitting(short).axes
    assert [line.get_marker() for line in (*cell.lines, *left.lines)] == ["o"] * 4


def test_first_losses_stand_beside_log_c():
    (axis,) = plots.first_losses({"a": [2.29, 2.31], "b": [4.0, 5.0]}, classes=10).axes
    assert axis.lines[1].get_xdata().tolist() == [4.0, 5.0]
    assert axis.lines[2].get_xdata()[0] == pytest.approx(math.log(10))


def test_loss_by_step_counts_steps_from_one():
    (axis,) = plots.loss_by_step([2.3, 1.0, 0.1]).axes
    assert axis.lines[0].get_xdata().tolist() == [1, 2, 3]


def test_overfitting_shades_the_gap_of_the_run_alone():
    figure = plots.overfitting(make_history(), {"référence": make_history()}, "ici")
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == [
        "référence, apprentissage",
        "référence, validation",
        "ici, apprentissage",
        "ici, validation",
    ]
    assert len(right.collections) == 1


def test_two_references_are_told_apart_without_colour():
    runs = {f"graine {seed}": make_history() for seed in (0, 1)}
    left, _ = plots.overfitting(make_history(), runs, "ici").axes
    styles = [(line.get_marker(), line.get_linestyle(), line.get_color()) for line in left.lines]
    assert len(set(styles)) == len(styles) == 6
