"""The published request and answer of the rebuild call, spoken by the simulator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from wsops.simulator import Options, Simulation

HERE = Path(__file__).parent
REQUEST = (HERE / "request.json").read_bytes()
ANSWER = json.loads((HERE / "answer.json").read_bytes())
FLEET = {
    "schema": 1,
    "images": [{"id": "string", "name": "string", "image_type": "string", "os_type": "string"}],
    "pools": [{"id": "pool", "image_id": "older", "desktops": [{"desktop_id": "desktop"}]}],
}


def shape(value: object) -> object:
    """Return a JSON value with its texts and numbers replaced by their kinds."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, str):
        return re.sub(r"[0-9a-f]", "h", value)
    return type(value).__name__


@pytest.mark.parametrize("region", ["old", "new"])
def test_the_published_request_gets_the_published_answer(tmp_path, region) -> None:
    """Both generations accept the request word for word and answer with a job ID of its form."""
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(FLEET))
    with Simulation(Options(fleet=path, region=region)) as simulation:
        url = f"{simulation.endpoint}/v2/{simulation.project_id}/desktop-pools/pool/rebuild"
        headers = {"X-Auth-Token": simulation.token, "Content-Type": "application/json"}
        answer = httpx.post(url, content=REQUEST, headers=headers, trust_env=False)
        entry = list(simulation.ledger)[-1]

    assert answer.status_code == 200
    assert shape(answer.json()) == shape(ANSWER)
    assert entry.body == json.loads(REQUEST)
