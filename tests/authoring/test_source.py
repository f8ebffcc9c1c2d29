"""Reading a source: what it holds, what is refused and with which message."""

import jupytext
import pytest

from tp_cnn.authoring.source import project_root, read_source, read_sources, select
from tp_cnn.errors import CourseError


def test_questions_and_their_cells(example):
    source = read_source(example)
    assert (source.number, source.title, source.duration) == ("01", "Un exemple", "10 min")
    first = source.questions[0]
    assert (first.id, first.number, first.kind, first.star, first.bonus) == (
        ("taille", "1", "code", True, False)
    )
    assert first.title == "Taille de la sortie"
    assert [cell.role for cell in first.cells] == ["question", "hint", "hint", "answer", "test"]
    assert [question.points for question in source.questions] == [2, 1, 3, 0.5]
    assert source.questions[2].number is None


def test_identifiers(example):
    assert {"taille-enonce", "taille-indice-2", "taille", "taille-test"} <= _ids(example).keys()


def test_identifier_of_a_plain_cell_does_not_depend_on_its_place(tmp_path, example):
    title = "# %% [markdown]\n# ## Première partie\n"
    text = example.read_text(encoding="utf-8")
    changed = tmp_path / "01_exemple.py"
    changed.write_text(text.replace(title, "# %%\n1 + 1\n\n" + title + "\n" + title), "utf-8")
    before = [id for id, text in _ids(example).items() if text == "## Première partie"]
    after = [id for id, text in _ids(changed).items() if text == "## Première partie"]
    assert len(before) == 1
    assert len(after) == 2
    assert after[0] == before[0]


def _ids(path):
    return {cell.id: cell.text for cell in read_source(path).cells}


def test_jupytext_opens_the_source_and_writes_it_back(example):
    notebook = jupytext.read(example)
    assert notebook.cells[4].metadata["question"] == "taille"
    assert notebook.cells[8].metadata["points"] == 2
    text = example.read_text(encoding="utf-8")
    notebook.metadata["jupytext"]["notebook_metadata_filter"] = "-all"  # as in jupytext.toml
    assert jupytext.writes(notebook, fmt="py:percent") == text


HINTS = '# %% [markdown] hint="taille"\n# Comptez les positions.\n'
TEST = """\
# %% test="poids-test" points=1
print("À faire" if weights is ... else "Juste")
### BEGIN HIDDEN TESTS
1 if weights == 76 else 0
### END HIDDEN TESTS
"""
ANSWER = '# %% answer="poids"\nweights = 5 * 5 * 3 + 1  # of one filter  # SOLUTION\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('test="poids-test"', 'test="taille-test"', "'taille-test' is already taken at"),
        ('answer="poids"', 'answer="taille"', "'taille' is already taken at"),
        ('test="poids-test" points=1', 'test="poids-test"', "has points=None; write a positive"),
        ("points=2", "points=0", "has points=0; write a positive"),
        ("points=2", 'points="2"', "has points='2'; write a positive"),
        ('-texte" points=3', '-texte"', "answer 'avantages-texte' has points=None"),
        ('answer="poids"', 'answer="poids" points=1', "belong to its test cell"),
        (TEST, "", "blank 'poids' has no test"),
        (ANSWER, "", "question 'poids' has no blank"),
        ("# ### BEGIN MARK SCHEME", "#", "unpaired '### END MARK SCHEME'"),
        (HINTS, "", "question 'taille' has 1 hints; a question of kind code takes two"),
        (HINTS, 3 * HINTS, "has 4 hints"),
        ('hint="poids"', 'hint="taille"', "under question 'poids'"),
        ('kind="code"', 'kind="codes"', "kind 'codes', expected one of code, calcul"),
        (' kind="code"', "", "kind None, expected one of"),
        ("star=true", "stars=true", "unknown marker 'stars' on this cell; did you mean 'star'?"),
        ("star=true", "star=1", "star=1, expected true or false"),
        ('# %% answer="taille"', '# %% anwser="taille"', "did you mean 'answer'?"),
        ('# %% answer="taille"', "# %% answer=1", 'write answer="identifier", got 1'),
        ('# %% answer="taille"', '# %% answer="taille" test="t"', "markers ['answer', 'test']"),
        (
            '# %% [markdown] hint="taille"',
            '# %% hint="taille"',
            "a hint cell is markdown, not code",
        ),
        ('test="taille-test"', 'test="l\'été"', "expected at most 64 characters"),
        ('test="taille-test"', f'test="{65 * "a"}"', "expected at most 64 characters"),
        ("# ### Taille de la sortie\n", "", "must begin with a heading"),
        ("### Taille de", "### Question 1 : taille de", "must begin with a heading"),
        ("# %% [markdown]\n# # 01. Un", "# # 01. Un", "begin each cell, the first one too"),
        (
            "# 01. Un exemple",
            "# 02. Un exemple",
            "must be markdown and hold the lines '# 01. Titre'",
        ),
        ("**Prérequis :**", "Prérequis :", "**Prérequis :** …"),
        ("# %%\n# ruff", "# %% [raw]\n# ruff", "not raw"),
        ("    last_position = n - k\n", "    last_position = n -\n", "no valid Python"),
        ("width = 3", "### BEGIN SOLUTION\nwidth = 3", "expected no such marker"),
    ],
)
def test_refused(tmp_path, example, old, new, message):
    text = example.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "01_exemple.py"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CourseError) as error:
        read_source(path)
    assert message in str(error.value)
    assert f"{tmp_path.name}/01_exemple.py" in str(error.value)


