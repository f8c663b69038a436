"""How many threads numpy's products of matrices take."""

from __future__ import annotations

import os


def one_thread() -> None:
    """Let them take one, unless the user wants it otherwise; to be called before numpy is imported.

    Our matrices are so small that several threads mostly wait for each other: on a busy machine, that cost three times
    the processor's time.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
