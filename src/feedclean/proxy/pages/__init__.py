"""What people see in a browser: plain functions from facts to HTML, everything escaped, no scripts.

layout    the frame of every page, its style and what a browser may do with it
start     makes the proxied address of a feed
removed   what was cut from a feed, and why; as a page and as a feed
items     the last items of a feed, block by block, to be corrected
forms     the buttons by which people say what a block is
"""

from __future__ import annotations
