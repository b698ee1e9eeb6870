"""The run as a whole: same bytes however the work is dealt out, resumable, nothing lost, and clear refusals."""

from __future__ import annotations

import csv
import gzip
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from fake_model import STANCES, FakeBatchModel, FakeModel

from rhetoric import archive
from rhetoric.archive import Progress, Summary, score
from rhetoric.archive.readers import ReadOptions
from rhetoric.archive.shards import groups_of, shards_of
from rhetoric.archive.sources import expand
from rhetoric.archive.tables import guarded
from rhetoric.errors import ArchiveError, MissingExtraError

MODEL = FakeBatchModel()
WORDS = ("envoy", "port", "strait", "minister", "accord", "claims", "treaty", "border", "grain", "talks", "rebels")


def article(seed: int, length: int = 8) -> str:
    choose = random.Random(seed)
    return " ".join(" ".join(choose.choices(WORDS, k=9)).capitalize() + "." for _ in range(length))


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of every sort: small files, a large plain and a large compressed one, bad records, repeats."""
    folder = tmp_path_factory.mktemp("box") / "in"
    folder.mkdir()
    for i in range(30):
        (folder / f"a{i:02d}.txt").write_text(f"date 2024-05-{i % 28 + 1:02d} {article(i)}")
    with (folder / "b.jsonl").open("wb") as file:
        for i in range(400):
            record = json.dumps({"id": f"b{i}", "date": "1999", "text": article(i + 1000)}).encode()
            file.write(b'{"broken\n' if i % 50 == 7 else record + b"\n")
    with gzip.open(folder / "c.jsonl.gz", "wt") as packed:
        for i in range(400):
            packed.write(json.dumps({"id": f"c{i}", "text": article(i + 1200)}) + "\n")  # c0..c199 repeat b200..b399
    (folder / "d.txt").write_bytes(b"\xff\xfe\xff")
    with (folder / "e.csv").open("w", newline="") as table:
        csv.writer(table).writerows([["id", "text"], ["e1", "=1+1 is a formula. No?"], ["e2", "@you - we agree."]])
    return folder


def run(box: Path, output: Path, **options: Any) -> Summary:
    options = {"model": MODEL, "shard_mb": 0.05} | options
    return score(box, output, **options)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(box: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, Summary]:
    output = tmp_path_factory.mktemp("undisturbed") / "scores.jsonl"
    summary = run(box, output)
    return output.read_bytes(), output.with_name("scores.rejected.jsonl").read_bytes(), summary


def rows(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().splitlines()]


def test_every_sentence_of_every_good_document_is_a_row(box: Path, undisturbed: tuple[bytes, bytes, Summary]) -> None:
    table, rejected, summary = undisturbed
    found = rows(table)
    assert list(found[0]) == [
        "document", "date", "sentence", "start", "end", "text", *STANCES, "stances", "unsure", "claims", "speaker",
        "speaker_code", "target", "target_code", "duplicate_of", "model", "model_hash",
    ]  # fmt: skip
    assert summary.documents == 30 + 392 + 400 + 2
    assert summary.rows == summary.sentences == len(found)
    assert summary.rejected == 9
    assert [r["reason"].split(" ")[0] for r in rows(rejected)] == ["broken"] * 8 + ["invalid"]
    assert summary.stances == {stance: sum(stance in row["stances"] for row in found) for stance in STANCES}
    documents = list(dict.fromkeys(row["document"] for row in found))
    assert documents[:2] == [f"{box}/a00.txt", f"{box}/a01.txt"]
    assert documents[30] == "b0"
    assert documents[-1] == "e2"
    text = (box / "a03.txt").read_text()
    for row in (row for row in found if row["document"] == f"{box}/a03.txt"):
        assert text[row["start"] : row["end"]] == row["text"]
        assert row["date"] == "2024-05-04"
    for row in found:
        assert row["stances"] == [claim["stance"] for claim in row["claims"]]
        assert (row["speaker_code"] == "XRU") is bool(row["claims"])
        assert all(round(row[stance], 4) == row[stance] for stance in STANCES)
    assert any(row["claims"] and row["claims"][0]["evidence"][0]["weight"] == 0.3333 for row in found)


def test_repeated_documents_are_marked_not_dropped(undisturbed: tuple[bytes, bytes, Summary]) -> None:
    found = rows(undisturbed[0])
    marked = {row["document"]: row["duplicate_of"] for row in found if row["duplicate_of"]}
    lost = {f"b{i}" for i in range(400) if i % 50 == 7}
    assert marked == {f"c{i}": f"b{i + 200}" for i in range(200) if f"b{i + 200}" not in lost}
    assert undisturbed[2].duplicates == len(marked)


@pytest.mark.parametrize("jobs", [2, 4])
def test_the_bytes_do_not_depend_on_jobs(
    box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary], jobs: int
) -> None:
    summary = run(box, tmp_path / "scores.jsonl", jobs=jobs)
    assert (tmp_path / "scores.jsonl").read_bytes() == undisturbed[0]
    assert (tmp_path / "scores.rejected.jsonl").read_bytes() == undisturbed[1]
    ours, theirs = asdict(summary), asdict(undisturbed[2])
    for key in ("output", "rejected_path", "seconds"):
        ours.pop(key), theirs.pop(key)
    assert ours == theirs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.jsonl", "scores.rejected.jsonl"]


def test_a_table_does_not_depend_on_the_size_of_shards(
    box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary]
) -> None:
    for number, size in enumerate((0.01, 100)):
        run(box, tmp_path / f"{number}.jsonl", shard_mb=size)
        assert (tmp_path / f"{number}.jsonl").read_bytes() == undisturbed[0]


def test_portions_of_an_array_make_the_same_table(
    box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary]
) -> None:
    output = tmp_path / "scores.jsonl"
    portions = [run(box, output, shard=f"{i}/3") for i in (2, 3, 1)]
    assert not output.exists()
    assert not any(p.complete for p in portions)
    assert min(p.shards_done for p in portions) > 0
    assert sum(p.documents for p in portions) == undisturbed[2].documents
    summary = run(box, output)
    assert summary.shards_done == 0
    assert summary.shards_skipped == sum(p.shards_done for p in portions)
    assert output.read_bytes() == undisturbed[0]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_portions_of_whole_files_miss_none(tmp_path: Path, count: int) -> None:
    for i in range(7):
        (tmp_path / f"{i}.jsonl").write_text(json.dumps({"text": article(i)}) + "\n")
    output = tmp_path / "out" / "s.jsonl"
    done = [
        score(tmp_path, output, model=MODEL, shard=(i, count), shard_mb=1e-4).documents for i in range(1, count + 1)
    ]
    assert sum(done) == 7


def test_a_run_that_stopped_goes_on(box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary]) -> None:
    output = tmp_path / "scores.jsonl"

    def stop(progress: Progress) -> None:
        if progress.documents > 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(box, output, progress=stop)
    assert not output.exists()
    summary = run(box, output, jobs=2)
    assert summary.shards_skipped > 0
    assert summary.shards_done > 0
    assert output.read_bytes() == undisturbed[0]


@pytest.fixture
def stopped(box: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A finished run whose parts are still there."""
    output = tmp_path / "scores.jsonl"
    run(box, output, keep_parts=True)
    return output, tmp_path / "scores.jsonl.parts"


