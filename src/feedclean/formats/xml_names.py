"""The names by which XML feeds call what we look for."""

from __future__ import annotations

from functools import lru_cache

ATOM = "http://www.w3.org/2005/Atom"
ATOM_03 = "http://purl.org/atom/ns#"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
FEEDCLEAN = "urn:feedclean"
TITLE_SCHEME = "urn:feedclean:title"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
MEDIA = "http://search.yahoo.com/mrss/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XHTML = "http://www.w3.org/1999/xhtml"
XML = "http://www.w3.org/XML/1998/namespace"

ATOMS = frozenset((ATOM, ATOM_03))
FEED_ROOTS = frozenset(("rss", "rdf", "feed", "channel", "entry"))


@lru_cache(maxsize=4096)  # a feed has dozens of names, and thousands of elements
def split(tag: object) -> tuple[str, str]:
    """Namespace and local name of an lxml tag; `("", "")` for comments and processing instructions."""
    if not isinstance(tag, str):
        return "", ""
    if tag[:1] == "{":
        namespace, _, local = tag[1:].partition("}")
        return namespace, local
    return "", tag
