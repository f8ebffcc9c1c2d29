"""Collecting submissions: layouts, names, versions, and what may not be read."""

import io
import os
import re
import struct
import unicodedata
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tp_cnn.errors import CourseError
from tp_cnn.grading import entries
from tp_cnn.grading.names import plain
from tp_cnn.grading.submissions import collect

NAME = "03_lenet_mnist"
ELSEWHERE = f"rien de rendu pour {NAME} (mais pour : 01_convolution)"


def put(place, files):
    """Write files; the content of each is its own path, unless given."""
    for file, content in files.items() if isinstance(files, dict) else ((f, f) for f in files):
        path = place / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def zipped(files) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items() if isinstance(files, dict) else ((f, f) for f in files):
            archive.writestr(file, content)
    return target.getvalue()


def seen(place, **options):
    """Student -> (identifier, content or problem); # stands for the digest of a name."""
    found = collect(place, NAME, **options)
    students = [one.student for one in found]
    assert students == sorted(students, key=lambda student: (plain(student), student))
    assert len({one.id for one in found}) == len(found)
    return {
        one.student: (
            re.sub(r"-x[0-9a-f]{6}$", "-#", one.id),
            one.problem if one.content is None else one.content.decode(),
        )
        for one in found
    }


FLAT = [
    "Élodie Durand.ipynb",
    "jean_dupont_03_lenet_mnist.ipynb",
    "03_lenet_mnist_martin (1).ipynb",
    "Zoé.IPYNB",
]
FLAT_SEEN = {
    "Élodie Durand": ("elodie-durand-#", FLAT[0]),
    "jean_dupont": ("jean_dupont", FLAT[1]),
    "martin": ("martin", FLAT[2]),
    "Zoé": ("zoe-#", FLAT[3]),
}
MOODLE = [
    "Élodie DURAND_1234567_assignsubmission_file_/03_lenet_mnist.ipynb",
    "Élodie DURAND_1234567_assignsubmission_onlinetext_/onlinetext.html",
    "Jean Martin_7654321_assignsubmission_file/rendu/03_lenet_mnist.ipynb",
    "Jean Martin_7654322_assignsubmission_file_/03_lenet_mnist.ipynb",
]
MOODLE_SEEN = {
    "Élodie DURAND": ("elodie-durand-1234567", MOODLE[0]),
    "Jean Martin": ("jean-martin-7654322", MOODLE[3]),  # the second of that name
}
MOODLE_FLAT = [
    "Élodie DURAND_1234567_assignsubmission_file_03_lenet_mnist.ipynb",
    "Élodie DURAND_1234567_assignsubmission_onlinetext_onlinetext.html",
]
EXCHANGE = [
    "hacker+03_lenet_mnist+2026-11-21 10:00:00.000 UTC+rnd/03_lenet_mnist.ipynb",
    "hacker+03_lenet_mnist+2026-11-21 11:00:00.000 UTC+abc/03_lenet_mnist.ipynb",
    "hacker+03_lenet_mnist+2026-11-21 11:00:00.000 UTC+abc/timestamp.txt",
    "bitdiddle+01_convolution+2026-11-21 10:00:00.000 UTC/01_convolution.ipynb",
]
NBGRADER = [
    "submitted/bitdiddle/03_lenet_mnist/03_lenet_mnist.ipynb",
    "submitted/bitdiddle/01_convolution/01_convolution.ipynb",
    "submitted/hacker/01_convolution/01_convolution.ipynb",
]
FOLDERS = [
    "durand/a/b/tp.ipynb",
    "durand/a/b/.ipynb_checkpoints/tp-checkpoint.ipynb",
    "durand/data/train/0.png",
    "martin/03_lenet_mnist.ipynb",
    "martin/__MACOSX/._03_lenet_mnist.ipynb",
    "martin/.DS_Store",
    "data/mnist.gz",
]


