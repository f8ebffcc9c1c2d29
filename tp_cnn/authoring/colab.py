"""What lets a notebook be opened outside a class room's machines: a link to Colab, an installation.

Both are added to every notebook by the builder; no source holds them.
"""

from tp_cnn.authoring.markers import Cell

# The address of the project's repository, written here alone. A placeholder until it is known.
REPOSITORY = "exemple/tp_cnn"
INSTALLATION_ID = "installation"
INSTALLATION = f"""\
# Sur Colab, installe le cours sans toucher à PyTorch ; ailleurs, cette cellule ne fait rien.
import importlib.metadata
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("tp_cnn") is None:
    present = [name for name in ("torch", "torchvision") if importlib.util.find_spec(name)]
    kept = [f"{{name}}=={{importlib.metadata.version(name)}}" for name in present]
    course = "tp-cnn @ git+https://github.com/{REPOSITORY}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", course, *kept], check=True)"""


def badge(name: str) -> str:
    """A link that opens the student notebook called ``name`` in Colab; words, not a picture, so
    that the page is whole without a network."""
    address = f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks"
    return f"[▶ Ouvrir dans Colab]({address}/{name}.ipynb)"


def add_installation(cells: list[Cell]) -> None:
    """Put the cell that installs the course behind the title."""
    where = cells[0].where.rsplit(":", 1)[0]
    cell = Cell(f"{where}, installation", "code", INSTALLATION, id=INSTALLATION_ID)
    cells.insert(1, cell)
