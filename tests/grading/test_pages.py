"""The pages of a grading: what they say to the grader and to each student."""

import re
from dataclasses import replace
from html import unescape

import pytest

from tests.grading.invented_class import Reader, make_batch, write
from tp_cnn.errors import CourseError
from tp_cnn.grading.class_results import success
from tp_cnn.grading.html import number
from tp_cnn.grading.manual import digest
from tp_cnn.grading.model import Batch, Mark, Outcome
from tp_cnn.grading.pages import write_pages


def visible(html: str) -> str:
    """The text of a page without tags, style and script."""
    html = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def only(batch: Batch, student: Outcome) -> Batch:
    return replace(batch, outcomes=[student])


def test_pages_of_a_whole_class(tmp_path):
    batch = make_batch()
    pages = write(batch, tmp_path)
    assert {f"feedback/{outcome.id}.html" for outcome in batch.outcomes} <= set(pages)
    by_hand = {cell for question in batch.questions for cell in question.rubrics}
    assert by_hand
    assert {f"questions/{cell}.html" for cell in by_hand} <= set(pages)
    assert len(pages) == 1 + len(batch.outcomes) + len(by_hand)
    for path, text in pages.items():
        assert not re.search("https?://", text), path
        links = [value for _, name, value in Reader(tmp_path / path).attributes if name == "href"]
        for link in (link for link in links if not link.startswith("#")):
            assert (tmp_path / path).parent.joinpath(link).exists(), (path, link)


def test_a_student_who_handed_in_nothing_and_for_no_reason_has_no_page(tmp_path):
    pages = write(only(make_batch(), Outcome("x", "X", "", "missing", reasons=[""])), tmp_path)
    assert list(pages) == ["index.html"]


def test_an_unsafe_identifier_is_refused(tmp_path):
    with pytest.raises(CourseError, match="identifier"):
        write_pages(only(make_batch(), Outcome("../x", "X", "", "missing", ["?"])), tmp_path)
    assert not list(tmp_path.rglob("*.html"))


def test_index_says_what_came_of_each_and_what_is_left(tmp_path):
    batch = make_batch()
    graded = [one for one in batch.outcomes if one.status == "graded"]
    text = visible(write(batch, tmp_path)["index.html"])
    assert "30 copies : 26 notées, 1 suspecte, 2 non notées, 1 non rendue" in text
    left = sum(len(one.to_mark) for one in batch.outcomes)
    assert f"Reste à noter {left} réponses" in text
    average = sum(one.total for one in graded) / len(graded)
    assert f"Moyenne des notées {number(average)} / {number(batch.points)}" in text
    for outcome in batch.outcomes:
        for reason in outcome.reasons + outcome.repairs + outcome.notes:
            assert reason in text
    assert "détecte, elle ne s'empêche pas" in text
    assert "--resume" in text


def test_index_says_whether_a_sandbox_was_used(tmp_path):
    with_box = visible(write(make_batch(students=8), tmp_path)["index.html"])
    without = visible(write(make_batch(students=8, sandbox=False), tmp_path)["index.html"])
    assert "dans un bac à sable" in with_box
    assert "sans bac à sable" not in with_box
    assert "sans bac à sable" in without


def test_index_table_has_a_column_a_question_and_a_row_a_student(tmp_path):
    batch = make_batch("01")
    html = write(batch, tmp_path)["index.html"]
    body = re.search(r"<tbody>(.*)</tbody>", html, re.DOTALL)[1]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    assert len(rows) == len(batch.outcomes)
    assert {len(re.findall("<t[dh]", row)) for row in rows} == {6 + len(batch.questions)}
    assert "à noter" in rows[0]
    assert "à noter" not in rows[6]


def test_success_is_that_of_the_graded_students():
    batch = make_batch(students=10)
    question = batch.questions[0]  # one test of three points
    shares = [
        outcome.marks[0].automatic / question.points
        for outcome in batch.outcomes
        if outcome.status == "graded"
    ]
    assert success(batch, question) == pytest.approx(sum(shares) / len(shares))
    waiting = replace(batch, outcomes=[])
    assert success(waiting, question) is None


def test_success_says_nothing_before_a_person_has_marked():
    batch = make_batch(students=10)
    question = next(
        one
        for one in batch.questions
        if all(mark.by_hand for mark in batch.outcomes[0].marks if mark.question == one.id)
    )
    given = [mark for one in batch.outcomes for mark in one.marks if mark.question == question.id]
    for mark in given:
        mark.manual, mark.automatic = None, None
    given[0].automatic = 0.0  # left blank
    assert success(batch, question) is None
    given[1].manual = question.points
    assert success(batch, question) == 0.5


