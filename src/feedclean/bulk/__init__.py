"""Many documents: the sentence of `cleaning.py` for each of them, results in the order of the sources.

nouns    Source, Options, Outcome, Target
reading  the bytes of a source
one      one document: what goes wrong with it is told in its outcome and does not touch the others
many     all of them, in one process or in several
journal  what has been done, for the next run
remote   documents and results at fsspec addresses

dask_engine  the same on a Dask cluster
containers/  files that hold many documents
"""

from __future__ import annotations

from .journal import Journal, described, stamped
from .many import clean_many
from .nouns import Options, Outcome, Source, Target
from .one import clean_one
from .reading import printable, read, unreadable

__all__ = [
    "Journal",
    "Options",
    "Outcome",
    "Source",
    "Target",
    "clean_many",
    "clean_one",
    "described",
    "printable",
    "read",
    "stamped",
    "unreadable",
]
