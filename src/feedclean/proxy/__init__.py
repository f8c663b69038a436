"""The proxy: a reader subscribes to our address instead of the publisher's."""
