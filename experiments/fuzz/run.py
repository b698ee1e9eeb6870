"""Fuzz the readers of text, labelled files and model folders, and print how many inputs were tried.

    pip install atheris
    python experiments/fuzz/run.py [--seconds 60] [TARGET ...]

The targets and what they hold the library to are in ``tests/fuzzing.py``. Each runs in a process of its own under atheris,
which mutates sound inputs and keeps those that reach new code; without atheris, Hypothesis feeds the same targets. An input
that shows a fault is kept in ``experiments/.cache/fuzz`` and named.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
CACHE = ROOT / "experiments/.cache/fuzz"
SEED = 20240505


def guided(target: str, seconds: int) -> None:
    """In a process of its own: libFuzzer's loop, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=["rhetoric"], enable_loader_override=False):
        import rhetoric.labels
        import rhetoric.model
        import rhetoric.roles
        import rhetoric.sentences  # noqa: F401
    import fuzzing

    corpus = CACHE / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(fuzzing.examples(target)):
        (corpus / f"sound-{number}").write_bytes(example)
    options = [f"-max_total_time={seconds}", f"-seed={SEED}", "-max_len=4096", "-print_final_stats=1", "-timeout=60"]
    options.append(f"-artifact_prefix={CACHE}/{target}-fault-")
    atheris.Setup([target, *options, str(corpus)], fuzzing.TARGETS[target])
    atheris.Fuzz()


def unguided(target: str, seconds: int) -> None:
    """The same loop without guidance: sound inputs with pieces cut, repeated and overwritten."""
    import fuzzing

    draw = random.Random(SEED)
    examples = fuzzing.examples(target)
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        data = bytearray(draw.choice(examples))
        for _ in range(draw.randint(1, 8)):
            start = draw.randint(0, len(data))
            stop = min(len(data), start + draw.choice([0, 1, 4, 40]))
            data[start:stop] = draw.choice([draw.randbytes(draw.randint(0, 8)), bytes(data[start : start + 60])])
        tried += 1
        try:
            fuzzing.TARGETS[target](bytes(data))
        except BaseException:
            CACHE.mkdir(parents=True, exist_ok=True)
            (CACHE / f"{target}-fault-{tried}").write_bytes(data)
            raise
    print(f"stat::number_of_executed_units: {tried}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", default=["text", "label_file", "model_folder"])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        import atheris

        way = guided
        name = f"atheris {getattr(atheris, '__version__', '')}".strip()
    except ImportError:
        way, name = unguided, "unguided"
    if given.inside:
        way(given.targets[0], given.seconds)
        return
    print(f"{name}; Python {sys.version.split()[0]}; seed {SEED}")
    print(f"{'target':14} {'inputs':>9} {'cpu s':>7} {'code reached':>13} {'faults':>7}")
    for target in given.targets:
        command = [sys.executable, __file__, "--inside", "--seconds", str(given.seconds), target]
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        used = os.times()
        cpu = used.children_user + used.children_system - before.children_user - before.children_system
        output = done.stdout + done.stderr
        tried = re.findall(r"number_of_executed_units: (\d+)", output) or re.findall(r"^#(\d+)", output, re.MULTILINE)
        reached = re.findall(r" cov: (\d+)", output)
        print(
            f"{target:14} {int(tried[-1]) if tried else 0:9,} {cpu:7.0f} {reached[-1] if reached else '-':>13} "
            f"{int(done.returncode != 0):7}",
            flush=True,
        )
        if done.returncode:
            print(output[-3000:])


if __name__ == "__main__":
    main()