@pytest.mark.parametrize("what", ["part", "half", "manifest", "signature", "rejected"])
def test_a_damaged_shard_is_done_again(
    box: Path, stopped: tuple[Path, Path], undisturbed: tuple[bytes, bytes, Summary], what: str
) -> None:
    output, parts = stopped
    victim = {
        "part": parts / "part-00000001-000001.jsonl",
        "half": parts / "part-00000001-000001.jsonl",
        "manifest": parts / "_manifests" / "part-00000001-000001.json",
        "signature": parts / "_signatures" / "part-00000001-000001.npy",
        "rejected": next((parts / "_rejected").iterdir()),
    }[what]
    data = bytearray(victim.read_bytes())
    if what == "half":
        data = data[: len(data) // 2]
    else:
        data[len(data) // 2] ^= 0x20
    victim.write_bytes(b"{" if what == "manifest" else data)
    output.unlink()
    summary = run(box, output, keep_parts=True)
    assert summary.shards_done == 1
    assert output.read_bytes() == undisturbed[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": FakeModel(hash="1" * 64)}, "model_hash was"),
        ({"only_stances": True}, "only_stances was False, now True"),
        ({"encoding_errors": "replace"}, "encoding_errors was"),
        ({"text": "body"}, "text was None"),
        ({"shard_mb": 1}, "shard_mb was"),
        ({"level": "document"}, "level was"),
    ],
)
def test_a_mixed_resume_is_refused_with_the_reason(
    box: Path, stopped: tuple[Path, Path], change: dict[str, Any], words: str
) -> None:
    output, _ = stopped
    with pytest.raises(ArchiveError, match=words) as caught:
        run(box, output, **change)
    assert "--restart" in str(caught.value)
    run(box, output, restart=True, **change)


def test_changed_input_is_refused(tmp_path: Path) -> None:
    box, output = tmp_path / "in", tmp_path / "scores.jsonl"
    box.mkdir()
    for i in range(3):
        (box / f"{i}.txt").write_text(article(i))
    run(box, output, keep_parts=True)
    (box / "3.txt").write_text(article(3))
    with pytest.raises(ArchiveError, match=r"nothing then, .*3\.txt"):
        run(box, output)
    (box / "3.txt").unlink()
    (box / "1.txt").write_text(article(1).upper())  # of the same size
    with pytest.raises(ArchiveError, match=r"1\.txt"):
        run(box, output)
    (box / "1.txt").write_text(article(1))  # the same again, at another time
    assert run(box, output).shards_skipped == 1


def test_parts_of_nobody_are_refused(box: Path, stopped: tuple[Path, Path]) -> None:
    output, parts = stopped
    (parts / "_run.json").unlink()
    with pytest.raises(ArchiveError, match="unknown run"):
        run(box, output)


def test_a_dataset_keeps_parts_and_manifests(
    box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary]
) -> None:
    summary = run(box, f"{tmp_path}/set/")  # type: ignore[arg-type]
    folder = tmp_path / "set"
    parts = sorted(folder.glob("part-*.jsonl"))
    assert len(parts) == summary.shards_done > 6
    assert b"".join(part.read_bytes() for part in parts) == undisturbed[0]
    assert (folder / "_rejected.jsonl").read_bytes() == undisturbed[1]
    manifest = json.loads((folder / "_manifests" / f"{parts[1].stem}.json").read_text())
    assert manifest["model_hash"] == MODEL.hash
    assert manifest["rows"] == len(parts[1].read_bytes().splitlines())
    assert manifest["files"][parts[1].name]["size"] == parts[1].stat().st_size
    before = tree(folder)
    again = run(box, f"{tmp_path}/set/", jobs=2)  # type: ignore[arg-type]
    assert (again.shards_done, again.shards_skipped) == (0, len(parts))
    assert again.duplicates == summary.duplicates
    assert tree(folder) == before


