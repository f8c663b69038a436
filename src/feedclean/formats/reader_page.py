"""An article as one page to read: HTML that loads the article's own pictures, runs nothing, and says what it is.

The head carries what is known about the article in the terms that everybody reads (Open Graph, `author`, `keywords`,
a canonical link), so that such a page can be read again, by us and by others.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re

from feedclean.formats.metadata import Metadata

__all__ = ["headed", "is_reader_page", "page_top", "parted", "reader_page", "without_title"]

_HEADING = re.compile(r"<(h[12])>([^<]*)</\1>\s*")
_ABOVE = 1_000  # characters before the heading that says the title: a kicker, a byline

_STYLE = """
:root { color-scheme: light dark }
body { font: 1.06rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
article { margin: 3rem 0 }
h1, h2 { line-height: 1.25 }
img, video { max-width: 100%; height: auto }
pre, table { overflow-x: auto; display: block }
.facts { opacity: .7; font-size: .9rem }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = html.escape(
    "default-src 'none'; img-src http: https: data:; media-src http: https:; "
    f"style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
)
_TOP = """<!DOCTYPE html>
<html{language}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
{head}<style>{style}</style>
</head>
<body>
"""
_OURS = re.compile(
    r"<!DOCTYPE html>\n<html(?: lang=\"[^\"]{1,40}\")?>\n<head>\n<meta charset=\"utf-8\">\n"
    r"<meta http-equiv=\"Content-Security-Policy\" content=\"" + re.escape(_POLICY) + r"\">\n"
)
_GENERATOR = '<meta name="generator" content="feedclean">\n'
_CHOSEN = '<meta name="feedclean:article" content="extracted">\n'
_BEGIN, _END = "</header>\n<article>\n", "\n</article>\n"


def page_top(title: str, language: str | None, head: str = "") -> str:
    """A page up to its `<body>`. Its policy forbids scripts, forms and frames; `head` are further elements of it."""
    code = f' lang="{html.escape(language)}"' if language else ""
    return _TOP.format(language=code, policy=_POLICY, title=html.escape(title), head=head, style=_STYLE)


def reader_page(metadata: Metadata, body: str, *, extracted: bool, mark: str = "") -> str:
    """The page of one article.

    Args:
        metadata: what is known about it.
        body: its text, as safe HTML.
        extracted: whether it is what an extractor chose from a page (see `Document.extracted`).
        mark: the `<meta>` element that tells of a clickbait title, or nothing.
    """
    title = metadata.title or metadata.site or "Untitled"
    said = " · ".join([*metadata.authors, *filter(None, (metadata.site, shown_date(metadata.published)))])
    heading = html.escape(title)
    if metadata.url:
        heading = f'<a href="{html.escape(metadata.url)}" rel="noopener noreferrer">{heading}</a>'
    return "".join(
        (
            page_top(title, metadata.language, _head(metadata, extracted) + (f"{mark}\n" if mark else "")),
            f"<header>\n<h1>{heading}</h1>\n",
            f'<p class="facts">{html.escape(said)}</p>\n' if said else "",
            _BEGIN,
            body,
            _END,
            "</body>\n</html>\n",
        )
    )


def headed(source: str, title: str) -> str:
    """The title as the article has it, if what the head of its page says is only longer by the name of the site."""
    found = _HEADING.search(source)
    said = " ".join(html.unescape(found[2]).split()) if found else ""
    return said if said and title.startswith(said) else title


def without_title(body: str, title: str) -> str:
    """The text without the heading that says the title, for a page where it stands above it anyway."""
    found = _HEADING.search(body, 0, _ABOVE + len(title))
    same = found and title and " ".join(html.unescape(found[2]).split()) == title
    return body[: found.start()] + body[found.end() :] if found and same else body


def shown_date(published: str | None) -> str:
    """A date as people read it: without a time that nobody knew."""
    written = published or ""
    return written.removesuffix("T00:00:00Z") if written.endswith("T00:00:00Z") else written


def is_reader_page(source: str) -> bool:
    """Whether `reader_page` has written it: with the policy that forbids scripts, which no page can be without."""
    return bool(_OURS.match(source)) and _GENERATOR in source[:20_000] and _BEGIN in source and _END in source


def parted(source: str) -> tuple[str, bool]:
    """The text of a reader page, and whether an extractor chose it."""
    start = source.index(_BEGIN) + len(_BEGIN)
    end = source.rindex(_END)
    return source[start:end] if end > start else "", _CHOSEN in source[:start]


def _head(metadata: Metadata, extracted: bool) -> str:
    named = [
        *(("name", "author", name) for name in metadata.authors),
        ("name", "description", metadata.description),
        ("name", "keywords", ", ".join(tag.replace(",", " ") for tag in metadata.tags)),
        ("property", "og:site_name", metadata.site),
        ("property", "article:published_time", metadata.published),
    ]
    written = [f'<meta {kind}="{name}" content="{html.escape(said)}">\n' for kind, name, said in named if said]
    if metadata.url:
        written.append(f'<link rel="canonical" href="{html.escape(metadata.url)}">\n')
    return "".join([_GENERATOR, _CHOSEN if extracted else "", *written])
