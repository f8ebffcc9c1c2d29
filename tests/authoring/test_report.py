"""The students' report, from the course's own notebooks: empty, solved, half filled, hostile."""

import base64
import io
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from PIL import Image

from tp_cnn import cli, display
from tp_cnn.authoring import report, report_page, run
from tp_cnn.authoring.pages.markdown import formula, to_html
from tp_cnn.authoring.pages.pictures import element
from tp_cnn.authoring.report_notebook import REMARKS_PLACEHOLDER, WORST_FIRST, read_notebook
from tp_cnn.authoring.source import project_root, read_sources
from tp_cnn.checks.engine.framework import LABELS
from tp_cnn.commands import report as commands_report
from tp_cnn.errors import CourseError

ROOT = project_root()
UNFILLED = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLVED = sorted((ROOT / "solutions").glob("0[1345]_*.ipynb"))  # those of the lab sheet
LENET = ROOT / "notebooks" / "03_lenet_mnist.ipynb"
LENET_SOLVED = ROOT / "solutions" / "03_lenet_mnist.ipynb"
CIFAR_SOLVED = ROOT / "solutions" / "04_cifar10.ipynb"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def edit(source, target, **sources):
    """Copy a notebook, with other text in the cells whose identifier is given, « - » as « _ »."""
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        cell.source = sources.get(cell.id.replace("-", "_"), cell.source)
    nbformat.write(notebook, target)
    return target


def verdict(status):
    """What a check shows in a notebook."""
    return nbformat.v4.new_output(
        "display_data", {"text/plain": LABELS[status]}, metadata={display.KEY: {"status": status}}
    )


def write(paths, folder, **options):
    """Write the report of ``paths``; return its HTML."""
    report.write(report.read(paths, **options), folder / "out.html")
    return (folder / "out.html").read_text(encoding="utf-8")


def references(page):
    return re.findall(r"<h3>(Q[\d.]+)", page)


# -- reading


@pytest.mark.parametrize("path", UNFILLED, ids=lambda path: path.stem)
def test_nothing_is_answered_in_a_students_edition(path):
    """Every placeholder of every blank is recognised."""
    notebook = read_notebook(path)
    filled = [entry.id for entry in notebook.entries if not entry.empty]
    assert filled == []
    assert not notebook.executed
    assert not notebook.remarks


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_all_is_answered_and_right_in_a_solution(path):
    notebook = read_notebook(path)
    assert [entry.id for entry in notebook.entries if not entry.complete] == []
    assert {entry.verdict for entry in notebook.entries if entry.verdict} == {"right"}
    assert notebook.executed
    shown = [entry for entry in notebook.entries if entry.kind == "experience" and entry.shown]
    assert shown


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_the_questions_read_are_those_of_the_source(path):
    (source,) = read_sources([path.stem], ROOT)
    found = read_notebook(path)
    keys = ("id", "number", "kind", "star", "title")
    assert [[getattr(entry, key) for key in keys] for entry in found.entries] == [
        [getattr(question, key) for key in keys] for question in source.questions
    ]
    assert (found.number, found.title) == (source.number, source.title)


def test_every_status_of_a_check_is_known():
    assert {*LABELS, "unknown"} == set(WORST_FIRST)


def test_an_experiment_has_the_figures_of_its_section_and_not_the_verdicts():
    entries = {entry.id: entry for entry in read_notebook(CIFAR_SOLVED).entries}
    assert [shown.kind for shown in entries["pas-et-lots"].shown].count("figure") == 2
    assert [shown.kind for shown in entries["cifar-convergence"].shown] == ["figure", "record"]
    assert "figure" in [shown.kind for shown in entries["surapprentissage"].shown]
    assert [shown.kind for shown in entries["sac-ou-reseau"].shown].count("table") == 2
    assert not any("Juste" in s.content for entry in entries.values() for s in entry.shown)


