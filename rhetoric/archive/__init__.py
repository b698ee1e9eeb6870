"""Archives: millions of articles to one table, nothing lost, on any machine.

>>> from rhetoric.archive import score
>>> summary = score(["articles/", "wire-*.jsonl.gz"], "scores.parquet", jobs=4)  # doctest: +SKIP
>>> summary.documents, summary.rejected, summary.stances  # doctest: +SKIP
"""

from __future__ import annotations

from rhetoric.archive.engine import Progress, Summary, score
from rhetoric.archive.shards import Model
from rhetoric.archive.splitting import split

__all__ = ["Model", "Progress", "Summary", "score", "split"]
