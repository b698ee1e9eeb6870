"""Write tests/reference/accurate.json: pieces and probabilities of the shipped encoder on sentences made for it.

    python experiments/accurate/encoder_reference.py

Run after every export (finish.py does); the test that reads the file says what moved.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "experiments/fast"))
from reference import SENTENCES

import rhetoric
from rhetoric.encoder import EncoderModel


def write(model: EncoderModel) -> None:
    """A digest of the pieces that the encoder sees of each sentence, and its probabilities to four places."""
    rows, windows = model.windows(SENTENCES)
    seen = [[w for row, w in zip(rows, windows) if row == i] for i in range(len(SENTENCES))]
    records = [
        {"text": text, "pieces": hashlib.sha256(json.dumps(own).encode()).hexdigest()[:16], "probabilities": p}
        for text, own, p in zip(SENTENCES, seen, model.predict_proba(SENTENCES).round(4).tolist())
    ]
    path = ROOT / "tests/reference/accurate.json"
    content = {"model_hash": model.hash, "sentences": records}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    shipped = rhetoric.load("accurate")
    assert isinstance(shipped, EncoderModel)
    write(shipped)
