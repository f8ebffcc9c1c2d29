"""The pages of documentation: their links lead somewhere, their commands are understood."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tp_cnn import cli

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "data/README.md", *(ROOT / "docs").glob("*.md")]
CODE = re.compile(r"```.*?```|(?:^    .*\n)+|`[^`]+`", re.DOTALL | re.MULTILINE)


def commands(text):
    """What follows `tp-cnn` in each command shown: blocks of code, and lines within the text."""
    code = [block for block in CODE.findall(text) if not block.startswith("```python")]
    lines = [line for block in code for line in block.strip("`").splitlines()]
    shown = [re.search(r"^(?:\s*|.*[\s/])tp-cnn (?=[a-z])(.*)", line) for line in lines]
    return [found[1] for found in shown if found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_understood(page):
    for line in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line.replace(" ...", ""), comments=True)
        if len(words) == 1:  # a mention, such as `tp-cnn grade`
            words.append("--help")
        try:
            cli._parser().parse_args(words)
        except SystemExit as ended:
            if ended.code:
                pytest.fail(f"tp-cnn {line}")


def test_commands_are_found():
    page = (
        "`tp-cnn data status`\n```\nA=1 .venv/bin/tp-cnn run 03  # note\npip install tp-cnn\n```\n"
    )
    assert commands(page) == ["data status", "run 03  # note"]


def test_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 130


def test_the_workflow_calls_what_the_readme_says():
    readme = README.read_text(encoding="utf-8")
    workflow = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    calls = re.findall(r"- run: (.+)", workflow)
    assert len(calls) == 3
    assert all(call == ".ci/run" or call in readme for call in calls)


def test_ci_tests_as_the_readme_says():
    (line,) = re.findall(
        r"^(python3 -m venv .*\S) +# tests$", README.read_text("utf-8"), re.MULTILINE
    )
    assert line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_the_last_cell_of_a_notebook_writes_the_report(path):
    """As the page of the students says."""
    last = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][-1]["source"])
    assert f'report.from_notebook("{path.stem}"' in last
