"""The editions of a source, as notebooks: student, solution, assignment."""

from tp_cnn.authoring import blanks
from tp_cnn.authoring.colab import badge
from tp_cnn.authoring.markers import Cell
from tp_cnn.authoring.source import Question, Source

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
KIND_LABELS = {
    "code": "à programmer",
    "calcul": "à calculer",
    "experience": "expérience",
    "reponse": "à rédiger",
}
SHORTEST_SECRET = 6  # characters: shorter lines say nothing


def notebook(source: Source, edition: str):
    """A notebook (nbformat 4.5) without outputs.

    Args:
        edition: "student"; "solution", with answers, rubrics and hidden tests; or "assignment",
            the student's with hidden tests, as nbgrader takes it in.
    """
    from nbformat import v4

    questions = {question.cells[0].id: question for question in source.questions}
    cells = []
    for cell in source.cells:
        new = v4.new_markdown_cell if cell.type == "markdown" else v4.new_code_cell
        text = _text(cell, questions.get(cell.id), edition)
        if not cells and edition != "solution":
            text += f"\n\n{badge(source.name)}"
        cells.append(new(text, id=cell.id, metadata=_metadata(cell, edition)))
    metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    return v4.new_notebook(cells=cells, metadata=metadata)


def _text(cell: Cell, question: Question | None, edition: str) -> str:
    if question:
        return statement(cell.text, question)
    if cell.role == "hint":
        number = cell.id[-1]
        return f"<details><summary>Indice {number}</summary>\n\n{cell.text}\n\n</details>"
    hidden_tests_stay = edition == "assignment" and cell.role == "test"
    reads = blanks.teacher if edition == "solution" or hidden_tests_stay else blanks.student
    return reads(cell.text, cell.region, cell.where)


def statement(text: str, question: Question) -> str:
    """Complete the heading: « ### Question 1 ★ · Taille de la sortie », then kind and points."""
    level, body = text.split(" ", 1)
    number = f" {question.number}" if question.number else ""
    star = " ★" if question.star else ""
    details = [KIND_LABELS[question.kind]]
    if question.points:
        points = f"{question.points:g}".replace(".", ",")
        details.append(f"{points} point{'s' if question.points >= 2 else ''}")
    if question.bonus:
        details.append("bonus")
    body = body.split("\n", 1)[1].strip("\n") if "\n" in body else ""
    heading = f"{level} Question{number}{star} · {question.title}"
    return f"{heading}\n\n*{' · '.join(details).capitalize()}*\n\n{body}".rstrip("\n")


def _metadata(cell: Cell, edition: str) -> dict:
    if cell.role == "parameters":
        return {"tags": ["parameters"]}
    if cell.role not in ("question", "answer", "test"):
        return {}
    graded = bool(cell.points)
    answer = cell.role == "answer"
    nbgrader = {
        "schema_version": 3,
        "grade_id": cell.id,
        "cell_type": cell.type,
        "grade": graded,
        "solution": answer,
        "locked": not answer,
        "task": False,
    }
    if graded:
        nbgrader["points"] = cell.points
    metadata = {"nbgrader": nbgrader}
    if edition != "solution":
        metadata["deletable"] = False
        if not answer:
            metadata["editable"] = False
    return metadata


def find_leaks(source: Source, student) -> list[str]:
    """The lines of a student notebook that stand only in the hidden parts of its source."""
    hidden, shown = set(), set()
    for cell in source.cells:
        for lines, more in zip((hidden, shown), blanks.sides(cell.text), strict=True):
            lines |= more
    secret = {line for line in hidden - shown if len(line) >= SHORTEST_SECRET}
    lines = [line.strip() for cell in student.cells for line in cell.source.splitlines()]
    return [line for line in lines if line in secret]


def serialise(built) -> str:
    """The text of a notebook: the same notebook, the same bytes."""
    import nbformat

    nbformat.validate(built)
    return nbformat.writes(built) + "\n"
