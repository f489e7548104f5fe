"""Marked-up text as a person would read it: HTML to plain lines, by the standard library's parser.

Where the markup comes from and what its text is used for is the caller's business.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import NamedTuple

_BLOCKS = frozenset(
    [
        *("p", "div", "section", "article", "header", "footer", "blockquote", "pre", "hr", "br"),
        *("ul", "ol", "dl", "li", "dt", "dd", "table", "caption", "tr"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    ]
)
_UNSEEN = frozenset(["style", "script", "xml", "head", "template", "noscript"])
_CELLS = frozenset(["td", "th"])
_WEB = re.compile(r"https?://\S+$", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\ufeff]")
_DEEPEST = 8
"""How often markup may have been escaped; more than twice was never seen."""


class Link(NamedTuple):
    """A link to a web page: what it was called and where it leads."""

    label: str
    address: str


@dataclass(frozen=True)
class Page:
    """The text of marked-up text, and the links in it in order, each address once."""

    text: str
    links: tuple[Link, ...] = ()


def read_html(markup: str) -> Page:
    """The text and links of HTML that may have been escaped, up to eight times over.

    One block a line; a list item begins with `- ` (two spaces more for each list around it). The addresses of links
    stand apart, so that sentences stay readable. Style sheets, scripts and comments are left out, spaces are single,
    blank lines and repeated lines gone. Plain text comes back as it is but for its spaces.
    """
    reader = _Reader()
    reader.feed(unescape(markup))
    reader.close()
    return reader.page()


def unescape(markup: str) -> str:
    """Replace character references until none is left, so that what was escaped twice is markup again."""
    for _ in range(_DEEPEST):
        plain = html.unescape(markup)
        if plain == markup:
            break
        markup = plain
    return markup


def clean(text: str) -> str:
    """The text in one line, without control characters and invisible spaces."""
    return " ".join(_CONTROL.sub("", text).split())


class _Reader(HTMLParser):
    """Collects finished lines; the pieces of the line under way are joined when a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._links: dict[str, str] = {}
        self._pieces: list[str] = []
        self._prefix = ""
        self._lists = 0
        self._unseen = 0
        self._address: str | None = None
        self._link_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        if tag in _BLOCKS:
            self._end_line()
        if tag in ("ul", "ol"):
            self._lists += 1
        elif tag == "li":
            self._prefix = "  " * max(self._lists - 1, 0) + "- "
        elif tag in _CELLS:
            self._pieces.append(" ")
        elif tag == "a":
            self._end_link()
            self._address = next((value for name, value in attrs if name == "href" and value), None)
            self._link_from = len(self._pieces)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        if tag == "a":
            self._end_link()
        if tag in _BLOCKS:
            self._end_line()
        if tag in ("ul", "ol"):
            self._lists = max(self._lists - 1, 0)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._pieces.append(data)

    def page(self) -> Page:
        """What was read, when all of it was."""
        self._end_line()
        text = "\n".join(line for at, line in enumerate(self._lines) if at == 0 or line != self._lines[at - 1])
        return Page(text, tuple(Link(label, address) for address, label in self._links.items()))

    def _end_link(self) -> None:
        address, self._address = (self._address or "").strip(), None
        label = clean("".join(self._pieces[self._link_from :])).rstrip(".,;:")
        if label and _WEB.match(address):
            self._links.setdefault(address, label)

    def _end_line(self) -> None:
        self._end_link()
        line = clean("".join(self._pieces))
        self._pieces = []
        if line:
            self._lines.append(self._prefix + line)
            self._prefix = ""
