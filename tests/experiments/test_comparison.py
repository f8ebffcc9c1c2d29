import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tp_cnn.errors import CourseError
from tp_cnn.experiments import comparison, summaries
from tp_cnn.experiments.configurations import (
    ARCHITECTURES,
    CONFIGURATIONS,
    CUMULATIVE,
    configure,
    recipes,
)
from tp_cnn.experiments.results import Results
from tp_cnn.training import recipe

BUDGET = {"dataset": "digits", "model": "lenet5", "images": 200, "validation": 0.2, "epochs": 3}
PAIR = recipes(["base", "normalisation"], **BUDGET)
ONE = recipes(["base"], **BUDGET)
LOOP = "code of training/loop.py"
OPTIONS = [text for name, value in BUDGET.items() for text in (f"--{name}", str(value))]
COMMAND = [str(Path(sys.executable).with_name("tp-cnn")), "compare", *PAIR, *OPTIONS]
ENVIRONMENT = {
    **os.environ,
    "TP_CNN_THREADS": "1",
    "TP_CNN_PROGRESS": "0",
    "TP_CNN_PRECISION": "float32",
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """The threads of the other processes, so that all give the same numbers."""
    before = torch.get_num_threads()
    monkeypatch.setenv("TP_CNN_THREADS", "1")
    monkeypatch.setenv("TP_CNN_DEVICE", "cpu")
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The numbers of an uninterrupted comparison of PAIR with two seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TP_CNN_THREADS", "1")
        patch.setenv("TP_CNN_PRECISION", "float32")
        path = tmp_path_factory.mktemp("whole") / "results"
        return numbers(comparison.compare(PAIR, 2, path, device="cpu", progress=False))


def numbers(runs):
    """All that runs measured but the time they took."""
    return {
        (run.configuration, run.seed): ([replace(row, seconds=0) for row in run.history], run.test)
        for run in runs
    }


def go(path, configurations=PAIR, seeds=2, **options):
    return comparison.compare(configurations, seeds, path, **options)


def contents(folder):
    """What each run's file holds, by name."""
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("[!.]*.json"))}


def rows(folder):
    """How many epochs are written in all, while other processes write."""
    return sum(len(run.history) for run in Results(folder).runs().values())


def wait_for(condition, seconds=600):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_every_run_has_its_epochs_and_the_test_set_is_measured_once(tmp_path, monkeypatch):
    measured = []
    evaluate = recipe.evaluate
    monkeypatch.setattr(
        recipe, "evaluate", lambda *given: measured.append(given) or evaluate(*given)
    )
    runs = go(tmp_path / "results")
    assert [(run.configuration, run.seed) for run in runs] == [
        ("base", 0),
        ("normalisation", 0),
        ("base", 1),
        ("normalisation", 1),
    ]
    assert all(run.history.epoch == [1, 2, 3] and run.test for run in runs)
    assert len(measured) == 4
    assert all(len(run["test"]) == 2 for run in contents(tmp_path / "results").values())
    assert not list((tmp_path / "results").glob("*.pt"))


def test_a_second_call_adds_and_never_redoes(tmp_path, expected):
    path = tmp_path / "results"
    go(path, ONE, seeds=1)
    before = contents(path)
    runs = go(path)
    assert before.items() <= contents(path).items()
    assert numbers(runs) == expected
    whole = contents(path)
    go(path)
    assert contents(path) == whole


