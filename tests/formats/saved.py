"""Saved articles of our own invention: whole pages as browsers and SingleFile save them, MHTML, and newsletters."""

from __future__ import annotations

import base64
import quopri
from email.message import EmailMessage

NEWS = (
    "Tarnwick Robotics earned 12 million euros in the third quarter, a tenth more than in the same quarter of the year before.",
    "Analysts at the brokerage Penhallow Dray had expected 11 million; they keep their rating and raise their target to 910 pence.",
    "The order book of the warehouse arm reaches until the autumn of next year, and a second line at Harrowmere starts in May.",
)
NACHRICHTEN = (
    "Der Pumpenbauer Lohmarker hat im vierten Quartal 137 Millionen Euro umgesetzt, sechs Prozent mehr als im Jahr zuvor.",
    "Die Marge stieg auf 8,9 Prozent; für das laufende Jahr rechnet der Vorstand mit Aufträgen über 900 Millionen Euro.",
    "Die Gießerei in Meschede ist zu 94 Prozent ausgelastet, eine Erweiterung würde nach seinen Worten 18 Monate dauern.",
)
TITLE = "Tarnwick earns more"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

LINKED = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": "WebSite"},
{"@type": "NewsArticle", "headline": "Tarnwick earns more", "datePublished": "2026-03-12T14:22:07+01:00",
"author": [{"@type": "Person", "name": "Oona Kestleby"}], "publisher": {"name": "Ledger Lane"}}]}</script>"""


def page(paragraphs: tuple[str, ...] = NEWS, *, title: str = TITLE, head: str = LINKED, lang: str = "en") -> str:
    """A page with an article, an ad in its middle, and everything that stands around articles."""
    first, *others = (f"<p>{one}</p>" for one in paragraphs)
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{title} | Ledger Lane</title>'
        f'<link rel="canonical" href="https://ledgerlane.example/a">{head.replace(TITLE, title)}<style>p {{ color: red }}</style></head><body>'
        '<nav><ul><li><a href="/">Home</a></li><li><a href="/shares">Shares</a></li></ul></nav>'
        f'<main><article class="story"><h1>{title}</h1>{first}'
        '<p class="promo">PROMO Tarnwick shares: order the free study with all the answers today and at no cost at all.</p>'
        f'{"".join(others)}<p>More on <a href="/b?x=1" onclick="track()">Harrowmere</a> is to be expected when the '
        'company opens its second line there in spring.</p></article></main>'
        '<aside><h3>Most read</h3><ul><li><a href="/c">Ten shares that everybody talks about</a></li></ul></aside>'
        "<footer>Imprint, privacy, cookies</footer><script>track()</script></body></html>"
    )  # fmt: skip


def single_file() -> str:
    """A page as SingleFile saves it: one file that carries its pictures and fonts with it."""
    font = base64.b64encode(b"buy or sell? " * 50_000).decode()
    return (
        page(head=LINKED + f"<style>@font-face {{ src: url(data:font/woff2;base64,{font}) }}</style>")
        .replace(
            '<html lang="en">',
            '<html lang="en"><!--\n Page saved with SingleFile \n url: https://ledgerlane.example/a?from=feed \n saved date: Thu Mar 12 2026\n-->',
        )
        .replace("<p>Analysts", f'<img src="data:image/png;base64,{PIXEL * 20}"><p>Analysts')
    )


def mhtml(source: str | None = None, *, location: str = "https://ledgerlane.example/a", end: bool = True) -> bytes:
    """A page as Chromium saves it."""
    boundary = b"----MultipartBoundary--x7----"
    content = quopri.encodestring((source or page()).encode()).replace(b"\n", b"\r\n")
    top = (
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: "
        + location.encode()
        + b"\r\nSubject: Tarnwick earns more\r\n"
        b"Date: Thu, 12 Mar 2026 14:22:07 +0100\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="' + boundary + b'"\r\n\r\n\r\n'
    )
    html = (
        b"Content-Type: text/html\r\nContent-ID: <frame-1@mhtml.blink>\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Location: " + location.encode() + b"\r\n\r\n" + content
    )
    style = b"Content-Type: text/css\r\nContent-Location: cid:css\r\n\r\np { color: red }"
    line = b"\r\n--" + boundary
    return top + line.lstrip() + b"\r\n" + html + (line + b"\r\n" + style + line + b"--\r\n" if end else b"")


def mail(
    html: str = "", plain: str = "", *, charset: str = "utf-8", encoding: str = "quoted-printable"
) -> EmailMessage:
    """A newsletter."""
    made = EmailMessage()
    made["Subject"] = "Zahlen für März: Lohmarker"
    made["From"] = '"Kursfenster, täglich" <post@kursfenster.example>'
    made["Date"] = "Thu, 12 Mar 2026 14:22:07 +0100"
    made["Message-ID"] = "<1@kursfenster.example>"
    made["List-Id"] = "Kursfenster am Morgen <morgen.kursfenster.example>"
    if plain:
        made.set_content(plain, charset=charset, cte=encoding)
    if html and plain:
        made.add_alternative(html, subtype="html", charset=charset, cte=encoding)
    elif html:
        made.set_content(html, subtype="html", charset=charset, cte=encoding)
    return made


def newsletter(paragraphs: tuple[str, ...] = NACHRICHTEN) -> str:
    """The HTML of a newsletter: tables in tables, as mail programs want it."""
    rows = "".join(f'<tr><td style="padding:8px"><p>{one}</p></td></tr>' for one in paragraphs)
    return (
        '<html lang="de"><head><style>td { color: red }</style></head><body><table role="presentation"><tr><td><table>'
        f"{rows}<tr><td><p>PROMO Jetzt die Gratis-Studie zur Aktie anfordern und keinen Gewinn mehr verpassen.</p></td></tr>"
        "</table></td></tr></table></body></html>"
    )
