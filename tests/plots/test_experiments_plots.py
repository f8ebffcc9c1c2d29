from types import SimpleNamespace

import numpy as np
import pytest

from tp_cnn.errors import CourseError
from tp_cnn.plots import experiments as plots
from tp_cnn.plots.style import COLOURS
from tp_cnn.training.history import History, Row


def summary(label, tests):
    """What a figure needs of a summary; validation goes from half of the test accuracy to it."""
    histories = [
        History(Row(e, 1.0, 0.5, 1.0, accuracy * e / 2, 0.1, 1.0) for e in (1, 2))
        for accuracy in tests
    ]
    return SimpleNamespace(label=label, tests=tests, histories=histories)


def test_a_comparison_draws_means_spreads_and_every_seed():
    figure = plots.comparison([summary("base", [0.70, 0.74]), summary("+ rien", [0.75, 0.77])])
    curves, points = figure.axes
    assert [line.get_ydata().tolist() for line in curves.lines] == [
        pytest.approx([0.36, 0.72]),
        pytest.approx([0.38, 0.76]),
    ]
    band = curves.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() - 0.72 == pytest.approx(np.std([0.70, 0.74], ddof=1))
    assert [0.70, 0.74] in [list(line.get_xdata()) for line in points.lines]
    assert [text.get_text() for text in points.texts] == ["72,0 %", "76,0 %"]
    assert [label.get_text() for label in points.get_yticklabels()] == ["base", "+ rien"]
    assert figure.get_supxlabel() == "moyenne ± écart-type sur 2 graines"


def test_one_seed_has_no_band_and_many_configurations_can_be_told_apart():
    count = 2 * len(COLOURS)
    figure = plots.comparison([summary(str(number), [0.5]) for number in range(count)])
    assert figure.get_supxlabel().startswith("une seule graine")
    curves = figure.axes[0]
    assert not curves.collections
    assert len({(line.get_color(), line.get_linestyle()) for line in curves.lines}) == count


def test_nothing_to_draw_is_refused():
    with pytest.raises(CourseError, match="no finished run"):
        plots.comparison([])
