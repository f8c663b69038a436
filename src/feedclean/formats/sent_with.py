"""What a document was sent with (`Content-Type: text/xml; charset=windows-1251`), where only that tells how to read it.

    mark (BOM)  >  what the bytes can only be  >  XML declaration  >  what it was sent with     XML
    mark (BOM)  >  what the bytes can only be  >  what it was sent with  >  `<meta>`            pages, texts, JSON

RFC 7303 puts the sender before the XML declaration. That is so here only where the bytes speak against the declaration:
it was written by whatever wrote the characters, and the `charset` by a server that puts one and the same on all that it
sends. A feed that is right by itself must not be spoiled by a server that is not.
"""

from __future__ import annotations

import codecs

from feedclean.formats.encodings import bom_of, known, superset, wide
from feedclean.formats.text_codec import declared_charset, decode, fits, mostly, readable
from feedclean.formats.xml_repair import declared_encoding, undeclared

__all__ = ["as_sent"]


def as_sent(data: bytes, sent: str) -> bytes:
    """`data`, or where only what it was sent with tells how to read it, the same in UTF-8 with a mark.

    So whoever reads it later, result files included, needs to know nothing but its bytes.

    Args:
        data: the document.
        sent: the character set that its `Content-Type` named.
    """
    said = declared_encoding(data)
    if said is not None:
        return _declared(data, said, sent)
    return _marked(data, declared_charset(data) if data.lstrip()[:1] == b"<" else None, sent)


def _declared(data: bytes, said: str, sent: str) -> bytes:
    """`as_sent` for XML that names an encoding itself."""
    named, own = known(sent), known(said)
    claimed = superset(named) if named else "ascii"
    truth = superset(own) if own else None
    if claimed in ("ascii", "cp1252", truth) or claimed.startswith(("utf-16", "utf-32")) or data.isascii():
        return data
    if bom_of(data)[1] or wide(data):
        return data
    if own and truth and (fits(data, own) or fits(data, truth)):
        # Eight bits a character fit whatever they are; that all of it is UTF-8, and was sent as that, is no chance.
        better = claimed == "utf-8" and not truth.startswith("utf-")
    else:
        better = truth is None or not mostly(data, truth)  # a few bytes that are wrong do not speak against it
    if not better or not fits(data, claimed):
        return data
    return codecs.BOM_UTF8 + undeclared(data.decode(claimed)).encode("utf-8", "replace")


def _marked(data: bytes, said: str | None, sent: str) -> bytes:
    """`as_sent` for what is no XML by its own account; `said` is the character set that a `<meta>` names.

    What was sent counts more than that (HTML standard, 13.2.3.2), but for two things: Latin-1 is what servers say that
    do not know, and nothing is UTF-8 by chance.
    """
    named = known(sent)
    claimed = superset(named) if named else "ascii"
    if claimed in ("ascii", "cp1252") or (said and known(said) == named) or bom_of(data)[1]:
        return data
    text, codec = decode(data, said)
    believed = sent
    if not data.isascii():  # ISO 2022 is
        if fits(data, "utf-8") or (claimed == "utf-8" and mostly(data, "utf-8")):
            believed = "utf-8"
        elif claimed == "utf-8":
            return data
    better, other = decode(data, believed)
    return data if codec == other or better == text else codecs.BOM_UTF8 + readable(better).encode("utf-8", "replace")
