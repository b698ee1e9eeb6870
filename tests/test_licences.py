"""docs/licences.md names what an installation brings, and the list for a release can be made without network."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "scripts/licences.py").exists():
    pytest.skip("the scripts are not part of this installation", allow_module_level=True)


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "scripts/licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_fresh(licences: ModuleType) -> None:
    assert licences.faults(licences.PAGE.read_text("utf-8")) == []


def test_a_stale_page_is_seen(licences: ModuleType) -> None:
    page = licences.PAGE.read_text("utf-8")
    numpy = licences.shown(page)[""]["numpy"]
    assert licences.faults(page.replace(f"| numpy | {numpy} |", "| numpy | MIT |")) == [
        f"numpy: the page says MIT, the package {numpy}"
    ]
    (missing, *_) = licences.faults(page.replace(f"| click | {licences.shown(page)['']['click']} |\n", ""))
    assert missing.startswith("click, required by")


def test_nothing_strongly_copyleft_comes_with_a_plain_install(licences: ModuleType) -> None:
    terms = licences.shown(licences.PAGE.read_text("utf-8"))[""]
    assert len(terms) >= 8
    assert not [name for name, licence in terms.items() if licence == "not stated" or "GPL-" in licence]


def test_the_list_of_packages_is_cyclonedx(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx_py")
    target = tmp_path / "sbom.cdx.json"
    command = [sys.executable, ROOT / "scripts/sbom.py", "--python", sys.executable, "-o", target]
    subprocess.run(command, check=True, capture_output=True)
    document = json.loads(target.read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "diplomatic-rhetoric"
    found = {component["name"]: component for component in document["components"]}
    assert {"numpy", "scikit-learn", "safetensors"} <= set(found)
    assert "pip" not in found
    assert found["numpy"]["version"]
    assert found["numpy"]["licenses"]
