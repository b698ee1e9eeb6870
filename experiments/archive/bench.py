"""Scores an archive at several sizes and on several engines; prints speed, overhead, memory and whether the bytes
agree.

    python experiments/archive/bench.py --sentences 10_000_000

The archive is the file given, named as often as it takes to reach the number of sentences. Each run is a process of
its own. Peak memory is the largest resident set of any worker, sampled ten times a second. Processor seconds stand
beside wall seconds, because only they mean something on a machine that others use.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from rhetoric.archive.duplicates import SIGNATURE

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache" / "archive"
SOURCE = HERE.parents[2] / "shared" / "archive" / "ungd-1990-2004.jsonl.gz"

# Dask sets the first to 65536, so that workers give memory back at once: every large array is then mapped anew, which
# costs numpy half as much time again.
DASK_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": 1 << 28, "MALLOC_MMAP_THRESHOLD_": 1 << 28, "OMP_NUM_THREADS": 1}


class Watch:
    """Largest resident set, in bytes, and processor seconds of this process and each of its descendants."""

    def __init__(self) -> None:
        self.memory: dict[int, int] = {}
        self.seconds: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def _sample(self) -> None:
        me = psutil.Process()
        for process in [me, *me.children(recursive=True)]:
            try:
                self.memory[process.pid] = max(self.memory.get(process.pid, 0), process.memory_info().rss)
                times = process.cpu_times()
                self.seconds[process.pid] = times.user + times.system
            except psutil.Error:
                continue

    def _loop(self) -> None:
        while not self._stop.wait(0.1):
            self._sample()

    def __enter__(self) -> Watch:
        self._sample()
        self._begun = dict(self.seconds)
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._sample()
        self._stop.set()
        self._thread.join()

    @property
    def cpu(self) -> float:
        return sum(self.seconds.values()) - sum(self._begun.values())

    @property
    def per_worker(self) -> int:
        """Of the processes that did the scoring: the parent too where it is alone."""
        workers = [size for pid, size in self.memory.items() if pid != os.getpid()]
        return max(workers, default=self.memory[os.getpid()])


def one_run(task: str, folder: str, output: str, model: str) -> dict[str, object]:
    from rhetoric.archive import score
    from rhetoric.archive.readers import Document, Reader, ReadOptions
    from rhetoric.archive.sources import expand

    if task == "read+split":
        from rhetoric.sentences import parse

        with Watch() as watch:
            began = time.perf_counter()
            reader = Reader(ReadOptions())
            sentences = 0
            for source in expand([folder]):
                for item in reader.read(source):
                    if isinstance(item, Document):
                        sentences += len(parse(item.text).spans)
            wall = time.perf_counter() - began
        return {"sentences": sentences, "wall": wall, "cpu": watch.cpu, "memory": watch.per_worker}
    engine, count = task.split("=")
    if engine == "dask":
        import dask
        import distributed

        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": DASK_ENVIRONMENT}),
            distributed.LocalCluster(
                n_workers=int(count), threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
            Watch() as watch,
        ):
            summary = score(folder, output, model=model, dask=client, restart=True)
    else:
        with Watch() as watch:
            summary = score(folder, output, model=model, jobs=int(count), restart=True)
    with open(output, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = os.path.getsize(output)
    os.unlink(output)
    return {
        "sentences": summary.sentences,
        "shards": summary.shards_done,
        "duplicates": summary.duplicates,
        "documents": summary.documents,
        "wall": summary.seconds,
        "cpu": watch.cpu,
        "memory": watch.per_worker,
        "parent": watch.memory[os.getpid()],
        "bytes": size,
        "sha256": digest,
    }


def repeated(source: Path, copies: int) -> Path:
    folder = CACHE / f"copies-{copies}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = "".join(source.suffixes[-2:])
    for number in range(copies):
        (folder / f"{number:04d}{name}").symlink_to(source)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--sentences", type=int, default=500_000)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--engines", nargs="*", default=["jobs=1", "jobs=2", "dask=2"])
    parser.add_argument("--one", nargs=3, metavar=("TASK", "FOLDER", "OUTPUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one_run(*args.one, model=args.model)))
        return

    def run(task: str, folder: Path) -> dict[str, float]:
        output = CACHE / "scores.jsonl"
        command = [sys.executable, __file__, "--model", args.model, "--one", task, str(folder), str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{task} failed:\n{done.stderr}")
        result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        rate, per_cpu = result["sentences"] / result["wall"], result["sentences"] / result["cpu"]
        memory = (result["memory"] / 1e6, result.get("parent", result["memory"]) / 1e6)
        print(
            f"{task:12} {result['sentences']:12,} {result['wall']:9.1f} {result['cpu']:9.1f} {rate:10,.0f} "
            f"{per_cpu:10,.0f} {memory[0]:8,.0f} {memory[1]:8,.0f}",
            flush=True,
        )
        return result

    print(f"model {args.model}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first run")
    print("task            sentences    wall s     cpu s  sent/s     per cpu s  worker MB parent MB")
    one = repeated(args.source, 1)
    split = run("read+split", one)
    small = run(args.engines[0], one)
    copies = max(1, round(args.sentences / small["sentences"]))
    many = repeated(args.source, copies)
    results = {engine: run(engine, many) for engine in args.engines}
    first = results[args.engines[0]]
    share = (split["cpu"] / split["sentences"]) / (first["cpu"] / first["sentences"])
    size = f"{first['bytes'] / 1e9:.2f} GB of JSONL"
    print(f"{copies} copies; {first['shards']:,} shards; {first['duplicates']:,} repeated documents; {size}")
    print(f"bytes agree: {len({result['sha256'] for result in results.values()}) == 1}")
    print(f"reading and splitting alone: {share:.0%} of the processor time of scoring")
    print(f"worker memory, {copies} copies against 1: {first['memory'] / small['memory']:.2f}")
    if {"jobs=1", "jobs=2"} <= set(results):
        print(f"speed-up from 1 to 2 jobs, wall: {results['jobs=1']['wall'] / results['jobs=2']['wall']:.2f}")
        print(f"processor time of 2 jobs against 1: {results['jobs=2']['cpu'] / results['jobs=1']['cpu']:.2f}")
    if {"jobs=2", "dask=2"} <= set(results):
        print(f"Dask over 2 local jobs, wall: {results['dask=2']['wall'] / results['jobs=2']['wall'] - 1:+.0%}")
        print(f"Dask over 2 local jobs, processor time: {results['dask=2']['cpu'] / results['jobs=2']['cpu'] - 1:+.0%}")
    hours = 1e9 / (first["sentences"] / first["cpu"]) / 3600
    table = first["bytes"] / first["sentences"]
    signatures = SIGNATURE.itemsize * first["documents"] / first["sentences"]
    print(f"10^9 sentences: {hours:,.0f} core hours, {table:,.0f} GB of JSONL, {signatures:.1f} GB of signatures")


if __name__ == "__main__":
    main()
