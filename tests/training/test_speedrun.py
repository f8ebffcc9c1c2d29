import pytest
import torch

from tp_cnn import cli
from tp_cnn.errors import CourseError
from tp_cnn.training import speedrun as module
from tp_cnn.training.speedrun import SpeedNet, speedrun

SMALL = {"widths": (8, 16, 16), "batch": 100, "dataset": "shapes", "device": "cpu"}


@pytest.mark.slow
def test_a_small_run_learns_and_says_what_it_used():
    said = []
    accuracy, seconds = speedrun(images=2000, epochs=8, say=said.append, **{**SMALL, "batch": 50})
    assert accuracy > 0.3  # of 10 classes
    assert seconds > 0
    assert "shapes" in said[0]
    assert said[1].startswith("device: cpu")
    assert said[-1] == f"320 steps in {seconds:.2f} s, test accuracy {accuracy:.2%}"


@pytest.mark.slow
def test_one_seed_gives_one_result():
    first, second = (
        speedrun(images=300, epochs=1, say=lambda line: None, **SMALL) for _ in range(2)
    )
    assert first[0] == second[0]


def test_the_first_layer_whitens_patches_and_does_not_learn():
    torch.manual_seed(0)
    colours = torch.tensor([[1.0, 0.9, 0.8], [0, 0.5, 0.4], [0, 0, 0.3]])  # channels go together
    images = (torch.randn(200, 8, 8, 3) @ colours).permute(0, 3, 1, 2)
    net = SpeedNet((8, 8, 8))
    net.whiten_as(images)
    values = net.whiten(images)[:, :12].permute(0, 2, 3, 1).reshape(-1, 12)
    covariance = values.T @ values / len(values)
    assert torch.allclose(covariance, torch.eye(12), atol=0.05)
    optimizer, _ = module._optimizer(net, 100, 10, 3)
    learnt = {id(value) for group in optimizer.param_groups for value in group["params"]}
    assert id(net.whiten.weight) not in learnt
    assert learnt == {id(value) for value in net.parameters() if value.requires_grad}


def test_every_image_comes_once_an_epoch_and_mirrored_every_other_one():
    images, labels = torch.zeros(60, 3, 32, 32), torch.arange(60)
    images[..., :16] = 1  # bright on the left
    seen = []
    for drawn, chosen in module._batches(images, labels, batch=20, steps=6):
        left = (drawn[..., :14].mean((1, 2, 3)) > 0.5).tolist()
        seen += zip(chosen.tolist(), left, strict=True)
    first, second = dict(seen[:60]), dict(seen[60:])
    assert sorted(first) == sorted(second) == list(range(60))
    assert all(first[label] != second[label] for label in first)
    assert 10 < sum(first.values()) < 50


def test_other_images_are_refused():
    with pytest.raises(CourseError, match="digits is not made of 32×32 images"):
        speedrun(dataset="digits", device="cpu")


@pytest.mark.parametrize(("given", "epochs"), [("", 9.9), ("--epochs 5", 5), ("--epochs 16", 16)])
def test_the_command_knows_the_recipe(given, epochs, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "speedrun", lambda *given: asked.extend(given))
    line = f"train --recipe speedrun --images 500 --seed 4 {given}"
    assert cli.main(line.split()) == 0
    assert asked == [4, epochs, 500, None, None]


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("--batch-size 128", "leave out --batch-size"),  # its default: what was given counts
        ("--epochs 0", "epochs is 0"),
        ("--lr 0.1 --flip --images 500", "leave out --lr, --flip"),
        ("--model cifarnet --batch-norm", "leave out --model, --batch-norm"),
        ("--images -1", "images is -1: expected a whole number from 0"),
        ("--seed -1", "seed is -1: expected a whole number from 0"),
        ("--device toaster", "device 'toaster': expected auto, cpu"),
    ],
)
def test_what_it_does_not_read_is_refused(line, refused, monkeypatch, capsys):
    monkeypatch.setattr(module, "load", lambda *_: pytest.fail("data was read"))
    assert cli.main(["train", "--recipe", "speedrun", *line.split()]) == 1
    errors = capsys.readouterr().err
    assert refused in errors
    assert len(errors.splitlines()) == 1


def test_several_processes_are_refused(monkeypatch, capsys):
    monkeypatch.setattr("tp_cnn.training.distributed.size", lambda: 2)
    assert cli.main(["train", "--recipe", "speedrun"]) == 1
    assert "call it without torchrun" in capsys.readouterr().err
