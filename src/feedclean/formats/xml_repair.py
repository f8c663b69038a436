"""Small faults of XML, repaired in its text: one linear pass that changes nothing but the faults.

Repaired are bare ampersands and less-than signs, HTML's named entities, references to entities that nobody declared or
that stand outside the file, character references and characters that XML forbids, namespace prefixes without a
declaration, and white space before the XML declaration. Nothing else changes: tags that do not match are for
`rescue.py`.
"""

from __future__ import annotations

import re
from html.entities import html5, name2codepoint

from feedclean.formats.encodings import FORBIDDEN

__all__ = ["bind", "declared_encoding", "repair", "undeclared"]

_BASIC = {"amp", "lt", "gt", "quot", "apos"}
_SAFE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}

# Everything in which an ampersand is just a character, and every sign elsewhere that may be
# one too many. An unclosed comment reaches to
# the end, so that no position is looked at twice.
_TOKEN = re.compile(
    r"""<!--(?:.*?-->|.*\Z)
      | <!\[CDATA\[(?:.*?\]\]>|.*\Z)
      | <\?(?:.*?\?>|.*\Z)
      | (?P<doctype><!DOCTYPE[^\[<>]*+
            (?:\[(?>"[^"]*"|'[^']*'|<!--(?:.*?-->|.*\Z)|<\?(?:.*?\?>|.*\Z)|[^\]])*+(?:\]\s*+>?|\Z)|>)?)
      | <(?![^\W\d]|[:/!?])
      | &(?:(?P<name>\#[0-9]{1,12}|\#[xX][0-9a-fA-F]{1,12}|[^\W\d][\w.:-]{0,63});)?""",
    re.DOTALL | re.VERBOSE,
)
_ENTITY = re.compile(r"""<!ENTITY\s+([^\s%"'&;<>]+)\s+["']""")
_PARAMETER = re.compile(r"""(?<=[\s>\]\[])%[\w.:-]{1,63};""")
_DECLARATION = re.compile(r"\A\s*<\?xml\s[^<>]*?\?>")
_ENCODING = re.compile(r"""\s+encoding\s*=\s*["']\s*([^"'<>]*?)\s*["']""")
_FORBIDDEN = re.compile(f"[{FORBIDDEN}]")
_PREFIX = re.compile(r"(?:<|\s)([A-Za-z_][\w.-]{0,31}):[A-Za-z_]")
_BOUND = re.compile(r"\sxmlns:([A-Za-z_][\w.-]*)\s*=")
_ROOT = re.compile(r"<(?:[\w.-]+:)?[A-Za-z][\w.-]*(?=[\s/>])")

# The prefixes that feeds use without saying what they mean.
_NAMESPACES = {
    "admin": "http://webns.net/mvcb/",
    "atom": "http://www.w3.org/2005/Atom",
    "cc": "http://web.resource.org/cc/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "creativeCommons": "http://backend.userland.com/creativeCommonsRssModule",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
    "googleplay": "http://www.google.com/schemas/play-podcasts/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "nasdaq": "http://nasdaq.com/reference/feeds/1.0",
    "opensearch": "http://a9.com/-/spec/opensearch/1.1/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sa": "https://seekingalpha.com/api/1.0",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "taxo": "http://purl.org/rss/1.0/modules/taxonomy/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "trackback": "http://madskills.com/public/xml/rss/module/trackback/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xlink": "http://www.w3.org/1999/xlink",
}


def declared_encoding(data: bytes) -> str | None:
    """The encoding that an XML declaration in `data` names, whatever the encoding of the declaration itself."""
    head = data[:1024]
    for reading in (head.replace(b"\x00", b"").decode("latin-1"), head.decode("cp037")):
        start = _DECLARATION.search(reading.lstrip("\xff\xfe\xef\xbb\xbf"))
        if start:
            named = _ENCODING.search(start[0])
            return named[1] if named else None
    return None


def undeclared(text: str) -> str:
    """`text` with an XML declaration that names no encoding."""
    return _DECLARATION.sub(lambda start: _ENCODING.sub("", start[0]), text, count=1)


def repair(text: str) -> str:
    """`text` with its small faults repaired and its XML declaration without an encoding."""
    text = _FORBIDDEN.sub("", text).lstrip()
    text = undeclared(text)
    entities = set(_BASIC)

    def token(found: re.Match[str]) -> str:
        name = found["name"]
        if name is not None:
            return _reference(name, entities)
        if found[0] in _SAFE:
            return _SAFE[found[0]]
        if found["doctype"]:
            entities.update(_ENTITY.findall(found[0]))
            return _PARAMETER.sub("", found[0])
        return found[0]

    return _TOKEN.sub(token, text)


def _reference(name: str, entities: set[str]) -> str:
    if name.startswith("#"):
        number = int(f"0{name[1:]}", 16) if name[1] in "xX" else int(name[1:])
        return f"&#{number};" if _allowed(number) else ""
    if name in entities:
        return f"&{name};"
    # HTML 4 first, as feedparser has it: &lang; is another bracket in HTML 5.
    characters = chr(name2codepoint[name]) if name in name2codepoint else html5.get(f"{name};")
    if characters is None:
        return f"&amp;{name};"
    return "".join(_SAFE.get(character, character) for character in characters)


def _allowed(number: int) -> bool:
    return number <= 0x10FFFF and not _FORBIDDEN.match(chr(number))


def bind(text: str) -> str:
    """`text` with every prefix declared on its root that is used, but declared nowhere."""
    bare = re.sub(r"<!--(?:.*?-->|.*\Z)|<!\[CDATA\[(?:.*?\]\]>|.*\Z)|<\?(?:.*?\?>|.*\Z)", "", text, flags=re.DOTALL)
    tags = " ".join(re.findall(r"<[A-Za-z_][^<>]*", bare))
    # Attribute values may hold what looks like a prefix; a declaration too many does no harm.
    missing = sorted(set(_PREFIX.findall(tags)) - set(_BOUND.findall(tags)) - {"xml", "xmlns"})
    root = _find_root(text)
    if not missing or root is None or len(missing) > 64:
        return text
    added = "".join(
        f' xmlns:{prefix}="{_NAMESPACES.get(prefix, f"urn:feedclean:undeclared:{prefix}")}"' for prefix in missing
    )
    return f"{text[:root]}{added}{text[root:]}"


def _find_root(text: str) -> int | None:
    """Where the attributes of the root element begin."""
    position = 0
    while True:
        start = text.find("<", position)
        if start == -1:
            return None
        if root := _ROOT.match(text, start):
            return root.end()
        token = _TOKEN.match(text, start)
        position = token.end() if token else start + 1
