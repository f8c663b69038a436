"""Lists of subscriptions: every feed behind the proxy, everything else as it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from lxml import etree
from typer.testing import CliRunner, Result

from feedclean.cli.app import app
from feedclean.formats.opml import Left, Rewritten, rewrite_opml
from feedclean.proxy.access import sign
from feedclean.proxy.addresses import proxied
from feedclean.settings import Settings

Run = Callable[..., Result]
LIST = """<?xml version="1.0" encoding="UTF-8"?>
<!-- mine -->
<opml version="2.0" xmlns:fz="urn:forumzilla:">
  <head><title>Märkte</title><ownerName>me</ownerName></head>
  <body>
    <outline text="Stocks" fz:quickMode="false">
      <outline type="rss" text="Acme &amp; Co" fz:options='{"check":{"m":100}}' xmlUrl="https://acme.example/feed?a=1&amp;b=2" htmlUrl="https://acme.example/" unknown="x"/>
      <outline text="Deeper"><outline type="rss" text="News" xmlurl="HTTPS://News.example/feed"/></outline>
    </outline>
    <outline type="link" text="No feed" url="https://x.example/" xmlUrl=""/>
    <outline type="rss" text="Mail" xmlUrl="mailto:x@example.org"/>
  </body>
</opml>
"""
_XML_URL = re.compile(r'xmlurl="([^"]*)"', re.IGNORECASE)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.opml").write_text(LIST, "utf-8")

    def invoke(*arguments: str, settings: str = "") -> Result:
        (tmp_path / "feedclean.toml").write_text(settings, "utf-8")
        return CliRunner().invoke(app, ["opml", "--config", "feedclean.toml", *arguments], prog_name="feedclean")

    return invoke


def addresses(text: str) -> list[str]:
    return [found.replace("&amp;", "&") for found in _XML_URL.findall(text)]


def test_every_feed_goes_behind_the_proxy_and_the_rest_stays(run: Run, tmp_path: Path) -> None:
    told = run("list.opml", "-o", "new.opml", "--public-url", "https://proxy.example/")
    assert told.exit_code == 0 and "2 feeds put behind https://proxy.example" in told.output
    assert "1 left as it was: 1 × mailto scheme" in told.output
    new = (tmp_path / "new.opml").read_text("utf-8")
    assert addresses(new) == [
        "https://proxy.example/feed?url=https%3A%2F%2Facme.example%2Ffeed%3Fa%3D1%26b%3D2",
        "https://proxy.example/feed?url=https%3A%2F%2Fnews.example%2Ffeed",
        "",
        "mailto:x@example.org",
    ]
    for kept in (
        "<!-- mine -->",
        "Märkte",
        'fz:quickMode="false"',
        'unknown="x"',
        "&amp; Co",
        'https://acme.example/"',
    ):
        assert kept in new
    tree, old = etree.fromstring(new.encode()), etree.fromstring(LIST.encode())
    without = [{key: value for key, value in one.attrib.items() if key.lower() != "xmlurl"} for one in tree.iter()]
    assert without == [
        {key: value for key, value in one.attrib.items() if key.lower() != "xmlurl"} for one in old.iter()
    ]
    assert [one.tag for one in tree.iter()] == [one.tag for one in old.iter()]


@pytest.mark.parametrize(
    "settings",
    [
        "",
        '[proxy]\nopen = "signed"\nsecret = "a secret of some length"\n',
        '[proxy]\nopen = "token"\ntoken = "a-token-of-some-length"\n',
        '[feeds.acme]\nurl = "https://acme.example/feed?a=1&b=2"\n',
    ],
)
def test_running_it_twice_changes_nothing_more(run: Run, tmp_path: Path, settings: str) -> None:
    run("list.opml", "-o", "one.opml", settings=settings)
    run("one.opml", "-o", "two.opml", settings=settings)
    assert (tmp_path / "one.opml").read_bytes() == (tmp_path / "two.opml").read_bytes() != LIST.encode()


def test_addresses_are_as_the_settings_want_them(run: Run, tmp_path: Path) -> None:
    run("list.opml", "-o", "new.opml", settings='[proxy]\nopen = "signed"\nsecret = "a secret of some length"\n')
    signature = sign("a secret of some length", "https://news.example/feed")
    assert addresses((tmp_path / "new.opml").read_text("utf-8"))[1].endswith(f"&sig={signature}")
    run("list.opml", "-o", "new.opml", settings='[feeds.acme]\nurl = "https://acme.example/feed?a=1&b=2"\n')
    assert addresses((tmp_path / "new.opml").read_text("utf-8"))[0] == "http://127.0.0.1:8420/feeds/acme"


def test_a_proxy_that_listens_everywhere_must_be_told_its_address(run: Run) -> None:
    told = run("list.opml", settings='[proxy]\nhost = "0.0.0.0"\n')
    assert told.exit_code == 2 and "--public-url" in told.output


def test_what_is_no_list_is_refused(run: Run, tmp_path: Path) -> None:
    for name, text in (("a", "<rss version='2.0'/>"), ("b", "hello"), ("c", "<opml><body>")):
        (tmp_path / name).write_text(text)
        told = run(name)
        assert told.exit_code == 1 and told.output.startswith(f"feedclean: {name}: ")
    assert run("missing").exit_code == 1


def test_a_list_with_small_faults_is_mended() -> None:
    data = b'<opml version="1.0"><body><outline xmlUrl="https://x.example/?a=1&b=2"/></body></opml>'
    made = rewrite_opml(data, lambda url: url.upper())
    assert made.done == 1 and b"HTTPS://X.EXAMPLE/?A=1&amp;B=2" in made.content


def test_nothing_to_change_gives_the_very_bytes() -> None:
    data = b"<opml version='1.0'  ><body><outline   xmlUrl='x'/></body></opml>"
    assert rewrite_opml(data, lambda _: Left("so")) == Rewritten(data, 0, Counter(so=1))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("feed://x.example/a", "http://x.example/a"),
        ("FEED://x.example/a", "http://x.example/a"),
        ("feed:https://x.example/a", "https://x.example/a"),
        ("feed:http://x.example/a", "http://x.example/a"),
        ("feed://https://x.example/a", "https://x.example/a"),
        ("https://x.example/?u=feed://y", "https://x.example/?u=feed://y"),
    ],
)
def test_addresses_that_only_feed_readers_know_are_those_of_the_web(written: str, meant: str) -> None:
    made = proxied(Settings(), "https://p.example")(written)
    assert made == f"https://p.example/feed?url={quote(meant, safe='')}"


def test_what_is_left_is_said_and_why(run: Run) -> None:
    run("list.opml", "-o", "one.opml")
    told = run("one.opml", "-o", "two.opml").output
    assert "0 feeds put behind http://127.0.0.1:8420" in told
    assert "3 left as they were: 2 × behind the proxy already; 1 × mailto scheme" in told
    named = proxied(Settings(), "http://127.0.0.1:8420")("feed://127.0.0.1:8420/feeds/acme")
    assert named == Left("behind the proxy already")
