"""The changes that the mutation benchmark makes of a cell."""

import pytest
from mutants import describe, mutants


def changes(code):
    return {mutant.change for mutant in mutants(code)}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("a = b + c", "a = b + c → a = b - c"),
        ("a = b - c", "a = b - c → a = c - b"),
        ("a = b + c", "a = b + c → a = c"),
        ("a = b // c", "a = b // c → a = round(b / c)"),
        ("a = b // c", "a = b // c → a = -(-b // c)"),
        ("a = b < c", "a = b < c → a = b <= c"),
        ("a = 3", "a = 3 → a = 4"),
        ("a = True", "a = True → a = False"),
        ("a = f(b, c)", "a = f(b, c) → a = f(c, b)"),
        ("a = f(b, c=1)", "a = f(b, c=1) → a = f(b)"),
        ("a = b.clone()", "a = b.clone() → a = b"),
        ("model.eval()", "model.eval() → model.train()"),
        ("a = math.floor(b)", "a = math.floor(b) → a = math.ceil(b)"),
        ("a = b[1:c]", "a = b[1:c] → a = b[:c]"),
        ("a = b[::-1]", "a = b[::-1] → a = b[::1]"),
        ("a = b.mean(dim=(0, 2))", "a = b.mean(dim=(0, 2)) → a = b.mean(dim=(0, 3))"),
        ("if a:\n    f()", "if a: → if not a:"),
        ("with torch.no_grad():\n    f()", "with torch.no_grad():; ⇥ f() → f()"),
        ("zero()\nstep()", "zero() → (nothing)"),
        ("zero()\nstep()", "zero(); step() → step(); zero()"),
        ("for a in b:\n    f(a)\nstep()", "step() → ⇥ step()"),
        ("for a in b:\n    f(a)\n    step()", "⇥ step() → step()"),
        ("def f(a, b):\n    return a", "return a → return b"),
    ],
)
def test_makes_the_change(code, change):
    assert change in changes(code)


def test_each_mutant_is_other_code_that_runs_as_python():
    code = "def f(a, b=2):\n    for c in a:\n        b += c.item() * 3\n    return b"
    found = [mutant.code for mutant in mutants(code)]
    assert len(set(found)) == len(found) > 10
    assert code not in found
    for mutated in found:
        compile(mutated, "cell", "exec")


def test_changes_that_read_the_same_are_told_apart():
    made = [mutant.change for mutant in mutants("f(1)\nf(1)")]
    assert len(set(made)) == len(made)


def test_a_long_line_is_cut_around_the_change():
    before = f"a = [{', '.join(['value'] * 60)}, 1]"
    described = describe(before, before.replace("1]", "2]"))
    assert described.startswith("…")
    assert described.endswith(" 2]")
    assert len(described) < 120
