"""Write a CycloneDX list (SBOM, JSON) of what an environment with this library holds: names, versions, licences.

    python scripts/sbom.py [WHEEL] -o sbom.cdx.json [--python VENV/bin/python] [--extra NAME ...]

Given a wheel, it is installed with the extras into an environment of its own first (needs a package index); given
``--python``, that environment is listed as it is, without network. Needs ``cyclonedx-bom`` (in the extra ``dev``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALLERS = {"pip", "setuptools", "wheel"}


def listed(python: Path) -> dict[str, object]:
    """The CycloneDX document of the environment of this interpreter, without the tools that made it."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    command += ["--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--mc-type", "library", "--output-format", "JSON", "--output-reproducible"]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout
    document: dict[str, object] = json.loads(text)
    components = [c for c in document["components"] if c["name"] not in INSTALLERS]  # type: ignore[attr-defined]
    kept = {c["bom-ref"] for c in components} | {document["metadata"]["component"]["bom-ref"]}  # type: ignore[index]
    document["components"] = components
    document["dependencies"] = [d for d in document["dependencies"] if d["ref"] in kept]  # type: ignore[attr-defined]
    return document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", nargs="?", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--extra", action="append", default=[])
    given = parser.parse_args()
    if (given.wheel is None) == (given.python is None):
        parser.error("give a wheel or --python, one of them")
    with tempfile.TemporaryDirectory() as folder:
        python = given.python
        if python is None:
            venv.create(folder, with_pip=True)
            python = Path(folder) / "bin/python"
            extras = f"[{','.join(given.extra)}]" if given.extra else ""
            subprocess.run([python, "-m", "pip", "install", "-q", f"{given.wheel}{extras}"], check=True)
        document = listed(python)
    given.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"{given.output}: {len(document['components'])} packages")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