@pytest.mark.parametrize("archived", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (FLAT, FLAT_SEEN),
        (MOODLE, MOODLE_SEEN),
        (MOODLE_FLAT, {"Élodie DURAND": ("elodie-durand-1234567", MOODLE_FLAT[0])}),
        (
            EXCHANGE,
            {
                "bitdiddle": (
                    "bitdiddle",
                    f"rien de rendu pour {NAME} (mais pour : 01_convolution)",
                ),
                "hacker": ("hacker", EXCHANGE[1]),
            },
        ),
        (
            NBGRADER,
            {
                "bitdiddle": ("bitdiddle", NBGRADER[0]),
                "hacker": ("hacker", ELSEWHERE),
            },
        ),
        (FOLDERS, {"durand": ("durand", FOLDERS[0]), "martin": ("martin", FOLDERS[3])}),
    ],
    ids=["flat", "moodle", "moodle-flat", "exchange", "nbgrader", "folders"],
)
def test_layouts(tmp_path, files, wanted, archived):
    if archived:
        place = put(tmp_path, {"rendus.zip": zipped(files)}) / "rendus.zip"
    else:
        place = put(tmp_path / "rendus", files)
    assert seen(place) == wanted
    assert collect(place, NAME) == collect(place, NAME)


def test_namesakes_of_moodle_stay_apart(tmp_path):
    found = collect(put(tmp_path, MOODLE), NAME)
    assert [one.id for one in found if one.student == "Jean Martin"] == [
        "jean-martin-7654321",
        "jean-martin-7654322",
    ]


@pytest.mark.parametrize("wrapper", ["", "Groupe A/", "submitted/"])
def test_zip_of_one_folder_and_zips_inside(tmp_path, wrapper):
    inner = zipped([f"tp/{NAME}.ipynb", "tp/data/0.png"])
    files = {f"{wrapper}durand/rendu.zip": inner, f"{wrapper}Zoé.zip": inner}
    place = put(tmp_path, {"rendus.zip": zipped(files)}) / "rendus.zip"
    assert seen(place) == {
        "durand": ("durand", f"tp/{NAME}.ipynb"),
        "Zoé": ("zoe-#", f"tp/{NAME}.ipynb"),
    }


def test_zip_of_one_student(tmp_path):
    files = [f"durand/{NAME}.ipynb", f"durand/{NAME} (1).ipynb"]
    place = put(tmp_path, {"rendus.zip": zipped(files)}) / "rendus.zip"
    assert list(seen(place)) == ["durand"]


def test_versions(tmp_path):
    """The best name first, then the latest; the others are named; an empty file comes last."""
    files = [
        "a/brouillon.ipynb",
        f"a/{NAME}.ipynb",
        f"a/{NAME} (1).ipynb",
        f"b/{NAME}.ipynb",
        f"b/{NAME}-Copy1.ipynb",
    ]
    put(tmp_path, {**dict.fromkeys(files, "x"), f"c/{NAME}.ipynb": b"", "c/autre.ipynb": b"x"})
    for index, file in enumerate(files):
        os.utime(tmp_path / file, (2e9 - index, 2e9 - index))
    found = {one.student: one for one in collect(tmp_path, NAME)}
    assert found["a"].file == f"a/{NAME}.ipynb"
    assert found["a"].notes == (
        f"autre version mise de côté : « a/{NAME} (1).ipynb »",
        "autre version mise de côté : « a/brouillon.ipynb »",
    )
    assert found["b"].file == f"b/{NAME}.ipynb"
    assert found["c"].file == "c/autre.ipynb"


def test_two_versions_in_a_flat_folder(tmp_path):
    put(tmp_path, ["durand.ipynb", "durand (1).ipynb", "Martin v2.ipynb", "martin.ipynb"])
    found = collect(tmp_path, NAME)
    assert [one.id for one in found] == ["durand", "martin"]
    assert all(len(one.notes) == 1 for one in found)


