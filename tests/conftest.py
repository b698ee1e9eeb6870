"""One profile for all property tests: the same examples every run, and no clock, which a busy machine would fail."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("hypothesis"):
    from hypothesis import settings

    settings.register_profile("rhetoric", deadline=None, derandomize=True)
    settings.load_profile("rhetoric")
