"""The pages of a batch in its folder: for people, for programs, for a CI system."""

from __future__ import annotations

import json
from pathlib import Path

from wsops.batch.folder import INDEX, JUNIT, SUMMARY
from wsops.batch.index import as_document, page
from wsops.batch.junit import as_xml
from wsops.batch.records import Batch
from wsops.files import write_private


def write_pages(batch: Batch) -> Path:
    """Write index.html, summary.json and junit.xml of a batch as it stands; gives the first.

    Raises:
        SettingsError: one cannot be written, or would hold a secret that is in use.
    """
    folder = Path(batch.folder)
    write_private(folder / INDEX, page(batch, folder))
    document = json.dumps(as_document(batch), ensure_ascii=False, indent=2)
    write_private(folder / SUMMARY, document + "\n")
    write_private(folder / JUNIT, as_xml(batch))
    return folder / INDEX