def test_files_called_after_the_notebook_alone_are_not_merged(tmp_path):
    put(tmp_path, [f"{NAME}.ipynb", f"{NAME} (1).ipynb", f"{NAME} (2).ipynb"])
    assert len(collect(tmp_path, NAME)) == 3


def test_what_is_no_notebook(tmp_path):
    put(tmp_path, ["a/compte rendu.pdf", "b/x.docx", "c/tp.py", "d/tp.html", "e/tp.rar"])
    (tmp_path / "vide").mkdir()
    put(tmp_path, [f"f/{NAME}.ipynb.txt"])
    found = {one.student: one for one in collect(tmp_path, NAME)}
    assert "aucun notebook" in found["a"].problem
    assert "« a/compte rendu.pdf » (PDF)" in found["a"].problem
    assert "demander à l'étudiant le fichier .ipynb" in found["a"].problem
    for student, kind in {"b": "texte", "c": "Python", "d": "HTML", "e": "archive"}.items():
        assert kind in found[student].problem
        assert not found[student].missing
    assert found["vide"].missing
    assert "aucun fichier rendu" in found["vide"].problem
    assert found["f"].content is not None


def test_files_beside_the_notebooks_are_somebody_s_even_next_to_a_folder(tmp_path):
    others = ["durand.pdf", "leroy.7z", "petit", "roux.pages"]
    put(tmp_path, ["martin.ipynb", *others, "liste.csv", f"zoe/{NAME}.ipynb"])
    found = {one.student: one for one in collect(tmp_path, NAME)}
    assert set(found) == {"martin", "durand", "leroy", "petit", "roux", "zoe"}
    assert all("demander" in found[name.partition(".")[0]].problem for name in others)


def test_a_name_written_by_two_systems_is_one_student(tmp_path):
    for form in ("NFC", "NFD"):
        put(tmp_path, [f"{unicodedata.normalize(form, 'Zoé')}/{form}.ipynb"])
    (one,) = collect(tmp_path, NAME)
    assert len(one.notes) == 1


def test_links_pipes_and_unreadable_files_are_told_and_left(tmp_path):
    secret = put(tmp_path, ["secret/03_lenet_mnist.ipynb"]) / "secret"
    place = put(tmp_path / "rendus", ["bon.ipynb"])
    for name in ("lien", "tube", "dossier"):
        (place / name).mkdir()
    (place / "lien" / f"{NAME}.ipynb").symlink_to(secret / f"{NAME}.ipynb")
    (place / "dossier" / "tp").symlink_to(secret)
    os.mkfifo(place / "tube" / f"{NAME}.ipynb")
    (place / "direct").symlink_to(secret)
    (place / "seul.ipynb").symlink_to("/dev/zero")
    os.mkfifo(place / "pipe.ipynb")
    found = {one.student: one for one in collect(place, NAME)}
    assert found.pop("bon").content is not None
    assert set(found) == {"lien", "tube", "dossier", "direct", "seul", "pipe"}
    for name, one in found.items():
        assert one.content is None
        assert not one.missing
        assert ("tube" if name in ("tube", "pipe") else "lien symbolique") in one.problem


def test_a_file_that_became_a_link_is_not_followed(tmp_path):
    place = put(tmp_path / "rendus", ["a.ipynb"])
    put(tmp_path, ["secret.ipynb"])
    (entry,) = entries.walk(place)
    (place / "a.ipynb").unlink()
    (place / "a.ipynb").symlink_to(tmp_path / "secret.ipynb")
    with pytest.raises(entries.UnreadableFile, match="illisible"):
        entry.read(100)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path):
    put(tmp_path, ["a.ipynb"])
    (tmp_path / "a.ipynb").chmod(0)
    assert "illisible" in seen(tmp_path)["a"][1]


def test_too_large(tmp_path):
    put(tmp_path, ["b.ipynb"])
    with open(tmp_path / "a.ipynb", "wb") as file:
        file.truncate(entries.LARGEST + 1)
    found = seen(tmp_path)
    assert "trop volumineux (plus de 50 Mo)" in found["a"][1]
    assert found["b"][1] == "b.ipynb"


