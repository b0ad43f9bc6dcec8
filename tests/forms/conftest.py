"""What the forms stand on: a kernel that remembers nothing, and audits made by hand."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import ipywidgets as widgets
import pytest

from wsops.audited import Audit, Mismatch
from wsops.markup import style
from wsops.models import Image, Pool

ATTACK = "</option></style><img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
HOSTILE = [
    ATTACK,
    '"><b onmouseover=alert(1)>',
    "abc\u202egnp.exe",
    "nul\x00 esc\x1b[31m bell\x07 line\nbreak",
    "x" * 300,
    "=HYPERLINK(1)",
    "{{constructor}} ${7*7}",
]
SAFE = {
    "div",
    "p",
    "b",
    "br",
    "code",
    "section",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "span",
    "progress",
}


@pytest.fixture(autouse=True)
def _kernel(fresh_kernel):
    """No form of one test remembers what another test chose."""


@pytest.fixture
def pool():
    """Give a function that makes a pool as the service lists it."""

    def make(number, **fields):
        usual = {"id": f"p{number}", "name": f"eng-{number:02d}", "image_id": "new"}
        return Pool.model_validate(usual | {"desktop_count": 10} | fields)

    return make


@pytest.fixture
def audit_of():
    """Give a function that makes an audit of pools with so many mismatches each."""

    def make(pools, differing=2, in_use=1):
        found = [
            Mismatch(
                pool_id=pool.id,
                pool_name=pool.name,
                pool_image_id="new",
                desktop_id=f"{pool.id}-{number}",
                desktop_name=f"{pool.name}-{number}",
                desktop_image_id="old",
                user_name=pool.name,
                status="ACTIVE",
                login_status="CONNECTED" if number < in_use else "REGISTERED",
                in_use=number < in_use,
            )
            for pool in pools
            for number in range(differing)
        ]
        return Audit(
            taken_at=datetime(2026, 3, 1, tzinfo=UTC),
            project_id="project",
            pools=tuple(pools),
            desktops=10 * len(pools),
            mismatches=tuple(found),
        )

    return make


@pytest.fixture
def image():
    """Give a function that makes an image as the service lists it."""

    def make(image_id, **fields):
        usual = {"id": image_id, "name": image_id, "os_type": "Windows", "min_disk": 80}
        return Image.model_validate(usual | fields)

    return make


@pytest.fixture
def hostile():
    """Give the names that try something."""
    return HOSTILE


class _Page(HTMLParser):
    """Collects the elements of a page, without those of our style sheet."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes = set(), set()
        self.feed(page.replace(f"<style>{style()}</style>", ""))

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _values(widget):
    """Give the HTML of a widget and of all that are in it."""
    if isinstance(widget, widgets.HTML):
        yield widget.value
    for child in getattr(widget, "children", ()):
        yield from _values(child)


@pytest.fixture
def assert_inert():
    """Give what asserts that no face of a form has an element that is not ours, or a trick."""

    def check(form):
        bundle = form._repr_mimebundle_()
        pages = [bundle["text/html"], str(form.html()), *_values(form.widget)]
        for page in pages:
            seen = _Page(page)
            assert seen.elements <= SAFE
            assert not {name for name in seen.attributes if name.startswith("on")}
            assert not set("\x00\x07\x1b\u202e") & set(page)
        assert not set("\x00\x07\x1b\u202e") & set(bundle["text/plain"])

    return check
