"""What the runs of a comparison say: means and spreads over seeds, as a table and as CSV."""

import csv
import hashlib
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tp_cnn.display import markdown_table
from tp_cnn.experiments.comparison import BUDGET_FIELDS
from tp_cnn.experiments.configurations import CONFIGURATIONS
from tp_cnn.experiments.results import Run
from tp_cnn.files import atomic_write
from tp_cnn.training.history import History, Row


@dataclass(frozen=True)
class Summary:
    """The finished runs of one configuration, in the order of their seeds. Accuracies in [0, 1]."""

    name: str
    label: str  # in French, for figures
    runs: list[Run]
    gains: list[float]  # test accuracy minus that of the configuration it starts from, same seed

    @property
    def tests(self) -> list[float]:
        """Test accuracies, each measured once, after the last epoch."""
        return [run.test.accuracy for run in self.runs]

    @property
    def finals(self) -> list[float]:
        """Validation accuracies after the last epoch."""
        return [history[-1].validation_accuracy for history in self.histories]

    @property
    def bests(self) -> list[float]:
        """Validation accuracies after the epoch where they are best."""
        return [history.best().validation_accuracy for history in self.histories]

    @property
    def seconds(self) -> list[float]:
        """Durations of the runs."""
        return [sum(history.seconds) for history in self.histories]

    @property
    def histories(self) -> list[History]:
        return [run.history for run in self.runs]


def summarise(runs: Iterable[Run]) -> list[Summary]:
    """A summary for each configuration that has finished runs, in the order of the lab sheet."""
    done = sorted((run for run in runs if run.test), key=lambda run: run.seed)
    tests = {(run.configuration, _shared(run)): run.test.accuracy for run in done}
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in done:
        groups.setdefault((run.configuration, json.dumps(run.settings)), []).append(run)
    summaries = []
    for (name, _), same in groups.items():
        note = _distinction(same[0], [run for run in done if run.configuration == name])
        known = CONFIGURATIONS.get(name)
        parent = known.parent if known else None
        gains = [
            run.test.accuracy - tests[parent, _shared(run)]
            for run in same
            if (parent, _shared(run)) in tests
        ]
        label = known.label if known else name
        summaries.append(Summary(name + note, label + note, same, gains))
    places = {name: place for place, name in enumerate(CONFIGURATIONS)}
    return sorted(summaries, key=lambda one: places.get(one.runs[0].configuration, len(places)))


def _shared(run: Run) -> tuple:
    """What a run and the one it is compared with have in common: budget and seed."""
    return tuple(run.recipe[key] for key in (*BUDGET_FIELDS, "seed"))


def _distinction(run: Run, namesakes: list[Run]) -> str:
    """How a run differs from others of its name, among mixed results; usually nothing."""
    differing = [
        f"{key} {value}"
        for key, value in run.settings.items()
        if any(other.settings[key] != value for other in namesakes)
    ]
    return f" ({', '.join(differing)})" if differing else ""


def table(summaries: Sequence[Summary]) -> str:
    """The summaries as a Markdown table, with what its columns mean."""
    header = ["configuration", "seeds", "test", "gain", "validation", "best validation", "a run"]
    rows = [
        [
            one.name,
            len(one.runs),
            mean_and_spread(one.tests),
            mean_and_spread(one.gains, sign="+"),
            mean_and_spread(one.finals),
            mean_and_spread(one.bests),
            f"{statistics.mean(one.seconds):.0f} s",
        ]
        for one in summaries
    ]
    return f"""{markdown_table(header, rows)}

Accuracies in %: mean ± standard deviation over the seeds.
test: once a run, after its last epoch; validation: after the last epoch, and after the best one.
gain: in test accuracy over the configuration that this one starts from, seed by seed."""


def mean_and_spread(values: Sequence[float], sign: str = "") -> str:
    """The mean and the standard deviation (n - 1) of accuracies, in percent: ``"81.24 ± 0.31"``."""
    if not values:
        return ""
    mean = f"{100 * statistics.mean(values):{sign}.2f}"
    return mean + (f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else "")


def about(runs: Iterable[Run]) -> dict[str, str]:
    """Where the numbers come from: budget, data, code, device; all the values if several."""
    facts = [
        {
            "budget": _budget(run),
            "data": f"{run.about['data']}; train {run.conditions['train set']}, test "
            f"{run.conditions['test set']}",
            "device": run.about["device"],
            "code": ", ".join(sorted({*map(_code, run.earlier), _code(run.conditions)})),
            "torch": run.conditions["torch"],
            "precision": run.conditions.get("precision", "float32"),
            "date": run.about["date"],
            "seeds": str(run.seed),
        }
        for run in runs
    ]
    keys = facts[0] if facts else []
    return {key: ", ".join(sorted({fact[key] for fact in facts})) for key in keys}


def _budget(run: Run) -> str:
    settings = {**run.recipe, "model": run.conditions.get("model", run.recipe["model"])}
    text = "{model} on {dataset}, {epochs} epochs, images {images}, validation {validation}"
    return text.format(**settings).replace("images 0,", "all train images,")


def _code(conditions: dict) -> str:
    files = sorted(item for item in conditions.items() if item[0].startswith("code of "))
    return "digest " + hashlib.sha256(json.dumps(files).encode()).hexdigest()[:8]


def to_csv(runs: Sequence[Run], path: str | Path, command: str = "tp-cnn compare") -> None:
    """Write one line an epoch of every run, after lines ``# key: value`` on how it was measured.

    The test columns are filled on the last epoch of a run.
    """
    columns = ["configuration", "seed", *(field.name for field in fields(Row))]
    how = {"newline": "", "encoding": "utf-8", "errors": "backslashreplace"}  # names of old disks
    with atomic_write(path) as temporary, temporary.open("w", **how) as file:
        for key, value in {"command": command, **about(runs)}.items():
            file.write(f"# {key}: {value}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, "test_loss", "test_accuracy"])
        for run in runs:
            for row in run.history:
                test = run.test if run.test and row == run.history[-1] else ("", "")
                writer.writerow([run.configuration, run.seed, *asdict(row).values(), *test])
