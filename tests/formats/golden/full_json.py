"""What `full.json` holds."""

from feedclean.types import Field, Format, Item, Markup

FORMAT = Format.JSONFEED
ITEMS = [
    Item(
        key="a",
        title=Field("title", "Café prices", Markup.TEXT),
        bodies=(
            Field("content_html", "<p>Up <b>4 %</b></p>", Markup.HTML),
            Field("content_text", "Up 4 %", Markup.TEXT),
        ),
        url="https://example.com/a",
        language="en",
    ),
    Item(
        key="7",
        title=None,
        bodies=(Field("summary", "Kurz", Markup.TEXT),),
        url="https://example.com/b",
        language="de",
    ),
]
