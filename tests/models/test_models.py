import pytest
import torch
from torch import nn

from tp_cnn.errors import CourseError
from tp_cnn.models import CifarNet, Dense, LeNet5, count_weights, hidden_for, summary


def test_lenet5_has_the_weights_of_the_paper():
    model = LeNet5()
    assert count_weights(model) == 61_706
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert [row.output_shape for row in summary(model, (1, 28, 28)) if row.weights] == [
        (6, 28, 28),
        (16, 10, 10),
        (120,),
        (84,),
        (10,),
    ]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_lenet5_is_the_function_written_in_the_usual_order(activation, pooling):
    model = LeNet5(activation, pooling)
    activate = {"relu": torch.relu, "tanh": torch.tanh}[activation]
    pool = {"max": nn.functional.max_pool2d, "average": nn.functional.avg_pool2d}[pooling]
    convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
    values = images = torch.randn(4, 1, 28, 28)
    for convolution in convolutions:
        values = pool(activate(convolution(values)), 2)
    torch.testing.assert_close(model(images), model.classifier(values))


@pytest.mark.parametrize("options", [{"activation": "gelu"}, {"pooling": "median"}])
def test_lenet5_names_the_choices(options):
    with pytest.raises(CourseError, match="expected one of"):
        LeNet5(**options)


def test_cifarnet_has_the_weights_of_the_sheet():
    assert count_weights(CifarNet()) == 1_191_170
    # Batch normalisation adds two weights a filter; dropout adds none.
    assert count_weights(CifarNet(batch_norm=True, dropout=0.5)) == 1_191_170 + 2 * (32 + 64 + 64)


def test_cifarnet_takes_both_sizes_with_ceil_mode_only():
    for size in (32, 28):
        assert CifarNet()(torch.zeros(2, 3, size, size)).shape == (2, 10)
    strict = CifarNet(ceil_mode=False)
    assert strict(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    with pytest.raises(RuntimeError):
        strict(torch.zeros(2, 3, 28, 28))


def test_cifarnet_is_the_function_written_in_the_usual_order():
    model = CifarNet(batch_norm=True).eval()
    layers = [layer for layer in model.features if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    values = images = torch.randn(2, 3, 32, 32)
    for convolution, norm in zip(layers[::2], layers[1::2], strict=True):
        values = nn.functional.max_pool2d(torch.relu(norm(convolution(values))), 2)
    torch.testing.assert_close(model(images), model.classifier(values))


def test_dense_gets_close_to_the_wanted_weights():
    for layers in (1, 2, 3):
        model = Dense(hidden_for(61_706, layers))
        assert abs(count_weights(model) / 61_706 - 1) < 0.02
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert count_weights(Dense(())) == 7850  # logistic regression
    with pytest.raises(CourseError, match="the smallest such network has 805"):
        hidden_for(10)


def test_summary_totals_and_names_the_refusing_layer():
    rows = summary(CifarNet(), (3, 32, 32))
    assert rows.weights == 1_191_170
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert "1 191 170" in repr(rows)
    assert "1024" in repr(rows)
    model = LeNet5().train()
    with pytest.raises(CourseError, match="classifier.1"):
        summary(model, (1, 40, 40))
    assert model.training
