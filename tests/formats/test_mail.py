"""Mails and MHTML: which text is shown, in which characters, and what comes back in place."""

from __future__ import annotations

import base64
import email
import re
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.cleaning import clean
from feedclean.errors import FeedcleanError, FormatError, LimitError
from feedclean.formats.limits import Limits
from feedclean.formats.mime import parse_parts
from feedclean.formats.mime_signs import is_message
from feedclean.formats.sniff import open_document
from feedclean.types import Document, Format, Markup
from tests.fakes import KeywordJudge
from tests.formats.saved import NACHRICHTEN, NEWS, mail, mhtml, newsletter, page


def opened(message: EmailMessage | bytes, *, in_place: bool = False) -> Document:
    return open_document(message if isinstance(message, bytes) else bytes(message), in_place=in_place)


def texts(message: EmailMessage | bytes) -> list[str]:
    return [body.text for body in opened(message).items[0].bodies]


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
def test_a_newsletter_is_read_whatever_its_characters(charset: str, encoding: str) -> None:
    (text,) = texts(mail(newsletter(), charset=charset, encoding=encoding))
    assert all(one in text for one in NACHRICHTEN)


def test_of_alternatives_the_html_is_shown() -> None:
    message = mail(newsletter(), plain="Das Wichtigste in Kürze")
    (text,) = texts(message)
    assert "<table" in text and "in Kürze" not in text


def test_an_empty_html_alternative_is_none() -> None:
    (text,) = texts(mail("<html><body><img src=x></body></html>", plain=NEWS[0]))
    assert text.strip() == NEWS[0]


def test_attachments_are_not_looked_at() -> None:
    message = mail(newsletter(), plain="x")
    message.add_attachment(b"<p>evil</p>", maintype="text", subtype="html", filename="../../etc/passwd")
    message.add_attachment(b"PK\x03\x04" + bytes(100), maintype="application", subtype="zip", filename="bomb.zip")
    assert len(texts(message)) == 1 and "evil" not in texts(message)[0]


def with_pictures(shown: str, *pictures: tuple[str, str, bytes]) -> EmailMessage:
    """A newsletter that begins with `shown` and brings pictures: name, kind, content."""
    message = mail(newsletter().replace("<body>", f"<body>{shown}"))
    for name, kind, content in pictures:
        message.add_related(content, maintype="image", subtype=kind, cid=f"<{name}>")
    return message


def test_the_pictures_that_a_mail_brings_are_in_its_page_and_stay_in_it() -> None:
    first, second = bytes(range(256)) * 2, bytes(range(255, -1, -1)) * 3
    shown = '<p>One <IMG alt="x" SRC=cid:a@x></p><p><img src="cid:b%40x"></p><p><img src="cid:none@x">'
    message = with_pictures(shown, ("a@x", "png", first), ("b@x", "jpeg", second), ("c@x", "gif", first))
    text = opened(message).to_bytes().decode()
    wanted = [f"png;base64,{base64.b64encode(first).decode()}", f"jpeg;base64,{base64.b64encode(second).decode()}"]
    assert re.findall(r'src="data:image/([^"]*)"', text) == wanted
    assert "cid:" not in text and "inline.invalid" not in text and "image/gif" not in text
    assert open_document(text.encode(), in_place=False).to_bytes().decode() == text


def test_what_a_mail_calls_a_picture_is_shown_only_if_nothing_can_run_in_it() -> None:
    shown = '<p><img src="cid:a@x"><a href="cid:a@x">open</a><iframe src="cid:a@x"></iframe></p>'
    for kind in ("svg+xml", "x-icon"):
        text = opened(with_pictures(shown, ("a@x", kind, b"<svg onload=x()>" * 40))).to_bytes().decode()
        assert "data:image" not in text.split("<article>")[1]
    text = opened(with_pictures(shown, ("a@x", "png", b"<svg onload=x()>" * 40))).to_bytes().decode()
    assert text.count("data:image/png;base64,") == 1


def test_pictures_take_no_more_than_half_of_what_a_document_may_have_however_often_they_are_shown() -> None:
    message = with_pictures('<img src="cid:a@x">' * 50, ("a@x", "png", bytes(3_000)))
    found = open_document(bytes(message), in_place=False, limits=Limits(bytes=60_000)).to_bytes().decode()
    assert found.count("data:image/png") == 7  # of 4,022 bytes each


def test_what_is_forwarded_stands_after_what_was_said_about_it() -> None:
    """As it would be shown by itself: the HTML of alternatives, without attachments."""
    inner = mail(newsletter(), plain="Das Wichtigste in Kürze")
    inner.add_attachment(b"<p>evil</p>", maintype="text", subtype="html", filename="a.html")
    outer = mail(plain="See below, please: this is what they write.")
    outer.add_attachment(inner)
    said, forwarded = texts(outer)
    assert said.startswith("See below")
    assert all(one in forwarded for one in NACHRICHTEN) and "<table" in forwarded
    bare = email.message_from_bytes(b"Subject: Fwd\nMessage-ID: <2@x>\nContent-Type: message/rfc822\n\n" + bytes(inner))
    (alone,) = texts(bare.as_bytes())
    assert alone == forwarded


