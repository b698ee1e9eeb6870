"""Write tests/reference/fast.json: features and probabilities of the shipped model on sentences made for it.

    python experiments/fast/reference.py

Run after every training (train.py does); the test that reads the file says what moved.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import rhetoric
from rhetoric.features import extract
from rhetoric.model import StanceClassifier

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = (
    "Freedonia accused Ruritania of lying.",
    "France accused Spain of arming the rebels, and vowed to respond.",
    "The ministry denied that its troops had crossed the border.",
    "“These claims are baseless,” a spokesman for the army said.",
    "We have never sought hegemony and never will.",
    "The envoy urged both sides to return to the negotiating table.",
    "My delegation believes that the dispute must be settled through dialogue.",
    "The President rejected the charge that he had ordered the strike and offered to hold talks.",
    "They refused to negotiate with the junta.",
    "The harvest was larger than last year's, said the farmers' union in Bern.",
    "RURITANIA CONDEMNS FREEDONIAN AGGRESSION",
    "Le ministre a démenti les accusations.",
    "",
    "42",
)


def reference(model: StanceClassifier) -> dict[str, object]:
    """What the test pins: for each sentence a digest of its features and its probabilities to four places."""
    streams = extract(SENTENCES, model.settings_).streams
    digests = []
    for i in range(len(SENTENCES)):
        own = [stream.ids[:, stream.indptr[i] : stream.indptr[i + 1]].tolist() for stream in streams]
        digests.append(hashlib.sha256(json.dumps(own).encode()).hexdigest()[:16])
    probabilities = model.predict_proba(SENTENCES).round(4).tolist()
    rows = zip(SENTENCES, digests, probabilities, strict=True)
    return {
        "model_hash": model.hash,
        "sentences": [{"text": text, "features": digest, "probabilities": p} for text, digest, p in rows],
    }


def write(model: StanceClassifier) -> None:
    path = ROOT / "tests/reference/fast.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(reference(model), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    shipped = rhetoric.load("fast")
    assert isinstance(shipped, StanceClassifier)
    write(shipped)