@pytest.mark.parametrize("marker", ['answer="q"', 'test="q" points=1', '[markdown] hint="q"'])
def test_nothing_before_the_first_question(tmp_path, example, marker):
    body = "# texte" if "hint" in marker else "x = 1"
    text = example.read_text(encoding="utf-8")
    path = tmp_path / "01_exemple.py"
    path.write_text(
        text.replace("# %% parameters=true", f"# %% {marker}\n{body}\n\n# %% parameters=true"),
        encoding="utf-8",
    )
    with pytest.raises(CourseError, match=r"exemple.py:10: .* before any question"):
        read_source(path)


def test_two_notebooks_share_no_question(course):
    text = (course / "solutions" / "01_exemple.py").read_text(encoding="utf-8")
    (course / "solutions" / "02_suite.py").write_text(text.replace("# 01.", "# 02."), "utf-8")
    with pytest.raises(CourseError, match=r"02_suite.py:\d+: question 'taille' already stands at"):
        read_sources(root=course)


def test_names(course):
    paths = [course / f"{name}.py" for name in ("01_exemple", "03_lenet_mnist")]
    assert select(paths, ["3"]) == select(paths, ["03_lenet_mnist"]) == [paths[1]]
    assert select(paths, None) == paths
    with pytest.raises(CourseError, match="'lenet'; known: 01_exemple, 03_lenet_mnist"):
        select(paths, ["lenet"])


def test_project_root(course, tmp_path_factory):
    assert project_root(course / "solutions") == course.resolve()
    with pytest.raises(CourseError, match="no course here"):
        project_root(tmp_path_factory.mktemp("elsewhere"))


def test_parameters_for_grading(tmp_path, example):
    text = example.read_text(encoding="utf-8")
    path = tmp_path / "01_exemple.py"
    path.write_text(text.replace("parameters=true", 'parameters=true grading="epochs=1"'), "utf-8")
    (cell,) = [cell for cell in read_source(path).cells if cell.role == "parameters"]
    assert cell.options["grading"] == "epochs=1"
    path.write_text(text.replace("parameters=true", 'parameters=true grading="epochs 1"'), "utf-8")
    with pytest.raises(CourseError, match="expected parameters such as"):
        read_source(path)
