import json

import pytest
import torch
from torch import nn

from tp_cnn.data.batches import Batches
from tp_cnn.errors import CourseError
from tp_cnn.models import CifarNet
from tp_cnn.training import epoch, evaluate, fit, precision

CPU = torch.device("cpu")
SHAPE = (8, 1, 28, 28)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 4))


@pytest.fixture
def automatic(monkeypatch, tmp_path):
    """`auto` on a processor that has bfloat16, with a cache and with measures of the test's own."""
    monkeypatch.delenv("TP_CNN_PRECISION")
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: True)
    monkeypatch.setattr(precision.platformdirs, "user_cache_path", lambda *_, **__: tmp_path)
    measured = []

    def make(seconds):
        def measure(model, shape):
            measured.append(shape)
            return seconds

        monkeypatch.setattr(precision, "_measure", measure)
        return measured

    return make


@pytest.fixture
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_what_is_asked_is_used(monkeypatch):
    for wanted in precision.CHOICES:
        monkeypatch.setenv("TP_CNN_PRECISION", wanted)
        assert precision.choose(network(), SHAPE, CPU) == wanted
        with precision.autocast(CPU, wanted):
            assert network()(torch.zeros(SHAPE)).dtype == getattr(torch, wanted)


def test_auto_takes_what_pays_and_measures_once(automatic):
    measured = automatic({"float32": 1.0, "bfloat16": 0.6})
    assert precision.choose(network(), SHAPE, CPU) == "bfloat16"
    assert precision.choose(network(), SHAPE, CPU) == "bfloat16"
    assert measured == [SHAPE]
    automatic({"float32": 1.0, "bfloat16": 0.95})
    assert precision.choose(network(), (9, 1, 28, 28), CPU) == "float32"  # another batch
    assert precision.choose(network(), SHAPE, CPU) == "bfloat16"


def test_a_damaged_cache_is_measured_again(automatic, tmp_path):
    measured = automatic({"float32": 1.0, "bfloat16": 0.6})
    precision.choose(network(), SHAPE, CPU)
    (file,) = (tmp_path / "precision").iterdir()
    file.write_text("{")
    assert precision.choose(network(), SHAPE, CPU) == "bfloat16"
    assert len(measured) == 2
    assert json.loads(file.read_text())["batch"] == list(SHAPE)


def test_auto_is_float32_without_the_instructions_or_when_determinism_is_asked(
    automatic, monkeypatch
):
    measured = automatic({"float32": 1.0, "bfloat16": 0.1})
    monkeypatch.setenv("TP_CNN_DETERMINISTIC", "1")
    assert precision.choose(network(), SHAPE, CPU) == "float32"
    monkeypatch.delenv("TP_CNN_DETERMINISTIC")
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: False)
    assert precision.choose(network(), SHAPE, CPU) == "float32"
    assert measured == []


def test_the_measure_changes_neither_the_model_nor_the_draws():
    model = nn.Sequential(network(), nn.BatchNorm1d(4), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    seconds = precision._measure(model, SHAPE)
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(0 < value < float("inf") for value in seconds.values())
    assert all(weight.grad is None for weight in model.parameters())


def test_a_model_that_cannot_be_measured_is_left_to_its_training(automatic, monkeypatch):
    automatic({})
    monkeypatch.setattr(precision, "_measure", lambda model, shape: model(torch.zeros(1, 1)))
    assert precision.choose(network(), SHAPE, CPU) == "float32"


def test_a_model_is_evaluated_in_the_precision_of_its_training(image_set, automatic):
    measured = automatic({"float32": 1.0, "bfloat16": 0.6})
    batches, model, seen = Batches(image_set(), 64, device="cpu"), network(), []
    model.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    evaluate(batches, model)
    assert (set(seen), measured) == ({torch.float32}, [])
    seen.clear()
    epoch(batches, model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1))
    evaluate(Batches(image_set(), 200, device="cpu"), model)
    assert set(seen) == {torch.bfloat16}
    assert measured == [(64, 1, 28, 28)]


def run(images, epochs, path, **options):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    train = Batches(images, 50, device="cpu")
    return model, fit(
        model, train, epochs=epochs, optimizer=optimizer, checkpoint=path, progress=False, **options
    )


def test_a_checkpoint_keeps_its_precision_and_refuses_another(
    image_set, automatic, tmp_path, monkeypatch
):
    automatic({"float32": 1.0, "bfloat16": 0.6})
    path = tmp_path / "run.pt"
    run(image_set(), 1, path)
    automatic({"float32": 1.0, "bfloat16": 2.0})  # elsewhere, another choice
    model, _ = run(image_set(), 2, path)
    assert precision.of(model) == "bfloat16"
    with pytest.raises(CourseError, match="its precision is bfloat16, here it is float32"):
        run(image_set(), 3, path, computes_in="float32")
    monkeypatch.setenv("TP_CNN_PRECISION", "float32")
    with pytest.raises(CourseError, match="TP_CNN_PRECISION=float32, but this run is in bfloat16"):
        run(image_set(), 3, path)


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_calm_convolutions_give_the_gradients_of_the_others(layout):
    torch.manual_seed(0)
    images = torch.randn(32, 3, 32, 32).contiguous(memory_format=layout)
    plain = CifarNet().to(memory_format=layout)
    calm = CifarNet().to(memory_format=layout)
    calm.load_state_dict(plain.state_dict())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = plain(images)
    with precision.autocast(CPU, "bfloat16"):
        outputs = calm(images)
    assert torch.equal(outputs, expected)
    for result in (outputs, expected):
        result.float().square().mean().backward()
    for a, b in zip(calm.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=0.02, atol=0.02 * b.grad.abs().max())
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize(
    "options",
    [{"padding": "same"}, {"bias": False, "stride": 2}, {"groups": 4, "dilation": (1, 2)}],
)
def test_calm_convolutions_take_every_option(options):
    torch.manual_seed(0)
    layer, images = nn.Conv2d(4, 8, 3, **options), torch.randn(2, 4, 9, 9, requires_grad=True)
    gradients = []
    for context in (
        torch.autocast("cpu", dtype=torch.bfloat16),
        precision.autocast(CPU, "bfloat16"),
    ):
        with context:
            loss = layer(images).float().square().sum()
        gradients.append(torch.autograd.grad(loss, [images, *layer.parameters()]))
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, rtol=0.02, atol=0.02 * b.abs().max())
