import fractions
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn

from tp_cnn.checks import cifar, convolution
from tp_cnn.checks.engine.calls import Refused, attempt
from tp_cnn.checks.engine.compare import difference, show
from tp_cnn.checks.engine.framework import Check, FunctionCheck, Mistake, ValueCheck, Verdict, grade

double = FunctionCheck(
    "Le double.",
    answer=lambda values: 2 * values,
    tries=lambda rng: [(np.array([1.0, 2]),), (rng.normal(size=(3, 4)),)],
    mistakes=[
        Mistake("square", lambda values: values**2, "C'est le carré."),
        Mistake("half", lambda values: values / 2, "C'est la moitié."),
    ],
)
third = ValueCheck(
    "Un tiers.",
    answer=1 / 3,
    mistakes=[Mistake("triple", 3, "C'est le triple.")],
    tolerance=0.01,
)


def test_verdict_is_printed_and_returned(capsys):
    verdict = double(lambda values: values**2)
    assert verdict == Verdict("wrong", verdict.message, "square")
    assert not verdict.ok
    assert capsys.readouterr().out == (
        "✘ Pas encore : pour votre fonction(values=[1, 2]), vous obtenez [1, 4] ; à l'indice [0], "
        "1 est trop petit (1 valeur juste sur 2).\n  → C'est le carré.\n"
    )


def test_mistake_must_agree_on_every_input():
    assert double(lambda values: values**2 if values.ndim == 1 else values).mistake is None


def test_right_verdict_states_the_tolerance():
    assert str(double(lambda values: values + values)) == (
        "✔ Juste : valeurs comparées à 0,0001 près."
    )
    assert third.__doc__ == "Un tiers. Tolérance : 0,01."
    assert double.__doc__ == "Le double. Tolérance : 0,0001. Arguments : values."


@pytest.mark.parametrize(
    "number", [0.33, fractions.Fraction(1, 3), torch.tensor(0.34), np.float32(1 / 3)]
)
def test_any_kind_of_number_within_the_tolerance(number):
    assert third(number).ok


def test_outside_the_tolerance():
    verdict = third(0.35)
    assert verdict.mistake is None
    assert verdict.message == "vous obtenez 0.35, c'est trop grand (à 0,01 près)."


def test_seed_changes_the_inputs():
    seen = []

    def spy(values):
        seen.append(values)
        return 2 * values

    assert double(spy, seed=1).ok
    assert double(spy, seed=2).ok
    assert double(spy, seed=1).ok
    assert not np.array_equal(seen[1], seen[3])
    assert np.array_equal(seen[1], seen[5])


def test_grade():
    assert grade(third(1 / 3), 2) == 2.0
    assert grade(third(3), 2) == grade(third(...), 2) == 0.0
    assert isinstance(grade(third(1 / 3), 2), float)


def test_error_shows_the_line_of_the_student():
    def careless(values):
        print("before")
        total = values[0]
        return total / values[7]  # out of bounds

    verdict = double(careless)
    assert verdict.mistake == "exception"
    assert "pour careless(values=[1, 2])," in verdict.message
    assert "return total / values[7]  # out of bounds" in verdict.message
    assert "IndexError (indice hors du tableau) : index 7 is out of bounds" in verdict.message
    assert verdict.message.endswith("Votre code a affiché :\n    before")


def test_error_inside_a_library_shows_the_line_that_called_it():
    def careless(values):
        return torch.stack(values)

    message = double(careless).message
    assert "return torch.stack(values)" in message
    assert "site-packages" not in message


def test_first_difference_comes_before_a_later_error():
    def fragile(values):
        return values[0] + values[1] if values.ndim == 1 else undefined  # noqa: F821

    assert double(fragile).mistake == "shape"
    assert double(lambda values: 2 * values if values.ndim == 1 else undefined).mistake == (  # noqa: F821
        "exception"
    )


def test_signature():
    verdict = double(lambda values, other: values)
    assert verdict.mistake == "signature"
    assert verdict.message == "votre fonction doit accepter 1 argument, dans cet ordre : values."
    assert double(lambda values, factor=2: factor * values).ok
    assert double(lambda *inputs: 2 * inputs[0]).ok