def bomb():
    return zipped({f"{NAME}.ipynb": b"0" * 40_000_000})


def lying():
    """A member that says 10 bytes, and holds 40 MB."""
    data = bytearray(bomb())
    for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    return bytes(data)


def named(name):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        archive.writestr(info, "evil")
    return target.getvalue().replace(b"x" * len(name), name.encode())


def link():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo(f"{NAME}.ipynb")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return target.getvalue()


def encrypted():
    data = bytearray(zipped({f"{NAME}.ipynb": "x"}))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def nested(depth):
    content = zipped([f"{NAME}.ipynb"])
    for _ in range(depth):
        content = zipped({"encore.zip": content})
    return content


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (bomb(), "bombe"),
        (lying(), "abîmé"),
        (named("../../etc/03.ipynb"), "sort de l'archive"),
        (named("/etc/03.ipynb"), "chemin absolu"),
        (named("C:\\etc\\03.ipynb"), "chemin absolu"),
        (link(), "lien symbolique"),
        (encrypted(), "chiffré"),
        (zipped([f"{NAME}.ipynb"])[:-30], "abîmée"),
        (b"not a zip", "abîmée"),
        (b"", "abîmée"),
        (zipped({f"{i}.txt": "" for i in range(entries.MOST_MEMBERS + 1)}), "plus de 20000"),
        (nested(5), "trop d'archives"),
        (zipped({f"{i}.zip": zipped(["a.txt"]) for i in range(30)}), "trop d'archives"),
    ],
    ids=[
        "bomb", "lying", "parent", "absolute", "drive", "link", "encrypted", "cut", "text", "empty",
        "many", "nested", "wide",
    ],
)  # fmt: skip
def test_refused_archives(tmp_path, content, word):
    place = put(tmp_path / "rendus", {"durand/rendu.zip": content, "martin.ipynb": "x"})
    found = seen(place)
    assert word in found["durand"][1]
    assert "demander" in found["durand"][1]
    assert found["martin"][1] == "x"
    assert sorted(os.listdir(tmp_path)) == ["rendus"]


def test_a_good_notebook_beside_a_refused_file(tmp_path):
    put(tmp_path, {f"a/{NAME}.ipynb": "x", "a/rendu.zip": encrypted()})
    (one,) = collect(tmp_path, NAME)
    assert one.content == b"x"
    assert "chiffré" in one.notes[0]


@pytest.mark.parametrize("flag", ["utf-8", "cp850"])
def test_names_in_archives_that_do_not_say_their_encoding(tmp_path, flag):
    raw = "Élodie.ipynb".encode(flag)
    data = zipped({"x" * len(raw): "x"}).replace(b"x" * len(raw), raw)
    place = put(tmp_path, {"rendus.zip": data}) / "rendus.zip"
    assert list(seen(place)) == ["Élodie"]


@pytest.mark.parametrize(
    ("name", "student", "identifier"),
    [
        ("Jean\n\tDupont", "Jean Dupont", "jean-dupont"),
        ("\u202eevil\u202c Zoé", "evil Zoé", "evil-zoe-#"),
        ("L'Été « 😀 »", "L'Été « 😀 »", "l-ete-#"),
        ("--force", "--force", "force-#"),
        ("_x", "_x", "x-#"),
        ("CON", "CON", "eleve-con-#"),
        ("Łukasz Bœuf", "Łukasz Bœuf", "ukasz-boeuf-#"),
        ("x" * 200, "x" * 79 + "…", "x" * 48 + "-#"),
    ],
)
def test_names(tmp_path, name, student, identifier):
    assert seen(put(tmp_path, {f"{name}.ipynb": "x"})) == {student: (identifier, "x")}


