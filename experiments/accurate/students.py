"""Encoders that export.py wrote, beside each other: size, speed, and what int8 left of their reading.

    python experiments/accurate/students.py [NAME=FOLDER ...]

A folder holds encoder.onnx and tokenizer.json; the shipped `accurate` comes first. Each sentence goes alone, on one
thread, in turns; macro-F1 at a threshold of 0.5, on the documents that no encoder learned from and on the development set.
Writes the table into the README. Needs the extra `accurate`, and torch.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "teacher"), str(HERE.parent)]
import data
from common import arguments, gold, indicator, into_readme, precision
from finish import uncalibrated

import rhetoric
from rhetoric.evaluate import evaluate

DEFAULT = ["MiniLM, six layers=experiments/.cache/exported-minilm"]
TIMED, TURNS = 150, 3


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("students", nargs="*", default=DEFAULT, metavar="NAME=FOLDER")
    args = parser.parse_args()
    folders = {"`accurate`, MPNet cut to six layers": Path(rhetoric.__file__).parent / "models/accurate"}
    folders |= {name: Path(folder) for name, _, folder in (given.rpartition("=") for given in args.students)}
    students = {name: uncalibrated(folder) for name, folder in folders.items()}
    sets = {
        "held out": [row for row in data.labelled(args.shared, args.cache) if data.held_out(row)],
        "dev": gold(args.shared),
    }
    texts = {name: [row["text"] for row in rows] for name, rows in sets.items()}
    took = dict.fromkeys(students, float("inf"))
    for _ in range(TURNS):
        for name, student in students.items():
            begin = time.process_time()
            student.predict_proba(texts["held out"][:TIMED])
            took[name] = min(took[name], time.process_time() - begin)
    heads = [f"{name} (n={len(rows):,}): macro-F1, AP" for name, rows in sets.items()]
    lines = [f"| int8 encoder, every sentence read | size | sentences/s | {' | '.join(heads)} |", "|---|---|---|---|---|"]
    for name, student in students.items():
        cells = []
        for which, rows in sets.items():
            truth, chances = indicator(rows), student.predict_proba(texts[which])
            macro = evaluate(truth, chances >= 0.5).macro_f1
            cells.append(f"{macro:.3f}, {precision(truth, chances).mean():.3f}")
        size = sum(len(content) for content in student.contents.values()) / 1e6
        lines.append(f"| {name} | {size:.1f} MB | {TIMED / took[name]:.0f} | {' | '.join(cells)} |")
    into_readme(__file__, "students", "\n".join(lines))


if __name__ == "__main__":
    main()