def test_a_mail_that_ends_within_its_headers_has_no_text() -> None:
    whole = mhtml(page())
    for end in range(40, whole.index(b"\r\n\r\n" if b"\r" in whole else b"\n\n"), 3):
        if is_message(whole[:end]):
            with pytest.raises(FormatError, match="no text in this mail"):
                opened(whole[:end])


def test_several_texts_are_all_shown() -> None:
    message = EmailMessage()
    message["Message-ID"] = "<3@x>"
    message.make_mixed()
    for one in NEWS[:2]:
        part = EmailMessage()
        part.set_content(one)
        message.attach(part)
    assert [text.strip() for text in texts(message)] == list(NEWS[:2])


def test_what_a_mail_says_about_itself_comes_along() -> None:
    document = opened(mail(newsletter()))
    text = document.to_bytes().decode()
    assert "<title>Zahlen für März: Lohmarker</title>" in text
    assert 'name="author" content="Kursfenster, täglich"' in text
    assert 'content="2026-03-12T14:22:07+01:00"' in text
    assert 'og:site_name" content="Kursfenster am Morgen"' in text
    assert '<html lang="de">' in text
    assert document.format is Format.HTML


@pytest.mark.parametrize("claimed", ["us-ascii", "iso-8859-1", "x-unknown", 'utf-8; x="', "unicode_escape", "base64"])
def test_a_charset_that_is_not_true_is_seen_through(claimed: str) -> None:
    data = (
        b"Message-ID: <1@x>\nContent-Type: text/plain; charset=" + claimed.encode() + b"\n\n" + NACHRICHTEN[1].encode()
    )
    assert texts(data) == [NACHRICHTEN[1]]


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("line", [b"\n", b"\r\n"])
def test_in_place_only_the_payload_that_changes_is_written_anew(encoding: str, line: bytes) -> None:
    message = mail(newsletter(), plain="Das Wichtigste in Kürze", charset="iso-8859-15", encoding=encoding)
    message.add_attachment(bytes(range(256)), maintype="application", subtype="pdf", filename="a.pdf")
    data = bytes(message).replace(b"\n", line)
    result = clean(data, model=KeywordJudge(), in_place=True)
    assert result.format is Format.EML
    assert len(result.ledger) == 1
    was, now = email.message_from_bytes(data, policy=default), email.message_from_bytes(result.content, policy=default)
    for old, new in zip(was.walk(), now.walk(), strict=True):
        assert old.items() == new.items()
        if old.get_content_type() == "text/html":
            text = new.get_content()
            assert "PROMO" not in text and all(one in text for one in NACHRICHTEN)
        elif not old.is_multipart():
            assert old.get_payload() == new.get_payload()


def test_in_place_a_mail_of_which_nothing_is_cut_keeps_its_bytes() -> None:
    data = bytes(mail(newsletter().replace("PROMO", "")))
    assert clean(data, model=KeywordJudge(), in_place=True).content == data


def test_in_place_cleaning_twice_changes_nothing_more() -> None:
    once = clean(bytes(mail(newsletter(), encoding="base64")), model=KeywordJudge(), in_place=True).content
    assert clean(once, model=KeywordJudge(), in_place=True).content == once


def test_in_place_a_signed_mail_is_not_broken() -> None:
    inner = bytes(mail(newsletter()))
    data = (
        b'Message-ID: <1@x>\nContent-Type: multipart/signed; boundary="s"\n\n--s\n' + inner + b"\n--s\n"
        b"Content-Type: application/pgp-signature\n\nx\n--s--\n"
    )
    with pytest.raises(FormatError, match=r"signed mail.*without --in-place"):
        clean(data, model=KeywordJudge(), in_place=True)
    assert b"PROMO" not in clean(data, model=KeywordJudge()).content


def test_in_place_a_clickbait_subject_is_noted_once() -> None:
    data = bytes(mail(newsletter())).replace(b"Subject: ", b"Subject: ?! ")
    once = clean(data, model=KeywordJudge(), in_place=True).content
    assert once.count(b"X-Feedclean-Title: clickbait 0.96\n") == 1
    assert clean(once, model=KeywordJudge(), in_place=True).content == once


def test_mhtml_goes_the_way_of_pages() -> None:
    text = clean(mhtml(), model=KeywordJudge()).content.decode()
    assert all(f"<p>{one}</p>" in text for one in NEWS)
    assert "Most read" not in text and 'href="https://ledgerlane.example/b?x=1"' in text