def test_a_name_keeps_its_identifier_whoever_else_hands_in(tmp_path):
    """Marks belong to identifiers: those of Zoé must never become those of Zoe."""
    alone = {name: seen(put(tmp_path / name, [f"{name}.ipynb"])) for name in ("Zoe", "Zoé")}
    ids = {
        one.student: one.id
        for one in collect(put(tmp_path / "both", ["Zoe.ipynb", "Zoé.ipynb"]), NAME)
    }
    assert len(set(ids.values())) == 2
    for name in alone:
        (one,) = collect(tmp_path / name, NAME)
        assert ids[name] == one.id


def test_the_right_notebook_beside_a_wrong_one_and_the_filled_beside_the_blank(tmp_path):
    place = put(tmp_path, {f"durand/{NAME}.ipynb": "blank", "durand/Sans titre.ipynb": "filled"})
    wanted = {"blank": 1, "filled": 2}
    (one,) = collect(place, NAME, likeness=lambda content: wanted[content.decode()])
    assert one.content == b"filled"
    assert one.notes == (f"autre version mise de côté : « durand/{NAME}.ipynb »",)
    (one,) = collect(place, NAME, likeness=lambda content: 1)
    assert one.content == b"blank"  # as alike: by name, then the latest


def test_names_without_ascii_letters_and_collisions(tmp_path):
    put(tmp_path, ["王.ipynb", "李.ipynb", "a b.ipynb", "a-b.ipynb", "a-b-2.ipynb"])
    os.rename(os.fsencode(tmp_path / "a b.ipynb"), os.fsencode(tmp_path) + b"/a\xff b.ipynb")
    ids = [one.id for one in collect(tmp_path, NAME)]
    assert len(set(ids)) == 5
    for identifier in ids:
        assert identifier.isascii()
        assert identifier[0].isalnum()
        assert identifier.replace("-", "").replace("_", "").isalnum()


def test_roster(tmp_path):
    place = put(
        tmp_path / "rendus", ["Élodie Durand.ipynb", "e1234.ipynb", "DUPONT Jean-Paul.ipynb"]
    )
    roster = tmp_path / "classe.csv"
    roster.write_bytes(
        "\ufeffIdentifiant;Nom de famille;Prénom\n1;DURAND;Elodie\ne1234;Martin;Zoé\n"
        "e77;Absent;Paul\n;;\n9;Dupont;Jean Paul\n".encode()
    )
    found = collect(place, NAME, roster)
    assert [(one.student, one.missing) for one in found] == [
        ("DUPONT Jean-Paul", False),
        ("Élodie Durand", False),
        ("Paul Absent", True),
        ("Zoé Martin", False),
    ]
    assert "aucun fichier" in found[2].problem
    roster.write_bytes("name,points\nÉve Noël,3\n".encode("cp1252"))
    assert [one.student for one in collect(place, NAME, roster) if one.missing] == ["Éve Noël"]


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"\0\1", b'"' + b"x" * 200_000])
def test_refused_rosters(tmp_path, content):
    put(tmp_path / "rendus", ["a.ipynb"])
    if content is not None:
        (tmp_path / "classe.csv").write_bytes(content)
    with pytest.raises(CourseError, match="classe.csv"):
        collect(tmp_path / "rendus", NAME, tmp_path / "classe.csv")


def test_refused_places(tmp_path):
    for name, content in {"a.ipynb": b"{}", "b.zip": b"no", "vide.zip": zipped({})}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CourseError, match=f"{name}.*expected"):
            collect(tmp_path / name, NAME)
    for name in ("absent", "vide"):
        (tmp_path / "vide").mkdir(exist_ok=True)
        with pytest.raises(CourseError, match=f"{name}.*expected"):
            collect(tmp_path / name, NAME)


@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_archives_are_refused_or_read(tmp_path_factory, changes):
    data = bytearray(zipped([f"{NAME}.ipynb", "tp/été.ipynb"]))
    for position, byte in changes:
        data[position % len(data)] = byte
    place = put(tmp_path_factory.mktemp("rendus"), {"a/rendu.zip": bytes(data)})
    (one,) = collect(place, NAME)
    assert (one.content is None) == bool(one.problem)
