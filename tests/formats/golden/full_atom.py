"""What `full.atom` holds."""

from feedclean.types import Field, Format, Item, Markup

FORMAT = Format.ATOM
ITEMS = [
    Item(
        key="urn:example:1",
        title=Field("title", "Cranes & ships", Markup.TEXT),
        bodies=(
            Field("summary", "Plain <b> summary", Markup.TEXT),
            Field(
                "content",
                '<p class="lead">Cranes<br/>&amp; ships</p><p></p><ul><li>one</li></ul>',
                Markup.HTML,
            ),
        ),
        url="https://example.com/blog/1",
        language="en",
    ),
    Item(
        key="urn:example:2",
        title=Field("title", "Un port", Markup.TEXT),
        bodies=(Field("content", "<p>Bonjour</p>", Markup.HTML),),
        url="https://example.com/2",
        language="fr",
    ),
    Item(key="urn:example:3", title=Field("title", "Only a picture", Markup.TEXT), bodies=(), language="en"),
]
