"""The pictures of notebook 02 show the numbers that they are given."""

import base64
import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from tp_cnn.display import decimal
from tp_cnn.plots.retropropagation import curves
from tp_cnn.plots.retropropagation.graphs import (
    BIASES,
    PLACES,
    WEIGHTS,
    perceptron_graph,
    scalar_graph,
)
from tp_cnn.plots.retropropagation.planes import MOST_LINES, Panel, boundaries, boundary_film
from tp_cnn.plots.style import COLOURS
from tp_cnn.scratch.scalars import Value

POINTS = np.array([[0.0, 0], [0, 2], [2, 0], [2, 2]])
LABELS = np.array([0, 1, 1, 1])


def texts(axis):
    return [one.get_text() for one in axis.texts]


def right_side(points):
    return points[:, 0] - 1


def test_the_network_shows_its_nine_parameters():
    (axis,) = perceptron_graph().axes
    named = {name for name, _ in WEIGHTS.values()} | set(BIASES.values())
    assert len(named) == 9
    assert named <= set(texts(axis))


def test_values_stand_above_and_derivatives_below():
    keys = [*PLACES, *WEIGHTS, "b11", "b12", "b2"]
    values = {key: 1 + rank for rank, key in enumerate(keys)}
    derivatives = {key: -(1 + rank) / 8 for rank, key in enumerate(keys)}
    (axis,) = perceptron_graph(values, derivatives).axes
    heights = {one.get_text(): one.get_position()[1] for one in axis.texts}
    for key in keys:
        above, below = decimal(values[key], ".3g"), decimal(derivatives[key], ".3g")
        assert heights[above] > heights[below]
    colours = {one.get_text(): to_hex(one.get_color()) for one in axis.texts}
    assert colours["1"] == COLOURS[0].lower()
    assert colours["-0,125"] == COLOURS[1].lower()


def test_a_graph_of_scalars_has_a_box_for_each():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    result = a * b + a
    result.backward()
    (axis,) = scalar_graph(result).axes
    boxes = [text for text in texts(axis) if text]
    assert sorted(boxes) == sorted(["a\n2\n∂ -2", "b\n-3\n∂ 2", "×\n-6\n∂ 1", "+\n-4\n∂ 1"])


def test_regions_points_and_lines():
    lines = np.array([[1.0, 0], [0, 1]]), np.array([-1.0, -1])
    panel, plain = Panel("droite", right_side, lines), Panel("sans", right_side)
    drawn = boundaries([panel, plain, plain], POINTS, LABELS, columns=2, title="Deux classes")
    first, second, third, empty = drawn.axes
    assert [axis.get_title() for axis in (first, second, third)] == ["droite", "sans", "sans"]
    assert not empty.axison
    assert len(first.lines) == 1  # the other one is vertical: no line y(x)
    assert first.lines[0].get_ydata() == pytest.approx(1)
    assert len(second.lines) == 0
    markers = [one for one in first.collections if len(one.get_offsets()) in (1, 3)]
    shapes = {len(one.get_paths()[0].vertices) for one in markers[-2:]}
    assert len(shapes) == 2  # classes differ by more than their colour


def test_many_units_do_not_hide_the_points():
    lines = np.ones((2, 100)), np.linspace(-1, 1, 100)
    (axis,) = boundaries([Panel("", right_side, lines)], POINTS, LABELS).axes
    assert len(axis.lines) == MOST_LINES


def test_a_network_that_answers_the_same_everywhere_has_no_boundary():
    (axis,) = boundaries([Panel("", lambda X: np.ones(len(X)))], POINTS, LABELS).axes
    assert axis.get_title() == ""


def test_a_film_is_a_small_gif_with_its_last_picture():
    panels = [Panel(f"époque {k}", lambda X, k=k: X[:, 0] - k) for k in range(3)]
    film = boundary_film(panels, POINTS, LABELS, "La frontière avance.")
    bundle = film._repr_mimebundle_()
    assert 'alt="La frontière avance."' in bundle["text/html"]
    code = bundle["text/html"].split("base64,")[1].split('"')[0]
    gif = Image.open(io.BytesIO(base64.b64decode(code)))
    assert (gif.format, gif.n_frames) == ("GIF", 3)
    assert len(film.gif()) < 60_000
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert still.size == gif.size


def test_descents_that_fail_are_counted_and_dashed():
    costs = np.array([[1.0, 0.5, 0.01], [1.0, 0.6, 0.4], [1.0, 0.2, 0.02]])
    first, second = curves.descents({"2-2-1": costs, "2-8-1": costs[:1]}).axes
    assert first.get_title() == "2-2-1 : 1 échec sur 3"
    assert second.get_title() == "2-8-1 : 0 échec sur 1"
    assert [line.get_linestyle() for line in first.lines] == ["-", "-", "--"]


def test_a_surface_and_its_paths():
    first, second = np.linspace(-1, 1, 5), np.linspace(0, 2, 4)
    costs = 1 + first**2 + second[:, None]
    path = np.array([[0.5, 1.5], [0.2, 0.5]])
    (axis,) = curves.loss_surface(first, second, costs, {"η = 1": path}, ("a", "b")).axes
    steps, start, end = axis.lines
    assert steps.get_xydata().tolist() == path.tolist()
    assert start.get_xydata().tolist() == [[0.5, 1.5]]
    assert end.get_xydata().tolist() == [[0.2, 0.5]]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("a", "b")


@pytest.mark.parametrize("count", [2, 4])
def test_lines_are_told_apart_by_more_than_their_colour(count):
    values = {f"courbe {k}": [k, k + 0.5] for k in range(count)}
    (axis,) = curves.lines(values, "époque", "coût").axes
    assert len({line.get_linestyle() for line in axis.lines}) == count
    errors = {name: [1e-3, 1e-8] for name in values}
    (axis,) = curves.gradient_errors([1e-2, 1e-4], errors).axes
    assert len({line.get_marker() for line in axis.lines}) == count


def test_spreads_forward_and_backward():
    deviations = {"petits": ([1, 0.1], [0.01, 1]), "grands": ([1, 10], [100, 1])}
    forward, backward = curves.spreads(deviations, "Deux couches").axes
    assert forward.lines[1].get_ydata().tolist() == [1, 10]
    assert backward.lines[0].get_ydata().tolist() == [0.01, 1]
    assert forward.get_yscale() == "log"
