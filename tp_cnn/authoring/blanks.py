"""The regions of a cell that a student must not see, and what stands there instead.

A region lies between ``### BEGIN NAME`` and ``### END NAME``, where NAME is SOLUTION (code
answers), HIDDEN TESTS (tests) or MARK SCHEME (free-text answers). CONTRIBUTING.md shows each.
"""

import ast
import re
from typing import NamedTuple

from tp_cnn.errors import CourseError

MARKER = re.compile(r"\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)\s*")
ALMOST = re.compile(r"\b(BEGIN|END)[ _](SOLUTION|HIDDEN|MARK)", re.IGNORECASE)
LINE = re.compile(r"(?P<code>.*\S)\s*# SOLUTION\s*$")
PLACEHOLDER = "### PLACEHOLDER"
TEXT_PLACEHOLDER = "*Votre réponse ici.*"
RUBRIC_TITLE = "**Réponse attendue et barème**"


class Part(NamedTuple):
    """Consecutive lines of a cell, all inside a region or all outside."""

    hidden: bool
    lines: list[str]
    indent: str = ""  # of the line ### BEGIN


def check(text: str, region: str | None, where: str) -> None:
    """Refuse unbalanced, misplaced or misspelt markers in a cell that may have ``region``.

    Raises:
        CourseError: with ``where``, what was found and what was expected.
    """
    for line in text.splitlines():
        marker = MARKER.fullmatch(line)
        if (not marker and ALMOST.search(line)) or (marker and marker[2] != region):
            expected = f"'### BEGIN {region}' or '### END {region}'" if region else "no such marker"
            raise CourseError(f"{where}: {line.strip()!r} in this cell, expected {expected}")
        if region != "SOLUTION" and LINE.fullmatch(line):
            raise CourseError(f"{where}: {line.strip()!r}: only a code answer holds '# SOLUTION'")
    if region is None:
        return
    shown, solved = student(text, region, where), teacher(text, region, where)
    if region != "HIDDEN TESTS" and shown == solved:
        raise CourseError(f"{where}: nothing to hide in this answer; add '### BEGIN {region}'")
    if not shown:
        raise CourseError(f"{where}: a student would see an empty cell; leave a visible check")
    for edition in (shown, solved) if region == "SOLUTION" else ():
        try:
            ast.parse(edition)
        except SyntaxError as error:
            raise CourseError(
                f"{where}: this blank is no valid Python ({error.msg}: {error.text!r}); "
                f"see the placeholders in CONTRIBUTING.md"
            ) from None


def student(text: str, region: str | None, where: str = "") -> str:
    """The cell as a student receives it."""
    lines = []
    for part in _split(text, region, where):
        if not part.hidden:
            lines += [_blank_line(line, where) for line in part.lines]
        elif region == "SOLUTION":
            placeholder = _placeholder(part, where)[0]
            lines += placeholder or [part.indent + "..."]
        elif region == "MARK SCHEME":
            lines.append(TEXT_PLACEHOLDER)
    return "\n".join(lines).strip("\n")


def teacher(text: str, region: str | None, where: str = "") -> str:
    """The cell as the solution notebook shows it; hidden tests stay between their markers."""
    if region == "HIDDEN TESTS":
        return text
    lines = []
    for part in _split(text, region, where):
        if not part.hidden:
            lines += [LINE.sub(r"\g<code>", line) for line in part.lines]
        elif region == "SOLUTION":
            lines += _placeholder(part, where)[1]
        elif region == "MARK SCHEME":
            lines += [RUBRIC_TITLE, "", *part.lines]
    return "\n".join(lines).strip("\n")


def sides(text: str) -> tuple[set[str], set[str]]:
    """The lines of a cell that a student may not read, and those that they may.

    Written without the functions above, so that a test can compare the two.
    """
    hidden, shown = set(), set()
    inside = placeholder = False
    for line in map(str.strip, text.splitlines()):
        if MARKER.fullmatch(line):
            inside, placeholder = "BEGIN" in line, False
        elif line == PLACEHOLDER:
            placeholder = True
        elif inside and placeholder and line.startswith("#"):
            shown.add(line[1:].strip())
        elif inside or LINE.fullmatch(line):
            placeholder = False
            hidden.add(LINE.sub(r"\g<code>", line))
        else:
            shown.add(line)
    return hidden, shown


def _split(text: str, region: str | None, where: str) -> list[Part]:
    parts = [Part(False, [])]
    for line in text.splitlines():
        marker = MARKER.fullmatch(line)
        if not marker:
            parts[-1].lines.append(line)
            continue
        begins = marker[1] == "BEGIN"
        if begins == parts[-1].hidden:
            raise CourseError(f"{where}: unpaired '### {marker[1]} {region}'")
        parts.append(Part(begins, [], line[: line.index("#")]))
    if parts[-1].hidden:
        raise CourseError(f"{where}: '### BEGIN {region}' without '### END {region}'")
    return parts


def _placeholder(part: Part, where: str) -> tuple[list[str], list[str]]:
    """Separate a solution block into its placeholder, uncommented, and the solution itself."""
    lines = part.lines
    count = 0
    if lines and lines[0].strip() == PLACEHOLDER:
        count = 1
        while count < len(lines) and lines[count].lstrip().startswith("#"):
            count += 1
    placeholder = [re.sub(r"# ?", "", line, count=1) for line in lines[1:count]]
    solution = "\n".join(lines[count:]).lstrip("\n").split("\n")  # a blank line may separate them
    if count == 1 or not any(solution) or any(line.strip() == PLACEHOLDER for line in solution):
        raise CourseError(
            f"{where}: a solution block is the solution alone, or '{PLACEHOLDER}' and commented "
            "lines, then the solution"
        )
    return placeholder, solution


def _blank_line(line: str, where: str) -> str:
    """``y = a * x  # comment  # SOLUTION`` becomes ``y = ...  # comment``."""
    match = LINE.fullmatch(line)
    if not match:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    code = match["code"].strip()
    try:
        statements = ast.parse(f"def f():\n {code}").body[0].body
    except SyntaxError:
        statements = []
    statement = statements[0] if len(statements) == 1 else None
    if isinstance(statement, ast.Return):
        left = "return"
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        last = statement.targets[-1] if isinstance(statement, ast.Assign) else statement.annotation
        left = _before(code, last) + " ="
    else:
        raise CourseError(
            f"{where}: {line.strip()!r}: '# SOLUTION' ends one whole line 'name = …' or "
            "'return …'; otherwise use ### BEGIN SOLUTION and ### END SOLUTION"
        )
    comment = code[len(_before(code, statement)) :]
    return f"{indent}{left} ...{comment}"


def _before(code: str, node: ast.AST) -> str:
    """``code`` up to the end of ``node``, parsed one column further right; offsets count bytes."""
    return code.encode()[: node.end_col_offset - 1].decode()
