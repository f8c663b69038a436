"""`--diff` and `--explain`: what is shown, plain in a pipe, harmless in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Run, page

ARTICLE, FEED = EXAMPLES / "article.html", EXAMPLES / "feed.xml"
HOSTILE = "Red \x1b[31malert\x07 \u202eevil\u202c: buy or sell? \ud800".encode("utf-8", "surrogatepass")


def test_a_diff_shows_what_is_gone_with_its_label_and_what_stands_beside_it(run: Run) -> None:
    lines = run("clean", "--diff", ARTICLE).stdout.splitlines()
    place = lines.index(
        "  - [teaser 99 %] Should shareholders part with their stock now? Or is Tarnwick worth getting into?"
    )
    assert lines[place - 1].startswith("    Less pleasing") and lines[place + 1].startswith("    The division")
    assert lines[place + 2] == "    … 6 blocks kept"
    assert sum(line.startswith("  - ") for line in lines) == 5


def test_explain_has_a_line_for_every_block(run: Run) -> None:
    lines = run("clean", "--explain", ARTICLE).stdout.splitlines()
    blocks = [line for line in lines if " editorial " in line or " promo " in line or " teaser " in line]
    assert sum(line.startswith(" ") for line in blocks) == 23
    cut = next(line for line in lines if line.startswith("- "))
    assert cut.split()[1:6] == ["42", "cut", "teaser", "99", "%"]
    assert cut.endswith('<- "part with their stock"')


def test_both_together_read_like_the_document(run: Run) -> None:
    lines = run("clean", "--diff", "--explain", FEED).stdout.splitlines()
    assert "! 1/5  Bramholt Ferries: Shareholders Will Not Believe What Comes Next!" in lines
    assert lines[-2] == "   19 blocks cut (16 promo, 3 teaser), of 53 blocks; 1 clickbait title"
    assert lines[lines.index("  - Should investors get out at once? Or is Bramholt a bargain at this price?") + 1] == (
        '        teaser 99 %  "get out at once"'
    )


def test_a_view_takes_the_place_of_the_document_unless_o_names_another(run: Run) -> None:
    result = run("clean", "--explain", ARTICLE, "-o", "out.html")
    assert result.stdout.startswith("━━ ")
    assert "study" not in Path("out.html").read_text()


def test_several_documents_can_be_shown_one_after_another(run: Run) -> None:
    result = run("clean", "--diff", ARTICLE, FEED)
    assert result.exit_code == 0 and result.stdout.count("━━ ") == 2


def test_in_a_pipe_nothing_is_coloured_or_shortened(run: Run) -> None:
    for view in (["--diff"], ["--explain"], ["--diff", "--explain"]):
        shown = run("clean", *view, ARTICLE).stdout
        assert "\x1b" not in shown
        assert "Turnover was three times the usual." in shown or view == ["--diff"]


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_colours_unless_no_color_says_otherwise(
    run: Run, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    shown = run("clean", "--diff", ARTICLE).stdout
    assert ("31m" in shown) is not plain
    assert "  - " in shown or "- \x1b" in shown


def test_a_document_cannot_send_anything_to_the_terminal(run: Run) -> None:
    Path("evil.txt").write_bytes(b"News of the day.\n\n" + HOSTILE + b"\n")
    for view in (["--diff"], ["--explain"], ["--diff", "--explain"]):
        shown = run("clean", *view, "evil.txt").stdout
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_a_guard_is_told(run: Run) -> None:
    Path("ad.html").write_text("<p>Buy or sell?</p><p>Free study!</p>")
    assert "not cut: nothing would be left of the item" in run("clean", "--explain", "ad.html").stdout


def test_a_picture_is_named(run: Run) -> None:
    Path("pictures.html").write_text(page("News.") + "<img src=a.png>")
    assert "(image" in run("clean", "--explain", "pictures.html").stdout


def test_a_document_in_which_nothing_is_cut_says_so(run: Run) -> None:
    Path("plain.txt").write_text("The shares rose by 3 percent on Tuesday, the company said in London.")
    assert "nothing cut, 1 blocks kept" in run("clean", "--diff", "plain.txt").stdout
