import numpy as np
import torch

from tp_cnn.plots import visualisation as pictures


def test_a_row_a_name_of_images_or_maps():
    rows = {"gris": torch.rand(2, 1, 8, 8), "couleur": torch.rand(3, 3, 8, 8)}
    drawn = pictures.rows_of_images({**rows, "cartes": torch.randn(1, 4, 4)}, "titre")
    counts = [len(axis.images) for axis in drawn.axes]
    assert counts == [1, 1, 0, 1, 1, 1, 1, 0, 0]
    assert [axis.get_ylabel() for axis in drawn.axes[::3]] == ["gris", "couleur", "cartes"]


def test_a_map_of_both_signs_is_centred_on_zero_and_covers_the_image():
    images = torch.rand(1, 3, 8, 8)
    positive, both = torch.rand(8, 8), torch.linspace(-1, 0.5, 4).view(2, 2)
    maps = {"saillance": [positive], "occlusion": [both]}
    drawn = pictures.explanations(images, maps, ["chat"])
    left, middle, right = drawn.axes
    assert [axis.get_title() for axis in drawn.axes] == ["image", "saillance", "occlusion"]
    assert middle.images[0].get_clim()[0] == 0
    low, high = right.images[0].get_clim()
    assert low == -high == -1
    assert right.images[0].get_extent() == left.images[0].get_extent()


def test_the_maps_of_a_method_share_their_colours():
    maps = {"occlusion": [torch.rand(4, 4), torch.linspace(-1, 1, 16).view(4, 4)]}
    axes = pictures.explanations(torch.rand(2, 3, 8, 8), maps, ["chat", "chien"]).axes
    assert axes[1].images[0].get_cmap().name == axes[3].images[0].get_cmap().name == "RdBu_r"


def test_misclassified_points_are_ringed():
    points = np.arange(8.0).reshape(4, 2)
    wrong = [False, True, False, False]
    drawn = pictures.planes({"ACP": points}, [0, 1, 1, 0], wrong, ["a", "b"])
    rings = next(line for line in drawn.axes[0].lines if line.get_label() == "mal classée")
    assert rings.get_xydata().tolist() == [[2.0, 3.0]]


def test_a_line_a_kind_of_change():
    lines = {"signe": [1.0, 0.4], "bruit": [1.0, 0.98]}
    (axis,) = pictures.accuracy_by_change([0, 8], lines, "titre").axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[1.0, 0.4], [1.0, 0.98]]
    assert axis.yaxis.get_major_formatter()(0.5) == "50 %"


def test_rows_of_grey_images_share_one_scale_and_are_named():
    images = torch.linspace(0, 2, 3 * 4 * 4).reshape(3, 1, 4, 4)
    axes = np.array(pictures.rows_of_images({"a": images, "b": images / 2}).axes).reshape(2, 3)
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["a", "b"]
    assert {axis.images[0].get_clim() for axis in axes.flat} == {(0, 1)}
