"""How many sentences a second `accurate` reads on one core, beside `fast` in the same run.

    OMP_NUM_THREADS=1 python experiments/accurate/speed.py [--count 600]

Sentences of the shared labelled set, CPU seconds; the first ten warm up.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rhetoric

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, read


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=600)
    args = parser.parse_args()
    texts = [r["text"] for r in read(args.shared / "labelled/real.jsonl")[: args.count]]
    rates = {}
    for name, repeat in (("accurate", 1), ("fast", 40)):
        model = rhetoric.load(name)
        model.predict_proba(texts[:10])
        began = time.process_time()
        model.predict_proba(texts * repeat)
        rates[name] = len(texts) * repeat / (time.process_time() - began)
    print(
        {name: round(rate) for name, rate in rates.items()},
        f"fast is {rates['fast'] / rates['accurate']:.0f} times as fast",
    )


if __name__ == "__main__":
    main()