def test_mutation_is_named_with_the_name_of_the_student():
    def careless(mine):
        mine *= 2
        return mine

    verdict = double(careless)
    assert verdict.mistake == "mutation"
    assert "modifie son argument mine." in verdict.message


def test_a_model_may_be_modified_but_not_a_list():
    model = nn.Linear(1, 1)
    attempt(lambda model, images: model.weight.data.zero_(), (model, [1, 2]), ["model", "images"])
    with pytest.raises(Refused, match="modifie son argument images"):
        attempt(lambda model, images: images.pop(), (model, [1, 2]), ["model", "images"])


def test_student_output_and_warnings_do_not_reach_the_cell(capfd):
    def chatty(values):
        print("line\n" * 50)
        print("trouble", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return values

    message = double(chatty).message
    out, err = capfd.readouterr()
    assert err == ""
    assert out.count("    line\n") == message.count("    line\n") == 6


def test_warnings_are_dropped(capfd):
    verdict = double(lambda values: 2 * values + 0 * np.log(values * 0))
    assert verdict.mistake == "not-finite"
    assert "Warning" not in "".join(capfd.readouterr())


def test_keyboard_interrupt_goes_through():
    def interrupted(values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double(interrupted)


def test_an_error_of_the_check_itself_is_not_the_fault_of_the_student():
    broken = FunctionCheck(
        "x", answer=lambda x: 1 / 0, tries=lambda rng: [(1,)], mistakes=[], tolerance=1
    )
    with pytest.raises(ZeroDivisionError):
        broken(lambda x: x)


@pytest.mark.parametrize(
    ("obtained", "kind", "words"),
    [
        ([1, 2, 3], "shape", "de forme (3,) ; il faut un tableau de forme (2,)"),
        (5, "shape", "le nombre 5 ; il faut un tableau de forme (2,)"),
        ([[1], [2, 3]], "type", "des lignes de longueurs différentes"),
        ("[1, 2]", "type", "du texte ('[1, 2]') : retirez les guillemets"),
        ([True, False], "type", "des booléens"),
        ([1, True], "type", "des booléens"),
        ([np.True_, 2], "type", "des booléens"),
        (np.array([1, 2j]), "type", "des nombres complexes"),
        (print, "type", "une fonction et non sa valeur"),
        ((x for x in [1, 2]), "type", "un générateur"),
        ([1, float("nan")], "not-finite", "NaN, « pas un nombre » à l'indice [1]"),
        ([float("inf"), 1], "not-finite", "l'infini à l'indice [0]"),
        ([1, 7], "value", "à l'indice [1], 7 est trop grand (1 valeur juste sur 2)"),
        ([0, 7], "value", "à l'indice [0], 0 est trop petit (aucune valeur juste)"),
    ],
)
def test_differences(obtained, kind, words):
    found = difference(obtained, [1, 2], tolerance=1e-4)
    assert found.kind == kind
    assert words in found.sentence


def test_close_values_are_told_to_be_rounded():
    assert "arrondi" in difference([0.33, 0.67], [1 / 3, 2 / 3], 1e-4).sentence
    assert "arrondi" not in difference(1875, 1876, 1e-4).sentence
    assert "arrondi" not in difference([0.33, 0.1], [1 / 3, 2 / 3], 1e-4).sentence


def test_a_window_out_of_the_image_is_told_both_its_causes():
    """The two mistakes end on the same error, at the same place."""

    def correlate(image, kernel, stride, padding):
        framed, k = np.pad(image, padding), len(kernel)
        sides = [(side + 2 * padding - k) // stride + 1 for side in framed.shape]
        result = np.zeros(sides)
        for i, j in np.ndindex(*sides):
            rows, columns = slice(i * stride, i * stride + k), slice(j * stride, j * stride + k)
            result[i, j] = (framed[rows, columns] * kernel).sum()
        return result

    message = convolution.correlation_2d_strided(correlate).message
    assert "la taille de la sortie ne compte ces zéros qu'une fois" in message


def test_another_kind_of_check_can_be_written():
    """A check of a network: `judge` runs the student's code and names what it sees."""

    class LogitsCheck(Check):
        def judge(self, student, rng):
            if not isinstance(student, nn.Module):
                raise Refused("il faut un nn.Module.", "type")
            images = torch.tensor(rng.normal(size=(2, 4)), dtype=torch.float32)
            output = attempt(student, (images,), ["images"]).result
            if torch.allclose(output.sum(1), torch.ones(2)):
                raise Refused("la dernière couche ne doit pas être un softmax.", "softmax")
            return Verdict("right")

    check = LogitsCheck("Un réseau.", answer=None, mistakes=[])
    assert check(nn.Linear(4, 3)).ok
    assert check(nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))).mistake == "softmax"
    assert check(nn.Linear(5, 3)).mistake == "exception"
    assert check(3).mistake == "type"
    assert check().status == "todo"


def test_in_a_notebook(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("def careless(values):\n    return values / zero", store_history=True)
        cell = shell.execution_count - 1
        shell.user_ns["check"] = double
        result = shell.run_cell("check(careless)", store_history=True)
    finally:
        InteractiveShell.clear_instance()
    assert result.success
    printed = capsys.readouterr().out
    assert f"cellule [{cell}], ligne 2 : return values / zero\n" in printed
    assert "NameError (nom inconnu) : name 'zero' is not defined" in printed
    assert printed.count("Pas encore") == 1
    assert "Verdict" not in printed


def test_checks_import_nothing_slow():
    slow = ["matplotlib", "pandas", "scipy", "sklearn", "torchvision"]
    checks = ", ".join(f"tp_cnn.checks.{name}" for name in ["convolution", "lenet", "cifar"])
    code = f"import sys, {checks}; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("unfinished", [lambda values: ... + 1, lambda values: np.zeros(...)])
def test_a_placeholder_met_while_running_is_to_do(unfinished):
    assert double(unfinished).status == "todo"


def test_a_one_element_tuple_is_its_element():
    """Except a number that a function returns, which the notebook goes on with."""
    assert third((1 / 3,)).ok
    assert double(lambda values: (2 * values,)).ok
    assert third(([1 / 3],)).mistake == "shape"
    assert not third((1,)).ok


def test_a_decimal_comma_is_told():
    message = third((0, 33)).message
    assert message.endswith("En Python, les décimales viennent après un point : 0.33.")
    assert "point" not in third((0.5, 33)).message
    assert "point" not in third([0, 33]).message


def test_a_whole_number_with_commas_is_told():
    thousands = ValueCheck("x", answer=1_191_170, mistakes=[])
    for answer in [(1, 191, 170), (1191, 170)]:
        assert thousands(answer).message.endswith("Un nombre s'écrit sans virgule ni espace.")


def test_two_results_for_one_number_are_not_a_decimal_comma():
    size = FunctionCheck("x", answer=lambda n: n - 2, tries=lambda rng: [(5,)], mistakes=[])
    message = size(lambda n: (n - 2, n - 2)).message
    assert message.endswith("Votre fonction renvoie deux valeurs ; on en demande une.")


def test_true_is_not_the_number_one():
    assert cifar.padding_stride([2, 1]).ok
    verdict = cifar.padding_stride([2, True])
    assert (verdict.status, verdict.mistake) == ("wrong", "type")
    assert "des booléens (vrai ou faux)" in verdict.message


def test_a_whole_number_is_not_told_to_keep_its_decimals():
    assert "arrondi" not in difference(1875.9, 1876, 1e-4).sentence
    assert "arrondi" in difference(76.2, 76.21, 1e-4).sentence


def test_a_boolean_argument_is_shown_by_its_value():
    check = FunctionCheck(
        "x", answer=lambda training: int(training), tries=lambda rng: [(True,)], mistakes=[]
    )
    assert "votre fonction(training=True)" in check(lambda training: 7).message


def test_an_unfilled_return_is_to_do():
    verdict = double(lambda values: ...)
    assert (verdict.status, "return" in verdict.message) == ("todo", False)
    assert "il lui manque un return" in double(lambda values: None).message


def test_none_among_results_is_not_a_blank():
    couple = FunctionCheck("x", answer=lambda n: (n, n), tries=lambda rng: [(5,)], mistakes=[])
    verdict = couple(lambda n: (n, None))
    assert (verdict.status, "est vide (None)" in verdict.message) == ("todo", True)
    assert "« ... »" in couple(lambda n: (n, ...)).message


def test_the_default_type_of_numbers_is_set_again():
    def doubles(values):
        torch.set_default_dtype(torch.float64)
        return 2 * values

    assert double(doubles).ok
    assert torch.get_default_dtype() == torch.float32


def test_a_huge_result_is_refused_quickly():
    started = time.monotonic()
    verdict = cifar.first_loss(lambda classes: np.zeros((3000, 3000)))
    assert (verdict.status, verdict.mistake) == ("wrong", "shape")
    assert time.monotonic() - started < 3


def test_a_generator_is_called_by_its_name():
    def layers():
        yield nn.Linear(2, 2)

    assert "un générateur (yield)" in cifar.cifarnet(layers).message


def test_gradients_left_off_are_told_and_set_again():
    verdict = double(lambda values: 2 * values + 0 * bool(torch.set_grad_enabled(False)))
    assert torch.is_grad_enabled()
    assert verdict.mistake == "gradients-off"
    assert "with torch.no_grad():" in verdict.message


def twice(values):
    return values + values


def test_what_follows_runs_the_code_that_was_judged_right(capsys):
    check = FunctionCheck("Le double.", answer=double.answer, tries=double.tries, mistakes=[])
    mine, wrong = (lambda values: 2 * values), (lambda values: values**2)
    assert check.use(mine, otherwise=twice) is twice  # never judged
    check(wrong)
    assert check.use(wrong, otherwise=twice) is twice
    check(mine)
    assert check.use(mine, otherwise=twice) is mine
    assert check.use(wrong, otherwise=twice) is twice
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Suite")]
    course = "Suite : le code du paquet (twice)"
    assert told == [
        f"{course}, tant que la vérification du vôtre ne dit pas « Juste ».",
        f"{course}, tant que la vérification du vôtre ne dit pas « Juste ».",
        "Suite : votre code (twice).",
        f"{course} : le vôtre n'est plus celui qui a été vérifié, relancez sa cellule de test.",
    ]


def test_the_code_of_the_package_is_not_taken_for_an_answer_that_was_not_run():
    """A student fills a blank, and runs the test cell again without the cell of the answer."""
    check = FunctionCheck("Le double.", answer=double.answer, tries=double.tries, mistakes=[])
    answer = check.use(..., otherwise=twice)
    verdict = check(answer)
    assert verdict.status == "todo"
    assert verdict.message.startswith("c'est le code du paquet")
    assert check(lambda values: 2 * values).ok


def test_a_students_function_is_told_by_its_own_name(capsys):
    check = FunctionCheck("Le double.", answer=double.answer, tries=double.tries, mistakes=[])

    def my_double(values):
        return 2 * values

    check(my_double)
    check.use(my_double, otherwise=twice)
    assert capsys.readouterr().out.splitlines()[-1] == "Suite : votre code (my_double)."


def test_code_that_is_no_longer_right_is_no_longer_used():
    check = FunctionCheck("Le double.", answer=double.answer, tries=double.tries, mistakes=[])
    factor = [2]
    student = lambda values: factor[0] * values  # noqa: E731
    check(student)
    factor[0] = 3
    check(student)
    assert check.use(student, otherwise=twice) is twice


def test_a_list_of_tensors_is_shown_by_its_length():
    assert show([np.zeros((3, 2)), np.zeros(2)]) == "une liste de longueur 2"
    assert show([[1, 2], [3, 4]]) == "[[1, 2], [3, 4]]"
