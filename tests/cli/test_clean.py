"""`feedclean clean`: what comes out where, and with which exit code."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Run, Start, page

ARTICLE, FEED = EXAMPLES / "article.html", EXAMPLES / "feed.xml"


def one_line(stderr: str) -> str:
    """The only line of standard error, without the name of the program."""
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("feedclean: ")
    assert "Traceback" not in stderr
    return lines[0].removeprefix("feedclean: ")


def test_one_article_goes_to_standard_output_without_its_ads_and_without_a_word(run: Run) -> None:
    result = run("clean", ARTICLE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "study" not in result.stdout and "Harrowmere" in result.stdout


def test_standard_input_is_a_source(run: Run) -> None:
    result = run("clean", "-", input=page("Sales rose.").encode())
    assert result.exit_code == 0
    assert "Sales rose." in result.stdout and "free study" not in result.stdout


def test_to_writes_another_format(run: Run) -> None:
    result = run("clean", FEED, "--to", "jsonfeed")
    assert json.loads(result.stdout)["version"].startswith("https://jsonfeed.org/")
    assert "buy or sell" not in result.stdout


def test_json_lines_of_several_documents_follow_one_another(run: Run) -> None:
    result = run("clean", ARTICLE, FEED, "--to", "jsonl")
    assert result.exit_code == 0
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 6
    assert one_line(result.stderr) == "2 documents cleaned; 24 blocks cut (20 promo, 4 teaser)"


def test_several_documents_in_another_format_need_a_folder(run: Run) -> None:
    result = run("clean", ARTICLE, FEED)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "use -o DIR" in one_line(result.stderr)


def test_quiet_leaves_only_errors(run: Run) -> None:
    result = run("clean", "-q", ARTICLE, FEED, "nothing.xml", "--to", "jsonl")
    assert result.exit_code == 1
    assert one_line(result.stderr) == "nothing.xml: no such file or folder; check the path"


def test_in_a_batch_the_others_are_cleaned_and_the_code_tells_of_the_failed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_bytes(b"")
    result = run("clean", ARTICLE, "bad.xml", FEED, "-o", "out")
    assert result.exit_code == 1
    assert sorted(path.name for path in Path("out").glob("[!.]*")) == ["article.html", "feed.xml"]
    told, summary = result.stderr.splitlines()
    assert told.startswith("feedclean: bad.xml: empty; ")
    assert summary.endswith("24 blocks cut (20 promo, 4 teaser); 1 failed")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"%PDF-1.7"), "a PDF file"),
        (lambda path: path.write_bytes(bytes(range(32)) * 99), "a binary file"),
        (lambda path: path.write_bytes(b'{"version": '), ""),
        (lambda path: path.mkdir(), "no documents in this folder"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.write_bytes(bytes(33 << 20)), "too large: 34,603,008 bytes"),
    ],
)
def test_bad_input_is_one_line_that_names_the_source_and_leaves_no_file(run: Run, make: object, told: str) -> None:
    assert callable(make)
    make(Path("source"))
    result = run("clean", "source", "-o", "out.xml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert one_line(result.stderr).startswith(f"source: {told}")
    assert [path.name for path in Path().iterdir() if path.name != "source"] == []


def test_what_is_made_anew_from_a_broken_feed_says_so(run: Run) -> None:
    item = "<item><title>Pellworth</title><description>Revenue rose.</description></item>"
    Path("cut.xml").write_text(f'<rss version="2.0"><channel><title>N</title>{item}<item><title>Next', encoding="utf-8")
    result = run("clean", "cut.xml", "-o", "out.xml")
    assert result.exit_code == 0 and "Revenue rose." in Path("out.xml").read_text(encoding="utf-8")
    assert one_line(result.stderr).startswith("cut.xml: not well-formed at line 1: ")


def test_a_socket_or_device_is_not_read(run: Run, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        result = run("clean", "s", "/dev/zero", "-o", "out")
    assert result.exit_code == 1
    assert [line.split(": ")[2] for line in result.stderr.splitlines()[:2]] == [
        "a device or socket; give a file, a folder or -"
    ] * 2


def test_an_unreadable_file_fails_alone(start: Start, tmp_path: Path) -> None:
    for name in ("open.html", "secret.html"):
        (tmp_path / name).write_text(page("Sales rose."))
    (tmp_path / "secret.html").chmod(0)
    # Root may read everything, unless it gives that right away.
    humbled = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    process = start("clean", "secret.html", "open.html", "-q", "-o", "out", before=humbled)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert one_line(stderr.decode()).startswith("secret.html: no permission")
    assert "Sales rose." in (tmp_path / "out/open.html").read_text()


def test_odd_names_are_read_and_shown_safely(run: Run) -> None:
    name = os.fsdecode(b"odd\xff\x1b[31m\n.html")
    Path(name).write_bytes(b"")
    assert one_line(run("clean", name).stderr).startswith(r"odd\xff\x1b[31m\n.html: empty")
    Path(name).write_text(page("News."))
    assert run("clean", name, ARTICLE, "-o", "out").exit_code == 0
    assert (Path("out") / name).exists()


def test_a_file_named_like_an_option_stands_after_two_dashes(run: Run) -> None:
    Path("-x").write_text(page("News."))
    assert run("clean", "--", "-x").exit_code == 0
    assert run("clean", "-x").exit_code == 2
    Path("-").write_text(page("A file called dash."))
    assert "A file called dash." in run("clean", "./-").stdout


def test_an_unexpected_fault_is_one_line_and_the_others_are_cleaned(run: Run) -> None:
    Path("crash.html").write_text(page("Crash please."))
    result = run("clean", "crash.html", ARTICLE, "-q", "-o", "out")
    assert result.exit_code == 1
    assert one_line(result.stderr).startswith("crash.html: unexpected RuntimeError: as asked; please report")
    assert Path("out/article.html").exists()
    assert "Traceback" in run("clean", "--traceback", "crash.html").stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["clean"], ""),
        (["clean", "-", "-"], "-: standard input can be read only once"),
        (["clean", "", "-o", "out"], "an empty name among the sources"),
        (["clean", "a", "--threshold", "nan"], "clean: invalid value for '--threshold'"),
        (["clean", "a", "--threshold", "1.5"], "clean: invalid value for '--threshold'"),
        (["clean", "a", "--to", "pdf"], "clean: invalid value for '--to'"),
        (["clean", "a", "--cut", "adverts"], "clean: invalid value for '--cut'"),
        (["clean", "a", "--cut", "promo", "--keep", "promo"], "--cut and --keep both name promo"),
        (["clean", "a", "--url", "example.com"], "--url: a full http or https address"),
        (["clean", "a", "b", "--url", "https://example.com"], "--url: one address cannot be that of several"),
        (["clean", "a", "--removed", "a"], "--removed: a is a source or the result"),
        (["clean", "a", "--removed", "b", "-o", "./b"], "--removed: b is a source or the result"),
        (["clean", "a", "--removed", "-"], "--removed: a file is wanted"),
        (["clean", "a", "--jobs", "0"], "clean: invalid value for '--jobs'"),
        (["clean", "a", "--nonsense"], "clean: no such option: --nonsense"),
        (["claen"], "no such command 'claen'. Did you mean 'clean'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(run: Run, arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    if told:
        assert one_line(result.stderr).startswith(told)


def test_a_model_that_cannot_be_used_is_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = run("clean", ARTICLE, "--model", "/nowhere")
    assert (result.exit_code, result.stdout) == (3, "")
    assert one_line(result.stderr).startswith("/nowhere: ")


def test_actions_are_chosen_by_label(run: Run) -> None:
    assert "buy or sell" in run("clean", ARTICLE, "--keep", "promo", "--keep", "promo").stdout
    assert "part with their stock" not in run("clean", ARTICLE, "--keep", "promo").stdout
    assert "<details" in run("clean", ARTICLE, "--collapse", "promo").stdout
    assert "<mark" in run("clean", ARTICLE, "--mark", "promo", "--mark", "teaser").stdout


def test_a_threshold_decides_what_is_cut(run: Run) -> None:
    assert run("clean", ARTICLE, "--threshold", "0.999").stdout.encode() == ARTICLE.read_bytes()


def test_a_clickbait_title_is_marked_prefixed_or_kept(run: Run) -> None:
    assert ">clickbait</category>" in run("clean", FEED).stdout
    assert "[clickbait] Bramholt" in run("clean", FEED, "--title-action", "prefix").stdout
    assert "clickbait" not in run("clean", FEED, "--title-action", "keep").stdout


def test_the_ledger_holds_all_that_is_gone(run: Run) -> None:
    assert run("clean", ARTICLE, "-o", "out.html", "--removed", "cuts.jsonl").exit_code == 0
    lines = [json.loads(line) for line in Path("cuts.jsonl").read_text().splitlines()]
    assert len(lines) == 5
    assert {tuple(line) for line in lines} == {
        ("source", "item", "field", "position", "action", "label", "probability", "clues", "text", "source_html")
    }
    assert all(line["source_html"] in ARTICLE.read_text() and line["source"] == str(ARTICLE) for line in lines)
    assert lines[0]["clues"] == [{"text": "part with their stock", "weight": 2.0}]


def test_a_ledger_that_cannot_be_written_stops_everything(run: Run) -> None:
    result = run("clean", ARTICLE, "-o", "out.html", "--removed", "no/such/folder.jsonl")
    assert result.exit_code == 4
    assert one_line(result.stderr) == "no/such/folder.jsonl: its folder does not exist; create it first"
    assert not Path("out.html").exists()


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout.startswith("feedclean")


def test_help_documents_every_exit_code(run: Run) -> None:
    for help_text in (run("--help").stdout, run("clean", "--help").stdout):
        for code in ("0", "1", "2", "3", "4", "130", "141"):
            assert f" {code}  " in help_text