def plain_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet

        found = pyarrow.parquet.read_table(path).to_pylist()
        return [row | {"claims": json.loads(row["claims"])} for row in found]
    opener: Any = open
    if path.suffix == ".gz":
        opener = gzip.open
    elif path.suffix == ".bz2":
        import bz2

        opener = bz2.open
    elif path.suffix == ".zst":
        import zstandard

        opener = zstandard.open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        if ".jsonl" in path.name:
            return [json.loads(line) for line in file.read().split("\n")[:-1]]
        found = list(csv.DictReader(file))
    for row in found:
        for name, value in row.items():
            if name in {"sentence", "start", "end"}:
                row[name] = int(value)
            elif name in STANCES:
                row[name] = float(value)
            elif name in {"stances", "unsure"}:
                row[name] = value.split(";") if value else []
            elif name == "claims":
                row[name] = json.loads(value)
            elif value == "":
                row[name] = None
            elif guarded(value[1:]) == value:
                row[name] = value[1:]
    return found


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst", "jsonl.bz2", "csv", "csv.gz", "csv.zst", "parquet"])
def test_every_output_holds_the_same_rows(
    box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary], suffix: str
) -> None:
    pytest.importorskip({"parquet": "pyarrow", "zst": "zstandard"}.get(suffix.split(".")[-1], "json"))
    path = tmp_path / f"scores.{suffix}"
    run(box, path)
    assert plain_rows(path) == rows(undisturbed[0])
    other = tmp_path / f"again.{suffix}"
    run(box, other, jobs=2)
    assert other.read_bytes() == path.read_bytes()


