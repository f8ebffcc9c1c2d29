"""Every kind of hostile or broken submission, graded in one batch: none stops it."""

import os
import socket
import threading

import pytest

from tests.grading.bestiary import World, bestiary, breaches
from tp_cnn.grading import grade
from tp_cnn.grading.sandbox.bubblewrap import Limits

pytestmark = pytest.mark.slow
LIMITS = Limits(notebook_seconds=80, cell_seconds=8, memory=3_000_000_000, disk=50_000_000)


class Listener:
    """Counts the connections that reach a port of this machine."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.called = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                self.called.append(self.server.accept()[1])
            except OSError:
                return


@pytest.fixture(scope="module")
def graded(mini, needs_sandbox, tmp_path_factory):
    """The cases, their outcomes by student, the pages, the listener."""
    place = tmp_path_factory.mktemp("bestiary")
    (place / "outside").mkdir()
    submissions = place / "rendus"
    submissions.mkdir()
    listener = Listener()
    world = World(place / "outside", listener.port, submissions)
    (world.outside / "secret.txt").write_text(world.secret)
    os.environ["NBGRADER_SECRET"] = world.secret
    cases = bestiary(mini, world)
    for case in cases.values():
        case.write(submissions)
    try:
        batch = grade.grade(
            "01", submissions, place / "out", jobs=2, limits=LIMITS, root=mini.path.parents[1]
        )
    finally:
        del os.environ["NBGRADER_SECRET"]
        listener.server.close()
    return cases, {one.student: one for one in batch.outcomes}, place / "out", listener


def test_every_submission_has_an_outcome(graded):
    cases, outcomes, *_ = graded
    assert len(cases) >= 25
    assert {case.student for case in cases.values()} == set(outcomes)


def test_nothing_of_what_must_not_happen_did(graded):
    cases, outcomes, pages, _ = graded
    found = {
        name: problems
        for name, case in cases.items()
        if (problems := breaches(case, outcomes[case.student], pages))
    }
    assert found == {}


def test_nobody_reached_the_network(graded):
    assert graded[3].called == []
