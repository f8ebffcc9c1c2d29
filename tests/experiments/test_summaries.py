import csv
from dataclasses import asdict, replace

import pytest

from tp_cnn.experiments import summaries
from tp_cnn.experiments.configurations import configure
from tp_cnn.experiments.reference import parse
from tp_cnn.experiments.results import Run
from tp_cnn.training import Measure
from tp_cnn.training.history import History, Row


def make_runs(accuracies, epochs=2):
    """Finished runs of ``{configuration: [accuracy of seed 0, of seed 1, ...]}``."""
    runs = []
    for name, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            run = Run(
                name,
                asdict(configure("base", epochs=epochs, seed=seed)),
                conditions={"train set": "many", "test set": "some", "torch": "2"},
                about={"data": "drawn", "device": "cpu", "date": "2025-01-01"},
                test=Measure(1.0, accuracy),
            )
            run.history = History(
                Row(e, 1.0, 0.5, 1.0, accuracy * e / epochs, 0.1, 3 / epochs)
                for e in range(1, epochs + 1)
            )
            runs.append(run)
    return runs


def test_means_spreads_and_gains_by_seed():
    runs = make_runs({"normalisation": [0.80, 0.84, 0.75], "base": [0.70, 0.72]})
    base, normalisation = summaries.summarise(runs)  # the order of the lab sheet
    assert (base.name, base.gains) == ("base", [])
    assert normalisation.tests == [0.80, 0.84, 0.75]
    assert normalisation.gains == pytest.approx([0.10, 0.12])  # the seeds that both have
    assert normalisation.finals == [0.80, 0.84, 0.75]
    assert normalisation.seconds == [3.0, 3.0, 3.0]
    assert summaries.mean_and_spread(normalisation.tests) == "79.67 ± 4.51"
    assert summaries.mean_and_spread(normalisation.gains, "+") == "+11.00 ± 1.41"
    assert summaries.mean_and_spread([0.5]) == "50.00"


def test_the_best_validation_is_not_the_last_one():
    (run,) = make_runs({"base": [0.7]})
    run.history[0] = replace(run.history[0], validation_accuracy=0.9)
    (summary,) = summaries.summarise([run])
    assert (summary.finals, summary.bests) == ([0.7], [0.9])


def test_unfinished_runs_are_left_out():
    runs = make_runs({"base": [0.7, 0.6]})
    runs[1].test = None
    assert [one.tests for one in summaries.summarise(runs)] == [[0.7]]


def test_mixed_budgets_are_told_apart_and_not_subtracted():
    short = make_runs({"base": [0.5]}, epochs=1)
    runs = [*make_runs({"base": [0.7], "normalisation": [0.8], "mine": [0.6]}), *short]
    names = [(one.name, one.gains) for one in summaries.summarise(runs)]
    assert names == [
        ("base (epochs 2)", []),
        ("base (epochs 1)", []),
        ("normalisation", [pytest.approx(0.1)]),
        ("mine", []),
    ]


def test_the_table_has_a_line_a_configuration():
    text = summaries.table(summaries.summarise(make_runs({"base": [0.7, 0.72], "adam": [0.8]})))
    assert "| base | 2 | 71.00 ± 1.41 |  | 71.00 ± 1.41 | 71.00 ± 1.41 | 3 s |" in text
    assert "| adam | 1 | 80.00 |  |" in text
    assert "standard deviation" in text


def test_a_mixture_is_visible_in_what_is_said_of_it():
    runs = make_runs({"base": [0.7, 0.72]})
    assert "," not in summaries.about(runs)["code"]
    runs[1].conditions["code of recipe.py"] = "changed"
    runs[1].about["device"] = "cuda"
    assert summaries.about(runs)["code"].count("digest ") == 2
    assert summaries.about(runs)["device"] == "cpu, cuda"
    assert summaries.about([]) == {}


def test_csv_is_a_reference_table(tmp_path):
    path = tmp_path / "table.csv"
    runs = make_runs({"base": [0.7, 0.72]})
    summaries.to_csv(runs, path, "tp-cnn compare base")
    table = parse(path.read_text(encoding="utf-8"))
    assert table.about["command"] == "tp-cnn compare base"
    assert table.about["seeds"] == "0, 1"
    assert (
        table.about["budget"] == "cifarnet on cifar10, 2 epochs, all train images, validation 0.1"
    )
    assert table.where(configuration="base", seed=1).history() == runs[1].history
    assert [row["test_accuracy"] for row in table] == ["", 0.7, "", 0.72]
    with path.open(newline="") as file:
        assert len([row for row in csv.reader(file) if not row[0].startswith("#")]) == 5
