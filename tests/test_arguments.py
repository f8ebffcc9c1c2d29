"""Command lines and settings as they come: exit code 0, 1 or 2 and a line, never a traceback."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tp_cnn import cli, runtime
from tp_cnn.errors import CourseError
from tp_cnn.training import limits
from tp_cnn.training.recipe import Recipe, check_known

QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SMALL = ["train", "--dataset", "digits", "--images", "200", "--epochs", "1", "--device", "cpu"]


def run(arguments, capsys):
    """The exit code and what was printed to stderr."""
    try:
        code = cli.main(arguments)
    except SystemExit as ended:
        code = ended.code
    return code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TP_CNN_DOWNLOAD", "0")
    monkeypatch.setenv("TP_CNN_MIRROR", "http://127.0.0.1:9/")
    monkeypatch.chdir(tmp_path)


WRONG = [
    "--lr -1",
    "--lr 0",
    "--lr nan",
    "--lr inf",
    "--lr 1e400",
    "--momentum -0.1",
    "--momentum 1",
    "--momentum nan",
    "--weight-decay -1",
    "--weight-decay nan",
    "--decay 0",
    "--decay -1",
    "--decay nan",
    "--decay 1.5",
    "--jitter -0.1",
    "--jitter 2",
    "--jitter nan",
    "--epochs -1",
    "--epochs 0",
    "--epochs 99999999999999999999",
    "--batch-size 0",
    "--batch-size -3",
    "--images -1",
    "--images 3",
    "--images 99999999999999999999",
    "--validation 0",
    "--validation 1.0",
    "--validation -0.5",
    "--validation nan",
    "--validation 5000",
    "--seed -1",
    "--seed 4294967296",
    "--seed 99999999999999999999999",
    "--shift -1",
    "--shift 28",
    "--shift 9999999",
    "--crop -4",
    "--crop 20",
    "--crop 29",
    "--crop 99999999999",
    "--cutout -1",
    "--cutout 29",
    "--dropout 0.5",  # of another model
    "--batch-norm",
    "--model cifarnet",
    "--model dense --activation relu",
    "--model dense --crop 20",
    "--dataset shapes --model cifarnet --activation tanh",
    "--dataset shapes --model cifarnet --dropout 1",
    "--dataset shapes --model cifarnet --dropout nan",
    "--dataset shapes --model cifarnet --crop 20",
    "--optimizer adam --momentum 0.5",
    "--schedule cosine --decay 0.5",
    "--device cuda:-1",
    "--device meta",
    "--device",
    "--data /dev/null",
    "--output /dev/null",
    "--output /dev/null/out",
    "--checkpoint /dev/null",
    "--checkpoint /dev/null/run.pt",
    "--checkpoint .",
    "--dataset ''",
    "--dataset ~nobody-of-this-name",
    "--activation sigmoid",
]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_argument_is_one_line_before_any_work(line, capsys, monkeypatch):
    if line not in ("--images 3", "--validation 5000"):  # known when the labels are
        monkeypatch.setattr("tp_cnn.training.recipe.load", lambda *_: pytest.fail("data was read"))
    code, errors = run([*SMALL, *[word.strip("'") for word in line.split(" ")]], capsys)
    assert code in (1, 2)
    assert errors.startswith("tp-cnn")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "compare base --seeds 0",
        "compare base --seeds -1",
        "compare base --seeds 99999999999999",
        "compare base --epochs 0",
        "compare base --figure out.doc",
        "compare base --figure out",
        "compare base --figure /dev/null/out.png",
        "compare base --csv /dev/null/out.csv",
        "compare base --results /dev/null",
        "compare base --model lenet5 --dataset digits --images -1",
        "compare batch-norm --model lenet5 --dataset digits",
        "compare base --dataset digits",
        "compare augmentation --dataset shapes --model dense",
        "run --cell-timeout -1",
        "run --cell-timeout nan",
        "run --notebook-timeout inf",
        "run --notebook-timeout 1e300",
        "run --output /dev/null",
        "grade 03 . -o out -j 0",
        "grade 03 . -o out -j 999999",
        "grade 03 . -o out --cell-timeout 0",
        "grade 03 . -o /dev/null",
        "data fetch digits",
        "data verify digits",
        "data cache shapes",
        "data fetch mnits",
        "data status --data /dev/null",
        "report nothing.ipynb",
        "report **.ipynb",
        "report a**b.ipynb",
        "report nothing.ipynb --date 31/02/2026",
        "report . -o x.html",
        "questions --nothing",
        "",
    ],
)
def test_every_command_refuses_in_one_line(line, capsys):
    code, errors = run(line.split(), capsys)
    assert code in (1, 2)
    assert errors.startswith("tp-cnn")
    assert len(errors.splitlines()) == 1
    if line.startswith("data") and ("digits" in line or "shapes" in line):
        assert "did you mean" not in errors


@QUICK
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from(
                    ["--lr", "--momentum", "--weight-decay", "--decay", "--jitter", "--validation"]
                ),
                st.one_of(st.floats(), st.floats(0, 1), st.sampled_from(["x", "", "1e9", "-0"])),
            ),
            st.tuples(
                st.sampled_from(
                    [
                        "--epochs",
                        "--batch-size",
                        "--images",
                        "--shift",
                        "--crop",
                        "--cutout",
                        "--seed",
                    ]
                ),
                st.one_of(st.integers(), st.integers(-2, 3), st.sampled_from(["1.5", "0x3", "²"])),
            ),
            st.tuples(
                st.sampled_from(
                    ["--model", "--dataset", "--optimizer", "--schedule", "--normalise", "--device"]
                ),
                st.sampled_from(
                    [
                        "lenet5",
                        "dense",
                        "digits",
                        "adam",
                        "cosine",
                        "zca",
                        "cpu",
                        "é",
                        "",
                        "-",
                        "--",
                    ]
                ),
            ),
        ),
        max_size=3,
    )
)
@example([("--validation", "0.5"), ("--normalise", "zca"), ("--shift", 2)])
def test_drawn_command_lines_end_with_0_1_or_2(capsys, options):
    words = [str(word) for pair in options for word in pair]
    if "--epochs" in words and words[words.index("--epochs") + 1] not in ("1", "2"):
        words += ["--lr", "-1"]  # refused in any case: a thousand epochs would be right, and long
    code, errors = run([*SMALL, *words], capsys)
    assert code in (0, 1, 2)
    assert (code == 0) == (not errors)
    assert len(errors.splitlines()) <= 1


@QUICK
@given(st.lists(st.text(st.characters(exclude_characters="\0")), max_size=4))
def test_drawn_words_end_with_1_or_2(capsys, words):
    if {"-h", "--help", "--version"} & {word[: len("--version")] for word in words}:
        return
    code, _ = run(words, capsys)
    assert code in (1, 2)


@QUICK
@given(
    st.sampled_from([field.upper() for field in vars(runtime.Settings())]),
    st.one_of(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        st.integers().map(str),
        st.sampled_from(["http://", "http://[::1", "http://a:b/", "https://x:99999/", "~nobody/x"]),
    ),
)
@example("MIRROR", "http://[::1")
@example("MIRROR", "http://host:port/")
@example("SEED", str(2**32))
@example("THREADS", "-1")
@example("THREADS", "99999999999")
@example("DATA", "~nobody-of-this-name/x")
def test_drawn_settings_are_taken_or_refused(capsys, name, value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"TP_CNN_{name}", value)
        code, errors = run(["data", "status"], capsys)
        assert code in (0, 1)
        try:
            runtime.settings()
        except CourseError:
            pass
        else:
            code, errors = run(["data", "fetch", "mnist", "--data", "/dev/full/x"], capsys)
            assert code in (1, 2)  # nothing is asked of a network: there is no place for it
    assert "Traceback" not in errors


NUMBERS = st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from([*limits.RANGES, "validation", *limits.SWITCHES, *limits.CHOICES]), NUMBERS)
def test_a_recipe_holds_or_refuses_any_value(name, value):
    message = ""
    try:
        check_known(Recipe(dataset="digits", **{name: value}))
    except CourseError as error:
        message = str(error)
    assert "\n" not in message
    assert message or value == value  # no NaN is taken


def test_a_mistake_of_use_takes_one_line(capsys):
    code, errors = run(["train", "--epochs", "two"], capsys)
    assert code == 2
    assert errors == (
        "tp-cnn train: argument --epochs: invalid int value: 'two' (see tp-cnn train --help)\n"
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_printing_never_fails_on_a_console_that_lacks_a_character(encoding, monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stderr", console)
    assert cli.main(["report", "★é.ipynb"]) == 1
    console.flush()
    assert b"n'existe pas" in console.buffer.getvalue()


def test_questions_are_printed_in_ascii(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert cli.main(["questions", "03"]) == 0
    out.flush()
    assert b"?" in out.buffer.getvalue()


def test_a_reader_who_leaves_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -c 'from tp_cnn import cli; exit(cli.main())' questions | head -1",
        shell=True,
        capture_output=True,
        cwd=Path(__file__).parents[1],
    )
    assert b"number" in done.stdout
    assert done.stderr == b""
