"""The server does what its own OpenAPI document says, whatever schemathesis thinks up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

schemathesis = pytest.importorskip("schemathesis")
pytest.importorskip("starlette")

from rhetoric.serve import Limits, create_app  # noqa: E402

schema = schemathesis.openapi.from_asgi(
    "/openapi.json", create_app(limits=Limits(max_bytes=4_000, max_characters=200, max_texts=3))
)


@schema.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_the_server_keeps_to_its_document(case: Any) -> None:
    case.call_and_validate()