def test_a_half_filled_notebook(tmp_path):
    path = edit(
        LENET,
        tmp_path / "mien.ipynb",
        lenet_construire="def build_lenet5():\n    return padded[..., 0]",
        tableau_1998="lenet5_mistakes = 95\nfewer_than_lenet4 = ...",
        lenet_poids="weights_by_layer = [1,",
        train_test_mesures="Les poids changent.",
        decalage_robustesse="  \n",
    )
    notebook = nbformat.read(path, as_version=4)
    check = next(cell for cell in notebook.cells if cell.id == "tableau-1998-test")
    check.outputs = [verdict("right")]
    nbformat.write(notebook, path)
    found = report.read([path]).entries
    complete = [entry.id for entry in found if entry.complete]
    assert complete == ["train-test-mesures", "lenet-construire", "lenet-poids"]
    missing = report.unanswered(found)
    assert [entry.id for entry in missing["inachevées"]] == ["tableau-1998"]
    assert "decalage-robustesse" in [entry.id for entry in missing["sans réponse"]]
    page = write([path], tmp_path)
    assert references(page) == ["Q14"]
    assert "Les poids changent." in page
    assert (
        'Sans réponse : Q13, 13 sans numéro.</p>\n<p class="missing">Inachevées : 1 sans numéro.'
        in page
    )
    assert page.count("Non exécutée") == 3


def test_checks_of_saved_outputs(tmp_path):
    notebook = nbformat.read(LENET, as_version=4)
    said = {
        "lenet-construire-test": "wrong",
        "lenet-poids-test": "right",
        "taux-erreur-test": "todo",
    }
    for cell in notebook.cells:
        if cell.id in said:
            cell.outputs = [verdict(said[cell.id])]
        if cell.id == "decalage-test":
            cell.outputs = [nbformat.v4.new_output("error", ename="NameError", evalue="x")]
    nbformat.write(notebook, tmp_path / "n.ipynb")
    entries = {entry.id: entry.verdict for entry in read_notebook(tmp_path / "n.ipynb").entries}
    assert entries["lenet-construire"] == entries["decalage"] == "wrong"
    assert entries["lenet-poids"] == "right"
    assert entries["taux-erreur"] == "todo"
    assert entries["paire-confondue"] == "unknown"
    assert entries["fashion"] == ""
    page = write([tmp_path / "n.ipynb"], tmp_path)
    assert "1 juste, 2 à revoir, 1 à faire, 5 non exécutées" in page