@pytest.mark.slow
def test_a_killed_process_is_gone_on_from(tmp_path, expected):
    path = tmp_path / "results"
    process = subprocess.Popen(
        [*COMMAND, "--seeds", "2", "--results", str(path)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
    )
    wait_for(lambda: path.exists() and rows(path) >= 5)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = {name: run for name, run in contents(path).items() if run["test"]}
    assert 0 < len(done) < 4
    assert numbers(go(path)) == expected
    assert done.items() <= contents(path).items()


def test_a_folder_keeps_its_precision_and_refuses_another(tmp_path, monkeypatch):
    path = tmp_path / "results"
    monkeypatch.setenv("TP_CNN_PRECISION", "bfloat16")
    (run,) = go(path, ONE, seeds=1)
    assert run.conditions["precision"] == "bfloat16"
    monkeypatch.setenv("TP_CNN_PRECISION", "float32")
    with pytest.raises(CourseError, match="precision: bfloat16 in the results, float32 now"):
        go(path, ONE)
    monkeypatch.setenv("TP_CNN_PRECISION", "auto")
    assert {run.conditions["precision"] for run in go(path, ONE)} == {"bfloat16"}


@pytest.mark.parametrize("written", range(5))
def test_a_death_before_any_writing_loses_nothing(tmp_path, monkeypatch, expected, written):
    path = tmp_path / "results"
    save, count = Results.save, Counter()

    def die(self, run):
        if count["saved"] == written:
            raise SystemExit
        count["saved"] += 1
        save(self, run)

    with monkeypatch.context() as patch:
        patch.setattr(Results, "save", die)
        with pytest.raises(SystemExit):
            go(path, ONE, seeds=1)
    runs = go(path, ONE, seeds=1)
    assert numbers(runs) == {("base", 0): expected["base", 0]}


def test_what_a_kill_leaves_of_a_writing_is_no_result(tmp_path, expected):
    path = tmp_path / "results"
    path.mkdir()
    (path / ".base-0-00000000.json.abc.part").write_text('{"configuration": "ba')
    (path / ".DS_Store").touch()  # nor is what a system adds to every folder
    assert numbers(go(path)) == expected


def test_an_interruption_says_how_to_go_on(tmp_path, expected):
    path, said = tmp_path / "results", []

    def interrupt(line):
        said.append(line)
        if line.startswith("normalisation, seed 0:   2/3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(path, say=interrupt)
    assert "the same command goes on from there" in said[-1]
    said.clear()
    assert numbers(go(path, say=said.append)) == expected
    assert said[0].startswith("normalisation, seed 0:   3/3")


@pytest.mark.slow
def test_several_processes_give_the_same_runs(tmp_path, monkeypatch, expected):
    for name in ("TP_CNN_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    said = []
    runs = go(tmp_path / "results", jobs=2, say=said.append)
    assert numbers(runs) == expected
    assert sorted(line.split(":")[0] for line in said) == [
        f"{name}, seed {seed}" for name in ("base", "normalisation") for seed in (0, 1)
    ]
    assert not list((tmp_path / "results").glob("*.pt"))


def test_a_failure_elsewhere_does_not_stop_the_others(tmp_path):
    wrong = {"wrong": replace(PAIR["base"], learning_rate=1e9), **ONE}
    with pytest.raises(CourseError, match="1 of 2 runs failed. wrong, seed 0: the loss is"):
        go(tmp_path / "results", wrong, seeds=1, jobs=2)
    runs = Results(tmp_path / "results").runs().values()
    assert [run.configuration for run in runs if run.test] == ["base"]


def test_a_folder_is_for_one_comparison_at_a_time(tmp_path):
    path = tmp_path / "results"
    with Results(path).alone(), pytest.raises(CourseError, match="another comparison is at work"):
        go(path, ONE, seeds=1)
    assert len(go(path, ONE, seeds=1)) == 1


def test_other_data_on_another_machine_are_refused(tmp_path, monkeypatch):
    go(tmp_path / "results", ONE, seeds=1)
    (run,) = Results(tmp_path / "results").runs().values()
    run.conditions["train set"] = "another"
    _, failure = comparison._attempt(Results(tmp_path / "x"), run, None, {"root": None})
    assert "another train set" in failure


@pytest.mark.slow
def test_a_cluster_trains_and_a_killed_worker_is_replaced(tmp_path, monkeypatch, expected):
    dask = pytest.importorskip("distributed")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "results"
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with dask.LocalCluster(**options) as cluster:
        address = cluster.scheduler_address
        killed = threading.Thread(target=_kill_a_worker, args=(cluster, path))
        killed.start()
        runs = go(path, scheduler=address)
        killed.join()
    assert numbers(runs) == expected


def _kill_a_worker(cluster, path):
    """Once an epoch is written: the process of the worker, not the nanny that starts another."""
    wait_for(lambda: path.exists() and rows(path) >= 1)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


def test_a_scheduler_that_does_not_answer_is_said(tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(CourseError, match="no Dask scheduler answers at nonsense"):
        go(tmp_path / "results", ONE, seeds=1, scheduler="nonsense")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 2}, "epochs: 3 in the results, 2 now"),
        ({"images": 300}, "images: 200 in the results, 300 now"),
        ({"dataset": "shapes", "model": "cifarnet"}, "train set: 1,437 images, .* 10,000 images,"),
        ({"learning_rate": 0.2}, "configuration base, learning_rate: 0.1 in the results, 0.2 now"),
    ],
)
def test_other_budgets_and_other_recipes_are_refused(tmp_path, change, message):
    path = tmp_path / "results"
    go(path, ONE, seeds=1)
    before = contents(path)
    with pytest.raises(CourseError, match=f"(?s){message}.*--results.*--mix"):
        go(path, {"base": replace(ONE["base"], **change)}, seeds=1)
    assert contents(path) == before


