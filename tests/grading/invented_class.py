"""A class of invented students on real notebooks, and the attacks that one could hand in."""

import base64
import io
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from tp_cnn.authoring.source import read_sources
from tp_cnn.grading.engine import Exam
from tp_cnn.grading.model import Batch, GradedQuestion, Mark, Outcome
from tp_cnn.grading.pages import write_pages

ROOT = Path(__file__).parents[2]
TEXTS = (
    "Le filtre réagit aux **bords verticaux** : clair à gauche, sombre à droite, d'où $x_1 < x_2$.",
    "Je ne sais pas vraiment, mais je crois que la moyenne mélange des réseaux différents.",
    "- pendant l'apprentissage, les poids changent après chaque lot ;\n- en évaluation, non.\n\n"
    "Donc la première époque est *pessimiste*.",
)
CODE = "def output_size(size, kernel, padding=0, stride=1):\n    return {}\n"


@cache
def png(width=240, height=150) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@cache
def questions(notebook: str) -> tuple[GradedQuestion, ...]:
    """The questions of a real notebook that have points."""
    (source,) = read_sources([notebook], ROOT)
    return tuple(
        replace(
            question,
            rubrics={cell: f"BARÈME-SECRET\n\n{text}" for cell, text in question.rubrics.items()},
        )
        for question in Exam.of(source).questions
    )


@cache
def graded_cells(notebook: str) -> tuple:
    (source,) = read_sources([notebook], ROOT)
    return tuple(
        (question.id, cell)
        for question in source.questions
        for cell in question.cells
        if cell.points
    )


