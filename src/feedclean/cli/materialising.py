"""`feedclean corpus fetch`: real pages and their annotations put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import CorpusError
from .faults import Ending, ExitCode, say

if TYPE_CHECKING:
    from ..learning.annotations import Fetched, Tally
    from ..learning.sources import File

__all__ = ["FETCH", "fetch"]

_CORPUS = Path("training_data")

FETCH = (
    "Put real pages and their annotations together, to train and measure with.\n\n"
    "Real pages belong to their publishers, so only annotations of them come with feedclean: where a page is, and "
    "what each of its blocks is, by a digest of its text. Without --from, the pages are downloaded from the public "
    "repositories that sources.json beside the annotations names (some 570 files), one after the other, as "
    "the proxy would; what has come is kept (--cache), so a run that was broken off goes on, and a later one asks for "
    "nothing. What is missing or is not what was annotated is told and left out.\n\n"
    "\b\n"
    "  feedclean corpus fetch                    download them, into training_data/real\n"
    "  feedclean corpus fetch --from DIR         no network: DIR has the documents as JSON lines\n\n"
    "Exit codes: 0 if all documents are there, 1 if some are missing or nobody answers (then nothing is written)."
)


def fetch(
    annotations: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS", help="The folder of annotations: labels without the text.")
    ] = _CORPUS / "annotations",
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="The folder that holds the real documents.", show_default=False),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where to put them; never to be committed.")
    ] = _CORPUS / "real",
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where downloads are kept; the platform's folder for caches if not given."),
    ] = None,
) -> None:
    """Put real pages and their annotations together; `FETCH` is its help."""
    from ..learning.annotations import in_folder, materialise

    if not annotations.exists():
        hint = "run this in a checkout of feedclean, or give annotations of your own"
        raise CorpusError("no such file or folder", where=str(annotations), hint=hint)
    if source is None:
        _download(annotations, output, cache)
        return
    fetched = materialise(annotations, in_folder(source), output)
    for missing in fetched.missing:
        say(f"{missing}: not in {source}")
    _end(fetched, "have changed since")


def _download(annotations: Path, output: Path, cache: Path | None) -> None:
    from ..learning.annotations import annotations_in, files_of, in_downloads, materialise
    from ..learning.downloads import Downloads
    from ..learning.sources import table_of
    from .bars import stages
    from .downloading import Kept

    table = table_of(annotations)
    files = files_of(annotations, table)
    kept = Kept(cache)
    failed: dict[File, str] = {}
    downloads = Downloads(table, kept.read)
    find = in_downloads(downloads)
    with stages(say) as (_, stage):
        if wanted := kept.missing(list(files)):
            failed = kept.download(wanted, table, stage(f"downloading {len(wanted)} files", len(wanted)))
        documents = sum(1 for _ in annotations_in(annotations))
        step = stage(f"reading {documents} documents", documents)

        def found(wanted: dict[str, Any]) -> tuple[str, list[dict[str, Any] | None]] | None:
            step()
            return find(wanted)

        fetched = materialise(annotations, found, output)
    failed |= downloads.faults
    for name, tally in fetched.sets.items():
        reasons = {file: failed[file] for file in failed if files[file] == name}
        say(f"{name}: {_told(tally, 'were not found again')}{_why(tally, reasons, known=name in table.sources)}")
    unlike = [table.sources[name].of(document) for name, document in fetched.unlike if not table.sources[name].files]
    kept.forget([*downloads.faults, *(file for found in unlike for file in found)])
    _end(fetched, "were not found again")


def _why(tally: Tally, reasons: Mapping[File, str], *, known: bool) -> str:
    """Why documents of a set are missing, with the first file that each reason is about."""
    if not tally.missing:
        return ""
    if not known:
        return "; sources.json does not say where they are"
    if not reasons:
        return "; not in its files"
    told = []
    for reason, count in Counter(reasons.values()).most_common():
        first = next(file.path for file, given in reasons.items() if given == reason)
        told.append(f"{first}{f' and {count - 1} more' if count > 1 else ''}: {reason}")
    return f"; {'; '.join(told)}"


def _told(tally: Tally, changed: str) -> str:
    missing = f", {tally.missing} documents missing" if tally.missing else ""
    return f"{tally.documents} documents, {tally.blocks} blocks{missing}; {tally.changed} blocks {changed}"


def _end(fetched: Fetched, changed: str) -> None:
    say(_told(fetched.total, changed))
    raise Ending(ExitCode.FAILED if fetched.missing else ExitCode.OK)
