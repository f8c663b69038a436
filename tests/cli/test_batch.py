"""Many documents: every way to name them, and what becomes of the work when it is broken off."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from feedclean.bulk import Journal, Outcome
from feedclean.cli import atomic, outputs
from tests.bulk import crawls
from tests.cli.conftest import Run, Start, page
from tests.cli.test_outputs import tree, write


def shown(folder: str | Path) -> list[str]:
    """All files under a folder but the journal."""
    return [name for name in tree(folder) if "feedclean-" not in name]


def lines(path: str | Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


# ── What can be named ────────────────────────────────────────────────────────────────────────────────────────────────


def test_containers_are_sources_wherever_they_lie(run: Run, tmp_path: Path) -> None:
    Path("in").mkdir()
    crawls.zipped(tmp_path / "in/news.zip", a=page("In a zip.").encode(), deep__b=page("Deep.").encode())
    crawls.tarred(tmp_path / "in/old.tgz", {"c.html": page("In a tar.").encode()}, "w:gz")
    Path("in/crawl.warc.gz").write_bytes(crawls.packed(crawls.record("https://news.example/up", page("Up.").encode())))
    Path("in/pages.jsonl").write_bytes(crawls.lines({"url": "https://b.example/", "html": page("A line.")}, b"{\n"))
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 1 and "in/pages.jsonl:2: not JSON" in result.stderr
    assert "5 documents cleaned; 5 blocks cut" in result.stderr
    assert [name.split("-")[0] for name in shown("out")] == [
        "crawl/news.example/up",
        "news/a.html",
        "news/deep/b.html",
        "old/c.html",
        "pages/b.example/index",
    ]


def test_files_of_an_archive_keep_their_endings_and_what_has_an_address_gets_its_own(run: Run, tmp_path: Path) -> None:
    feed = b'<rss version="2.0"><channel><title>N</title><item><title>Up</title></item></channel></rss>'
    crawls.tarred(tmp_path / "x.tar", {"feed.xml": feed, "page.htm": page("News.").encode()})
    http = "Content-Type: application/rss+xml"
    Path("y.warc").write_bytes(crawls.record("https://news.example/feed.xml", feed, http=http))
    assert run("clean", "x.tar", "y.warc", "-o", "out").exit_code == 0
    first, second, third = shown("out")
    assert (first, second) == ("x/feed.xml", "x/page.htm") and third.startswith("y/news.example/feed-")
    assert third.endswith(".rss")


def test_a_name_in_an_archive_does_not_lead_out_of_the_output_folder(run: Run, tmp_path: Path) -> None:
    crawls.tarred(tmp_path / "x.tar", {"../../up.html": page("Up.").encode(), "/etc/abs.html": page("A.").encode()})
    assert run("clean", "x.tar", "-o", "out").exit_code == 0
    assert tree(".") == ["out/x/etc/abs.html", "out/x/up.html", "x.tar"]


def test_a_quoted_pattern_is_expanded(run: Run) -> None:
    write("in/a.html", "in/deep/er/b.html", "in/c.txt", "in/.d.html", "in/e[1].html")
    assert run("clean", "in/**/*.html", "-o", "out").exit_code == 0
    assert shown("out") == ["a.html", "deep/er/b.html", "e[1].html"]
    assert "This is in/e[1].html" in run("clean", "in/e[1].html").stdout
    result = run("clean", "in/*.pdf", "-o", "none")
    assert result.exit_code == 1 and "in/*.pdf: no file matches" in result.stderr


@pytest.mark.parametrize("between", ["\n", "\0"])
def test_a_list_names_files_and_folders(run: Run, between: str) -> None:
    write("a b.html", "in/c.html", "*.html")
    names = between.join(["a b.html", "in", "*.html", "gone.html", ""])
    result = run("clean", "--files-from", "-", "-o", "out", input=names.encode())
    assert result.exit_code == 1 and "gone.html: no such file" in result.stderr
    assert shown("out") == ["*.html", "a b.html", "c.html"]


@pytest.mark.parametrize("names", [b"", b"\n \n", b"\0\0"])
def test_a_list_that_names_nothing_is_told(run: Run, names: bytes) -> None:
    told = "feedclean: --files-from -: no files named in it; one name a line, or NULs between them\n"
    result = run("clean", "--files-from", "-", "-o", "out", input=names)
    assert (result.exit_code, result.stderr) == (1, told)
    write("a.html")
    result = run("clean", "a.html", "--files-from", "-", "-o", "out", input=names)
    assert result.exit_code == 1 and told in result.stderr and shown("out") == ["a.html"]


def test_each_document_is_cleaned_once_however_often_it_is_named(run: Run) -> None:
    write("in/a.html", "in/sub/b.html", "in/.c.html")
    for arguments in (
        ["in", "in/a.html", "in/sub"],
        ["in/a.html", "in/sub", "in"],
        ["in/*.html", "in", "in/sub/b.html"],
    ):
        result = run("clean", *arguments, "--to", "jsonl")
        assert result.stderr.startswith("feedclean: 2 documents cleaned; "), arguments
    assert run("clean", "in", "in/.c.html", "--to", "jsonl").stderr.startswith("feedclean: 3 documents cleaned; ")


def test_results_never_overwrite_what_a_list_names_later(run: Run) -> None:
    write("a/x.html", "x.html")
    assert run("clean", "--files-from", "-", "-o", ".", input=b"a/x.html\nx.html\n").exit_code == 0
    for name in ("x.html", "a/x.html"):
        assert f"This is {name}." in Path(name).read_text() and "free study" not in Path(name).read_text()


@pytest.mark.parametrize("sources", [["in"], ["in/*"], ["other", "in"], ["in/x.html", "in/x.txt"], ["link"]])
def test_results_never_overwrite_what_is_read_later_in_the_same_folder(run: Run, sources: list[str]) -> None:
    write("in/x.html", "other/y.html")
    Path("in/x.txt").write_text("This is a text of its own.")
    Path("link").symlink_to("in")
    assert run("clean", *sources, "-o", "in", "--to", "text").exit_code == 0
    assert "This is a text of its own." in Path("in/x.txt").read_text()
    assert "This is in/x.html." in Path("in/x.html.txt").read_text()


def test_nothing_named_is_wrong_usage(run: Run) -> None:
    for arguments in (["-q"], ["-", "--files-from", "-"], ["a", "--resume"], ["a", "--report", "a"]):
        assert run("clean", *arguments).exit_code == 2, arguments


def test_a_file_that_changes_while_it_is_read_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from feedclean.bulk import reading

    write("a.html", "b.html")

    def slow(stream: object, limit: int, name: str) -> bytes:
        with Path("a.html").open("a") as file:
            file.write("<p>More.")
        return page("x").encode()

    monkeypatch.setattr(reading, "bounded", slow)
    assert "a.html: changed while it was read; clean it again" in run("clean", "a.html").stderr


# ── Taken up again ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finished_batch_leaves_nothing_but_its_results(run: Run) -> None:
    write("in/a.html", "in/b.html")
    run("clean", "in", "-o", "out")
    run("clean", "in", "--to", "jsonl", "-o", "all.jsonl")
    assert tree("out") == ["a.html", "b.html"]
    assert tree(".") == ["all.jsonl", "in/a.html", "in/b.html", "out/a.html", "out/b.html"]


def test_resuming_does_what_failed_what_is_new_what_changed_and_what_is_gone(run: Run) -> None:
    write("in/a.html", "in/b.html", "in/c.html")
    Path("in/bad.html").write_text("")
    assert "3 documents cleaned" in run("clean", "in", "-o", "out").stderr
    before = {name: Path("out", name).stat().st_mtime_ns for name in ("a.html", "b.html")}
    Path("in/bad.html").write_text(page("Mended."))
    Path("in/b.html").write_text(page("Changed."))
    write("in/new.html")
    Path("out/c.html").unlink()
    result = run("clean", "in", "-o", "out", "--resume")
    assert (result.exit_code, result.stderr) == (
        0,
        "feedclean: 4 documents cleaned; 1 done before; 4 blocks cut (4 promo)\n",
    )
    assert Path("out/a.html").stat().st_mtime_ns == before["a.html"]
    assert "Changed." in Path("out/b.html").read_text()
    assert "5 done before" in run("clean", "in", "-o", "out", "--resume").stderr


def test_results_keep_their_names_when_work_is_resumed(run: Run) -> None:
    write("a/x.html", "b/x.html")
    for _ in range(2):
        assert run("clean", "a/x.html", "b/x.html", "-o", "out", "--resume").exit_code == 0
        assert shown("out") == ["b/x.html", "x.html"]
    Path("b/x.html").write_text(page("New."))
    assert run("clean", "b/x.html", "a/x.html", "-o", "out", "--resume").exit_code == 0
    assert shown("out") == ["b/x.html", "x.html"] and "New." in Path("out/b/x.html").read_text()


def test_a_page_of_a_container_is_known_by_what_it_holds(run: Run, tmp_path: Path) -> None:
    crawls.zipped(tmp_path / "x.zip", a=page("A.").encode(), b=page("B.").encode())
    run("clean", "x.zip", "-o", "out", "--resume")
    crawls.zipped(tmp_path / "x.zip", a=page("A.").encode(), b=page("Other.").encode())
    assert "1 document cleaned; 1 done before" in run("clean", "x.zip", "-o", "out", "--resume").stderr
    assert "Other." in Path("out/x/b.html").read_text()


def test_other_options_are_another_work(run: Run) -> None:
    write("in/a.html", "in/b.html")
    run("clean", "in", "-o", "out", "--resume")
    result = run("clean", "in", "-o", "out", "--resume", "--mark", "promo")
    assert result.exit_code == 2
    assert result.stderr.startswith("feedclean: --resume: what is there was made with another policy; give the same")


def test_json_lines_stay_in_order_and_their_ledger_fits_when_a_source_changes(run: Run) -> None:
    write(*(f"in/{name}.html" for name in "abcd"))
    Path("in/cc.html").write_text("")  # so that something is left to do
    arguments = ("clean", "in", "--to", "jsonl", "-o", "all.jsonl", "--removed", "cuts.jsonl", "--resume")
    assert run(*arguments).exit_code == 1
    Path("in/b.html").write_text(page("Changed."))
    assert "3 documents cleaned; 1 done before" in run(*arguments).stderr
    assert [line["source"] for line in lines("cuts.jsonl")] == [f"in/{name}.html" for name in "abcd"]
    assert "Changed." in Path("all.jsonl").read_text().splitlines()[1]
    assert "4 done before; nothing cut; 1 failed" in run(*arguments).stderr


def test_standard_input_is_never_known_to_be_the_same(run: Run) -> None:
    write("a.html")
    for words in ("One.", "Two."):
        result = run("clean", "a.html", "-", "-o", "out", "--resume", input=page(words).encode())
        assert result.exit_code == 0 and words in Path("out/stdin.html").read_text()


def test_a_missing_folder_is_not_made_for_a_file(run: Run) -> None:
    write("in/a.html", "in/b.html")
    result = run("clean", "in", "--to", "jsonl", "-o", "no/all.jsonl")
    assert result.exit_code == 4 and "its folder does not exist; create it first" in result.stderr
    assert not Path("no").exists()


def test_two_runs_into_one_folder_do_not_mind_each_other(run: Run) -> None:
    write("in/a.html", "in/b.html")
    with Journal(Path("out/.feedclean-journal"), {}, make=True):
        assert run("clean", "in", "-o", "out").exit_code == 0
        result = run("clean", "in", "-o", "out", "--resume")
    assert (result.exit_code, result.stderr) == (2, "feedclean: out: another feedclean is writing there; wait for it\n")
    assert shown("out") == ["a.html", "b.html"]


def test_a_journal_that_is_none_is_told(run: Run) -> None:
    write("in/a.html", "in/b.html")
    Path("out").mkdir()
    Path("out/.feedclean-journal").write_text("not a database at all, but long enough to be looked at" * 40)
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 4 and "remove it to begin anew" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_done_is_done_whatever_ended_the_run(start: Start, run: Run, tmp_path: Path, how: int) -> None:
    """Killed or interrupted, in one file or in many: the second run does the rest, and nothing is there twice."""
    for number in range(150):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{number:03}.html").write_text(page(f"This is {number}. " * 60))
    whole = tmp_path / "whole.jsonl"
    assert run("clean", "in", "--to", "jsonl", "-o", whole, "--removed", "whole-cuts.jsonl").exit_code == 0
    for options, many in ((["-o", "out"], True), (["--to", "jsonl", "-o", "all.jsonl"], False)):
        ledger = f"cuts-{many}.jsonl"
        process = start("clean", "in", *options, "--removed", ledger)
        part = tmp_path / ("out/020.html" if many else ".all.jsonl.feedclean-part")
        end = time.monotonic() + 30
        while not (part.exists() and (many or part.stat().st_size > 20_000)):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.01)
        process.send_signal(how)
        process.communicate()
        assert process.returncode in {-signal.SIGKILL, 130}
        assert not (tmp_path / "all.jsonl").exists()
        done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.html")}
        result = run("clean", "in", *options, "--removed", ledger, "--resume", "--report", "report.json")
        assert result.exit_code == 0, result.stderr
        counts = json.loads(Path("report.json").read_text())["documents"]
        assert counts["cleaned"] + counts["done_before"] == 150 and counts["done_before"] >= 10
        if many:
            # One may have been in place and not yet reported.
            assert sum(path.stat().st_mtime_ns != before for path, before in done.items()) <= 1
            assert len(list(Path("out").glob("*.html"))) == 150
        else:
            assert Path("all.jsonl").read_bytes() == whole.read_bytes()
        assert sorted(map(str, lines(ledger))) == sorted(map(str, lines("whole-cuts.jsonl")))
        assert not [name for name in tree(".") if name.endswith("-part")]


def test_json_lines_are_good_up_to_the_first_change(run: Run) -> None:
    write(*(f"in/{name}.html" for name in "abcd"))
    run("clean", "in", "--to", "jsonl", "-o", "whole.jsonl")
    Path("in/bad.html").write_text("")
    with pytest.MonkeyPatch.context() as patch:  # the disk is full from the third document on
        told = atomic.Replacement.write

        def full(self: atomic.Replacement, data: bytes) -> None:
            if self.position() > 400:
                raise atomic.unwritable(OSError(errno.ENOSPC, ""), "x") from OSError(errno.ENOSPC, "")
            told(self, data)

        patch.setattr(atomic.Replacement, "write", full)
        assert run("clean", "in", "--to", "jsonl", "-o", "all.jsonl").exit_code == 4
    assert not Path("all.jsonl").exists()
    Path("in/bad.html").unlink()
    assert run("clean", "in", "--to", "jsonl", "-o", "all.jsonl", "--resume").exit_code == 0
    assert Path("all.jsonl").read_text() == Path("whole.jsonl").read_text()


# ── What is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_report_counts_and_names_all_failures(run: Run) -> None:
    write("in/a.html", "in/b.html")
    for name in ("x.html", "y.html"):
        Path("in", name).write_text("")
    Path("in/z.pdf.html").write_bytes(b"%PDF-1.7")
    result = run("clean", "in", "gone.html", "-o", "out", "--report", "report.json")
    assert result.exit_code == 1
    assert "failed: 2 × empty, 1 × a PDF file, 1 × no such file or folder" in result.stderr
    report = json.loads(Path("report.json").read_text())
    assert report["documents"] == {"cleaned": 2, "done_before": 0, "failed": 4, "not_written": 0, "skipped": 0}
    assert report["blocks"] == {"cut": {"promo": 2}} and report["complete"] is True
    assert report["causes"] == {"empty": 2, "a PDF file": 1, "no such file or folder": 1}
    assert [failure["source"] for failure in report["failures"]] == [
        "in/x.html",
        "in/y.html",
        "in/z.pdf.html",
        "gone.html",
    ]
    assert report["unfinished"] == [] and report["model"] == "fake-000000000000"


def test_on_a_full_disk_results_stay_and_the_rest_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(*(f"in/{name}.html" for name in "abcdefghij"))
    sync, count = os.fsync, iter(range(1000))

    def full(handle: int) -> None:
        if next(count) >= 6:  # a file and its folder for each result
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr("os.fsync", full)
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 4
    told = result.stderr.splitlines()
    assert told[0].startswith("feedclean: out/d.html: no space left to write it")
    assert told[1].startswith("feedclean: not done: in/d.html, in/e.html, in/f.html, in/g.html, in/h.html and others")
    assert shown("out") == ["a.html", "b.html", "c.html"]
    monkeypatch.setattr("os.fsync", sync)
    assert "7 documents cleaned; 3 done before" in run("clean", "in", "-o", "out", "--resume").stderr


def test_what_is_left_is_in_the_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write(*(f"in/{name}.html" for name in "abcdefghij"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(outputs.Folder, "_write", lambda *_: _refuse())
    result = run("clean", "in", "-o", "out", "--report", "report.json")
    assert result.exit_code == 4
    report = json.loads(Path("report.json").read_text())
    assert report["complete"] is False
    assert report["unfinished"] == [f"in/{name}.html" for name in "abcdefghij"]
    shutil.rmtree("out", ignore_errors=True)


def _refuse() -> None:
    fault = OSError(errno.ENOSPC, "No space left on device")
    raise atomic.unwritable(fault, "out/x") from fault


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_documents(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources, results and their names: what is known of them is on the disk."""
    put, held, count = outputs.Folder.put, [], 0

    def counted(self: outputs.Folder, outcome: Outcome) -> outputs.Placed:
        nonlocal count
        count += 1
        if count in {300, 900}:
            gc.collect()
            held.append(sys.getallocatedblocks())
        return put(self, outcome)

    monkeypatch.setattr(outputs.Folder, "put", counted)
    lines = ({"html": "<p>News.", "url": f"https://x.example/{number}"} for number in range(900))
    Path("many.jsonl").write_bytes(crawls.lines(*lines))
    assert run("clean", "many.jsonl", "-q", "-o", "out").exit_code == 0
    assert held[1] - held[0] < 300  # not one object for each of the 600 documents; caches come and go