def test_other_code_is_refused_then_mixed_when_told(tmp_path, monkeypatch, expected):
    path = tmp_path / "results"
    go(path, ONE, seeds=1)
    code = comparison._code()
    monkeypatch.setattr(
        comparison, "_code", lambda: {**code, "code of training/loop.py": "changed"}
    )
    with pytest.raises(CourseError, match=f"{LOOP}: [0-9a-f]{{8}} in the results, changed"):
        go(path, ONE, seeds=2)
    assert numbers(go(path, mix=True)) == expected
    assert rows(path) == 4 * 3
    with pytest.raises(CourseError, match="now\n"):  # the folder stays a mixture
        go(path)


def test_a_run_resumed_with_other_code_stays_a_mixture(tmp_path, monkeypatch):
    path = tmp_path / "results"

    def interrupt(line):
        if "1/3" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(path, ONE, seeds=1, say=interrupt)
    code = comparison._code()
    monkeypatch.setattr(
        comparison, "_code", lambda: {**code, "code of training/loop.py": "changed"}
    )
    (run,) = go(path, ONE, seeds=1, mix=True)
    assert run.history.epoch == [1, 2, 3]
    assert summaries.about([run])["code"].count("digest ") == 2
    with pytest.raises(CourseError, match="in the results, changed now"):
        go(path, ONE, seeds=2)


def test_the_code_that_changes_weights_is_in_the_fingerprint():
    found = {name.removeprefix("code of ") for name in comparison._code()}
    expected = {"training/recipe.py", "training/loop.py", "data/augment.py", "models/cifarnet.py"}
    assert expected <= found
    assert "cli.py" not in found


def test_a_process_that_starts_with_other_conditions_is_refused_when_it_begins(tmp_path):
    path = tmp_path / "results"
    go(path, ONE, seeds=1)
    (run,) = Results(path).runs().values()
    other = replace(run, conditions={**run.conditions, "epochs": 9})
    with pytest.raises(CourseError, match="epochs: 3 in the results, 9 now"):
        Results(path).begin(other)


def test_a_run_that_diverges_does_not_stop_the_others(tmp_path):
    path = tmp_path / "results"
    wrong = replace(PAIR["base"], learning_rate=1e9)
    with pytest.raises(CourseError, match="1 of 2 runs failed. wrong, seed 0: the loss is"):
        go(path, {"wrong": wrong, **ONE}, seeds=1)
    assert [run.configuration for run in Results(path).runs().values() if run.test] == ["base"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("", "name,value\n", "is a file: expected a folder for results"),
        ("notes.txt", "mine", "holds 'notes.txt', which is no result"),
        ("base-0.json", "{", "base-0.json is no file of results"),
        ("package.json", '{"name": "mine"}', "package.json is no file of results"),
        ("base-0.json", "[]", "base-0.json is no file of results"),
    ],
)
def test_what_is_no_result_is_refused_and_left_alone(tmp_path, name, text, message):
    path = tmp_path / "results"
    file = path / name if name else path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    with pytest.raises(CourseError, match=message):
        go(path)
    assert file.read_text() == text
    assert sorted(tmp_path.rglob("*")) == sorted({path, file})


def test_a_folder_within_the_results_is_refused(tmp_path):
    (tmp_path / "results" / "mine.json").mkdir(parents=True)
    with pytest.raises(CourseError, match="holds 'mine.json', which is no result"):
        go(tmp_path / "results")


