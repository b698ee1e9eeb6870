"""Write docs/licences.md: every package that an installation brings, by extra, with its licence.

    python scripts/licences.py [--check]

Read from the metadata of what is installed beside this interpreter, without network. Writing needs all extras
(``pip install -e '.[dev,teacher]'``) on Linux and the lowest Python that is supported. ``--check`` changes nothing,
looks at the extras that are installed, and exits 1 where the page lacks a package, tells another licence, or names an
extra that is no more.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/licences.md"
SELF = "diplomatic-rhetoric"
FOR_DEVELOPERS = ("test", "docs", "dev")

HEAD = """# Licences of the dependencies

The library is under Apache-2.0, its labels under CC BY 4.0. Nothing of what it depends on is copied into it. The tables
list every package that `pip install diplomatic-rhetoric` brings, and what each extra adds, with all that these need in
turn (Linux, Python 3.11, torch in its CPU build; licences as the packages state them). `python scripts/licences.py`
writes this page, a test checks it, and `scripts/sbom.py` makes a CycloneDX list with versions for a release.
"""

# What packages write who give no SPDX expression.
SPDX = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3-clause license": "BSD-3-Clause",
    "bsd license": "BSD (version not stated)",
    "bsd": "BSD (version not stated)",
    "isc license (iscl)": "ISC",
    "isc license": "ISC",
    "mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "gnu affero general public license v3": "AGPL-3.0",
    "gnu general public license v3 (gplv3)": "GPL-3.0",
    "gnu general public license v3 or later (gplv3+)": "GPL-3.0-or-later",
}


def licence(package: Distribution) -> str:
    """The SPDX expression if there is one, else what the licence field or the classifiers say, in SPDX's words."""
    data = package.metadata
    expression = data.get("License-Expression")
    if expression:
        return " ".join(expression.split())
    field = (data.get("License") or "").strip()
    named = [c.rpartition(" :: ")[2] for c in data.get_all("Classifier") or [] if c.startswith("License ::")]
    found = [SPDX.get(name.lower(), name) for name in named if name != "OSI Approved"]
    if field and "\n" not in field and len(field) < 60:
        short = SPDX.get(field.lower(), field)
        if not found or any("not stated" in name for name in found):
            found = [short]
    if not found or any("not stated" in name for name in found):
        found = [name for name in map(_recognised, _texts(package, field)) if name] or found
    return " or ".join(dict.fromkeys(found)) or "not stated"


def _texts(package: Distribution, field: str) -> list[str]:
    """The texts of a package's licences: its field, or its files of that name."""
    named = [f for f in package.files or [] if re.match(r"(?i)licen[cs]e|copying", f.name) and ".dist-info" in str(f)]
    return [field, *(f.locate().read_text(encoding="utf-8", errors="replace") for f in named)]


def _recognised(text: str) -> str | None:
    """The SPDX name of a licence by its wording, for the few that are told apart by it."""
    text = " ".join(text.split())
    if "Apache License" in text[:200]:
        return "Apache-2.0"
    if "Redistributions in binary form" in text:
        endorsing = re.search("Neither the name|names? of .{1,80} may not be used", text)
        return "BSD-3-Clause" if endorsing else "BSD-2-Clause"
    return None


def closure(requirements: list[str]) -> tuple[dict[str, str], bool]:
    """Name -> licence of all that the requirements bring here, and whether all of it is installed."""
    found: dict[str, str] = {}
    whole = True
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            whole = False
            continue
        if name != SELF:
            found[name] = licence(package)
        for wanted in ("", *sorted(requirement.extras)):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in package.requires or []]
    return found, whole


def sections() -> dict[str, list[str]]:
    """Requirements by extra, as pyproject.toml has them; those of a plain install under the empty name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    own = [name for name in extras if name not in FOR_DEVELOPERS]
    order = [*sorted(own), *(name for name in FOR_DEVELOPERS if name in extras)]
    return {"": project["dependencies"], **{name: extras[name] for name in order}}


def expand(requirements: list[str], extras: dict[str, list[str]]) -> list[str]:
    """The library's own extras within extras, spelled out."""
    out: list[str] = []
    for text in requirements:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == SELF:
            for name in sorted(requirement.extras):
                out += expand(extras[name], extras)
        else:
            out.append(text)
    return out


def tables() -> dict[str, tuple[dict[str, str], bool]]:
    """For each section: packages beyond those of a plain install, and whether all of them are installed."""
    wanted = sections()
    base, whole = closure(wanted[""])
    found = {"": (base, whole)}
    for name, requirements in wanted.items():
        if name:
            packages, whole = closure(expand(requirements, wanted))
            found[name] = ({k: v for k, v in packages.items() if k not in base}, whole)
    known = dict(base)
    for name in FOR_DEVELOPERS:  # what the users' extras bring is listed there
        for other, (packages, _) in found.items():
            if other and other not in FOR_DEVELOPERS:
                known |= packages
        if name in found:
            packages, whole = found[name]
            found[name] = ({k: v for k, v in packages.items() if k not in known}, whole)
            known |= packages
    return found


def page() -> str:
    lines = [HEAD]
    for name, (packages, whole) in tables().items():
        if not whole:
            raise SystemExit(f"extra {name!r} is not wholly installed; pip install -e '.[dev,teacher]' first")
        lines.append(f"## `[{name}]`\n" if name else "## A plain install\n")
        rows = [f"| {package} | {packages[package]} |" for package in sorted(packages)]
        lines.append("\n".join(["| package | licence |", "|---|---|", *rows]) + "\n" if rows else "Nothing more.\n")
    return "\n".join(lines)


def shown(text: str) -> dict[str, dict[str, str]]:
    """What the page says: section -> package -> licence."""
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return {
        "" if title == "A plain install" else title.strip("`[]"): dict(
            re.findall(r"^\| ([a-z0-9-]+) \| (.+) \|$", body, flags=re.MULTILINE)
        )
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def faults(text: str) -> list[str]:
    """Where the page differs from what is installed and from pyproject.toml."""
    said = shown(text)
    for packages in said.values():
        packages.pop("package", None)
    found = []
    if set(said) != set(sections()):
        found.append(f"the page has the sections {sorted(said)}, pyproject.toml {sorted(sections())}")
    everywhere = {k: v for packages in said.values() for k, v in packages.items()}
    for name, requirements in sections().items():
        for text_ in expand(requirements, sections()):
            package = canonicalize_name(Requirement(text_).name)
            if package not in everywhere:
                found.append(f"{package}, required by {name or 'a plain install'}, is missing")
    for name, (packages, whole) in tables().items():
        for package, terms in packages.items():
            if package not in everywhere:
                found.append(f"{package}, brought by {name or 'a plain install'}, is missing")
            elif everywhere[package] != terms:
                found.append(f"{package}: the page says {everywhere[package]}, the package {terms}")
        if whole and sys.version_info[:2] == (3, 11) and sys.platform == "linux":
            found += [
                f"{package} is no more needed by {name}" for package in said.get(name, {}).keys() - packages.keys()
            ]
    return list(dict.fromkeys(found))


def main() -> None:
    if "--check" in sys.argv[1:]:
        wrong = faults(PAGE.read_text(encoding="utf-8"))
        sys.exit("\n".join([*wrong, "docs/licences.md is stale: run python scripts/licences.py"]) if wrong else 0)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
