"""What a publisher's server says of the characters of a feed, from its socket to what readers get."""

from __future__ import annotations

import html
import io
from ipaddress import ip_network
from pathlib import Path

import feedparser
import pytest

from feedclean.cleaning import Judge
from feedclean.proxy.app import create_app
from feedclean.proxy.logs import set_up
from feedclean.proxy.opening import open_house
from feedclean.settings import FeedSettings, ProxySettings, Settings, StoreSettings
from tests.fakes import KeywordJudge
from tests.proxy.client import Got, ask, go
from tests.proxy.origin import Origin, reply
from tests.proxy.test_app import BrokenJudge

NEWS = "Выручка Харроумира выросла в третьем квартале на четыре процента."
PAPER = (
    f'<rss version="2.0"><channel><title>{NEWS}</title><item><guid>1</guid><title>{NEWS}</title><description>'
    + html.escape(f"<p>{NEWS}</p><p>PROMO {NEWS}</p><p>{NEWS}</p>")
    + "</description></item></channel></rss>"
)


def served(folder: Path, content: bytes, kind: str, *paths: str, judge: Judge | None = None) -> list[Got]:
    """What readers get of a feed that is published so."""

    async def through() -> list[Got]:
        async with Origin(lambda _: reply(200, content, content_type=kind)) as origin:
            settings = Settings(
                proxy=ProxySettings(allow_networks=(ip_network("127.0.0.0/8"),)),
                store=StoreSettings(url=f"sqlite:///{folder}/store.db"),
                feeds={"news": FeedSettings(url=origin.url())},
            )
            house = open_house(settings, judge or KeywordJudge(), set_up("debug", io.StringIO()))
            try:
                app = create_app(house)
                return [await ask(app, path) for path in paths or ("/feeds/news",)]
            finally:
                await house.close()

    return go(through())


@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "application/rss+xml"])
@pytest.mark.parametrize(
    ("encoding", "declaration", "sent"),
    [
        ("cp1251", "", "windows-1251"),
        ("cp1251", '<?xml version="1.0"?>', '"Windows-1251"'),
        ("cp1251", '<?xml version="1.0" encoding="UTF-8"?>', "windows-1251"),
        ("utf-8", '<?xml version="1.0" encoding="iso-8859-1"?>', "utf-8"),
        ("utf-8", '<?xml version="1.0" encoding="utf-8"?>', "iso-8859-1"),
        ("utf-8", "", "windows-1251"),
        ("cp1251", '<?xml version="1.0" encoding="windows-1251"?>', "utf-8"),
    ],
)
def test_a_feed_is_read_by_what_it_was_sent_with_where_its_bytes_need_that_and_served_as_utf_8(
    tmp_path: Path, kind: str, encoding: str, declaration: str, sent: str
) -> None:
    content = (declaration + PAPER).encode(encoding)
    paths = ("/feeds/news", "/feeds/news.atom", "/feeds/news.json", "/items/news")
    got, atom, as_json, items = served(tmp_path, content, f"{kind}; charset={sent}", *paths)
    assert (got.status, got.headers["content-type"]) == (200, "application/rss+xml; charset=utf-8")
    assert got.headers["feedclean"].startswith("cleaned; cut=1")
    for one in (got, atom, as_json, items):
        assert one.status == 200 and NEWS in one.body.decode("utf-8")
    assert "PROMO" not in got.body.decode("utf-8")
    # Whatever a reader believes first, header or declaration, it reads the same.
    for headers in ({"content-type": got.headers["content-type"]}, {}):
        read = feedparser.parse(io.BytesIO(got.body), response_headers=headers)
        assert not read.bozo and read.entries[0].title == NEWS


def test_what_is_handed_on_uncleaned_is_what_was_sent_with_what_it_was_sent_with(tmp_path: Path) -> None:
    content = PAPER.encode("cp1251")
    (got,) = served(tmp_path, content, "text/xml; charset=windows-1251", judge=BrokenJudge())
    assert got.headers["feedclean"].startswith("bypassed") and got.body == content
    assert got.headers["content-type"] == "application/rss+xml; charset=windows-1251"
