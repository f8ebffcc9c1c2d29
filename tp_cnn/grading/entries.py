"""What lies in a folder or a zip, read without trust: nothing is extracted, no link is followed.

A thing that may not be read is listed all the same, with its problem: a person has to know of it.
"""

import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

LARGEST = 50_000_000  # bytes of a notebook
LARGEST_ARCHIVE = 300_000_000  # of a zip inside a zip, which is read in memory
LARGEST_DIRECTORY = 4_000_000  # of the list of names of a student's zip: about 40,000 files
MOST_MEMBERS = 20_000
HIGHEST_RATIO = 200  # uncompressed / compressed; figures and code stay below 20
SAFE_SIZE = 10_000_000  # bytes: below, the ratio does not matter
IGNORED = {"__macosx", "thumbs.db", "desktop.ini", "__pycache__", "node_modules", "venv"}


class UnreadableFile(Exception):
    """Why something cannot be read, in French."""


@dataclass(frozen=True)
class FileEntry:
    """A file, or an empty or unreadable folder; ``parts`` is its path below what was listed."""

    parts: tuple[str, ...]
    read: Callable[[int], bytes]  # the content, if it has no more bytes than that
    size: int = 0
    modified: str = ""  # ISO date, local time
    problem: str = ""  # in French: why it may not be read
    folder: bool = False

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.name.lower())[1]


def walk(place: Path) -> list[FileEntry]:
    """Everything below a folder, in the order of the names."""
    found, left = [], [((), str(place))]
    while left:
        parts, folder = left.pop()
        try:
            with os.scandir(folder) as listing:
                children = sorted(listing, key=lambda child: child.name)
        except OSError as error:
            found.append(_refused(parts, f"dossier illisible ({_reason(error)})", folder=True))
            continue
        if parts:
            found.append(FileEntry(parts, _nothing, folder=True))
        for child in children:
            if _is_ignored(child.name):
                continue
            if child.is_dir(follow_symlinks=False):
                left.append(((*parts, child.name), child.path))
            else:
                found.append(_file((*parts, child.name), child))
    return sorted(found, key=lambda entry: entry.parts)


def _file(parts: tuple[str, ...], child: os.DirEntry) -> FileEntry:
    try:
        status = child.stat(follow_symlinks=False)
    except OSError as error:
        return _refused(parts, f"fichier illisible ({_reason(error)})")
    if stat.S_ISLNK(status.st_mode):
        return _refused(parts, "lien symbolique, jamais suivi")
    if not stat.S_ISREG(status.st_mode):
        return _refused(parts, "ni fichier ni dossier (tube, périphérique ou socket)")
    modified = datetime.fromtimestamp(min(max(0, status.st_mtime), 4e9)).isoformat()
    return FileEntry(parts, lambda limit: _read_file(child.path, limit), status.st_size, modified)


def _read_file(path: str, limit: int) -> bytes:
    # What was a file when it was listed may have become a link or a pipe since.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableFile("ce n'est pas un fichier ordinaire")
            return _within(limit, file.read(limit + 1))
    except OSError as error:
        raise UnreadableFile(f"fichier illisible ({_reason(error)})") from None


def open_zip(source: Path | bytes) -> zipfile.ZipFile:
    """Open an archive; one in memory, a student's, may not have too many members.

    Raises:
        Unreadable: it is no zip, is damaged, or is built to fill the memory.
    """
    in_memory = isinstance(source, bytes)
    if in_memory:
        end = source.rfind(b"PK\5\6")
        listing = int.from_bytes(source[end + 12 : end + 16], "little") if end >= 0 else 0
        if listing > LARGEST_DIRECTORY:
            raise UnreadableFile(f"archive de plus de {MOST_MEMBERS} fichiers")
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if in_memory else source)
    except Exception as error:  # a damaged list of names breaks zipfile in several ways
        raise UnreadableFile(f"archive zip abîmée ou qui n'en est pas une ({error})") from None
    if in_memory and len(archive.infolist()) > MOST_MEMBERS:
        raise UnreadableFile(f"archive de plus de {MOST_MEMBERS} fichiers")
    return archive


def members(archive: zipfile.ZipFile) -> Iterator[FileEntry]:
    """The files and folders of an archive, in the order of their names."""
    for info in sorted(archive.infolist(), key=lambda info: info.filename):
        entry = _member(archive, info)
        if entry.parts and not any(map(_is_ignored, entry.parts)):
            yield entry


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> FileEntry:
    name = _decoded(info).replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", ".", ".."))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/"):
        return _refused(parts, "chemin absolu ou qui sort de l'archive")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return _refused(parts, "lien symbolique ou fichier spécial dans une archive, jamais suivi")
    if name.endswith("/"):
        return FileEntry(parts, _nothing, folder=True)
    if info.flag_bits & 1:
        return _refused(parts, "fichier chiffré par un mot de passe")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return _refused(
            parts, "méthode de compression inconnue (refaire l'archive en zip ordinaire)"
        )
    if info.file_size > SAFE_SIZE and info.file_size > HIGHEST_RATIO * info.compress_size:
        ratio = info.file_size // max(1, info.compress_size)
        return _refused(parts, f"fichier comprimé {ratio} fois : c'est une bombe de décompression")
    year, month, day, hour, minute, second = info.date_time
    modified = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    return FileEntry(
        parts, lambda limit: _read_member(archive, info, limit), info.file_size, modified
    )


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.file_size > limit:
        raise UnreadableFile(_too_large(limit))
    try:
        with archive.open(info) as file:
            return _within(limit, file.read(limit + 1))
    except UnreadableFile:
        raise
    except Exception as error:  # each decoder has errors of its own
        raise UnreadableFile(f"fichier abîmé dans l'archive ({error})") from None


def _decoded(info: zipfile.ZipInfo) -> str:
    """The name of a member: macOS writes UTF-8 without saying so, Windows the console's page."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")
        return raw.decode("utf-8")
    except UnicodeEncodeError:
        return info.filename
    except UnicodeDecodeError:
        return raw.decode("cp850")


def below(entry: FileEntry, depth: int) -> FileEntry:
    """The same entry, seen from ``depth`` folders further down."""
    return replace(entry, parts=entry.parts[depth:])


def _within(limit: int, content: bytes) -> bytes:
    if len(content) > limit:
        raise UnreadableFile(_too_large(limit))
    return content


def _too_large(limit: int) -> str:
    return f"fichier trop volumineux (plus de {limit / 1e6:.0f} Mo)"


def _is_ignored(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in IGNORED


def _refused(parts: tuple[str, ...], problem: str, folder: bool = False) -> FileEntry:
    return FileEntry(parts, _nothing, problem=problem, folder=folder)


def _nothing(limit: int) -> bytes:
    return b""


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
