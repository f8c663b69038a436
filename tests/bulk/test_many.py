"""Many documents: in order, one by one, and each with its own fate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from feedclean.bulk import Options, Outcome, Source, Target, clean_many, clean_one, read
from feedclean.bulk.many import _windows
from feedclean.errors import FormatError, LimitError, ModelError, SourceError
from feedclean.formats.convert import TARGETS
from feedclean.formats.limits import Limits
from tests.cli.conftest import EXAMPLES, page
from tests.cli.fake_judge import FakeJudge

OPTIONS = Options(model=FakeJudge())


def sources(*paths: Path) -> list[Source]:
    return [Source(path.name, path, PurePath(path.name)) for path in paths]


def told(outcomes: Iterator[Outcome]) -> list[tuple[str, bytes, str]]:
    return [(outcome.source.name, outcome.content, str(outcome.fault)) for outcome in outcomes]


@pytest.mark.slow
def test_processes_give_the_same_in_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "crash.html").write_text(page("Crash please."))
    several = sources(EXAMPLES / "feed.xml", tmp_path / "none.xml", EXAMPLES / "article.html", tmp_path / "crash.html")
    several *= 20  # more than one window
    one, two = (told(clean_many(several, options=OPTIONS, jobs=jobs)) for jobs in (1, 2))
    assert one == two
    assert [name for name, _, _ in one] == [source.name for source in several]


def test_documents_are_read_when_their_turn_comes(tmp_path: Path) -> None:
    taken: list[str] = []

    def endless() -> Iterator[Source]:
        while True:
            taken.append("")
            yield sources(EXAMPLES / "article.html")[0]

    outcomes = clean_many(endless(), options=OPTIONS)
    assert next(outcomes).fault is None and next(outcomes).fault is None
    assert len(taken) == 2


@pytest.mark.slow
def test_however_many_there_are_only_two_windows_are_held(tmp_path: Path) -> None:
    """Nothing is taken from the sources that is not handed out soon."""
    taken = given = most = 0

    def counted() -> Iterator[Source]:
        nonlocal taken
        for number in range(700):
            taken += 1
            yield Source(str(number), None, data=page("News.").encode())

    for outcome in clean_many(counted(), options=OPTIONS, jobs=2):
        assert outcome.source.name == str(given) and outcome.source.data is None
        given += 1
        most = max(most, taken - given)
    assert (given, taken) == (700, 700) and most <= 2 * 2 * 32


@pytest.mark.slow
def test_work_may_be_broken_off_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    sources = (Source(str(number), None, data=page("News.").encode()) for number in range(400))
    outcomes = clean_many(sources, options=OPTIONS, jobs=2)
    next(outcomes)
    outcomes.close()
    assert not recwarn.list


def test_large_documents_make_small_windows() -> None:
    sizes = [1 << 20] * 40 + [40 << 20, 1, 1]
    windows = list(_windows((Source("x", Path("x"), size=size) for size in sizes), 64))
    assert [len(window) for window in windows] == [32, 9, 2]


def test_a_fault_is_an_outcome_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "crash.html").write_text(page("Crash please."))
    paths = [tmp_path / name for name in ("none", "empty", "crash.html")]
    none, empty, crash, good = clean_many(sources(*paths, EXAMPLES / "article.txt"), options=OPTIONS)
    assert isinstance(none.fault, SourceError) and none.fault.where == "none"
    assert isinstance(empty.fault, FormatError) and empty.fault.where == "empty"
    assert "RuntimeError: as asked" in str(crash.fault) and "Traceback" in crash.traceback
    assert good.fault is None and good.cleaned is not None


def test_a_model_that_cannot_be_used_is_told_once_and_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        clean_many(iter(()), options=Options(model=tmp_path))


@pytest.mark.parametrize("to", Target)
def test_a_result_says_whether_its_format_is_another(to: Target) -> None:
    outcome = clean_one(sources(EXAMPLES / "feed.xml")[0], replace(OPTIONS, to=to))
    assert outcome.fault is None
    assert outcome.target is (None if to is Target.RSS else to)


def test_the_targets_are_those_that_can_be_converted_to() -> None:
    assert tuple(target for target in Target if target is not Target.JSON) == TARGETS  # which needs the verdicts, too


def test_blocks_stay_behind_when_nobody_wants_them() -> None:
    source = sources(EXAMPLES / "article.html")[0]
    slim, full = (clean_one(source, replace(OPTIONS, blocks=blocks)).cleaned for blocks in (False, True))
    assert slim is not None and full is not None
    assert slim.items == () and full.items != () and slim.ledger == full.ledger


def test_a_file_is_measured_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(11))
    source = sources(tmp_path / "big")[0]
    assert len(read(source, Limits(bytes=11))) == 11
    with pytest.raises(LimitError, match="11 bytes; up to 10 bytes are read"):
        read(source, Limits(bytes=10))


def test_a_folder_or_an_impossible_path_is_no_source(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "a\0b"):
        with pytest.raises(SourceError):
            read(Source("x", path))
