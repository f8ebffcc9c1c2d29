import pytest

from tp_cnn.errors import CourseError
from tp_cnn.experiments import reference
from tp_cnn.experiments.configurations import CONFIGURATIONS
from tp_cnn.training.history import History

TEXT = """\
# command: python benchmarks/some.py
# note: a colon: stays
seed,epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,seconds
0,1,2.3,0.1,2.31,0.1,0.1,8.5
0,2,2.1,0.2,2.2,0.15,0.1,8
1,1,2.3,0.1,2.3,0.12,0.1,9
"""


def test_a_table_says_how_it_was_measured_and_gives_the_runs_as_histories():
    table = reference.parse(TEXT)
    assert table.about == {"command": "python benchmarks/some.py", "note": "a colon: stays"}
    assert repr(table).splitlines()[1] == "mesure : a colon: stays"
    history = table.where(seed=0).history()
    assert isinstance(history, History)
    assert history.epoch == [1, 2]
    assert history.best().validation_accuracy == 0.15


def test_an_unknown_table_is_refused():
    with pytest.raises(CourseError, match=r"'cifar'.*cifar10_grid\.csv"):
        reference.load("cifar")


@pytest.mark.parametrize("name", ["cifar10_grid", "cifar10_base", "cifar10_counts"])
def test_shipped_tables_can_be_traced(name):
    table = reference.load(name)
    assert {"command", "machine", "data", "date", "seeds"} <= table.about.keys()
    assert "/" not in table.about["machine"]
    assert len(table) > 0


def test_the_shipped_grid_is_whole():
    grid = reference.load("cifar10_grid")
    for rate in (0.1, 0.01, 0.001):
        for size in (32, 128, 512):
            run = grid.where(learning_rate=rate, batch_size=size).history()
            assert run.epoch == [1, 2, 3, 4, 5]
            assert all(0 <= accuracy <= 1 for accuracy in run.validation_accuracy)


def test_the_shipped_base_runs_overfit():
    base = reference.load("cifar10_base")
    run = base.where(seed=0).history()
    assert run.train_accuracy[-1] - run.validation_accuracy[-1] > 0.1
    assert min(run.validation_loss) < run.validation_loss[-1]


def test_the_shipped_improvements_hold_finished_runs_of_known_configurations():
    table = reference.load("cifar10_improvements")
    assert {"command", "budget", "data", "device", "date", "seeds"} <= table.about.keys()
    assert "base" in {row["configuration"] for row in table}
    for name, seed in {(row["configuration"], row["seed"]) for row in table}:
        assert name in CONFIGURATIONS
        rows = table.where(configuration=name, seed=seed)
        assert rows.history().epoch == list(range(1, len(rows) + 1))
        tests = [row["test_accuracy"] for row in rows]
        assert tests[:-1] == [""] * (len(rows) - 1)
        assert 0 < tests[-1] < 1
