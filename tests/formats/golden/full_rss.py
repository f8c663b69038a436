"""What `full.rss` holds."""

from feedclean.types import Field, Format, Item, Markup

FORMAT = Format.RSS
ITEMS = [
    Item(
        key="tag:example.com,2024:a",
        title=Field("title", "Freight rates & fuel: what changed", Markup.TEXT),
        bodies=(
            Field("description", "Rates rose <b>4 %</b>.", Markup.HTML),
            Field("content:encoded", "<p>Rates rose <b>4 %</b>.</p><p>Code: <code>a[b[0]]></code></p>", Markup.HTML),
            Field("media:description", "A crane", Markup.TEXT),
        ),
        url="https://example.com/a?x=1&y=2",
        language="de",
    ),
    Item(
        key="https://example.com/b",
        title=Field("title", "You won't believe this tariff", Markup.TEXT),
        bodies=(Field("description", "First line.\n\nSecond line, no markup.", Markup.TEXT),),
        url="https://example.com/b",
        language="en",
    ),
    Item(key="https://example.com/c", title=None, bodies=(), url="https://example.com/c", language="de"),
]
