"""The site: built from the pages where they lie, so that every link works on the forge and in the site alike.

    python -m sphinx -W --keep-going -b dirhtml -c docs . site

The source folder is the repository's root; only the pages named in ``include_patterns`` are read.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import rhetoric

ROOT = Path(__file__).resolve().parents[1]

project = "rhetoric"
author = "the authors of rhetoric"
copyright = f"{author}; code Apache-2.0, labels CC BY 4.0"
version = release = rhetoric.__version__

root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "MODELS.md",
    "docs/*.md",
    "docs/*.rst",
    "labels/*.md",
    "rhetoric/models/*/README.md",
    "seeds/README.md",
]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# a page of the repository begins with its own title; the datasheet's questions are of the second rank
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = "rhetoric"
html_copy_source = False
html_show_sphinx = False
html_extra_path = ["_root"]
html_theme_options = {"source_edit_link": "", "top_of_page_buttons": []}


class RepositoryLinks(SphinxTransform):
    """Links to folders and files of the repository that are no pages of the site: a folder with a page leads there,
    anything else that exists stays as plain words, and what does not exist is left for the warning."""

    default_priority = 1  # before MyST looks for the targets

    def apply(self, **_: object) -> None:
        here = (ROOT / self.env.docname).parent
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = link.get("reftarget", "").split("#")[0]
            if link.get("refdomain") == "std" or not target or not link.get("refexplicit", True):
                continue
            path = (here / target).resolve()
            if not path.is_relative_to(ROOT) or not path.exists():
                continue
            names = [f"{path.relative_to(ROOT)}/{name}" for name in ("index", "README")] if path.is_dir() else []
            page = next((name for name in names if name in self.env.found_docs), None)
            if page is not None:
                link["refdomain"], link["reftype"], link["reftarget"] = "std", "doc", f"/{page}"
            elif path.relative_to(ROOT).with_suffix("").as_posix() not in self.env.found_docs:
                link.replace_self(nodes.inline("", "", *link.children))


def setup(app: Sphinx) -> None:
    app.add_transform(RepositoryLinks)