def marks(notebook: str, student: int) -> list[Mark]:
    """Marks that vary with the student; those by hand are partly given."""
    found = []
    for place, (question, cell) in enumerate(graded_cells(notebook)):
        luck = (student * 7 + place * 5) % 11
        mark = Mark(cell.id, question, cell.points, by_hand=cell.role == "answer")
        if mark.by_hand:
            mark.answer = TEXTS[luck % 3] * (1 + luck // 4) if luck else ""
            mark.automatic = None if mark.answer else 0
            mark.pictures = [png()] * (luck % 3)
            if luck > 6:
                mark.manual, mark.comment = (
                    cell.points / 2,
                    "Bonne piste : citez aussi la validation.",
                )
        else:
            good = luck > 2
            mark.answer = CODE.format(
                "(size - kernel + 2 * padding) // stride + 1" if good else "size"
            )
            mark.automatic = cell.points if luck > 3 else cell.points * luck / 4
            mark.messages = (
                ["✔ Juste"]
                if good
                else [
                    "✘ Pas encore : pour votre fonction(size=5, kernel=3), vous obtenez 5.\n"
                    "  → Le filtre ne doit pas dépasser du signal."
                ]
            )
        found.append(mark)
    return found


def make_batch(notebook="03", students=30, sandbox=True) -> Batch:
    """A class of invented students, with each status."""
    outcomes = []
    for rank in range(1, students + 1):
        id, student = f"etudiante-{rank:02d}", f"Étudiante {rank:02d}"
        outcome = Outcome(id, student, f"{student}_{rank}_assignsubmission_file/tp.ipynb", "graded")
        outcome.marks = marks(notebook, rank)
        outcomes.append(outcome)
    outcomes[1].student = "Étudiante 02 au très long nom composé de plusieurs prénoms et particules"
    outcomes[2].status = "suspicious"
    outcomes[2].reasons = ["une assertion fausse n'échoue plus avant le test « lenet-poids-test »"]
    outcomes[3].repairs = [
        "cellule « lenet-poids » en double : la dernière est gardée",
        "nom de fichier",
    ]
    outcomes[3].notes = ["cellule « dense-largeur » : arrêtée après 60 s"]
    for rank, status, reason in (
        (4, "not-graded", "le fichier n'est pas du JSON : il a été coupé ou modifié à la main"),
        (5, "not-graded", "ce notebook est « 01_convolution », pas « 03_lenet_mnist »"),
        (6, "missing", "rien n'a été déposé"),
    ):
        outcomes[rank].status, outcomes[rank].marks = status, []
        outcomes[rank].reasons = [reason]
    title = {"01": "Convolution, pooling et champs récepteurs"}.get(
        notebook, "LeNet-5 lit des chiffres"
    )
    name = {"01": "01_convolution"}.get(notebook, "03_lenet_mnist")
    return Batch(name, title, list(questions(notebook)), outcomes, "2026-01-31", sandbox)


PROOF = "document.documentElement.dataset.hacked=1"
ATTACKS = (
    f"<script>{PROOF}</script>",
    f"<img src=x onerror={PROOF}>",
    f"<svg/onload={PROOF}>",
    f"</pre></textarea></title></style></script><script>{PROOF}</script>",
    f'"><script>{PROOF}</script>',
    f"' onfocus={PROOF} autofocus x='",
    f'" onfocus="{PROOF}" autofocus tabindex=1 x="',
    f"<details open ontoggle={PROOF}>x</details>",
    f'<iframe srcdoc="<script>parent.{PROOF}</script>"></iframe>',
    f"<math><mtext><table><mglyph><style><img src=x onerror={PROOF}>",
    f"<noscript><p title='</noscript><img src=x onerror={PROOF}>'></noscript>",
    "<style>@import 'http://127.0.0.1:9/x';</style><link rel=stylesheet href=//127.0.0.1:9/>",
    f"[lien](javascript:{PROOF}) <javascript:{PROOF}> [b](JaVaScRiPt&colon;{PROOF})",
    f"[c](data:text/html,<script>{PROOF}</script>) [d](vbscript:x) [e](file:///etc/passwd)",
    f"[x]: javascript:{PROOF}\n\n[x] ![x](http://127.0.0.1:9/a.png) ![y](attachment:z.png)",
    f"![a](x'onerror='{PROOF}) <a href=javascript:{PROOF} style=position:fixed>clic</a>",
    f"```mermaid\n</pre><script>{PROOF}</script>\n```\n~~~html onload={PROOF}\nx\n~~~",
    f"$</p><script>{PROOF}</script>$ $$<img src=x onerror={PROOF}>$$",
    f"\\begin{{x<script>{PROOF}</script>}} \\begin{{a}}<script>{PROOF}</script>\\end{{a}}",
    "<base href=//127.0.0.1:9/><meta http-equiv=refresh content='0;url=//127.0.0.1:9/'>",
    f"<form action=//127.0.0.1:9/><input type=submit autofocus onfocus={PROOF}></form>",
    f"<!--><script>{PROOF}</script>--> <![CDATA[<script>{PROOF}</script>]]>",
    f"\x00<scr\x00ipt>{PROOF}</script> <\u200bscript>{PROOF}</script>",
    f"<xmp><p title='</xmp><script>{PROOF}</script>'> &lt;script&gt;{PROOF}&lt;/script&gt;",
)


def hostile_batch() -> Batch:
    """One student an attack, which stands in everything that is the student's."""
    batch = make_batch(students=len(ATTACKS))
    for outcome, attack in zip(batch.outcomes, ATTACKS, strict=True):
        outcome.marks = marks("03", 8)
        outcome.status = "suspicious" if attack is ATTACKS[0] else "graded"
        outcome.student, outcome.file = attack, attack
        outcome.reasons, outcome.repairs, outcome.notes = [attack], [attack], [attack]
        for mark in outcome.marks:
            mark.answer, mark.comment, mark.messages = attack, attack, [attack]
            mark.pictures = [attack, base64.b64encode(attack.encode()).decode()]
            if mark.by_hand:
                mark.automatic = None
    return batch


class Reader(HTMLParser):
    """What a browser would act on in a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def write(batch: Batch, folder: Path) -> dict[str, str]:
    """Write the pages; return their texts by path."""
    write_pages(batch, folder)
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.html"))
    }
