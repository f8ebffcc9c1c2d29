"""Marks given by a person: read from any spreadsheet, merged, never lost."""

import os

import pytest

from tp_cnn.errors import CourseError
from tp_cnn.grading import manual
from tp_cnn.grading.manual import MarkRow, digest
from tp_cnn.grading.model import Mark, Outcome

HEADER = "cell,id,student,points,comment,answer\n"


def _outcome(id="a", **changes):
    mark = {"cell": "q1", "question": "q", "points": 3, "by_hand": True, "answer": "oui"}
    return Outcome(id, f"Étudiante {id}", "f", "graded", marks=[Mark(**{**mark, **changes})])


@pytest.mark.parametrize(
    "content",
    [
        HEADER.encode() + "q1,a,É,2.5,Très bien,\n".encode(),
        "\ufeff".encode() + b"cell;id;student;points;comment;answer\r\n"
        b"q1;a;\xc3\x89;2,5;Tr\xc3\xa8s bien;\r\n",
        "cell;id;student;points;comment;answer\nq1;a;É;2,5;Très bien;\n".encode("cp1252"),
        'cell,id,points,comment\nq1,a,2.5,"Très\nbien"\n'.encode(),
        "sep=;\r\ncell;id;points;comment\r\nq1;a;2,5;Très bien\r\n".encode("utf-16"),
        "cell;id;points;comment\rq1;a;2,5;Très bien\r".replace("\r", "\n").encode("mac_roman"),
        "cell\tid\tpoints\tcomment\r\nq1\ta\t2,5\tTrès bien\r\n".encode("utf-16-le"),
        'cell,id,points,comment\nq1,a,"2,5",Très bien\n'.encode(),
    ],
    ids=[
        "comma",
        "semicolon and BOM",
        "Excel in France",
        "line break, columns left out",
        "UTF-16, sep=;",
        "Mac Roman",
        "UTF-16 without a mark, tabs",
        "comma in quotes",
    ],
)
def test_read_what_spreadsheets_write(tmp_path, content):
    (tmp_path / manual.NAME).write_bytes(content)
    rows = manual.read(tmp_path / manual.NAME)
    outcomes = [_outcome()]
    assert manual.apply(rows, outcomes) == []
    mark = outcomes[0].marks[0]
    assert mark.manual == mark.earned == 2.5
    assert mark.comment.split() == ["Très", "bien"]


def test_lines_that_end_as_on_old_macs(tmp_path):
    (tmp_path / manual.NAME).write_bytes(b"cell;id;points\rq1;a;1\rq1;b;2\r")
    assert [row.points for row in manual.read(tmp_path / manual.NAME).values()] == ["1", "2"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("q1,a,É,1,5,Bien,", "line 2: 7 cells, expected 6.*1.5"),
        ("q1,a,É,1,,\nq1,a,É,2,,", "line 3: 2 points for q1, a, which has 1 points"),
    ],
    ids=["1,5 between commas", "two marks"],
)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path, line, words):
    (tmp_path / manual.NAME).write_text(HEADER + line + "\n")
    with pytest.raises(CourseError, match=words):
        manual.read(tmp_path / manual.NAME)


def test_identifiers_that_lost_their_zeros():
    rows = {key: MarkRow(*key, points="1") for key in [("q1", "12"), ("q1", "7"), ("q1", "08")]}
    found = manual.with_zeros(rows, [_outcome(id) for id in ("0012", "07", "007", "08")])
    assert list(found) == [("q1", "7"), ("q1", "08"), ("q1", "0012")]  # 7 could be two of them


def test_a_comment_is_no_formula_in_the_file_and_comes_back_as_it_was(tmp_path):
    row = MarkRow("q1", "a", "A", "1", "-1 pour la forme")
    manual.write({row.key: row}, tmp_path / manual.NAME)
    assert "'-1 pour" in (tmp_path / manual.NAME).read_text()
    assert manual.read(tmp_path / manual.NAME)[row.key].comment == "-1 pour la forme"


