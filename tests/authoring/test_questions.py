"""The index of questions and the README's table."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tp_cnn.authoring.questions import (
    BEGIN,
    END,
    as_json,
    as_table,
    questions,
    update_readme,
    updated_readme,
)
from tp_cnn.authoring.source import project_root, read_sources
from tp_cnn.errors import CourseError


def test_rows(course):
    rows = questions(course)
    assert rows[1] == {
        "number": "2",
        "id": "poids",
        "kind": "calcul",
        "star": False,
        "bonus": True,
        "points": 1,
        "notebook": "01_exemple",
        "title": "Nombre de poids",
    }
    assert json.loads(as_json(rows)) == rows
    table = as_table(rows).splitlines()
    assert len(table) == 1 + len(rows)
    assert table[4].split() == ["-", "largeur", "experience", "0.5", "01_exemple", "Largeur"]


def test_readme(course):
    readme = course / "README.md"
    readme.write_text("# Titre\n\nSans place.\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"README.md: expected a line <!-- notebooks -->"):
        update_readme(course)
    readme.write_text(f"# Titre\n\n{BEGIN}\nancien\n{END}\n\nfin\n", encoding="utf-8")
    assert update_readme(course)
    text = readme.read_text(encoding="utf-8")
    assert "[`01_exemple`](notebooks/01_exemple.ipynb) | Un exemple | 10 min | 4 |" in text
    assert "ancien" not in text
    assert text.startswith("# Titre\n\n")
    assert text.endswith("\n\nfin\n")
    assert not update_readme(course)


def test_readme_of_the_course_is_up_to_date():
    root = project_root(Path(__file__).parent)
    readme = root / "README.md"
    if not readme.exists() or BEGIN not in readme.read_text(encoding="utf-8"):
        pytest.skip("the README has no table of notebooks")
    assert updated_readme(root) == readme.read_text(encoding="utf-8")


def test_the_points_at_the_head_of_a_notebook_are_those_of_its_questions():
    said = {
        source.name: re.search(r"\*\*Barème :\*\* ([\d,]+) points", source.cells[0].text)
        for source in read_sources()
    }
    totals = Counter()
    for row in questions():
        totals[row["notebook"]] += row["points"]
    told = {name: float(match[1].replace(",", ".")) for name, match in said.items() if match}
    assert {"01_convolution", "03_lenet_mnist"} <= set(told)
    assert told == {name: totals[name] for name in told}
