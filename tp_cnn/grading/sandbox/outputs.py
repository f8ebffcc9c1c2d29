"""What a cell shows, made of messages that a hostile kernel may have written: cut and checked."""

import re

from tp_cnn.grading.sandbox.bubblewrap import Limits

MIME = re.compile(r"[a-z][a-z-]{1,20}/[A-Za-z0-9][\w.+-]{0,100}")
JSON = re.compile(r"application/(.*\+)?json")
DEPTH = 20  # of a JSON value; deeper ones make the libraries that read notebooks fail
ITEMS = 1000  # outputs a cell
ERROR = 100_000  # characters of a traceback
TEXT_CUT = "\n[sortie coupée : trop de texte]\n"
DISPLAY_CUT = "[affichage retiré : il est trop long, ou la cellule en montre trop]"


class Outputs:
    """The outputs of one cell, within the limits of a cell and of the notebook."""

    def __init__(self, limits: Limits, left: dict[str, int], displays: dict[str, list]):
        """``left`` counts the notebook's bytes; ``displays`` its outputs by ``display_id``."""
        self.cell = {"text": limits.output, "display": limits.display}
        self.left, self.displays = left, displays
        self.nodes: list = []
        self.pieces: list[str] = []  # text of the stream that stands last
        self.noted: set[str] = set()
        self.clear_first = False

    def add(self, message: dict) -> None:
        """Take in a message of the kernel; what cannot be understood is dropped."""
        kind = message.get("type")
        if kind == "clear_output":
            if message.get("wait"):
                self.clear_first = True
            else:
                self._clear()
        elif kind == "stream" and message.get("name") in ("stdout", "stderr"):
            self._add_text(message["name"], str(message.get("text", "")))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._add_display(kind, message)
        elif kind == "error":
            self.add_error(message)

    def add_error(self, message: dict) -> None:
        lines = message.get("traceback")
        text = "\n".join(map(str, lines if isinstance(lines, list) else []))[-ERROR:]
        self._append(
            "error",
            ename=str(message.get("ename", ""))[:200],
            evalue=str(message.get("evalue", ""))[:10_000],
            traceback=text.split("\n") if text else [],
        )

    def has_error(self) -> bool:
        return any(node.output_type == "error" for node in self.nodes)

    def drop_errors(self, name: str) -> None:
        self.nodes = [node for node in self.nodes if node.get("ename") != name]

    def finish(self) -> list:
        """The outputs, complete."""
        if self.pieces:
            self.nodes[-1]["text"] = "".join(self.pieces)
            self.pieces = []
        return self.nodes

    def _take(self, kind: str, size: int) -> int:
        """How many of ``size`` bytes may still be kept; they are counted as kept."""
        granted = max(0, min(size, self.cell[kind], self.left[kind]))
        self.cell[kind] -= granted
        self.left[kind] -= granted
        return granted

    def _add_text(self, name: str, text: str) -> None:
        self._clear_if_due()
        kept = text[: self._take("text", len(text))]
        if len(kept) < len(text):
            kept += self._note_once(TEXT_CUT)
        if not kept:
            return
        if self.pieces and self.nodes[-1].name == name:
            self.pieces.append(kept)
        elif self._append("stream", name=name, text=""):
            self.pieces = [kept]

    def _add_display(self, kind: str, message: dict) -> None:
        data, metadata = _bundle(message.get("data")), message.get("metadata")
        metadata = metadata if isinstance(metadata, dict) and _shallow(metadata) else {}
        size = len(repr(data)) + len(repr(metadata))
        if size > min(self.cell["display"], self.left["display"]):
            data, metadata = {"text/plain": self._note_once(DISPLAY_CUT)}, {}
            if not data["text/plain"]:
                return
        else:
            self._take("display", size)
        transient = message.get("transient")
        name = transient.get("display_id") if isinstance(transient, dict) else None
        if kind == "update_display_data":
            for node in self.displays.get(name, []) if isinstance(name, str) else []:
                node.data, node.metadata = data, metadata
            return
        self._clear_if_due()
        number = {"execution_count": count(message)} if kind == "execute_result" else {}
        node = self._append(kind, data=data, metadata=metadata, **number)
        if node and isinstance(name, str):
            self.displays.setdefault(name, []).append(node)

    def _append(self, kind: str, **content):
        import nbformat

        self.finish()
        if len(self.nodes) >= ITEMS and kind != "error":
            if self._note_once(DISPLAY_CUT):
                self.nodes.append(nbformat.v4.new_output("stream", name="stdout", text=DISPLAY_CUT))
            return None
        self.nodes.append(nbformat.v4.new_output(kind, **content))
        return self.nodes[-1]

    def _note_once(self, note: str) -> str:
        if note in self.noted:
            return ""
        self.noted.add(note)
        return note

    def _clear(self) -> None:
        self.nodes, self.pieces, self.clear_first = [], [], False

    def _clear_if_due(self) -> None:
        if self.clear_first:
            self._clear()


def _bundle(data) -> dict:
    """The entries of a MIME bundle that a notebook may hold."""
    kept = {}
    for mime, value in data.items() if isinstance(data, dict) else ():
        if not MIME.fullmatch(mime):
            continue
        if isinstance(value, str) or (JSON.fullmatch(mime) and _shallow(value)):
            kept[mime] = value
    return kept


def _shallow(value) -> bool:
    """Whether a JSON value is nested less than ``DEPTH`` times."""
    level = [value]
    for _ in range(DEPTH):
        level = [
            item
            for node in level
            if isinstance(node, (dict, list))
            for item in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return True
    return False


def count(message: dict) -> int | None:
    """The number of execution that a message bears."""
    number = message.get("execution_count")
    return number if isinstance(number, int) and not isinstance(number, bool) else None