def test_feedback_keeps_secrets(tmp_path):
    batch = make_batch()
    student = batch.outcomes[2]  # suspicious
    student.marks[0].messages = [
        'File "/home/maitre/cours/tp cnn/secret.py", line 3',
        "/tmp/a/b.py",
    ]
    student.notes = ["/srv/rendus/tp.ipynb : version mise de côté"]
    html = write(batch, tmp_path)[f"feedback/{student.id}.html"]
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert "script-src" not in html
    assert "BARÈME-SECRET" not in html
    assert "…/secret.py" in html
    assert "…/tp.ipynb" in html
    for secret in ("/home", "maitre", "/tmp", "/srv", *student.reasons):
        assert secret not in unescape(html)
    for other in batch.outcomes:
        assert other is student or other.student not in html


def test_feedback_says_points_messages_comments_and_what_is_pending(tmp_path):
    batch = make_batch()
    student = batch.outcomes[7]
    test, text = student.marks[0], next(mark for mark in student.marks if mark.by_hand)
    test.automatic, test.messages = 0.5, ["✘ Pas encore : <il manque> le + 1"]
    text.automatic, text.answer = None, "Ma *réponse*"
    html = write(batch, tmp_path)[f"feedback/{student.id}.html"]
    assert "0,5&nbsp;/&nbsp;3" in html
    assert "✘ Pas encore : &lt;il manque&gt; le + 1" in html
    assert "Ma <em>réponse</em>" in html
    assert "à noter par votre enseignant" in html
    assert "Total provisoire" in html
    text.manual, text.comment = 1.25, "Très **clair**"
    html = write(batch, tmp_path)[f"feedback/{student.id}.html"]
    assert "1,25&nbsp;/&nbsp;2" in html
    assert "Très <strong>clair</strong>" in html


def test_feedback_begins_with_the_weakest_questions(tmp_path):
    batch = make_batch()
    student = batch.outcomes[7]
    for mark in student.marks:
        mark.manual = mark.points
    student.marks[3].manual = 0
    weakest = student.marks[3].question
    pages = write(batch, tmp_path)
    first = re.search(
        r'<section class="first">.*?</section>', pages[f"feedback/{student.id}.html"], re.S
    )
    assert re.findall(r'href="#q-(.*?)"', first[0]) == [weakest]
    student.marks[3].manual = student.marks[3].points
    assert "Bravo" in write(batch, tmp_path)[f"feedback/{student.id}.html"]


def test_questions_show_answers_rubric_and_the_marks_given(tmp_path):
    batch = make_batch()
    cell = "train-test-mesures"
    copies = [(one, mark) for one in batch.outcomes for mark in one.marks if mark.cell == cell]
    html = write(batch, tmp_path)[f"questions/{cell}.html"]
    assert "BARÈME-SECRET" in html
    assert "manual_marks.csv" in html
    cards = re.findall(r"<article.*?</article>", html, re.DOTALL)
    answered = [(one, mark) for one, mark in copies if mark.automatic is None]
    assert len(cards) == len(answered) < len(copies)
    for outcome, mark in answered:
        (card,) = [card for card in cards if f'data-id="{outcome.id}"' in card]
        assert f'data-answer="{digest(mark.answer)}"' in card
        points = "" if mark.manual is None else f"{mark.manual:g}"
        assert f' value="{points}"' in card
        assert mark.comment in card
        assert 'max="3"' in card


def test_the_same_answers_stand_together(tmp_path):
    batch = make_batch(students=8)
    texts = ("Copie  conforme", "autre", "copie\nCONFORME", "seule")
    students = [batch.outcomes[place] for place in (0, 1, 2, 3)]
    for student, text in zip(students, texts, strict=True):
        student.marks = [Mark("train-test-mesures", "train-test-mesures", 3, True, answer=text)]
    html = write(replace(batch, outcomes=students), tmp_path)["questions/train-test-mesures.html"]
    cards = re.findall(r"<article.*?</article>", html, re.DOTALL)
    order = [re.search('data-id="(.*?)"', card)[1] for card in cards]
    assert order == [students[place].id for place in (0, 2, 1, 3)]
    assert ["Même texte que 1 autre" in card for card in cards] == [True, True, False, False]
    assert students[2].student in cards[0]


def test_pages_of_those_who_left_are_removed(tmp_path):
    batch = make_batch()
    write_pages(batch, tmp_path)
    before = {path.stem for path in (tmp_path / "feedback").iterdir()}
    gone = batch.outcomes[0].id
    write_pages(replace(batch, outcomes=batch.outcomes[1:]), tmp_path)
    assert before - {path.stem for path in (tmp_path / "feedback").iterdir()} == {gone}
