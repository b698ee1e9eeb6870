"""Trains the role model on all labelled claims and writes ``rhetoric/data/roles.npy`` and ``roles.json``.

    python experiments/roles/train.py

Deterministic. Settings and ``FAVOUR`` were chosen by ``compare.py``. Run it again whenever ``data/role_classes.txt``, the
table of actors or the features of ``rhetoric/roles.py`` change.
"""

from __future__ import annotations

import json

import numpy as np
from fitting import FAVOUR, ROOT, claims_of, fit, labelled

from rhetoric.roles import RoleModel, vocabulary_hash
from rhetoric.stances import STANCES


def main() -> None:
    claims = claims_of(labelled())
    roles = [(claims.items.indptr[i], runs) for i, pair in zip(claims.sentence, claims.runs) for runs in pair if runs]
    barred = sum(all(claims.items.barred[low + first] for first, _ in runs) for low, runs in roles)
    print(f"{barred} of {len(roles)} labelled roles begin where none may: at a participle that opens its sentence")
    weights = fit(claims, np.arange(len(claims.stance)), say=print)
    model = RoleModel.of(STANCES, weights, FAVOUR)
    stored = model.weights
    data = ROOT / "rhetoric" / "data"
    np.save(data / "roles.npy", stored, allow_pickle=False)
    config = {
        "format": 1,
        "stances": list(STANCES),
        "favour": list(FAVOUR),
        "scale": [round(float(value), 7) for value in model.scale],
        "vocabulary": vocabulary_hash(),
        "claims": len(claims.stance),
    }
    (data / "roles.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(f"{len(claims.stance)} claims of {len(claims.sentences)} sentences; {stored.nbytes / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
