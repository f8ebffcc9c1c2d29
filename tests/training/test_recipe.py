import math
from dataclasses import replace

import pytest
import torch

from tp_cnn.data.augment import (
    CenterCrop,
    ColourJitter,
    Cutout,
    HorizontalFlip,
    Mixup,
    RandomCrop,
    RandomShift,
)
from tp_cnn.data.normalise import channel_statistics, to_unit
from tp_cnn.data.sources import load
from tp_cnn.errors import CourseError
from tp_cnn.models import CIFAR_SIZE
from tp_cnn.training import recipe

DIGITS = recipe.Recipe(dataset="digits", validation=0.2, epochs=2, seed=1)


def test_one_recipe_gives_one_network():
    first, second = (recipe.train(DIGITS, device="cpu") for _ in range(2))
    for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert first.test == second.test
    other = recipe.train(replace(DIGITS, seed=2), device="cpu")
    assert other.history.train_loss != first.history.train_loss


def test_lenet5_learns_real_digits():
    lines = []
    result = recipe.train(
        replace(DIGITS, epochs=12, learning_rate=0.03), device="cpu", say=lines.append
    )
    assert result.test.accuracy > 0.9  # 0.955 to 0.98 over 5 seeds
    assert result.history.train_loss[-1] < result.history.train_loss[0]
    assert any("61,706 weights" in line for line in lines)


def test_statistics_come_from_the_train_part_alone():
    batches = recipe.prepare(replace(DIGITS, images=500), device=torch.device("cpu"))
    assert len(batches["train"].labels) == 400
    expected = channel_statistics(batches["train"].images)
    assert {str(part.normalise.statistics) for part in batches.values()} == {str(expected)}


def test_only_the_train_part_is_drawn_at_random():
    wanted = replace(DIGITS, dataset="shapes", model="cifarnet", crop=28, flip=True, shift=1)
    wanted = replace(wanted, images=300, jitter=0.2, cutout=8, mixup=True)
    batches = recipe.prepare(wanted, device=torch.device("cpu"))
    train = batches["train"]
    moved, drawn = (RandomCrop(28), RandomShift(1)), (ColourJitter(0.2), Cutout(8), Mixup())
    assert train.augment == (*moved, HorizontalFlip(), *drawn)
    for part in ("validation", "test"):
        assert batches[part].augment == (CenterCrop(28),)
        assert not batches[part].shuffle


def test_zca_whitens_the_size_that_the_network_sees():
    wanted = replace(DIGITS, normalise="zca", crop=20, images=300)
    for part in recipe.prepare(wanted, device=torch.device("cpu")).values():
        images, _ = next(iter(part))
        assert images.shape[1:] == (1, 20, 20)


def test_the_test_images_kept_are_the_same_for_every_seed():
    wanted = replace(DIGITS, test_images=100)
    first, second = (
        recipe.prepare(replace(wanted, seed=seed), device=torch.device("cpu"))["test"].images
        for seed in (0, 1)
    )
    assert len(first) == 100
    assert torch.equal(first, second)


def test_keep_draws_the_same_share_of_each_class():
    kept = recipe.keep(load("digits", "train"), 200)
    assert len(kept) == 200
    assert kept.labels.bincount().min() >= 19
    assert len(recipe.keep(kept, 1000)) == 200
    with pytest.raises(CourseError, match="cannot hold 195 of 200 images out"):
        recipe.keep(kept, 5)  # fewer images than classes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "resnet"}, "model 'resnet': expected one of lenet5, dense, cifarnet, .*vit$"),
        ({"optimizer": "sgdd"}, "optimizer 'sgdd': expected one of sgd, adam, adamw$"),
        (
            {"schedule": "linear"},
            "schedule 'linear': expected one of constant, exponential, cosine, one-cycle$",
        ),
        ({"normalise": "yes"}, "normalise 'yes': expected one of none, pixels, images, zca$"),
        ({"model_options": {"dropout": 0.5}}, "model_options of lenet5: .*'dropout'"),
        ({"model": "cifarnet"}, "cifarnet takes 32×32 images, those of digits are 28×28"),
        ({"dataset": "shapes"}, "lenet5 takes 28×28 images, those of shapes are 32×32"),
    ],
)
def test_a_wrong_recipe_says_what_was_expected(change, message):
    with pytest.raises(CourseError, match=message):
        recipe.train(replace(DIGITS, **change), device="cpu")


@pytest.mark.parametrize("model", sorted(CIFAR_SIZE))
def test_every_network_of_cifar_size_is_known_by_its_name(model):
    images = load("shapes", "test")
    made = recipe.make_model(replace(DIGITS, dataset="shapes", model=model), images)
    assert made(to_unit(images.images[:2])).shape == (2, len(images.classes))
    with pytest.raises(CourseError, match=f"{model} takes 32×32 images"):
        recipe.make_model(replace(DIGITS, model=model), load("digits", "test"))


def test_a_residual_network_learns_by_its_name():
    wanted = replace(DIGITS, dataset="shapes", model="resnet8", images=300, epochs=2)
    losses = recipe.train(wanted, device="cpu", progress=False).history.train_loss
    assert losses[1] < losses[0]


@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine", "one-cycle"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_optimizer_goes_with_every_schedule(schedule, optimizer):
    model = torch.nn.Linear(2, 2)
    wanted = replace(DIGITS, optimizer=optimizer, schedule=schedule, learning_rate=0.01)
    made = recipe.make_optimizer(wanted, model)
    scheduler, step_each = recipe.make_scheduler(wanted, made, batches=10)
    rates = []
    for _ in range(2 if step_each == "epoch" else 20):
        rates.append(made.param_groups[0]["lr"])
        made.step()
        if scheduler:
            scheduler.step()
    expected = {
        "constant": [0.01, 0.01],
        "exponential": [0.01, 0.0085],
        "cosine": [0.01 * (1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)],
    }
    if schedule in expected:
        assert rates == pytest.approx(expected[schedule])
    else:  # up to the rate asked for, then down to almost nothing
        assert max(rates) == pytest.approx(0.01, rel=0.05)
        assert rates[0] < 0.001
        assert rates[-1] < 1e-6
