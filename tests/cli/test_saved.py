"""Saved articles from the shell: whole pages and mails, one feed of a folder, and everything that is known as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import feedparser
import pytest

from tests.cli.conftest import Run
from tests.formats.saved import NACHRICHTEN, NEWS, mail, mhtml, newsletter, page

AD = "Tarnwick shares: buy or sell? See the free study."


def saved() -> str:
    return page().replace("PROMO Tarnwick shares: order the free study", AD)


def write(name: str, content: str | bytes) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)


def folder() -> None:
    write("in/a.html", saved())
    write("in/b.eml", bytes(mail(newsletter())))
    write("in/c.mhtml", mhtml(page(title="Another one").replace("example/a", "example/c")))
    write("in/d.md", f"---\ntitle: Fourth\ndate: 2026-03-11\n---\n\n{NEWS[0]} (NASDAQ: ACME, ISIN US0378331005)\n")


def test_a_page_without_an_article_fails_and_nothing_is_written(run: Run) -> None:
    write("a.html", "<html><head><title>App</title></head><body><script>x()</script><div id=root></div></body></html>")
    result = run("clean", "a.html", "-o", "b.html")
    assert result.exit_code == 1
    assert result.stderr == "feedclean: a.html: no article in this page; --in-place cuts inside the whole page\n"
    assert not Path("b.html").exists()
    assert run("clean", "a.html", "--in-place").stdout == Path("a.html").read_text()


def test_in_place_a_page_keeps_what_stands_around(run: Run) -> None:
    write("a.html", saved())
    assert "Most read" not in run("clean", "a.html").stdout
    text = run("clean", "a.html", "--in-place").stdout
    assert "Most read" in text and "track()" in text and AD not in text


@pytest.mark.parametrize("option", ["--diff", "--explain"])
@pytest.mark.parametrize("name", ["a.html", "c.mhtml", "d.md"])
def test_what_is_cut_of_saved_articles_is_shown(run: Run, option: str, name: str) -> None:
    folder()
    write("in/c.mhtml", mhtml(saved()))
    write("in/d.md", f"# News\n\n{NEWS[0]}\n\n{AD}\n")
    assert AD in run("clean", f"in/{name}", option).stdout


def test_what_is_cut_of_a_mail_is_in_the_ledger(run: Run) -> None:
    write("b.eml", bytes(mail(newsletter().replace("PROMO", AD))))
    assert run("clean", "b.eml", "--removed", "cuts.jsonl", "--in-place").exit_code == 0
    (line,) = Path("cuts.jsonl").read_text().splitlines()
    assert json.loads(line)["field"] == "text/html" and AD in json.loads(line)["text"]


def test_a_result_is_named_after_what_it_is(run: Run) -> None:
    folder()
    assert run("clean", "in", "-o", "out").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.html", "b.html", "c.html", "d.md"]
    assert run("clean", "in", "-o", "whole", "--in-place").exit_code == 0
    assert sorted(path.name for path in Path("whole").iterdir()) == ["a.html", "b.eml", "c.mhtml", "d.md"]


@pytest.mark.parametrize(("to", "name"), [("rss", "f.xml"), ("atom", "f.atom"), ("jsonfeed", "f.json")])
def test_a_folder_of_articles_becomes_one_feed(run: Run, to: str, name: str) -> None:
    folder()
    assert run("clean", "in", "--to", to, "-o", name).exit_code == 0
    assert run("clean", "in", "--to", to).stdout == Path(name).read_text()
    if to == "jsonfeed":
        items = json.loads(Path(name).read_text())["items"]
        titles, ids = [item["title"] for item in items], [item["id"] for item in items]
    else:
        feed = feedparser.parse(Path(name).read_bytes())
        titles, ids = [entry.title for entry in feed.entries], [entry.id for entry in feed.entries]
        assert [tag.term for tag in feed.entries[3].tags] == ["ISIN:US0378331005", "NASDAQ:ACME"]
        assert feed.entries[0].published_parsed[:4] == (2026, 3, 12, 13)
        assert feed.entries[0].author == "Oona Kestleby" and NEWS[0] in feed.entries[0].content[0].value
        assert NACHRICHTEN[0] in feed.entries[1].content[0].value
    assert titles == ["Tarnwick earns more", "Zahlen für März: Lohmarker", "Another one", "Fourth"]
    assert len(set(ids)) == 4 and ids[0] == "https://ledgerlane.example/a"


def test_an_article_that_was_saved_twice_stands_in_the_feed_once(run: Run) -> None:
    write("in/a.html", saved())
    write("in/b.html", saved())
    result = run("clean", "in", "--to", "rss", "-o", "f.xml")
    assert "in/b.html: left out an article that the feed holds already" in result.stderr
    assert len(feedparser.parse(Path("f.xml").read_bytes()).entries) == 1


def test_a_feed_is_not_written_if_nothing_could_be_read(run: Run) -> None:
    write("in/a.html", "<html><body><script>x()</script></body></html>")
    write("in/b.html", "<html><body><script>x()</script></body></html>")
    assert run("clean", "in", "--to", "rss", "-o", "f.xml").exit_code == 1
    assert not Path("f.xml").exists()


def test_json_says_all_that_is_known(run: Run) -> None:
    write("a.html", saved().replace("than in the same", "(NYSE: TRN, WKN 716460, ISIN DE0007164600) than in the same"))
    said = json.loads(run("clean", "a.html", "--to", "json").stdout)
    assert (said["title"], said["title_label"], said["language"]) == ("Tarnwick earns more", "plain", "en")
    assert (said["authors"], said["site"]) == (["Oona Kestleby"], "Ledger Lane")
    assert (said["isins"], said["wkns"], said["tickers"]) == (["DE0007164600"], ["716460"], ["NYSE:TRN"])
    assert [block["label"] for block in said["blocks"]] == ["editorial"] * len(said["blocks"])
    (gone,) = said["removed"]
    assert gone["label"] == "promo" and gone["clues"] and gone["text"].startswith(AD)


def test_json_of_a_feed_holds_its_items(run: Run) -> None:
    items = "".join(
        f"<item><title>{n}</title><guid>{n}</guid><description>{NEWS[n]}</description></item>" for n in (0, 1)
    )
    write("f.xml", f'<rss version="2.0"><channel><title>F</title>{items}</channel></rss>')
    said = json.loads(run("clean", "f.xml", "--to", "json").stdout)
    assert (said["title"], [item["id"] for item in said["items"]]) == ("F", ["0", "1"])
    assert said["items"][1]["blocks"][0]["text"] == NEWS[1]


def test_the_folder_that_a_browser_saves_with_a_page_is_passed_over(run: Run) -> None:
    """Its frames are no articles; a folder without a page beside it is like any other."""
    write("in/a.html", saved())
    write("in/a_files/frame.html", saved())
    write("in/b-Dateien/c.html", saved())
    assert run("clean", "in", "-o", "out").exit_code == 0
    assert sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.html")) == [
        "a.html",
        "b-Dateien/c.html",
    ]


def test_names_inside_a_mail_lead_nowhere(run: Run) -> None:
    """Neither its attachments nor its subject say where anything is written."""
    message = mail(newsletter())
    message.replace_header("Subject", "../../../evil")
    message.add_attachment(b"x", maintype="text", subtype="html", filename="../../../evil.html")
    write("in/b.eml", bytes(message))
    write("in/a.html", saved())
    assert run("clean", "in", "-o", "out/deep").exit_code == 0
    written = [str(path) for path in Path().rglob("*") if path.is_file() and "in" not in path.parts]
    assert sorted(written) == ["out/deep/a.html", "out/deep/b.html"]
