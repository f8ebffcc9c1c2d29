"""Nothing of a student's runs in a page; our own scripts do."""

import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from tests.grading.invented_class import Reader, hostile_batch, make_batch, write
from tp_cnn.grading import manual
from tp_cnn.grading.html import line
from tp_cnn.grading.model import Mark

HARMFUL = ("iframe", "object", "embed", "link", "base", "form", "math", "xmp", "video", "frame")


def test_no_page_holds_what_a_student_could_run(tmp_path):
    pages = write(hostile_batch(), tmp_path)
    assert len(pages) > 2 * 8
    for path in pages:
        page = Reader(tmp_path / path)
        assert page.tags.count("script") == (0 if path.startswith("feedback") else 1), path
        assert page.tags.count("style") == 1, path
        assert not set(HARMFUL) & set(page.tags), path
        for tag, name, value in page.attributes:
            assert not re.match("on|style|srcdoc|autofocus", name), path
            if name in ("href", "src"):
                safe = r"(\.\./)?[\w-]*/?[\w-]+\.html|#[\w-]+|data:image/png;base64,[A-Za-z0-9+/=]+"
                assert re.fullmatch(safe, value) or (tag, name) == ("a", "href"), value
                assert not re.match(r"\s*(javascript|vbscript|file|data:text)", value, re.I), value


needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")


def dom(page: Path, profile: Path) -> str:
    """The page in Chromium, after its scripts ran; nothing leaves this machine."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--virtual-time-budget=2000", f"--user-data-dir={profile}", page.as_uri()]
    command.insert(1, "--host-resolver-rules=MAP * ~NOTFOUND")
    return subprocess.run(command, capture_output=True, text=True, timeout=600).stdout


def with_script(page: Path, script: str) -> Path:
    """A copy without the policy, so that only the escaping protects, and with one more script."""
    text = re.sub("<meta http-equiv[^>]*>", "", page.read_text(encoding="utf-8"))
    copy = page.with_name("with-script.html")
    copy.write_text(
        text.replace("</body>", f"<script>{{{script}}}</script></body>"), encoding="utf-8"
    )
    return copy


@needs_chromium
@pytest.mark.parametrize(
    "path", ["index.html", "questions/train-test-mesures.html", "feedback/tous.html"]
)
def test_nothing_of_a_student_runs_in_a_browser(tmp_path, path):
    pages = write(hostile_batch(), tmp_path)
    feedback = [text for name, text in pages.items() if name.startswith("feedback")]
    (tmp_path / "feedback/tous.html").write_text("".join(feedback), encoding="utf-8")
    probe = (
        "for (const one of document.querySelectorAll('[tabindex], a')) { one.focus(); }"
        "for (const one of document.querySelectorAll('details')) one.open = true;"
        "document.documentElement.dataset.probed = 1;"
    )
    shown = dom(with_script(tmp_path / path, probe), tmp_path / "profile")
    root = re.search("<html[^>]*>", shown)[0]
    assert "data-probed" in root
    assert "data-hacked" not in root


@needs_chromium
def test_the_policy_lets_our_script_run(tmp_path):
    write(make_batch(students=8), tmp_path)
    index = dom(tmp_path / "index.html", tmp_path / "profile")
    assert "8 sur 8" in index
    assert 'type="button" disabled' not in index
    question = dom(tmp_path / "questions/train-test-mesures.html", tmp_path / "profile")
    assert re.search(r"\d+ sur \d+ notées", question)


@needs_chromium
def test_the_index_sorts_and_filters(tmp_path):
    batch = make_batch(students=8)
    write(batch, tmp_path)
    script = """
const buttons = document.querySelectorAll("th button"), rows = document.querySelector("tbody").rows;
const names = () => [...rows].filter(row => !row.hidden).map(row => row.cells[0].innerText).join();
const root = document.documentElement.dataset;
buttons[2].click(); root.up = names(); buttons[2].click(); root.down = names();
root.sorted = buttons[2].closest("th").getAttribute("aria-sort");
const filter = document.querySelector("#filter");
filter.value = "JSON etudiante"; filter.dispatchEvent(new Event("input")); root.found = names();
"""
    root = re.search(
        "<html[^>]*>", dom(with_script(tmp_path / "index.html", script), tmp_path / "p")
    )
    seen = dict(re.findall(r'data-(\w+)="(.*?)"', root[0]))
    graded = sorted((one for one in batch.outcomes if one.marks), key=lambda one: one.total)
    rest = [line(one.student, 60) for one in batch.outcomes if not one.marks]
    up = [line(one.student, 60) for one in graded]
    assert seen["up"] == ",".join(up + rest)
    assert seen["sorted"] == "descending"
    assert seen["down"].split(",")[0] == up[-1]
    assert seen["down"].endswith(",".join(rest))
    assert seen["found"] == "Étudiante 05"


@needs_chromium
def test_marks_typed_in_the_page_come_out_as_rows_that_are_merged(tmp_path):
    batch = make_batch(students=8)
    for student in batch.outcomes[:2]:
        mark = Mark("train-test-mesures", "train-test-mesures", 3, True, answer=student.id)
        student.marks = [mark]
    batch = replace(batch, outcomes=batch.outcomes[:2])
    write(batch, tmp_path)
    script = """
const marks = document.querySelectorAll(".mark"), texts = document.querySelectorAll("textarea");
const root = document.documentElement.dataset;
const type = (field, text) => {
  field.value = text; field.dispatchEvent(new Event("input", { bubbles: true })); };
const press = key => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
HTMLAnchorElement.prototype.click = function () { root.file = this.download; };
URL.createObjectURL = blob => { blob.text().then(text => root.csv = text); return "#"; };
marks[0].focus(); press("Tab"); root.tab = document.activeElement === marks[1];
marks[0].focus(); press("Enter"); root.enter = document.activeElement === texts[0];
type(marks[0], "9"); document.querySelector("#download").click(); root.refused = !root.file;
type(marks[0], "1.3"); type(texts[0], 'Bien, "sauf" la fin');
root.kept = JSON.stringify(localStorage);
document.querySelector("#download").click();
"""
    page = with_script(tmp_path / "questions/train-test-mesures.html", script)
    root = re.search("<html[^>]*>", dom(page, tmp_path / "profile"), re.DOTALL)[0]
    seen = {key: unescape(text) for key, text in re.findall(r'data-(\w+)="(.*?)"', root, re.DOTALL)}
    assert (seen["tab"], seen["enter"], seen["refused"]) == ("true", "true", "true")
    assert seen["file"] == "manual_marks_train-test-mesures.csv"
    assert "1.3" in seen["kept"]
    (tmp_path / seen["file"]).write_text(seen["csv"], encoding="utf-8")
    rows, _ = manual.gather(tmp_path)
    assert manual.apply(rows, batch.outcomes) == []
    mark = batch.outcomes[0].marks[0]
    assert (mark.manual, mark.comment) == (1.3, 'Bien, "sauf" la fin')
    assert batch.outcomes[1].marks[0].manual is None