def test_questions_are_known_by_nbgraders_identifier_where_editors_drop_the_cells_own(tmp_path):
    notebook = nbformat.read(LENET_SOLVED, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"other-{number}"
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert len(read_notebook(tmp_path / "n.ipynb").entries) == 18


def mistreated(path, change):
    """The notebook 03, solved but for what ``change`` does to its cells by identifier."""
    notebook = nbformat.read(LENET_SOLVED, as_version=4)
    notebook.cells = change({cell.id: cell for cell in notebook.cells})
    nbformat.write(notebook, path)
    return path


def taken_out(cells, name, *instead):
    return [new for cell in cells.values() for new in (instead if cell.id == name else [cell])]


@pytest.mark.parametrize("name", ["decalage-robustesse", "lenet-construire"])
def test_a_question_whose_cell_is_gone_is_told(tmp_path, name):
    path = mistreated(tmp_path / "n.ipynb", lambda cells: taken_out(cells, name))
    found = report.read([path])
    assert len(found.entries) == 18
    ((title, missing),) = report.unanswered(found.entries).items()
    assert [entry.id for entry in missing] == [name]
    assert f"{title} (1)" in report.summary(found)


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("name", ["decalage-robustesse", "lenet-construire"])
def test_an_answer_rewritten_in_a_cell_without_identifier_is_kept(tmp_path, name, ids):
    """As when a cell is cut and pasted in VS Code, or typed anew."""

    def change(cells):
        new = nbformat.v4.new_markdown_cell if name[0] == "d" else nbformat.v4.new_code_cell
        changed = taken_out(cells, name, new("Ma réponse ailleurs."))
        for number, cell in enumerate(() if ids else changed):
            cell.id = f"other-{number}"
        return changed

    path = mistreated(tmp_path / "n.ipynb", change)
    assert "Ma réponse ailleurs." in write([path], tmp_path)
    entries = {entry.id: entry for entry in report.read([path]).entries}
    assert all(entry.complete and len(entry.answers) <= 3 for entry in entries.values())
    assert [answer.source for answer in entries[name].answers] == ["Ma réponse ailleurs."]


def test_answers_are_found_where_an_editor_dropped_identifiers_and_metadata(tmp_path):
    path = edit(LENET, tmp_path / "n.ipynb", decalage_robustesse="Là.", lenet_construire="net = 1")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id")
    notebook.nbformat_minor = 4
    nbformat.write(notebook, path)
    found = report.read([path])
    assert len(found.entries) == 18
    filled = {entry.id: entry.answers for entry in found.entries if not entry.empty}
    assert {name: [one.source for one in answers] for name, answers in filled.items()} == {
        "decalage-robustesse": ["Là."],
        "lenet-construire": ["net = 1"],
    }


def test_an_answer_continued_in_a_cell_below_is_whole(tmp_path):
    def change(cells):
        below = [
            nbformat.v4.new_markdown_cell("La suite."),
            nbformat.v4.new_code_cell("an_experiment = 1"),
        ]
        return taken_out(cells, "decalage-robustesse", cells["decalage-robustesse"], *below)

    page = write([mistreated(tmp_path / "n.ipynb", change)], tmp_path)
    assert "La suite." in page
    assert "an_experiment" not in page


def test_code_typed_below_its_blank_is_shown_though_the_check_says_right(tmp_path):
    def change(cells):
        cells["lenet-construire"].source = "def build_lenet5():\n    return ..."
        own = nbformat.v4.new_code_cell("def build_lenet5():\n    return mine")
        return taken_out(cells, "lenet-construire", cells["lenet-construire"], own)

    path = mistreated(tmp_path / "n.ipynb", change)
    entries = {entry.id: entry for entry in read_notebook(path).entries}
    assert entries["lenet-construire"].verdict == "right"
    assert "return mine" in write([path], tmp_path)


def test_the_account_is_kept_wherever_it_was_typed(tmp_path):
    def change(cells):
        *others, guide, blank, call = cells.values()
        guide.source += "\n\nSous le titre."
        blank.cell_type = "code"  # as when a key is hit by mistake
        blank.source = "Dans du code."
        blank.outputs, blank.execution_count = [], None
        call.source = call.source.replace("[]", '["Ada"]')
        return [*others, guide, blank, call]

    path = mistreated(tmp_path / "n.ipynb", change)
    assert [one.source for one in read_notebook(path).remarks] == [
        "Sous le titre.",
        "Dans du code.",
    ]
    page = write([path], tmp_path)
    assert "Sous le titre." in page
    assert "Dans du code." in page
    assert "Écrivez votre bilan" not in page


# -- order and references


def test_order_of_the_sheet_and_references(tmp_path):
    page = write([CIFAR_SOLVED, LENET_SOLVED], tmp_path)
    expected = (
        "Q8 Q9 Q10.1 Q10.2 Q11 Q12.1 Q12.2 Q12.3 Q13 Q14 Q15.1 Q15.2 Q15.3 Q16 Q17.1 Q17.2 Q18"
    )
    assert references(page) == expected.split()
    assert page.index("03 · LeNet-5") < page.index("04 · Un réseau")  # the progress of each
    assert page.index("Q18") < page.index("Questions sans numéro") < page.index("Lire des filtres")


def test_the_follow_up_has_the_starred_answers_then_the_comments(tmp_path):
    notebook = nbformat.read(LENET_SOLVED, as_version=4)
    notebook.cells += [
        nbformat.v4.new_markdown_cell("## Votre compte rendu"),
        nbformat.v4.new_markdown_cell("Tout va, sauf $\\eta$."),
        nbformat.v4.new_markdown_cell(REMARKS_PLACEHOLDER),
    ]
    nbformat.write(notebook, tmp_path / "03.ipynb")
    page = write([tmp_path / "03.ipynb", CIFAR_SOLVED], tmp_path, follow_up=True)
    assert references(page) == ["Q10.1", "Q10.2", "Q14", "Q16", "Q18"]
    assert page.index("<h3>Q18") < page.index("Tout va, sauf")
    assert "<img" not in page
    assert "16 sur 16" in page
    full = write([tmp_path / "03.ipynb", CIFAR_SOLVED], tmp_path)
    assert full.index("Tout va, sauf") < full.index("<h3>Q8")


# -- the page


def test_the_page_stands_alone_and_runs_nothing(tmp_path):
    page = write(SOLVED, tmp_path)
    assert page.count('src="data:image/') > 10
    assert not re.search(r"""(src|href|action|data)\s*=\s*["']?(https?:|//|file:)""", page)
    assert not re.search(r"@import|url\(|<script|<link|<iframe", page)
    assert "default-src 'none'" in page
    assert len(page) < 2_500_000


HOSTILE = """<script>alert(1)</script> <img src=x onerror=alert(2)> <b onclick="alert(3)">gras</b>
</article></main><style>body{display:none}</style>

[lien](javascript:alert(4)) [autre](data:text/html;base64,xx) ![suivi](https://espion.example/p.png)

<iframe src="https://espion.example"></iframe> <svg onload=alert(5)>
<math href="javascript:alert(6)"> <a href="https://exemple.fr/$\\text{a}$">y</a>

$\\href{javascript:alert(7)}{x}$ $\\text{<script>alert(8)</script>}$ $\\class{a" onload="b}{x}$

```mermaid
</pre><script>alert(9)</script>
```"""


def test_scripts_are_neutralised_everywhere(tmp_path):
    path = edit(
        LENET, tmp_path / "n.ipynb", train_test_mesures=HOSTILE, lenet_poids="</pre><script>"
    )
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "# 03. <script>titre</script>"
    cell = next(cell for cell in notebook.cells if cell.source.startswith("plots.curves"))
    hostile = {"text/html": "<script>x</script>", "text/plain": "</pre><script>y</script>"}
    image = {"image/png": '"><script>z</script>'}
    table = {"text/markdown": "| a |\n|---|\n| <script>t</script> |", "text/plain": ""}
    cell.outputs = [
        nbformat.v4.new_output("display_data", data) for data in (hostile, image, table)
    ]
    answer = next(cell for cell in notebook.cells if cell.id == "lenet-apprentissage")
    answer.source = "Lu."
    nbformat.write(notebook, path)
    page = write([path], tmp_path, authors=['<script>"; } * { display: none } /*'])
    assert not re.search(r"<(script|iframe|svg|object|embed|form|meta http-equiv=.?refresh)", page)
    assert page.count("<style>") == 1
    tags = re.findall(r"<[a-zA-Z][^>]*>", page)
    assert not [tag for tag in tags if re.search(r"\son\w+\s*=|javascript:|espion|data:text", tag)]
    assert "* { display: none }" not in page.split("<style>")[1].split("</style>")[0]
    assert "figure illisible" in page
    assert "gras" in page
    assert not re.search("[\ue000\ue001]", page)


def test_formulas_are_mathml_or_stay_readable():
    assert "<mfrac>" in to_html(r"$\left\lfloor\frac{n+2p-k}{s}\right\rfloor+1$")
    assert "⌊" in to_html(r"$\left\lfloor\frac{n}{s}\right\rfloor$")
    assert to_html(r"$$\begin{aligned}a&=b\\c&=d\end{aligned}$$").count("<mtr>") == 2
    assert formula(r"\log 10") != formula(r"\log10")  # a space between them
    assert formula(r"\frac{") == r"<code>$\frac{$</code>"
    assert "<code>" in formula("{" * 1000)
    assert "<code>" in formula("x" * 3000)


def test_pictures_are_made_small_and_pasted_ones_kept():
    noise = Image.effect_noise((2000, 1000), 80)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    html = element(encoded)
    assert 'width="1000" height="500"' in html
    assert "image/jpeg" in html
    assert len(html) < len(encoded) / 3
    pasted = to_html("![](attachment:ma%20figure.png)", {"ma figure.png": {"image/png": encoded}})
    assert pasted.count("<img src=") == 1
    assert "image absente" in to_html("![](figures/a.png)")
    assert element("AAAA") == ""


@pytest.mark.parametrize(
    "written",
    [
        "![]({})",
        '<img src="{}" width="300"/>',
        "<div>\n<img alt='x' src='{}'>\n</div>",
        "![x][un]\n\n[un]: <{}>",
    ],
)
def test_pictures_that_the_text_holds_itself_are_shown_and_missing_ones_told(tmp_path, written):
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(buffer, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    for source, shown in ((address, '<img src="data:image/png'), ("photo.png", "[image absente")):
        text = f"Voici : {written.format(source)}"
        path = edit(LENET, tmp_path / "n.ipynb", decalage_robustesse=text)
        assert shown in write([path], tmp_path)


def test_names_and_date(tmp_path):
    page = write([LENET], tmp_path, authors=["Zoé D'Arc", " ", "Léo"], day="01/02/2026")
    assert "Zoé D&#39;Arc et Léo" in page
    assert "1er février 2026" in page
    assert 'class="blank"' not in page
    assert 'class="blank"' in write([LENET], tmp_path)


# -- length


@pytest.fixture(scope="module")
def lengthened():
    """A function that reads solutions with free answers ``factor`` times as long."""

    def read(paths, factor):
        found = report.read(paths)
        for entry in found.entries:
            for answer in entry.answers:
                if answer.type == "markdown":
                    answer.source = "\n\n".join([answer.source] * factor)
        return found

    return read


def print_pages(html, folder):
    """The number of pages that Chromium prints."""
    (folder / "page.html").write_text(html, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'user'}"]
    target = [f"--print-to-pdf={folder / 'page.pdf'}", (folder / "page.html").as_uri()]
    subprocess.run([CHROMIUM, *options, *target], check=True, capture_output=True, timeout=600)
    return len(re.findall(rb"/Type\s*/Page\b", (folder / "page.pdf").read_bytes()))


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.mark.slow
@needs_chromium
def test_all_notebooks_answered_print_on_ten_pages(tmp_path):
    page = report_page.build(report.read(SOLVED, ["Ada Lovelace", "Blaise Pascal"]))
    printed = print_pages(page.html, tmp_path)
    assert 1 < printed <= report_page.MOST_PAGES[False]
    assert abs(page.pages - printed) < 1.5
    follow_up = report_page.build(report.read(SOLVED, follow_up=True))
    assert print_pages(follow_up.html, tmp_path) <= 4


@needs_chromium
@pytest.mark.parametrize("factor", [2, 4])
def test_the_estimate_follows_the_browser(tmp_path, lengthened, factor):
    page = report_page.build(lengthened(SOLVED[-2:], factor))
    printed = print_pages(page.html, tmp_path)
    assert 0.8 * printed <= page.pages <= 1.25 * printed + 0.5


def test_too_long_is_said_on_screen_with_advice(lengthened):
    page = report_page.build(lengthened(SOLVED, 8))
    assert page.pages > 10
    assert "C'est trop" in page.note
    assert '<p class="too-long screen">environ' in page.html
    assert re.search(r"les plus longues, Q\d", page.note)
    assert "ne s'impriment pas" in page.note
    assert "too-long screen" not in report_page.build(report.read([LENET_SOLVED])).html


# -- the command


def test_the_command_says_what_is_missing_then_writes(tmp_path, capsys):
    target = tmp_path / "new" / "rendu.html"
    command = ["report", str(LENET), str(CIFAR_SOLVED), "-o", str(target), "--name", "Ada"]
    assert cli.main([*command, "--date", "2026-03-01"]) == 0
    said = capsys.readouterr().out
    assert "03_lenet_mnist.ipynb : 0 question sur 18" in said
    assert "aucune cellule exécutée" in said
    assert "sans réponse (18) : Q13, Q14 ★, « Construire LeNet-5 »," in said
    assert "04_cifar10.ipynb : 16 questions sur 16" in said
    assert "bilan vide" in said
    assert said.index("sans réponse") < said.index(f"{target} : environ")
    assert "1er mars 2026" in target.read_text(encoding="utf-8")
    assert cli.main([*command, "--follow-up"]) == 0
    said = capsys.readouterr().out
    assert "sans réponse (1) : Q14 ★\n" in said
    assert [path.name for path in target.parent.iterdir()] == ["rendu.html"]


def test_patterns_are_expanded_where_the_shell_does_not(tmp_path, capsys):
    shutil.copy(LENET, tmp_path)
    assert cli.main(["report", f"{tmp_path}/*.ipynb", "-o", str(tmp_path / "a.html")]) == 0
    assert (tmp_path / "a.html").exists()


# Its identifier is not drawn: a test's name holds it, and all of pytest's workers must agree.
OTHER_CELL = nbformat.v4.new_code_cell("1 + 1", id="somme")
OTHER = nbformat.writes(nbformat.v4.new_notebook(cells=[OTHER_CELL]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"cells": [', "n'est pas un notebook lisible"),
        ("", "n'est pas un notebook lisible"),
        ("[1, 2]", "n'est pas un notebook lisible"),
        ("%PDF-1.4", "n'est pas un notebook lisible"),
        ('{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "lisible"),
        (OTHER, "n'est pas un notebook de ce cours : aucune question"),
        (None, "n'existe pas : donnez un ou plusieurs notebooks"),
    ],
)
def test_what_is_no_notebook_of_the_course_is_refused(tmp_path, content, message, capsys):
    path = tmp_path / "rendu é.ipynb"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert cli.main(["report", str(path), "-o", str(tmp_path / "a.html")]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "rendu é.ipynb" in said
    assert not (tmp_path / "a.html").exists()


def test_other_refusals(tmp_path):
    shutil.copy(LENET, tmp_path / "copie.ipynb")
    with pytest.raises(CourseError, match="deux copies du même notebook"):
        report.read([LENET, tmp_path / "copie.ipynb"])
    assert len(report.read([LENET, LENET]).notebooks) == 1
    with pytest.raises(CourseError, match="est un dossier"):
        report.read([tmp_path])
    with pytest.raises(CourseError, match="date 'hier' : écrivez-la comme 2026-01-31"):
        report.read([LENET], day="hier")
    found = report.read([LENET])
    for output in (tmp_path, tmp_path / "copie.ipynb"):
        with pytest.raises(CourseError, match="donnez un nom de fichier en .html"):
            report.write(found, output)
    read_notebook(tmp_path / "copie.ipynb")  # not overwritten


# -- the last cell of a notebook

CELL = (
    'from tp_cnn.authoring import report\n\nreport.from_notebook("03_lenet_mnist", authors=["Ada"])'
)


def test_the_cell_writes_nothing_where_nobody_is_there(tmp_path, monkeypatch):
    """As in `tp-cnn run`, `tp-cnn build` and grading, even beside a saved notebook."""
    shutil.copy(LENET, tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / LENET.name))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL) for _ in "12"])
    assert run.execute(notebook, tmp_path, run.kernel_environment(ROOT)) is None
    texts = [output.text for cell in notebook.cells for output in cell.outputs]
    assert (
        texts
        == [
            "Dans Jupyter, cette cellule écrit compte_rendu.html à partir du notebook "
            + "enregistré.\n"
        ]
        * 2
    )
    assert [path.name for path in tmp_path.iterdir()] == [LENET.name]


@pytest.fixture(scope="module")
def execute_as_jupyter(tmp_path_factory):
    """A function that executes code as JupyterLab does, in a kernel that works in ``folder``."""
    folder = tmp_path_factory.mktemp("travail")
    manager, client = start_new_kernel(cwd=str(folder), kernel_name="python3")

    def execute(code):
        printed = []

        def keep(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            assert message["msg_type"] != "error", message["content"]

        client.execute_interactive(code, allow_stdin=True, output_hook=keep, timeout=600)
        return "".join(printed)

    yield folder, execute
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_cell_in_jupyter(execute_as_jupyter):
    folder, execute = execute_as_jupyter
    execute(f"import sys; assert sys.executable == {sys.executable!r}")
    assert "03_lenet_mnist.ipynb est introuvable" in execute(CELL)
    assert list(folder.iterdir()) == []
    shutil.copy(LENET_SOLVED, folder)
    for _ in range(2):
        said = execute(CELL)
        assert "03_lenet_mnist.ipynb, enregistré à" in said
        assert "18 questions sur 18" in said
        assert "compte_rendu.html, à côté du notebook : environ" in said
        assert str(folder) not in said
    assert "Ada" in (folder / "compte_rendu.html").read_text(encoding="utf-8")
    elsewhere = folder / "a b"
    elsewhere.mkdir()
    shutil.copy(LENET, elsewhere / "dupont.ipynb")
    shutil.copy(CIFAR_SOLVED, elsewhere)
    path = str(elsewhere / "dupont.ipynb")
    execute(f"import os; os.environ['JPY_SESSION_NAME'] = {path!r}")
    said = execute('report.from_notebook("03_lenet_mnist", "04_cifar10", follow_up=True)')
    assert "dupont.ipynb : 0 question sur 18" in said
    assert "04_cifar10.ipynb : 16 questions" in said
    assert (elsewhere / "compte_rendu.html").exists()
    execute(f"del os.environ['JPY_SESSION_NAME']; __vsc_ipynb_file__ = {path!r}")
    assert "dupont.ipynb, enregistré" in execute(CELL)


def test_a_page_of_someone_else_is_not_written_over(tmp_path):
    page = tmp_path / "compte_rendu.html"
    page.write_text("<!DOCTYPE html><title>Ma page</title>", encoding="utf-8")
    account = report.Report([], [], "1er mai 2026", False)
    with pytest.raises(CourseError, match="il reste tel quel"):
        report.write(account, page)
    assert "Ma page" in page.read_text(encoding="utf-8")
    page.write_text("", encoding="utf-8")  # nothing is lost
    for _ in range(2):  # nor by a page of ours
        report.write(account, page)


def test_the_page_is_written_before_anything_is_printed(tmp_path, monkeypatch, capsys):
    def broken(*_, **__):
        raise BrokenPipeError

    source = project_root() / "notebooks/03_lenet_mnist.ipynb"
    monkeypatch.setattr(report, "summary", broken)
    with pytest.raises(BrokenPipeError):
        commands_report.report_command(
            SimpleNamespace(
                notebooks=[str(source)],
                name=[],
                date=None,
                follow_up=False,
                output=str(tmp_path / "out.html"),
            )
        )
    assert (tmp_path / "out.html").stat().st_size > 1000
    assert capsys.readouterr().out == ""
