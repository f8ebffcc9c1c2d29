"""What a student's names, texts and pictures become before they reach a page."""

import base64
import re

import pytest

from tests.grading.invented_class import png
from tp_cnn.grading.html import clean, environment, without_folders

macros = environment.get_template("macros.html.j2").module
verbatim, markdown, pictures = macros.verbatim, macros.markdown, macros.pictures


def test_links_of_students_lead_only_to_the_web():
    text = "[a](https://exemple.org/x) [b](javascript:x) [c](../index.html) <b onclick=x>d</b>"
    assert re.findall('href="(.*?)"', markdown(text)) == ["https://exemple.org/x"]
    assert "<b onclick" not in markdown(text)


def test_formulas_stay_as_they_are():
    assert "$a_{1} * b_{2} * c$" in markdown("donc $a_{1} * b_{2} * c$ et *voilà*")
    assert "$$\n\\sum_i x_i\n$$" in markdown("$$\n\\sum_i x_i\n$$")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[31m✘ Pas\x1b[0m encore", "✘ Pas encore"),
        ("\x1b]8;;http://x\x07lien\x1b]8;;\x07", "lien"),
        ("\x9b31mrouge", "rouge"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("a\x00\x08b\tc\n", "ab\tc\n"),
        ("50 %\r100 %\r\n", "50 %\n100 %\n"),
        ("a\ud800b\ufffe", "ab"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 4),
        ("Élodie نور 名前 👩\u200d🔬", "Élodie نور 名前 👩\u200d🔬"),
    ],
)
def test_clean(text, cleaned):
    assert clean(text) == cleaned


def test_long_texts_are_folded_then_cut():
    assert "<details>" not in verbatim("court", "Code") + markdown("court")
    for show in (verbatim, markdown):
        folded = show("ligne\n" * 100, "Code")
        assert "<details><summary>Code (100 lignes)" in folded
        assert "coupé" not in folded
        cut = show("mot " * 100_000, "Code")
        assert "Texte coupé : il compte 400 000 caractères." in cut
        assert len(cut) < 30_000


def test_only_sound_pictures_of_a_sensible_size_are_shown():
    svg = base64.b64encode(b"<svg onload=alert(1)>").decode()
    wide = bytearray(base64.b64decode(png()))
    wide[16:24] = (60_000).to_bytes(4, "big") * 2
    broken = [png()[:200], svg, "pas du base64 !", base64.b64encode(wide).decode(), "", "é" * 10]
    assert pictures([png()]).count("<img") == 1
    assert "note" not in pictures([png()])
    assert pictures([]) == ""
    html = pictures([*broken, png()])
    assert html.count("<img") == 1
    assert "6 images n'ont pas pu être affichées" in html


def test_folders_are_hidden_but_not_what_looks_like_them():
    hidden = without_folders(r"C:\Users\moi\tp.py et file:///home/moi/x.py ; 'a' : '/a b/c d/e.py'")
    assert hidden == "…/tp.py et …/x.py ; 'a' : '…/e.py'"
    assert without_folders("\x1b[32m/home/moi/x.py\x1b[0m:3") == "…/x.py:3"
    for text in ("1/2 ou 3/4", "https://exemple.org/a/b", "size // 2", r"'\n\t'", "a/b/c"):
        assert without_folders(text) == text
