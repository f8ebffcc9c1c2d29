import json
import math
import os
import re
import signal
import subprocess
import sys
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
ENVIRONMENT = {**os.environ, "TP_CNN_THREADS": "1", "TP_CNN_PROGRESS": "0", "OMP_NUM_THREADS": "1"}


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
def test_two_processes_share_the_runs(tmp_path, expected):
    path, start = tmp_path / "results", tmp_path / "start"
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tp_cnn import cli\nfrom tp_cnn.experiments import comparison\n"
        "from tp_cnn.training import recipe\n"
        "print('ready', flush=True)\n"
        "while not Path(sys.argv[1]).exists(): time.sleep(0.001)\n"
        "sys.exit(cli.main(sys.argv[2:]))"
    )
    arguments = [*COMMAND[1:], "--seeds", "2", "--results", str(path)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(start), *arguments],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    start.touch()
    printed = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    each_once(path, "".join(printed))
    assert numbers(Results(path).runs().values()) == expected
    assert all(", seed" in text and "± standard deviation" in text for text in printed)


def each_once(path, printed):
    """Four runs of three epochs, each announced by one process only."""
    # Not by lines: two processes write on one pipe, and a line may end up behind another.
    said = Counter(re.findall(r"((?:base|normalisation), seed \d: +\d/3) ", printed))
    assert len(said) == len(contents(path)) * 3 == 12
    assert set(said.values()) == {1}


@pytest.mark.slow
def test_torchrun_shares_the_runs_and_prints_once(tmp_path, expected):
    path = tmp_path / "results"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, "--no-python", *COMMAND, "--seeds", "2", "--results", str(path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    each_once(path, done.stdout)
    assert numbers(Results(path).runs().values()) == expected
    assert done.stdout.count("± standard deviation") == 1


def test_the_run_of_a_dead_process_is_taken_over(tmp_path, monkeypatch):
    path, said = tmp_path / "results", []
    monkeypatch.setattr(comparison, "PAUSE", 0.05)
    go(tmp_path / "other", ONE, seeds=1)
    (run,) = Results(tmp_path / "other").runs().values()
    script = (
        "import sys, time; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('claimed', flush=True); time.sleep(600)"
    )
    folder = tmp_path / "results"
    folder.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(folder / f"{run.identifier}.lock")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "claimed\n"

    def kill_when_waited_for(line):
        said.append(line)
        if line.startswith("waiting for the 1 runs"):
            assert [run.configuration for run in Results(path).runs().values()] == ["normalisation"]
            holder.kill()
            holder.wait()

    runs = go(path, seeds=1, say=kill_when_waited_for)
    assert sum(line.startswith("waiting") for line in said) == 1
    assert {run.configuration for run in runs if run.test} == {"base", "normalisation"}


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


@pytest.mark.parametrize(("device", "expected"), [(None, "cuda:1"), ("cuda:0", "cuda:0")])
def test_torchrun_gives_each_process_a_gpu(monkeypatch, device, expected):
    monkeypatch.delenv("TP_CNN_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert comparison._device_of_rank(device) == device
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert comparison._device_of_rank(device) == expected
    assert comparison._device_of_rank("cpu") == "cpu"


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
