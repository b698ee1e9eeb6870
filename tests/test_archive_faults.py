"""Real processes, killed for real; a real full disk. What is left can be resumed, and the bytes come out the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_model import FakeModel

from rhetoric.archive import Progress, score
from rhetoric.errors import ArchiveError

pytestmark = pytest.mark.slow

WORDS = ("envoy", "port", "strait", "minister", "accord", "claims", "treaty", "border", "grain", "talks", "rebels")
DELAY = 0.003
DOCUMENTS = 480

SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from fake_model import FakeModel
from rhetoric.archive import score
if __name__ == "__main__":
    score({box!r}, {output!r}, model=FakeModel(delay={delay}), jobs={jobs}, shard_mb=0.005)
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "in"
    folder.mkdir()
    choose = random.Random(5)
    for name in ("a", "b"):
        with (folder / f"{name}.jsonl").open("w") as file:
            for i in range(DOCUMENTS // 2):
                text = " ".join(" ".join(choose.choices(WORDS, k=9)).capitalize() + "." for _ in range(6))
                file.write((json.dumps({"id": f"{name}{i}", "text": text}) if i % 30 else "broken") + "\n")
    return folder


@pytest.fixture(scope="module")
def undisturbed(box: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("undisturbed") / "scores.jsonl"
    score(box, output, model=FakeModel(), shard_mb=0.005)
    return output.read_bytes()


def start(box: Path, output: Path, jobs: int, **options: Any) -> subprocess.Popen[str]:
    script = SCRIPT.format(tests=str(Path(__file__).parent), box=str(box), output=str(output), delay=DELAY, jobs=jobs)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def finished_shards(output: Path) -> int:
    folder = output.with_name(output.name + ".parts") / "_manifests"
    try:
        return sum(name.endswith(".json") for name in os.listdir(folder))
    except FileNotFoundError:  # not there yet, or put together and taken away between two looks
        return 0


def test_killed_at_25_random_moments(box: Path, tmp_path: Path, undisturbed: bytes) -> None:
    """Each of 25 runs, with 1, 2 or 4 jobs, is killed at its own moment and gone on with; half of the time the
    workers are left alive and go on writing beside the next run."""
    choose = random.Random(20240505)
    killed = resumed = 0
    output = tmp_path / "0.jsonl"
    for number in range(25):
        process = start(box, output, jobs=(2, 1, 2, 4)[number % 4])
        # A moment is a number of shards that this run finishes, and some milliseconds: within the run on any machine.
        moment = choose.randrange(13)
        before = finished_shards(output)
        resumed += before > 0
        while process.poll() is None and finished_shards(output) < before + moment:
            time.sleep(0.002)
        time.sleep(choose.random() * 0.05)
        if choose.random() < 0.5:
            kill_group(process)
        else:
            process.kill()
        process.wait()
        killed += process.returncode == -signal.SIGKILL
        if number % 5 == 4 or output.exists():
            final = start(box, output, jobs=2)
            _, err = final.communicate(timeout=300)
            assert final.returncode == 0, err
            assert output.read_bytes() == undisturbed
            output = tmp_path / f"{number + 1}.jsonl"
    assert killed >= 15
    assert resumed >= 10


def kill_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


def test_a_killed_local_worker_ends_the_run_with_advice(box: Path, tmp_path: Path, undisturbed: bytes) -> None:
    psutil = pytest.importorskip("psutil")
    output = tmp_path / "s.jsonl"
    done = False
    # Another test's workers idle on in this process, and loky has helpers of its own: neither breaks the pool.
    earlier = {child.pid for child in psutil.Process().children()}

    def kill_one(progress: Progress) -> None:
        nonlocal done
        if not done and progress.documents:
            done = True
            begun = [child for child in psutil.Process().children() if child.pid not in earlier]
            living = [child for child in begun if child.status() != psutil.STATUS_ZOMBIE]
            next(child for child in living if any("popen_loky_posix" in part for part in child.cmdline())).kill()

    with pytest.raises(ArchiveError, match="run the same command again"):
        score(box, output, model=FakeModel(delay=DELAY), jobs=2, shard_mb=0.005, progress=kill_one)
    assert done
    assert score(box, output, model=FakeModel(), jobs=2, shard_mb=0.005).shards_skipped > 0
    assert output.read_bytes() == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_stops_cleanly_with_advice(tmp_path: Path, number: signal.Signals) -> None:
    box, output = tmp_path / "in.jsonl", tmp_path / "scores.jsonl"
    with box.open("w") as file:
        for i in range(1000):
            file.write(
                json.dumps({"id": str(i), "text": f"Ruritania {i} denied that it had mined the strait. " * 20}) + "\n"
            )
    command = [sys.executable, "-m", "rhetoric", "score", str(box), "-o", str(output), "--shard-mb", "0.02"]
    command += ["--jobs", "2"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell starts what it puts into the background with Ctrl-C ignored, these tests and what they start included
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and finished_shards(output) < 2:
        time.sleep(0.01)
    assert process.poll() is None
    os.killpg(process.pid, number)  # as a terminal does: to the workers as well
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert "run the same command again" in err
    assert "Traceback" not in err
    again = subprocess.run([*command, "--jobs", "1"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "finished before" in again.stderr
    straight = tmp_path / "straight.jsonl"
    subprocess.run(
        [sys.executable, "-m", "rhetoric", "score", str(box), "-o", str(straight)], check=True, capture_output=True
    )
    assert straight.read_bytes() == output.read_bytes()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"can not mount a small tmpfs here: {mounted.stderr.strip() or 'mount failed'}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # a worker may still be about to let go of a file


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_ends_with_a_clear_error_and_can_be_resumed(
    box: Path, undisturbed: bytes, small_disk: Path, jobs: int
) -> None:
    output = small_disk / "s.jsonl"
    with pytest.raises(ArchiveError, match=r"No space left on device.*run the same command again"):
        score(box, output, model=FakeModel(), jobs=jobs, shard_mb=0.005)
    assert not output.exists()
    assert finished_shards(output) > 0
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert score(box, output, model=FakeModel(), jobs=jobs, shard_mb=0.005).shards_skipped > 0
    assert output.read_bytes() == undisturbed


def test_a_killed_dask_worker_loses_nothing(box: Path, tmp_path: Path, undisturbed: bytes) -> None:
    distributed = pytest.importorskip("distributed")
    output = tmp_path / "s.jsonl"
    killed: list[int] = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=60
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def kill_one(progress: Progress) -> None:
            if len(killed) < 2 and progress.documents > 40 * (len(killed) + 1):
                killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[-1], signal.SIGKILL)

        score(box, output, model=FakeModel(delay=DELAY), dask=client, shard_mb=0.005, progress=kill_one)
    assert len(killed) == 2
    assert output.read_bytes() == undisturbed
