"""Where annotated documents are published: a table of public repositories.

    annotation ── source {set, document} ──> Table ──> File (repository, commit, path)

A set has a file for each document (`path`, with `{document}`, or `{folder}` and `{name}` before and after its last
slash), or files that hold many (`files`). A commit is pinned for all of them, or for one where a file is gone from the
others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ..errors import CorpusError

__all__ = ["TABLE", "File", "Source", "Table", "table_of"]

TABLE = "sources.json"
_FORMS = ("html", "json", "csv")
_FIELDS = frozenset(("document", "title", "text"))
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_KEYS = {"repository": str, "form": str, "commit": str, "path": str, "commits": dict, "files": dict, "fields": dict}
_HINT = "training_data/README.md says what it holds"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a public repository, at a commit: it never changes."""

    repository: str
    commit: str
    path: str

    @property
    def place(self) -> str:
        """Where it is kept, below some folder."""
        return f"{self.repository}/{self.commit}/{self.path}"


@dataclass(frozen=True, slots=True)
class Source:
    """A set of documents in one repository."""

    repository: str
    form: str  # of its files: "html", "json" or "csv"; packed with gzip or not
    commit: str = ""
    path: str = ""
    commits: Mapping[str, str] = field(default_factory=dict)  # of documents that are gone from `commit`
    files: Mapping[str, str] = field(default_factory=dict)  # path and commit of files that hold many documents
    fields: Mapping[str, str] = field(default_factory=dict)  # what an entry calls its `document`, `title` and `text`

    def of(self, document: str) -> tuple[File, ...]:
        """The files that hold a document, or may; none if no commit is known that has it.

        Raises:
            CorpusError: its name is no path.
        """
        if self.files:
            return tuple(File(self.repository, commit, path) for path, commit in self.files.items())
        folder, _, name = document.rpartition("/")
        path = self.path.replace("{folder}", folder).replace("{name}", name).replace("{document}", document)
        if not _is_path(path):
            raise CorpusError("no file of a repository can have that name", where=document)
        commit = self.commits.get(document, self.commit)
        return (File(self.repository, commit, path),) if commit else ()


@dataclass(frozen=True, slots=True)
class Table:
    """All sources, by the name of their set."""

    address: str  # of a file: with {repository}, {commit} and {path}
    sources: Mapping[str, Source]

    def url(self, file: File) -> str:
        """Where a file is to be had."""
        told = {"repository": file.repository, "commit": file.commit, "path": file.path}
        return re.sub(r"\{(repository|commit|path)\}", lambda found: quote(told[found[1]]), self.address)


def table_of(annotated: Path) -> Table:
    """The table that belongs to annotations: `sources.json` in their folder or one above.

    Raises:
        CorpusError: there is none, it cannot be read, or it says what makes no sense.
    """
    folder = annotated if annotated.is_dir() else annotated.parent
    path = next((at / TABLE for at in (folder, folder.parent) if (at / TABLE).is_file()), None)
    if path is None:
        raise CorpusError(f"no {TABLE} there, which says where the documents are", where=str(folder), hint=_HINT)
    try:
        given = json.loads(path.read_bytes())
        if (
            not isinstance(given, dict)
            or set(given) != {"address", "sources"}
            or not isinstance(given["sources"], dict)
        ):
            raise CorpusError("an object with `address` and `sources` is wanted", hint=_HINT)
        address = given["address"]
        wanted = ("{repository}", "{commit}", "{path}")
        if not isinstance(address, str) or not re.match(r"https?://", address) or not all(w in address for w in wanted):
            raise CorpusError(f"address: http(s)://… with {', '.join(wanted)} is wanted", hint=_HINT)
        return Table(address, {name: _source(name, told) for name, told in given["sources"].items()})
    except CorpusError as fault:
        raise fault.at(str(path)) from None
    except (OSError, ValueError, RecursionError) as fault:
        raise CorpusError(f"cannot be read: {fault}", where=str(path)) from fault


def _source(name: str, given: object) -> Source:
    """A source of the table.

    Raises:
        CorpusError: it makes no sense.
    """

    def wrong(what: str) -> CorpusError:
        return CorpusError(f"{name}: {what}", hint=_HINT)

    if not isinstance(given, dict):
        raise wrong("an object is wanted")
    for key, value in given.items():
        if key not in _KEYS:
            raise wrong(f"{key!r} is not known there; {', '.join(_KEYS)} are")
        texts = [value] if _KEYS[key] is str else list(value.values()) if isinstance(value, dict) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise wrong(f"{key}: {'a text' if _KEYS[key] is str else 'an object of texts'} is wanted")
    source = Source(**{"repository": "", "form": "", **given})
    if not _REPOSITORY.fullmatch(source.repository) or not _is_path(source.repository):
        raise wrong("repository: OWNER/NAME is wanted")
    if source.form not in _FORMS:
        raise wrong(f"form: {', '.join(_FORMS)} are known")
    if bool(source.files) == bool(source.path):
        raise wrong("either `path` or `files` is wanted")
    if source.path and not re.search(r"\{(document|name)\}", source.path):
        raise wrong("path: {document} or {name} is wanted in it")
    if (source.form == "html") == bool(source.files) or (source.files and set(source.fields) != _FIELDS):
        raise wrong(f"json and csv have `files` and `fields` ({', '.join(sorted(_FIELDS))}), html has `path`")
    if not all(map(_is_path, source.files)):
        raise wrong("files: paths inside the repository are wanted")
    commits = [*source.files.values(), *source.commits.values(), *([source.commit] if source.commit else [])]
    if not commits or not all(map(_COMMIT.fullmatch, commits)):
        raise wrong("commits are 40 hexadecimal digits")
    return source


def _is_path(path: str) -> bool:
    """Whether something is a path inside a repository, and inside the folder that keeps a copy of it."""
    return path.isprintable() and "\\" not in path and not {"", ".", ".."} & set(path.split("/"))
