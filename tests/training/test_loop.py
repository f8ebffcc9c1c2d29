import signal
import threading

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tp_cnn.data.augment import RandomShift
from tp_cnn.data.batches import Batches
from tp_cnn.errors import CourseError
from tp_cnn.models import CifarNet, LeNet5
from tp_cnn.training import epoch, evaluate, fit, predict, step
from tp_cnn.training.history import History

CRITERION = nn.CrossEntropyLoss()


def make_run(images, dropout=0.5):
    """A small network with dropout, its optimiser, schedule and batches: all that draws."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 4)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    train = Batches(images, 64, shuffle=True, augment=[RandomShift(1)], device="cpu")
    return {"model": model, "train": train, "optimizer": optimizer, "scheduler": scheduler}


def test_training_learns_and_evaluation_changes_nothing(image_set):
    batches = Batches(image_set(), 50, device="cpu")
    torch.manual_seed(0)
    model = LeNet5(classes=4)
    before = evaluate(batches, model)
    weights = [p.clone() for p in model.parameters()]
    assert evaluate(batches, model) == before
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(5):
        epoch(batches, model, CRITERION, optimizer)
    assert evaluate(batches, model).accuracy > 0.95


def test_modes_differ_between_training_and_evaluation(image_set):
    batches = Batches(image_set(), 50, device="cpu")
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 4))
    seen = []
    model.register_forward_pre_hook(
        lambda module, _: seen.append((module.training, torch.is_grad_enabled()))
    )
    evaluate(batches, model)
    assert set(seen) == {(False, False)}
    seen.clear()
    epoch(batches, model, CRITERION, torch.optim.SGD(model.parameters(), lr=0.1))
    assert set(seen) == {(True, True)}


@pytest.mark.parametrize("measure", [evaluate, predict])
@pytest.mark.parametrize("fails", [False, True])
def test_measuring_leaves_each_layer_in_its_mode(image_set, measure, fails):
    batches = Batches(image_set(), 50, device="cpu")
    frozen = nn.BatchNorm1d(784).eval()  # as one does to fine-tune a network
    model = nn.Sequential(nn.Flatten(), frozen, nn.Dropout(0.5), nn.Linear(784, 4))
    frozen.eval()
    seen = []

    def look(module, _):
        seen.append([part.training for part in module.modules()])
        if fails:
            raise RuntimeError("a layer fails")

    model.register_forward_pre_hook(look)
    before = [part.training for part in model.modules()]
    if fails:
        with pytest.raises(RuntimeError, match="a layer fails"):
            measure(batches, model)
    else:
        measure(batches, model)
    assert not any(map(any, seen))
    assert [part.training for part in model.modules()] == before
    assert before == [True, True, False, True, True]


def test_predictions_are_made_in_the_precision_of_the_training(image_set, monkeypatch):
    monkeypatch.setenv("TP_CNN_PRECISION", "bfloat16")
    batches = Batches(image_set(), 50, device="cpu")
    model, seen = nn.Sequential(nn.Flatten(), nn.Linear(784, 4)), []
    model.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    logits, _ = predict(batches, model)
    evaluate(batches, model)
    assert set(seen) == {torch.bfloat16}
    assert logits.dtype == torch.float32


def test_nothing_to_predict_is_said(image_set):
    with pytest.raises(CourseError, match="no batch to go through"):
        predict([], nn.Linear(1, 1))


def test_means_weigh_each_batch_by_its_size(image_set):
    images = image_set(103)  # a last batch of 3
    model = LeNet5(classes=4)
    logits, labels = predict(Batches(images, 103, device="cpu"), model)
    measured = evaluate(Batches(images, 50, device="cpu"), model)
    assert measured.loss == pytest.approx(CRITERION(logits, labels).item(), abs=1e-5)
    assert measured.accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())


def test_a_data_loader_does_as_well(image_set):
    images = image_set()
    dataset = TensorDataset(images.images.float() / 255, images.labels)
    model = LeNet5(classes=4)
    ours = evaluate(Batches(images, 64, device="cpu"), model)
    theirs = evaluate(DataLoader(dataset, batch_size=64), model)
    assert ours == pytest.approx(theirs, abs=1e-5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, DataLoader(dataset, 64, shuffle=True), epochs=1, optimizer=optimizer)
    assert history.validation_loss == [None]


def test_a_resumed_run_is_the_uninterrupted_one(image_set, tmp_path):
    images = image_set()
    whole = make_run(images)
    expected = fit(**whole, epochs=4)
    checkpoint = tmp_path / "run.pt"
    fit(**make_run(images), epochs=2, checkpoint=checkpoint)
    torch.manual_seed(99)  # another process has another random state
    resumed = make_run(images)
    history = fit(**resumed, epochs=4, checkpoint=checkpoint)
    for a, b in zip(whole["model"].parameters(), resumed["model"].parameters(), strict=True):
        assert torch.equal(a, b)
    assert history.train_loss == expected.train_loss
    assert history.learning_rate == expected.learning_rate
    assert fit(**make_run(images), epochs=4, checkpoint=checkpoint).train_loss == history.train_loss


def test_a_checkpoint_of_another_run_or_no_checkpoint_at_all_is_refused(image_set, tmp_path):
    checkpoint = tmp_path / "run.pt"
    fit(**make_run(image_set()), epochs=1, checkpoint=checkpoint)
    with pytest.raises(CourseError, match="another run: its model"):
        fit(**make_run(image_set(), dropout=0.2), epochs=2, checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(CourseError, match="not a checkpoint"):
        fit(**make_run(image_set()), epochs=2, checkpoint=checkpoint)


@pytest.fixture
def _interruptible():
    """What a terminal has; a shell starts a background job with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interruption_keeps_the_history(image_set, tmp_path, capsys):
    run = make_run(image_set())
    checkpoint = tmp_path / "run.pt"

    def stop_soon(row):
        if row.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    history = fit(**run, epochs=10, checkpoint=checkpoint, after_epoch=stop_soon)
    assert history.interrupted
    assert history.epoch == [1, 2]
    assert "Interrompu après 2 époque(s) sur 10" in capsys.readouterr().out
    rest = fit(**make_run(image_set()), epochs=3, checkpoint=checkpoint)
    assert (rest.epoch, rest.interrupted) == ([1, 2, 3], False)


