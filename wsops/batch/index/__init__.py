"""The index of a batch: one page for people, one document for programs, and its spec in the page.

`page` makes index.html, `as_document` summary.json; `read_carried` takes the spec out of an index.
"""

from wsops.batch.index.commands import next_of
from wsops.batch.index.document import as_document
from wsops.batch.index.page import IndexRenderer, page
from wsops.batch.index.spec import Carried, read_carried

__all__ = ["Carried", "IndexRenderer", "as_document", "next_of", "page", "read_carried"]
