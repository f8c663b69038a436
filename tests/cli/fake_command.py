"""`feedclean` with the fake judge, as a program: `python tests/cli/fake_command.py clean …`."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from feedclean import bulk
from feedclean.bulk.many import Engine
from feedclean.cli import batch, main
from tests.cli.fake_judge import FakeJudge


def clean_many(
    sources: Iterable[bulk.Source], *, options: bulk.Options, jobs: int, engine: Engine | None
) -> Generator[bulk.Outcome]:
    return bulk.clean_many(sources, options=replace(options, model=FakeJudge()), jobs=jobs, engine=engine)


def described(options: bulk.Options) -> dict[str, str]:
    return bulk.described(replace(options, model=FakeJudge()))


if __name__ == "__main__":
    # Not `load_model`: what is replaced here would not be in the processes of --jobs.
    vars(batch).update(clean_many=clean_many, described=described)
    main()
