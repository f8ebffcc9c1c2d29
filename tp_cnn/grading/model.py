"""What the steps of grading hand to each other: a submission, its marks, what came of it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tp_cnn.files import atomic_write

# What can become of a submission; the French words are those of the pages and of the CSV.
STATUS = {
    "graded": "notée",
    "suspicious": "suspecte",  # has marks, but a person must look
    "not-graded": "non notée",
    "missing": "non rendue",
}


@dataclass(frozen=True)
class Submission:
    """One student's notebook, as it was handed in.

    ``content`` is None when there is no file to read; ``problem`` then says why.
    """

    id: str  # letters, digits, - and _; unique in the batch
    student: str  # the name that people read
    file: str  # where it lies in the folder or the archive, for people
    content: bytes | None = None
    problem: str = ""  # in French; "" if there is something to grade
    missing: bool = False  # nothing was handed in
    notes: tuple[str, ...] = ()  # in French: other versions set aside, renamed file, ...


@dataclass
class Mark:
    """One graded cell of one student. Exactly one of ``automatic`` and ``manual`` counts."""

    cell: str  # grade id
    question: str  # identifier of the question it belongs to
    points: float  # at most
    by_hand: bool  # a person marks it
    automatic: float | None = None  # of the tests; 0 for a free text left blank
    manual: float | None = None  # given by a person: counts instead of the automatic one
    comment: str = ""  # a person's, shown to the student
    answer: str = ""  # the free text, or the code of the blanks above the test
    messages: list[str] = field(default_factory=list)  # what the tests printed, errors included
    pictures: list[str] = field(default_factory=list)  # base64 PNGs that the student handed in

    @property
    def earned(self) -> float | None:
        """The points that count; None while a person has to mark it."""
        return self.automatic if self.manual is None else self.manual


@dataclass
class Outcome:
    """What came of one submission."""

    id: str
    student: str
    file: str
    status: str  # a key of STATUS
    reasons: list[str] = field(default_factory=list)  # why suspicious, or not graded
    repairs: list[str] = field(default_factory=list)  # what was mended before grading
    notes: list[str] = field(default_factory=list)  # stopped cells, versions set aside
    marks: list[Mark] = field(default_factory=list)  # in the order of the notebook
    digest: str = ""  # of what was handed in and of the course: what --resume compares
    seconds: float = 0.0

    @property
    def total(self) -> float:
        """The points earned so far."""
        return sum(mark.earned or 0 for mark in self.marks)

    @property
    def to_mark(self) -> list[Mark]:
        """What a person has still to mark."""
        return [mark for mark in self.marks if mark.earned is None]

    def write(self, path: Path) -> None:
        with atomic_write(path) as temporary:
            temporary.write_text(
                json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8"
            )

    @classmethod
    def read(cls, path: Path) -> "Outcome":
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**values, "marks": [Mark(**mark) for mark in values["marks"]]})


@dataclass(frozen=True)
class GradedQuestion:
    """What the pages say of a question."""

    id: str
    number: str | None  # of the lab sheet
    title: str
    kind: str
    star: bool
    bonus: bool
    points: float
    statement: str  # Markdown, its heading included
    rubrics: dict[str, str]  # free-text answer cell -> what its author expects, in Markdown


@dataclass(frozen=True)
class Batch:
    """Everything the pages show."""

    notebook: str  # "03_lenet_mnist"
    title: str
    questions: list[GradedQuestion]  # those with points
    outcomes: list[Outcome]  # sorted by student
    date: str
    sandbox: bool

    @property
    def points(self) -> float:
        """The points of the notebook, without those of bonus questions."""
        return sum(question.points for question in self.questions if not question.bonus)
