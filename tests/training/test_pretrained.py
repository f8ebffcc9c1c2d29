import hashlib
import re
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load
from torchvision.models import resnet18

from tp_cnn import training
from tp_cnn.data.batches import Batches, keep, only
from tp_cnn.data.sources import load as load_images
from tp_cnn.display import thousands
from tp_cnn.errors import CourseError
from tp_cnn.training import pretrained


def test_the_shipped_weights_are_small_and_in_half_precision():
    content = pretrained.WEIGHTS.read_bytes()
    assert len(content) < 3_000_000
    kinds = {tensor.dtype for tensor in load(content).values()}
    assert kinds == {torch.float16, torch.int64}  # the counter of a batch norm is whole


def test_each_call_gives_a_new_network_ready_to_use():
    first, second = pretrained.pretrained_cifarnet(), pretrained.pretrained_cifarnet()
    assert not first.training
    assert all(weights.dtype == torch.float32 for weights in first.parameters())
    with torch.no_grad():
        next(first.parameters()).zero_()
    assert next(second.parameters()).abs().sum() > 0


def test_the_card_says_what_one_must_know():
    card = pretrained.card()
    wanted = {"data", "classes", "training", "test accuracy", "command", "date", "licence"}
    assert wanted <= card.keys()
    assert "JPEG copy" in card["data"]
    assert card["classes"] == ", ".join(pretrained.CLASSES)
    assert card["command"].startswith("python benchmarks/pretrained.py")


@pytest.mark.parametrize("place", [0, 1000, -1])
def test_a_changed_byte_is_refused(tmp_path, monkeypatch, place):
    content = bytearray(pretrained.WEIGHTS.read_bytes())
    content[place] ^= 1
    changed = tmp_path / "cifarnet8.safetensors"
    changed.write_bytes(content)
    monkeypatch.setattr(pretrained, "WEIGHTS", changed)
    with pytest.raises(CourseError, match=f"SHA-256 is {_digest(content)[:16]}.*Install"):
        pretrained.pretrained_cifarnet()


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def test_absent_weights_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "cifarnet8.safetensors")
    with pytest.raises(CourseError, match="cannot be read"):
        pretrained.pretrained_cifarnet()


def test_notebook_06_says_what_the_card_says():
    notebook = Path(__file__).parents[2] / "solutions/06_transfert.py"
    card, text = pretrained.card(), notebook.read_text(encoding="utf-8")
    learn, validation, test = re.findall(r"\d+", card["images"])
    counts = f"{thousands(int(learn))} pour apprendre, {thousands(int(validation))} de validation, "
    assert f"{counts}{thousands(int(test))} de test" in text
    epochs, batch, momentum, rate = re.findall(r"\d+(?:\.\d+)?", card["training"])[:4]
    told = f"{epochs} époques, lots de {batch}, SGD, momentum {momentum}, one-cycle jusqu'à {rate}"
    assert told.replace(".", ",") in text


def test_they_classify_as_the_card_says():
    try:
        test_set = load_images("cifar10", "test", download=False)
    except CourseError:
        pytest.skip("CIFAR-10 is not on this machine")
    sample = keep(only(test_set, pretrained.CLASSES), 1000)
    batches = Batches(sample, 500, normalise=pretrained.normalise(), device="cpu")
    measured = training.evaluate(batches, pretrained.pretrained_cifarnet()).accuracy
    told = float(pretrained.card()["test accuracy"].split()[0])
    assert abs(measured - told) < 0.04  # four standard deviations of 1,000 draws


def test_resnet18_is_used_where_its_weights_are_and_only_there(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained.weights, "find", lambda name: None)
    assert pretrained.pretrained_resnet18() is None
    published = resnet18()
    torch.save(published.state_dict(), tmp_path / "resnet18.pth")
    monkeypatch.setattr(pretrained.weights, "find", lambda name: tmp_path / "resnet18.pth")
    model = pretrained.pretrained_resnet18()
    assert not model.training
    assert torch.equal(model.fc.weight, published.fc.weight)


def test_weights_without_torchvision_are_said_and_stop_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pretrained.weights, "find", lambda name: tmp_path / "resnet18.pth")
    monkeypatch.setitem(sys.modules, "torchvision.models", None)  # as where it is not installed
    assert pretrained.pretrained_resnet18() is None
    assert "pip install torchvision" in capsys.readouterr().out
