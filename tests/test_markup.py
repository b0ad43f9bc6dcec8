"""Markup: what a server sent is text, whatever is in it."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsops.markup import Markup, dressed, element, face, join, style, text

ATTACK = "</p><script>alert(1)</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Collects elements, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(str(page))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@given(st.text())
def test_any_text_is_text_as_a_child_and_as_an_attribute(value):
    """One element comes out, with one attribute, and nothing that a page or terminal obeys."""
    page = element("p", value, title=value)
    [(tag, attributes)] = Page(page).elements

    assert (tag, set(attributes)) == ("p", {"title"})
    assert all(c.isprintable() or c == "\xa0" or not c.isascii() for c in str(page))
    assert not set("\x00\x1b\r\n\u202e\u2066") & set(page)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (ATTACK, ATTACK),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("esc\x1b[31m nul\x00", "esc\\u001b[31m nul\\u0000"),
        ("x" * 400, "x" * 300 + "…"),
        ("Zoë 東京 🙂", "Zoë 東京 🙂"),
        (None, "None"),
        (12, "12"),
    ],
)
def test_a_value_is_shown_as_it_is_with_its_tricks_visible(value, shown):
    """A reader sees each character; a long value is cut."""
    assert Page(element("p", value)).text == shown
    assert Page(join([value])).text == shown


def test_markup_is_not_escaped_twice():
    """Parts that were built already are put together as they are."""
    inner = element("b", "a & b")

    assert element("p", inner, " <") == "<p><b>a &amp; b</b> &lt;</p>"
    assert text(inner) is inner
    assert join([inner, "<"]) == "<b>a &amp; b</b>&lt;"


def test_attributes_have_their_names_in_html():
    """class_ and data_kind are spelt as HTML wants them; None and False leave one out."""
    made = element("i", class_="w", data_kind="user", aria_label='"x"', title=None, hidden=False)

    assert made == '<i class="w" data-kind="user" aria-label="&#34;x&#34;"></i>'


def test_a_face_has_the_style_sheet_and_our_class():
    """A notebook's output stands by itself; beside another one the sheet is left out."""
    body = element("p", "x")

    assert dressed(body) == '<div class="wsops mathjax_ignore"><p>x</p></div>'
    assert face(body) == f"<style>{style()}</style>{dressed(body)}"
    assert "</style" not in style()
    assert "url(" not in style()
    assert "@import" not in style()
    assert isinstance(join([]), Markup)
