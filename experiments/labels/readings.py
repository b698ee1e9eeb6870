"""What the scripts of this folder share: reading JSONL, and the order of the rounds' files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read_jsonl(*paths: Path) -> list[dict[str, Any]]:
    """The objects of the files' lines, in order."""
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines if line.strip()]
    return rows


def numbered(paths: Iterable[Path]) -> list[Path]:
    """Paths in the order of the numbers in their names: round 10 comes after round 2."""
    return sorted(paths, key=lambda path: [int(x) if x.isdigit() else x for x in re.split(r"(\d+)", path.name)])
