from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.corpus.html_text import Link, clean, read_html, unescape

ENTRY = (
    "<style>p {color: red}</style><p>Place in the&nbsp;<strong>Blue Bin</strong>.</p>\n"
    '<ul><li>See the <a href="https://city.example/depots">Drop-Off Depots</a>.</li><li>Or:'
    "<ul><li>one</li><li>two</li></ul></li></ul>"
)


def test_blocks_are_lines_list_items_begin_with_a_hyphen_and_links_stand_apart():
    page = read_html(ENTRY)
    assert page.text == "Place in the Blue Bin.\n- See the Drop-Off Depots.\n- Or:\n  - one\n  - two"
    assert page.links == (Link("Drop-Off Depots", "https://city.example/depots"),)


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_it_does_not_matter_how_often_markup_was_escaped(times):
    markup = ENTRY
    for _ in range(times):
        markup = html.escape(markup)
    assert read_html(markup) == read_html(ENTRY)


@given(st.text(st.characters(codec="ascii", exclude_characters="<&"), max_size=80))
def test_plain_text_comes_back_with_single_spaces_and_without_blank_or_repeated_lines(text):
    page = read_html(text)
    assert page.text == clean(text)
    assert page.links == ()


def test_what_only_looks_like_markup_is_text():
    assert read_html("less than < 5 cm & 3 > 2 cm").text == "less than < 5 cm & 3 > 2 cm"


def test_a_line_break_and_a_table_row_end_a_line():
    assert read_html("one<br/>two<br>three<table><tr><td>a</td><td>b</td></tr></table>").text == "one\ntwo\nthree\na b"


def test_a_line_repeated_at_once_is_said_once():
    assert (
        read_html("<p>Tie it.</p><p>Tie it.</p><p>Then wait.</p><p>Tie it.</p>").text == "Tie it.\nThen wait.\nTie it."
    )


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>text",
        "<!-- note -->text",
        "<xml><w:data>word</w:data></xml>text",
        "te\x00x\u200bt",
        '<a href="javascript:run()">text</a>',
        '<a href="/depots">text</a>',
        "<a>text",
    ],
)
def test_what_no_reader_sees_is_left_out(markup):
    page = read_html(markup)
    assert (page.text, page.links) == ("text", ())


def test_an_address_is_listed_once_and_without_the_stop_that_ended_its_label():
    markup = '<a href="http://a.example">Depot.</a> and again <a href="http://a.example">here</a>'
    assert read_html(markup).links == (Link("Depot", "http://a.example"),)


def test_unescaping_stops_where_nothing_is_left_to_unescape():
    assert unescape("&amp;amp;lt;b&gt;") == "<b>"
    assert unescape("AT&T") == "AT&T"
