import pickle
import random

import numpy as np
import pytest
import torch

from tp_cnn import runtime
from tp_cnn.errors import CourseError


def test_settings_are_typed():
    read = runtime.settings({"TP_CNN_SEED": "7", "TP_CNN_DETERMINISTIC": "yes", "HOME": "/x"})
    assert (read.seed, read.deterministic, read.profile) == (7, True, "quick")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("TP_CNN_SEDE", "3", "did you mean TP_CNN_SEED"),
        ("TP_CNN_SEED", "three", "expected an integer"),
        ("TP_CNN_DETERMINISTIC", "perhaps", "expected 1 or 0"),
        ("TP_CNN_PROFILE", "fast", "expected one of quick, full"),
    ],
)
def test_a_wrong_setting_is_refused(variable, value, message):
    with pytest.raises(CourseError, match=message):
        runtime.settings({variable: value})


def test_parameters_go_to_other_processes():
    chosen = runtime.parameters(quick={"epochs": 2}, environment={})
    copy = pickle.loads(pickle.dumps(chosen))
    assert (copy, repr(copy)) == (chosen, repr(chosen))


def test_parameters_follow_the_profile_then_the_environment():
    quick, full = {"epochs": 2, "rate": 0.1}, {"epochs": 20}
    assert runtime.parameters(quick, full, {}).epochs == 2
    environment = {"TP_CNN_PROFILE": "full", "TP_CNN_PARAM_RATE": "0.5"}
    chosen = runtime.parameters(quick, full, environment)
    assert (chosen.epochs, chosen.rate) == (20, 0.5)
    assert "TP_CNN_PARAM_RATE" in repr(chosen)
    with pytest.raises(CourseError, match="TP_CNN_PARAM_EPOCHS='many'"):
        runtime.parameters(quick, full, {"TP_CNN_PARAM_EPOCHS": "many"})
    with pytest.raises(CourseError, match="images"):
        runtime.parameters(quick, {"images": 3}, {})


def test_device_is_chosen_or_refused(monkeypatch):
    assert runtime.device("cpu").type == "cpu"
    monkeypatch.setenv("TP_CNN_DEVICE", "cpu")
    assert runtime.device().type == "cpu"
    for wrong in ("cuda:99", "meta", "gpu"):
        with pytest.raises(CourseError, match=wrong):
            runtime.device(wrong)


def test_one_seed_gives_the_same_draws_everywhere():
    def draws():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    runtime.seed_everything(3)
    first = draws()
    runtime.seed_everything(3)
    assert draws() == first
    runtime.seed_everything(4)
    assert all(a != b for a, b in zip(draws(), first, strict=True))


def test_the_deterministic_switch_reaches_torch():
    try:
        runtime.seed_everything(0, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        runtime.seed_everything(0, deterministic=False)
    assert not torch.are_deterministic_algorithms_enabled()
