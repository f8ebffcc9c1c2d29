"""Pictures of notebook 08."""

import pytest
import torch
from torch.nn import functional

from tp_cnn.plots import architectures as pictures
from tp_cnn.training.history import History, Row


def test_each_network_of_the_frieze_has_its_year_and_its_size():
    milestones = [
        pictures.Milestone("Petit", 1989, 4, 10_000, 60_000, None),
        pictures.Milestone("Grand", 2014, 16, 138_000_000, 15_000_000_000, 0.256),
    ]
    (axis,) = pictures.frieze(milestones).axes
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert labels == ["Petit\n1989\n4 couches", "Grand\n2014\n16 couches"]
    small, large = (discs.get_sizes()[0] for discs in axis.collections)
    assert large > 3 * small


def test_blocks_are_named():
    titles = [axis.get_title() for axis in pictures.blocks().axes]
    assert titles == ["ordinaire", "résiduel", "Inception", "dense"]


def test_activations_and_their_derivatives():
    functions = {"carré": torch.square, "ReLU": functional.relu}
    drawn = pictures.activations(functions)
    assert drawn.get_suptitle() == "carré et ReLU"
    values, slopes = drawn.axes
    square, slope = (axis.lines[0].get_xydata() for axis in (values, slopes))
    assert square[:, 1] == pytest.approx(square[:, 0] ** 2, abs=1e-5)
    assert slope[:, 1] == pytest.approx(2 * slope[:, 0], abs=1e-5)


def history(*losses):
    rows = [
        Row(
            epoch=rank,
            learning_rate=0.1,
            train_loss=loss,
            train_accuracy=0.5,
            validation_loss=loss,
            validation_accuracy=0.5,
            seconds=1.0,
        )
        for rank, loss in enumerate(losses, 1)
    ]
    return History(rows)


def test_depths_are_told_apart_by_marker_too():
    drawn = pictures.depths(
        {"sans": {8: history(2, 1), 20: history(3, 2)}, "avec": {8: history(2)}}
    )
    first, second = drawn.axes[0].lines
    assert list(first.get_ydata()) == [2, 1]
    assert first.get_marker() != second.get_marker()
    assert first.get_color() != second.get_color()


def test_gradients_by_rank():
    (axis,) = pictures.gradients({"a": [1.0, 0.1, 0.01]}).axes
    assert axis.get_yscale() == "log"
    assert list(axis.lines[0].get_xdata()) == [1, 2, 3]


def test_attention_has_a_panel_a_head_on_one_scale():
    weights = torch.rand(3, 4, 4)
    axes = pictures.attention(torch.rand(3, 8, 8), weights, patch=(1, 2)).axes
    assert [axis.get_title() for axis in axes[:4]] == [
        "le carreau qui regarde",
        *(f"tête {number}" for number in (1, 2, 3)),
    ]
    assert len({axis.images[0].get_clim() for axis in axes[1:4]}) == 1


def test_trade_offs_show_the_spread_over_seeds():
    costs = {"poids": {"A": 1e5, "B": 2e6}}
    drawn = pictures.trade_offs({"A": [0.5, 0.7], "B": [0.6]}, costs, "Exactitude et poids")
    assert drawn.get_suptitle() == "Exactitude et poids"
    bar, middle = drawn.axes[0].lines[:2]
    assert list(bar.get_ydata()) == [0.5, 0.7]
    assert middle.get_ydata()[0] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("number", "text"),
    [(61_706, "61,7 k"), (1.5e9, "1,5 G"), (2e6, "2 M"), (12, "12"), (0.5, "0,5")],
)
def test_large_numbers_in_a_few_characters(number, text):
    assert pictures.short(number) == text
