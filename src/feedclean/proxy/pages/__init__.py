"""What people see in a browser: plain functions from facts to HTML, everything escaped, no scripts but one of ours.

layout    the frame of every page, its style and what a browser may do with it
start     makes the proxied address of a feed
removed   what was cut from a feed, and why; as a page and as a feed
items     the last items of a feed, block by block, to be corrected
label     asks what a block is, for `feedclean label`
forms     the buttons by which people say what a block is
"""

from __future__ import annotations