def test_no_csv_cell_is_a_formula(box: Path, tmp_path: Path) -> None:
    run(box, tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1 is a formula." in cells
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r")]


def test_only_stances_and_document_level(box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary]) -> None:
    full = rows(undisturbed[0])
    summary = run(box, tmp_path / "only.jsonl", only_stances=True)
    assert rows((tmp_path / "only.jsonl").read_bytes()) == [row for row in full if row["stances"]]
    assert summary.sentences == len(full)
    run(box, tmp_path / "level.jsonl", level="document")
    documents = rows((tmp_path / "level.jsonl").read_bytes())
    assert [d["document"] for d in documents] == list(dict.fromkeys(row["document"] for row in full))
    by_id = {d["document"]: d for d in documents}
    own = [row for row in full if row["document"] == "c150"]
    assert by_id["c150"]["sentences"] == len(own)
    assert by_id["c150"]["duplicate_of"] == "b350"
    for stance in STANCES:
        assert by_id["c150"][stance] == max(row[stance] for row in own)
        assert by_id["c150"][f"{stance}_sentences"] == sum(stance in row["stances"] for row in own)
    run(box, tmp_path / "level.parquet", level="document")


def test_a_text_that_breaks_the_model_is_set_aside_alone(tmp_path: Path) -> None:
    box = tmp_path / "in"
    box.mkdir()
    for i, text in enumerate(("One. Two.", "BREAK here.", "Three.")):
        (box / f"{i}.txt").write_text(text)
    for number, model in enumerate((FakeModel(), FakeBatchModel())):
        output = tmp_path / "out" / f"{number}.jsonl"
        summary = score(box, output, model=model)
        assert (summary.documents, summary.rows, summary.rejected) == (2, 3, 1)
        (bad,) = rows((tmp_path / "out" / f"{number}.rejected.jsonl").read_bytes())
        assert bad["file"].endswith("1.txt")
        assert bad["record"] == "BREAK here."
        assert "ordered to break" in bad["reason"]


def test_a_rejected_file_of_an_earlier_run_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("nonsense\n")
    output = tmp_path / "out" / "s.jsonl"
    assert score(tmp_path / "a.jsonl", output, model=MODEL).rejected_path == str(tmp_path / "out" / "s.rejected.jsonl")
    (tmp_path / "a.jsonl").write_text('{"text": "Fine."}\n')
    assert score(tmp_path / "a.jsonl", output, model=MODEL).rejected_path is None
    assert not (tmp_path / "out" / "s.rejected.jsonl").exists()


def test_an_empty_archive_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("")
    for suffix in ("jsonl", "csv", "parquet", "jsonl.gz"):
        summary = score(tmp_path / "in", tmp_path / f"s.{suffix}", model=MODEL)
        assert (summary.documents, summary.rows) == (0, 0)
        assert plain_rows(tmp_path / f"s.{suffix}") == []
    (tmp_path / "in" / "a.jsonl").unlink()
    assert score(tmp_path / "in", tmp_path / "none.jsonl", model=MODEL).rows == 0