@pytest.mark.parametrize("lost", ["seed", "learning_rate"])
def test_a_run_that_lost_a_key_of_its_recipe_is_refused(tmp_path, lost):
    path = tmp_path / "results"
    go(path, ONE, seeds=1)
    ((name, record),) = contents(path).items()
    del record["recipe"][lost]
    (path / name).write_text(json.dumps(record))
    with pytest.raises(CourseError, match=f"{name} is no file of results"):
        go(path, ONE, seeds=1, mix=True)
    assert contents(path) == {name: record}


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["history"].pop(),
        lambda record: record.update(history=[]),
        lambda record: record["history"][0].update(epoch=5),
        lambda record: record["history"][0].update(seconds=None),
        lambda record: record["history"][-1].update(validation_accuracy=None),
        lambda record: record.update(test=[0.5, 78.4]),  # in percent
        lambda record: record.update(test=[0.5, "0.784"]),
        lambda record: record.update(conditions=None),
        lambda record: record.update(about={}),
    ],
)
def test_a_run_changed_by_hand_is_refused_before_it_is_told(tmp_path, change):
    path = tmp_path / "results"
    go(path, ONE, seeds=1)
    ((name, record),) = contents(path).items()
    change(record)
    (path / name).write_text(json.dumps(record))
    with pytest.raises(CourseError, match=f"{name} is no file of results"):
        go(path, ONE, seeds=1, mix=True)
    assert contents(path) == {name: record}


def test_the_folder_is_refused_before_any_data_is_looked_for(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(comparison, "load", lambda *_: pytest.fail("data are looked for"))
    with pytest.raises(CourseError, match="no result"):
        go(tmp_path)


def test_a_copy_of_a_run_is_refused_so_that_no_seed_counts_twice(tmp_path):
    path = tmp_path / "results"
    (run,) = go(path, ONE, seeds=1)
    (path / "copy.json").write_bytes((path / f"{run.identifier}.json").read_bytes())
    before = contents(path)
    with pytest.raises(CourseError, match=f"copy.json is no.*belongs in {run.identifier}.json"):
        go(path, ONE, seeds=1, mix=True)
    assert contents(path) == before


def test_no_epoch_is_refused(tmp_path):
    with pytest.raises(CourseError, match="epochs is 0"):
        go(tmp_path / "results", {"base": replace(ONE["base"], epochs=0)})


def test_jobs_share_the_gpus(monkeypatch):
    monkeypatch.delenv("TP_CNN_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    three = [*zip(range(3), comparison._devices(None, jobs=2), strict=False)]
    assert three == [(0, "cuda:0"), (1, "cuda:1"), (2, "cuda:0")]
    assert next(comparison._devices("cuda:1", jobs=2)) == "cuda:1"
    assert next(comparison._devices("cpu", jobs=2)) == "cpu"
    assert next(comparison._devices(None, jobs=1)) is None


def test_the_configurations_of_the_lab_sheet_add_up():
    assert CONFIGURATIONS["base"].parent is None
    for before, name in pairwise(CUMULATIVE):
        assert CONFIGURATIONS[name].parent == before
    whole = configure("batch-norm")
    assert whole.model_options == {"dropout": 0.5, "batch_norm": True}
    assert (whole.normalise, whole.crop, whole.flip) == ("pixels", 28, True)
    assert (whole.momentum, whole.schedule, whole.decay) == (0.9, "exponential", 0.95)
    assert (configure("base").momentum, configure("base").schedule) == (0.0, "constant")
    with pytest.raises(CourseError, match="configuration 'bse': expected one of base"):
        configure("bse")


# ZCA of 32×32 images takes too long; tests/data/test_normalise.py has smaller ones.
@pytest.mark.parametrize("name", [name for name in CONFIGURATIONS if name != "zca"])
def test_every_configuration_trains(name, image_set, monkeypatch):
    monkeypatch.setattr(recipe, "load", lambda *given: image_set(80, size=32, channels=3))
    result = recipe.train(configure(name, validation=0.25, epochs=1), device="cpu", progress=False)
    assert result.history[0].train_loss == pytest.approx(math.log(4), abs=0.4)


def test_a_group_stands_for_its_configurations_each_with_its_own_model():
    found = recipes(["architectures", "plain8"], epochs=2)
    assert [*found] == [*ARCHITECTURES, "plain8"]
    assert len({recipe.model for recipe in found.values()}) == len(found)
    assert configure("base", model="lenet5").model == "lenet5"
    with pytest.raises(CourseError, match="'vit' is about its own model, vit: leave --model out"):
        configure("vit", model="lenet5")


def test_networks_of_several_families_are_compared_in_one_folder(tmp_path):
    budget = {"dataset": "shapes", "images": 200, "epochs": 1}
    runs = go(tmp_path / "results", recipes(["resnet8", "plain8"], **budget), seeds=1)
    assert [run.configuration for run in runs] == ["resnet8", "plain8"]
    assert summaries.about(runs)["budget"].startswith("each its own on shapes")
    with pytest.raises(CourseError, match="model: each its own in the results, cifarnet now"):
        go(tmp_path / "results", recipes(["base"], **budget), seeds=1)
