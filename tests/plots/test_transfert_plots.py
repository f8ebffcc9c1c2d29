import numpy as np
import pytest

from tp_cnn.plots import transfert as pictures


def test_labels_are_on_a_log_axis_with_means_and_what_was_measured_here():
    ways = {
        "gelé": {10: [0.5, 0.7], 1000: [0.8, 0.8]},
        "affiné": {10: [0.6], 1000: [0.9]},
    }
    drawn = pictures.accuracy_by_labels(ways, 0.5, "titre", {"gelé": {100: 0.75}})
    (axis,) = drawn.axes
    assert axis.get_xscale() == "log"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["10", "1 000"]
    means = [list(line.get_ydata()) for line in axis.lines if len(line.get_xdata()) == 2]
    assert pytest.approx([0.6, 0.8]) in means
    hollow = [line for line in axis.lines if line.get_fillstyle() == "none"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in hollow] == [(100, 0.75)]


def test_frozen_layers_are_named_up_to_the_last_one_frozen():
    runs = {"ici": {0: [0.6, 0.8], 1: [0.65, 0.65], 2: [0.5, 0.5]}}
    (axis,) = pictures.accuracy_by_frozen(runs, ["conv1", "conv2"], "titre").axes
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "aucune",
        "… conv1",
        "… conv2",
    ]
    assert np.allclose(axis.lines[0].get_ydata(), [0.7, 0.65, 0.5])


def test_rates_are_written_in_french():
    lines = {"nouvelle": [0.5, 0.6], "ancienne": [0.9, 0.1]}
    (axis,) = pictures.rates_and_memory([0.001, 0.1], lines, "titre").axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0,001", "0,1"]
    assert [line.get_label() for line in axis.lines] == ["nouvelle", "ancienne"]


def test_means_by_labels_and_their_spread():
    def bars(accuracies):
        (axis,) = pictures.accuracy_by_labels({"a": accuracies}, 0.1, "").axes
        ((line, _, (spread,)),) = axis.containers
        heights = [abs(end[1] - start[1]) for start, end in spread.get_segments()]
        return list(line.get_ydata()), heights

    means, heights = bars({100: [0.5, 0.7], 1000: [0.8, 0.9]})
    assert means == pytest.approx([0.6, 0.85])
    assert min(heights) > 0
    assert bars({100: [0.5], 1000: [0.8]})[1] == [0, 0]  # one seed has no spread


def test_chance_is_drawn_when_it_is_given():
    for chance, lines in ((0.1, 1), (None, 0)):
        (axis,) = pictures.accuracy_by_labels({"a": {100: [0.8]}}, chance, "").axes
        assert sum(line.get_linestyle() == ":" for line in axis.lines) == lines