def test_mhtml_in_place_keeps_everything_else() -> None:
    data = mhtml()
    result = clean(data, model=KeywordJudge(), in_place=True)
    assert result.format is Format.MHTML
    was, now = (email.message_from_bytes(one, policy=default) for one in (data, result.content))
    old, new = was.get_payload(0).get_content(), now.get_payload(0).get_content()  # type: ignore[union-attr]
    assert new == old[: old.index('<p class="promo">')] + old[old.index("</p>", old.index('<p class="promo">')) + 4 :]
    assert result.content.endswith(data[data.index(b"Content-Type: text/css") :])


def test_a_mhtml_file_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    whole = mhtml(end=False)
    document = opened(whole[: whole.index(b"Imprint")])
    assert document.rescued == "its text breaks off"
    assert all(one in document.items[0].bodies[0].text for one in NEWS)
    with pytest.raises(FormatError, match=r"without its text|no text|no article"):
        opened(whole[: whole.index(b"Content-Transfer-Encoding")])


@pytest.mark.parametrize(
    "data",
    [
        b"Message-ID: <1@x>\nSubject: nothing\n\n",
        b'Message-ID: <1@x>\nContent-Type: multipart/mixed; boundary="b"\n\n--b--\n',
        b"Message-ID: <1@x>\nContent-Type: multipart/mixed\n\n--b\nContent-Type: text/html\n\n<p>x",
        b'Message-ID: <1@x>\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: image/png\n\nx\n--b--\n',
    ],
)
def test_a_mail_without_text_is_told(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"text in this mail|without its text"):
        opened(data)


def nested(depth: int) -> bytes:
    head = b"Message-ID: <1@x>\n"
    for level in range(depth):
        head += b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level)
    return (
        head
        + b"Content-Type: text/plain\n\n"
        + NEWS[0].encode()
        + b"".join(b"\n--b%d--" % one for one in reversed(range(depth)))
    )


def test_parts_may_be_nested_but_not_without_end() -> None:
    assert texts(nested(200)) == [NEWS[0]]
    for depth in (1_000, 20_000):
        with pytest.raises(LimitError, match="nested more than 256 deep"):
            opened(nested(depth))
    with pytest.raises(LimitError):
        opened(b"Message-ID: <1@x>\n" + b"Content-Type: message/rfc822\n\n" * 1_000)


def test_very_many_parts_are_refused() -> None:
    data = b'Message-ID: <1@x>\nContent-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 20_000
    with pytest.raises(LimitError, match="10,000 parts"):
        opened(data)


@pytest.mark.parametrize(
    "data", [b"\n--x" * 400_000, b"X: y\n" * 200_000, b"a: " + b" \n" * 400_000, b"--b--\n" * 200_000]
)
def test_lines_that_part_nothing_are_passed_over_once(data: bytes) -> None:
    """In quadratic time this would not end: dashes that are no boundaries, headers without an end."""
    _, parts = parse_parts(b'Message-ID: <1@x>\nContent-Type: multipart/mixed; boundary="b"\n' + data, Limits())
    assert len(parts) <= 1


def test_text_with_a_colon_is_no_mail() -> None:
    assert not is_message(b"Note: Acme earned 4 million.\nDate: today\n\nMore.")
    assert not is_message(b"<html>") and not is_message(b"")
    assert is_message(b"From: a@b\nSubject: x\nDate: y\n\nz")
    assert is_message(b"From a@b Thu Mar 12\nReceived: x\n\nz")


@given(
    st.binary(max_size=300),
    st.sampled_from([nested(3), bytes(mail(newsletter(), plain="x")), mhtml(page(NEWS[:1]))]),
    st.data(),
)
def test_any_bytes_are_a_document_or_an_error(junk: bytes, base: bytes, data: st.DataObject) -> None:
    """Junk in the middle of a mail, or the mail broken off there."""
    place = data.draw(st.integers(0, len(base)))
    for broken in (base[:place] + junk + base[place:], base[:place] + junk):
        for in_place in (True, False):
            try:
                document = opened(broken, in_place=in_place)
            except FeedcleanError:
                continue
            assert document.to_bytes()


def test_plain_text_of_a_mail_is_plain_text() -> None:
    (body,) = opened(mail(plain="<b>News</b> & more\n\nSecond")).items[0].bodies
    assert body.markup is Markup.TEXT
    assert (
        "&lt;b&gt;News&lt;/b&gt; &amp; more" in opened(mail(plain="<b>News</b> & more\n\nSecond")).to_bytes().decode()
    )


def test_base64_that_is_damaged_is_decoded_as_far_as_it_can_be() -> None:
    content = base64.b64encode(NEWS[0].encode())
    data = b"Message-ID: <1@x>\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!" + content[:-3]
    assert texts(data)[0][:80] == NEWS[0][:80]
