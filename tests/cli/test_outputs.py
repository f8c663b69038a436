"""Where results stand, and that no file is ever half there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from feedclean.cli.atomic import Replacement
from feedclean.errors import OutputError
from tests.cli.conftest import EXAMPLES, Run, page

ARTICLE, FEED = EXAMPLES / "article.html", EXAMPLES / "feed.xml"


def tree(folder: str | Path) -> list[str]:
    """All files under a folder, hidden ones included."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if not path.is_dir())


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(page(f"This is {name}."))


def test_a_folder_is_searched_and_its_shape_is_kept(run: Run) -> None:
    write("in/b.html", "in/deep/er/a.html", "in/.hidden/no.html", "in/.no.html")
    Path("in/logo.png").write_bytes(b"\x89PNG")
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 0
    assert tree("out") == ["b.html", "deep/er/a.html"]
    assert result.stderr == "feedclean: 2 documents cleaned; 2 blocks cut (2 promo); 3 skipped\n"


def test_what_is_no_document_in_a_folder_counts_as_failed(run: Run) -> None:
    write("in/a.html")
    Path("in/data").write_bytes(bytes(range(32)) * 99)
    os.mkfifo("in/pipe")
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 1
    assert "in/data: a binary file" in result.stderr and "in/pipe: a pipe, device or socket" in result.stderr
    assert tree("out") == [".feedclean-journal", "a.html"]  # something is left to do


def test_results_of_an_earlier_run_are_no_sources(run: Run) -> None:
    write("in/a.html")
    for _ in range(2):
        assert run("clean", "in", "-o", "in/out").exit_code == 0
    assert tree("in") == ["a.html", "out/a.html"]


def test_a_folder_can_be_cleaned_in_place(run: Run) -> None:
    write("in/a.html", "in/b/c.html")
    assert run("clean", "in", "-o", "in").exit_code == 0
    assert tree("in") == ["a.html", "b/c.html"]
    assert "free study" not in Path("in/b/c.html").read_text()


def test_a_source_can_be_overwritten_if_o_names_it(run: Run) -> None:
    write("a.html")
    Path("a.html").chmod(0o640)
    assert run("clean", "a.html", "-o", "a.html").exit_code == 0
    assert "free study" not in Path("a.html").read_text()
    assert stat.S_IMODE(Path("a.html").stat().st_mode) == 0o640


def test_two_sources_of_one_name_both_get_a_file(run: Run) -> None:
    write("a/x.html", "b/x.html")
    result = run("clean", "a/x.html", "b/x.html", "-o", "out")
    assert tree("out") == ["b/x.html", "x.html"]
    assert "This is a/x.html." in Path("out/x.html").read_text()
    assert "This is b/x.html." in Path("out/b/x.html").read_text()
    assert "b/x.html: written to out/b/x.html; out/x.html belongs to a/x.html" in result.stderr


def test_two_sources_of_one_stem_both_get_a_file_when_the_suffix_changes(run: Run) -> None:
    write("in/x.html", "in/x.htm", "in/x.htm.md")
    assert run("clean", "in", "-o", "out", "--to", "markdown").exit_code == 0
    assert tree("out") == ["x.htm.md", "x.html.md", "x.md"]
    for source, result in (("in/x.htm", "x.md"), ("in/x.html", "x.html.md"), ("in/x.htm.md", "x.htm.md")):
        assert f"This is {source}." in (Path("out") / result).read_text()


def test_a_result_never_overwrites_another_source(run: Run) -> None:
    write("a/x.html", "x.html")
    assert run("clean", "a/x.html", "x.html", "-o", ".").exit_code == 0
    for name in ("x.html", "a/x.html"):
        assert f"This is {name}." in Path(name).read_text() and "free study" not in Path(name).read_text()


def test_suffixes_change_with_the_format_only(run: Run) -> None:
    assert run("clean", FEED, ARTICLE, "-o", "out", "--to", "rss").exit_code == 0
    assert tree("out") == ["article.rss", "feed.xml"]


def test_standard_input_gets_a_name_in_a_folder(run: Run) -> None:
    assert run("clean", "-", "-o", "out/", input=page("x").encode()).exit_code == 0
    assert tree("out") == ["stdin.html"]


def test_json_lines_of_several_documents_may_share_a_file(run: Run) -> None:
    assert run("clean", ARTICLE, FEED, "--to", "jsonl", "-o", "all.jsonl").exit_code == 0
    assert len(Path("all.jsonl").read_text().splitlines()) == 6


def test_several_results_do_not_go_into_one_file(run: Run) -> None:
    Path("out.html").write_text("mine")
    result = run("clean", ARTICLE, FEED, "-o", "out.html")
    assert result.exit_code == 2
    assert Path("out.html").read_text() == "mine"


def test_a_link_does_not_lead_out_of_the_folder(run: Run) -> None:
    write("in/sub/a.html", "in/b.html")
    Path("outside").mkdir()
    Path("out").mkdir()
    Path("out/sub").symlink_to(Path("outside").resolve())
    Path("outside/b.html").write_text("mine")
    Path("out/b.html").symlink_to(Path("outside/b.html").resolve())
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 4
    assert "a link leads out of the output folder" in result.stderr
    assert tree("outside") == ["b.html"] and Path("outside/b.html").read_text() == "mine"
    assert "This is in/b.html." in Path("out/b.html").read_text()


def test_parts_that_climb_are_left_out_of_names(run: Run) -> None:
    write("x.html", "w/x.html")
    Path("w/out").mkdir()
    os.chdir("w")
    assert run("clean", "x.html", "../x.html", "-o", "out").exit_code == 0
    assert tree("out") == ["x-2.html", "x.html"]


def test_a_missing_folder_for_a_file_is_code_4(run: Run) -> None:
    result = run("clean", ARTICLE, "-o", "no/where.html")
    assert result.exit_code == 4
    assert result.stderr == "feedclean: no/where.html: its folder does not exist; create it first\n"


def test_a_full_disk_is_code_4_and_what_is_left_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    write("in/a.html", "in/b.html")
    result = run("clean", "in", "-o", "out")
    assert result.exit_code == 4
    assert result.stderr.startswith("feedclean: out/a.html: no space left to write it; free some space")
    assert result.stderr.splitlines()[1].startswith("feedclean: not done: in/a.html, in/b.html; ")
    assert tree(".") == ["in/a.html", "in/b.html"]


def test_breaking_off_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), Replacement(target) as file:
        file.write(b"new" * (1 // 0))
    assert tree(tmp_path) == ["x"] and target.read_bytes() == b"old"


def test_a_new_file_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with Replacement(tmp_path / "x") as file:
            file.write(b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_what_is_no_regular_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    with Replacement(Path(os.devnull)) as file:
        file.write(b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(OutputError, match="a folder"):
        Replacement(tmp_path)


def test_a_link_that_o_names_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with Replacement(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"