@pytest.mark.usefixtures("_interruptible")
def test_an_interruption_within_an_epoch_is_caught_too(image_set):
    run = make_run(image_set())
    timer = threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    history = fit(**run, epochs=10_000)
    assert history.interrupted
    assert 0 < len(history) < 10_000


def test_divergence_stops_with_advice(image_set):
    model = LeNet5(classes=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e6)
    with pytest.raises(CourseError, match="learning rate of 1e\\+06.* try 100000"):
        fit(model, Batches(image_set(), 20, device="cpu"), epochs=3, optimizer=optimizer)


def test_an_empty_iterable_is_refused():
    with pytest.raises(CourseError, match="no batch"):
        evaluate([], LeNet5())


def test_a_batch_scheduler_steps_each_batch(image_set):
    run = make_run(image_set())
    steps = len(run["train"])
    run["scheduler"] = torch.optim.lr_scheduler.OneCycleLR(run["optimizer"], 0.1, 2 * steps)
    fit(**run, epochs=2, step_each="batch")
    assert run["scheduler"].last_epoch == 2 * steps
    with pytest.raises(CourseError, match="expected 'epoch' or 'batch'"):
        fit(**run, epochs=2, step_each="minute")


def test_bfloat16_trains_too(image_set, monkeypatch):
    monkeypatch.setenv("TP_CNN_PRECISION", "bfloat16")
    images = image_set(64, size=32, channels=3)
    model = CifarNet(classes=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    history = fit(model, Batches(images, 32, device="cpu"), epochs=1, optimizer=optimizer)
    assert history[0].train_loss == pytest.approx(1.386, abs=0.3)  # log 4


def test_history_goes_to_csv_and_back(image_set, tmp_path):
    run = make_run(image_set())
    history = fit(**run, validation=run["train"], epochs=2)
    history.to_csv(tmp_path / "history.csv")
    again = History.from_csv(tmp_path / "history.csv")
    assert list(again) == list(history)
    assert again.best() == max(history, key=lambda row: row.validation_accuracy)
    assert len(repr(history).splitlines()) == 3
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for path in ("other.csv", "absent.csv"):
        with pytest.raises(CourseError, match=path):
            History.from_csv(tmp_path / path)


def test_a_step_of_ones_own_trains_as_the_loop_does(image_set):
    histories = []
    for chosen in (None, step):
        run = make_run(image_set())
        histories.append(fit(**run, epochs=2, step=chosen))
    for name in ("train_loss", "train_accuracy", "learning_rate"):
        assert getattr(histories[0], name) == pytest.approx(getattr(histories[1], name))


def test_a_step_of_ones_own_finds_the_network_in_train_mode(image_set):
    run = make_run(image_set())
    modes = []

    def watched(model, *others):
        modes.append(model.training)
        return step(model, *others)

    fit(**run, validation=run["train"], epochs=2, step=watched)
    assert set(modes) == {True}


def test_a_step_of_ones_own_that_diverges_is_refused(image_set):
    run = make_run(image_set())

    def diverging(*arguments):
        return step(*arguments) + float("inf")

    with pytest.raises(CourseError, match="diverged"):
        fit(**run, epochs=1, step=diverging)