def test_a_file_without_the_columns_is_refused_and_kept(tmp_path):
    path = tmp_path / manual.NAME
    path.write_text("name,mark\nA,3\n")
    with pytest.raises(CourseError, match="no column cell, id, points"):
        manual.gather(tmp_path)
    assert path.read_text() == "name,mark\nA,3\n"


@pytest.mark.parametrize(
    ("points", "words"),
    [("4", "expected 0 to 3"), ("-1", "expected 0 to 3"), ("bien", "no number")],
)
def test_impossible_points_are_told_and_not_counted(points, words):
    outcomes = [_outcome()]
    (problem,) = manual.apply({("q1", "a"): MarkRow("q1", "a", "A", points)}, outcomes)
    assert words in problem
    assert "Étudiante a" in problem
    assert outcomes[0].marks[0].earned is None
    assert len(outcomes[0].to_mark) == 1


def test_points_for_an_earlier_answer_are_told():
    outcomes = [_outcome()]
    row = MarkRow("q1", "a", "A", "2", "", digest("non"))
    (problem,) = manual.apply({row.key: row}, outcomes)
    assert "changed" in problem
    assert outcomes[0].marks[0].earned == 2  # it counts, until a person says otherwise
    completed = manual.complete({row.key: row}, outcomes)
    assert completed[row.key].answer == digest("non")  # so that it is told again


def test_a_person_may_replace_what_the_tests_gave():
    outcomes = [_outcome(by_hand=False, automatic=0.0)]
    manual.apply({("q1", "a"): MarkRow("q1", "a", points="1")}, outcomes)
    assert outcomes[0].total == 1


def test_rows_to_fill_question_by_question_and_nothing_lost(tmp_path):
    first, second = _outcome("a"), _outcome("b")
    for outcome in (first, second):
        outcome.marks.append(Mark("q2", "q", 1, True, answer="x"))
        outcome.marks.append(Mark("t", "q", 1, False, automatic=1.0))
        outcome.marks.append(Mark("blank", "q", 1, True, automatic=0.0))
    gone = MarkRow("old", "z", "Partie", "3", "Bravo")
    completed = manual.complete({gone.key: gone}, [first, second])
    assert list(completed) == [("q1", "a"), ("q1", "b"), ("q2", "a"), ("q2", "b"), ("old", "z")]
    manual.write(completed, tmp_path / manual.NAME)
    again = manual.read(tmp_path / manual.NAME)
    assert again == completed
    assert again["q1", "a"].answer == digest("oui")
    assert manual.apply(again, [first, second]) == ["old, Partie: no such answer; the row is kept"]


def test_files_saved_by_the_pages_are_merged_once_the_latest_wins(tmp_path):
    (tmp_path / manual.NAME).write_text(HEADER + "q1,a,A,1,,\nq1,b,B,,vu,\nq1,c,C,3,,x\n")
    later = HEADER + "q1,a,A,2,,\nq1,b,B,,,\nq1,c,C,,revu,\n"
    (tmp_path / "manual_marks (1).csv").write_text(later)
    os.utime(tmp_path / manual.NAME, (1, 1))
    rows, extra = manual.gather(tmp_path)
    assert rows["q1", "a"].points == "2"
    assert rows["q1", "b"].comment == "vu"
    assert (rows["q1", "c"].points, rows["q1", "c"].comment) == ("3", "revu")
    manual.put_away(extra, tmp_path)
    (tmp_path / "manual_marks (1).csv").write_text(HEADER)
    manual.put_away([tmp_path / "manual_marks (1).csv"], tmp_path)
    assert len(list((tmp_path / "merged").iterdir())) == 2
    assert [path.name for path in tmp_path.glob("*.csv")] == [manual.NAME]


def test_a_name_is_no_formula_for_a_spreadsheet(tmp_path):
    row = MarkRow("q1", "a", '=HYPERLINK("x")', "1")
    for _ in range(2):  # writing again what was read adds nothing
        manual.write({row.key: row}, tmp_path / manual.NAME)
        (row,) = manual.read(tmp_path / manual.NAME).values()
    assert row.student == """'=HYPERLINK("x")"""
