import pytest
import torch

from tp_cnn.errors import CourseError
from tp_cnn.plots import training as plots
from tp_cnn.plots.style import COLOURS, figure
from tp_cnn.training.history import History, Row


def test_figures_draw_in_the_colour_blind_safe_order():
    _, (left, right) = figure(1, 2)
    for axis in (left, right):
        lines = [axis.plot([0, 1])[0] for _ in COLOURS]
        assert [line.get_color() for line in lines] == COLOURS


def make_history(validation=True):
    rows = [
        Row(
            e, 2 / e, 1 - 0.5 / e, *((2.2 / e, 1 - 0.6 / e) if validation else (None, None)), 0.1, 1
        )
        for e in (1, 2, 3)
    ]
    return History(rows)


def test_curves_draw_each_run_with_and_without_validation():
    figure = plots.curves({"tanh": make_history(), "ReLU": make_history(validation=False)})
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == [
        "tanh, apprentissage",
        "tanh, validation",
        "ReLU, apprentissage",
    ]
    assert right.lines[1].get_ydata().tolist() == pytest.approx([0.4, 0.7, 0.8])


def test_image_grid_shows_every_image_under_its_title():
    figure = plots.image_grid(torch.zeros(7, 3, 8, 8), list("abcdefg"), columns=5)
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == list("abcdefg")
    with pytest.raises(CourseError, match="no image"):
        plots.image_grid(torch.zeros(0, 1, 8, 8))


def test_confusion_counts_rows_by_true_class():
    labels, predictions = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 1, 1])
    texts = [t.get_text() for t in plots.confusion(labels, predictions, "ab").axes[0].texts]
    assert texts == ["1", "2", "", "1"]


def test_worst_mistakes_come_surest_first():
    logits = torch.tensor([[5.0, 0], [0, 9], [0, 2], [0, 3]])
    labels = torch.tensor([0, 0, 0, 1])  # the second and the third are wrong
    figure = plots.worst_mistakes(torch.zeros(4, 1, 8, 8), labels, logits, "ab")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["b (100 %)\nvrai : a", "b (88 %)\nvrai : a"]
    with pytest.raises(CourseError, match="no mistake"):
        plots.worst_mistakes(torch.zeros(1, 1, 8, 8), labels[:1], logits[:1], "ab")
