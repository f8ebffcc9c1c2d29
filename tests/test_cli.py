import csv
import gzip
import os
import re
import subprocess
import sys

import pytest

from tests.data.file_server import tiny_mnist
from tp_cnn import __version__, cli
from tp_cnn.commands import machine
from tp_cnn.data import sources
from tp_cnn.experiments.configurations import configure

TRAIN = ["train", "--dataset", "digits", "--epochs", "1", "--device", "cpu"]


def test_train_prints_what_it_used_and_an_honest_test_error(tmp_path, capsys):
    assert cli.main([*TRAIN, "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "61,706 weights" in printed
    assert "measured once, at the end" in printed
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    figures = ["confusion.png", "curves.png", "mistakes.png"]
    assert written == sorted([*figures, "history.csv", "run.json"])
    with (tmp_path / "out" / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]


@pytest.mark.parametrize(
    ("fault", "printed"),
    [
        (OSError(28, "No space left on device"), "No space left"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_the_test_error_is_told_before_anything_can_fail(
    tmp_path, capsys, monkeypatch, fault, printed
):
    def fails(*_, **__):
        raise fault

    monkeypatch.setattr("tp_cnn.plots.training.curves", fails)
    assert cli.main([*TRAIN, "--output", str(tmp_path / "out")]) == 1
    out, errors = capsys.readouterr()
    assert "measured once, at the end" in out
    assert printed in errors
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["history.csv", "run.json"]


def test_results_of_another_run_are_not_written_over(tmp_path, capsys):
    output = ["--images", "200", "--output", str(tmp_path / "out")]
    assert cli.main([*TRAIN, *output]) == 0
    before = (tmp_path / "out/run.json").read_bytes()
    assert cli.main([*TRAIN, *output, "--seed", "3", "--flip"]) == 1
    errors = capsys.readouterr().err
    assert "seed: 0 there, 3 now" in errors
    assert "flip: False there, True now" in errors
    assert (tmp_path / "out/run.json").read_bytes() == before
    assert cli.main([*TRAIN, *output]) == 0  # the same run
    (tmp_path / "out/run.json").write_text('{"mine": 1}')
    assert cli.main([*TRAIN, *output]) == 1
    assert (tmp_path / "out/run.json").read_text() == '{"mine": 1}'


@pytest.mark.parametrize("option", ["--csv", "--figure"])
def test_what_is_not_ours_is_not_written_over(tmp_path, capsys, option):
    path = tmp_path / f"mine{'.csv' if option == '--csv' else '.png'}"
    path.write_text('{"one": "line"}')
    assert cli.main([*COMPARE, "base", "--results", str(tmp_path / "r"), option, str(path)]) == 1
    assert "holds something else" in capsys.readouterr().err
    assert path.read_text() == '{"one": "line"}'
    assert not (tmp_path / "r").exists()


def test_train_goes_on_from_a_checkpoint(tmp_path, capsys):
    arguments = [*TRAIN, "--checkpoint", str(tmp_path / "run.pt"), "--schedule", "constant"]
    assert cli.main(arguments) == 0
    arguments[arguments.index("--epochs") + 1] = "2"
    capsys.readouterr()
    assert cli.main(arguments) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" s")]
    assert [row.split()[0] for row in rows] == ["2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "alexnet"], "model 'alexnet': expected one of lenet5"),
        (["--model", "cifarnet"], "cifarnet takes 32×32 images"),
        (["--device", "cuda:77"], "device 'cuda:77'"),
        (["--dataset", "minst"], "minst"),
    ],
)
def test_a_failure_is_one_line_and_code_1(arguments, message, capsys):
    assert cli.main([*TRAIN, *arguments]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore."),
        MemoryError("Unable to allocate 84.4 GiB for an array"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_one_line(error, monkeypatch, capsys):
    def fit(*_, **__):
        raise error

    monkeypatch.setattr("tp_cnn.training.recipe.fit", fit)
    assert cli.main(TRAIN) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("tp-cnn: not enough memory (")
    assert "--batch-size" in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--model lenet5 --dataset digits", "sgd, rate 0.05, exponential schedule, weight decay 0"),
        ("--model vit", "adamw, rate {vit}, one-cycle schedule, weight decay 0.05"),
        ("--model vit --lr 0.07", "adamw, rate 0.07, one-cycle schedule, weight decay 0.05"),
        ("--model vit --optimizer adam --schedule cosine", "adam, rate {vit}, cosine schedule"),
        ("--model plain14", "sgd, rate {plain20}, one-cycle schedule, weight decay 0.0005"),
    ],
)
def test_a_network_of_notebook_08_has_a_descent_of_its_own(options, expected, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tp_cnn.training.recipe.fit", stop)
    rates = {name: f"{configure(name).learning_rate:g}" for name in ("vit", "plain20")}
    assert cli.main(["train", "--dataset", "shapes", *options.split()]) == 1
    assert f"descent: {expected.format(**rates)}" in capsys.readouterr().out


def test_a_momentum_does_not_go_with_the_adamw_of_a_network(capsys):
    assert cli.main(["train", "--dataset", "shapes", "--model", "vit", "--momentum", "0.5"]) == 1
    assert "--momentum: goes with --optimizer sgd, not adamw" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["train", "--epochs", "two"], ["learn"]])
def test_wrong_usage_is_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2


def test_the_command_is_installed():
    command = os.path.join(os.path.dirname(sys.executable), "tp-cnn")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"tp-cnn {__version__}"


def test_doctor_has_a_line_a_check_and_fails_on_a_wrong_setting(monkeypatch, capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9
    assert all(line.startswith("[OK] ") for line in lines)
    monkeypatch.setenv("TP_CNN_DEVICE", "abacus")
    assert cli.main(["doctor"]) == 1
    assert "[FAIL] device: device 'abacus'" in capsys.readouterr().out


def test_doctor_reports_a_folder_that_cannot_be_written(monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", refuse)
    findings = {finding.subject: finding for finding in machine.examine()}
    assert not findings["write access"].ok
    assert "Permission denied" in findings["write access"].detail


def test_doctor_says_how_to_get_a_sandbox_and_does_not_fail_for_it(monkeypatch):
    obstacle = "bubblewrap is missing; install it with: sudo apt install bubblewrap"
    monkeypatch.setattr(machine.bubblewrap, "obstacle", lambda: obstacle)
    findings = {finding.subject: finding for finding in machine.examine()}
    assert findings["grading"].ok
    assert obstacle in findings["grading"].detail
    monkeypatch.setattr(machine.bubblewrap, "obstacle", lambda: None)
    assert (
        "sandbox" in {finding.subject: finding for finding in machine.examine()}["grading"].detail
    )


def test_data_commands_agree_with_the_package(tmp_path, capsys):
    copy, contents = tiny_mnist(train=30, test=20)
    for file in copy.files:
        path = tmp_path / copy.folder / file.name.removesuffix(".gz")  # own files: not compressed
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(contents[f"/{file.name}"]))
    assert cli.main(["data", "status", "--data", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for split, count in (("train", 30), ("test", 20)):
        assert len(sources.load("mnist", split, tmp_path, download=False)) == count
        line = rf"^mnist +{split} +{count} images  IDX in .*{tmp_path.name}"
        assert re.search(line, printed, re.MULTILINE)


COMPARE = ["compare", "--dataset", "digits", "--model", "lenet5", "--images", "200"]


def test_compare_prints_draws_and_exports(tmp_path, capsys):
    table, figure, results = (str(tmp_path / name) for name in ("t.csv", "f.png", "results"))
    command = [*COMPARE, "base", "normalisation", "--epochs", "2", "--seeds", "2"]
    command += ["--device", "cpu", "--results", results]
    assert cli.main([*command, "--csv", table, "--figure", figure]) == 0
    printed = capsys.readouterr().out
    assert "normalisation, seed 1:   2/2" in printed
    assert "| normalisation | 2 |" in printed
    assert "lenet5 on digits, 2 epochs, images 200" in printed
    assert (tmp_path / "f.png").stat().st_size > 10_000
    rows = [line for line in (tmp_path / "t.csv").read_text().splitlines() if line[0] != "#"]
    assert len(rows) == 1 + 2 * 2 * 2
    assert cli.main([*command[:-2], "--results", results]) == 0
    assert "seed 1:" not in capsys.readouterr().out  # nothing is done again
    command[command.index("--epochs") + 1] = "3"
    assert cli.main(command) == 1
    assert "epochs: 2 in the results, 3 now" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "name"), [("--csv", "a.csv"), ("--figure", "sub/a.png")])
def test_compare_keeps_its_results_alone(tmp_path, capsys, option, name):
    """Else the same command would be refused the next time."""
    results = tmp_path / "results"
    assert cli.main([*COMPARE, "--results", str(results), option, str(results / name)]) == 1
    assert f"{results} is for results alone" in capsys.readouterr().err
    assert not results.exists()


def test_compare_lists_its_configurations(capsys):
    assert cli.main(["compare", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("base ")
    assert any(line.startswith("momentum ") and "momentum 0.9" in line for line in lines)
    assert cli.main(["compare", "bse"]) == 1
    assert "configuration 'bse': expected one of base" in capsys.readouterr().err