def test_a_document_of_ten_megabytes(tmp_path: Path) -> None:
    text = f"Ruritania denied the charge{' again' * 30}. " * 48_544
    assert len(text) > 10_000_000
    (tmp_path / "a.txt").write_text(text)
    summary = score(tmp_path / "a.txt", tmp_path / "s.jsonl", model=MODEL, level="document")
    assert (summary.sentences, summary.rows) == (48_544, 1)


def test_guesses_are_said_once(box: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run(box, tmp_path / "s.jsonl", say=said.append)
    assert len(said) == len(set(said))
    assert any("guessed columns" in line for line in said)


def test_progress_ends_at_the_whole(box: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(box, tmp_path / "s.jsonl", progress=seen.append)
    assert [p.consumed for p in seen] == sorted(p.consumed for p in seen)
    assert seen[-1].consumed == seen[-1].total == sum(path.stat().st_size for path in box.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "word"},
        {"jobs": 0},
        {"shard": "4/3"},
        {"shard": "x"},
        {"max_document_mb": 0},
        {"encoding_errors": "ignore"},
    ],
)
def test_arguments_out_of_range(box: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"wanted|above 0"):
        run(box, tmp_path / "s.jsonl", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_can_not_be_written(box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArchiveError, match=r"\.parquet"):
        run(box, tmp_path / "s.xlsx")
    with pytest.raises(ArchiveError, match="Leave one of them out"):
        run(box, tmp_path / "s.jsonl", format="csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'diplomatic-rhetoric\[parquet\]'"):
        run(box, tmp_path / "s.parquet")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match="zstd"):
        run(box, tmp_path / "s.jsonl.zst")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match="dask"):
        run(box, tmp_path / "s.jsonl", dask="tcp://localhost:1")


def test_cutting_depends_on_the_input_alone_and_loses_nothing(box: Path) -> None:
    read = ReadOptions()
    for size in (500, 30_000, 10**9):
        groups = list(groups_of(expand([box]), size))
        assert [g.index for g in groups] == list(range(len(groups)))
        assert [s.path for g in groups for s in g.sources] == [s.path for s in expand([box])]
        shards = [list(shards_of(group, read, size)) for group in groups]
        assert all([s.index for s in own] == list(range(len(own))) for own in shards)
        assert all([s.last for s in own] == [False] * (len(own) - 1) + [True] for own in shards)
        assert sum(s.consumed for own in shards for s in own) == sum(p.stat().st_size for p in box.iterdir())
        assert len({s.digest() for own in shards for s in own}) == sum(map(len, shards))
        items = [item for own in shards for s in own for item in s.items]
        assert len(items) == 30 + 400 + 400 + 1 + 2


# Splitting


def test_split_then_score_is_score(box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary]) -> None:
    summary = archive.split(box, tmp_path / "cut", size_mb=0.05, compression="gz")
    files = sorted((tmp_path / "cut").glob("split-*.jsonl.gz"))
    assert len(files) == summary.shards_done > 3
    assert summary.documents == undisturbed[2].documents
    assert summary.rejected == undisturbed[2].rejected
    assert (tmp_path / "cut" / "_rejected.jsonl").read_bytes() == undisturbed[1]
    score(f"{tmp_path}/cut/split-*", tmp_path / "s.jsonl", model=MODEL)
    assert (tmp_path / "s.jsonl").read_bytes() == undisturbed[0]
    with pytest.raises(ArchiveError, match="not empty"):
        archive.split(box, tmp_path / "cut")


# Dask


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as found:
        yield found


def test_dask_gives_the_same_bytes(
    box: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes, Summary], cluster: Any
) -> None:
    run(box, tmp_path / "s.jsonl", dask=cluster.scheduler_address)
    assert (tmp_path / "s.jsonl").read_bytes() == undisturbed[0]
    assert (tmp_path / "s.rejected.jsonl").read_bytes() == undisturbed[1]


def test_no_scheduler_there(box: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ArchiveError, match="No Dask scheduler"):
        run(box, tmp_path / "s.jsonl", dask="nonsense://x")
