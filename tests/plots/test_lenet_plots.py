import pytest

from tests.plots.test_training_plots import make_history
from tp_cnn.plots import lenet as plots


def test_a_train_mean_is_moved_to_the_middle_of_its_epoch():
    history = make_history()
    left, right = plots.half_epoch(history).axes
    assert left.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert right.lines[0].get_xdata().tolist() == [0.5, 1.5, 2.5]
    assert right.lines[0].get_ydata().tolist() == pytest.approx(history.train_loss)
    assert right.lines[1].get_xdata().tolist() == [1, 2, 3]  # validation stays at the end
