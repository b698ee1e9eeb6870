"""Every named format is read, and nothing in a file can make reading raise, hang or forget a record."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetoric.archive import sources
from rhetoric.archive.readers import Document, Reader, ReadOptions, Rejected, html_to_text
from rhetoric.archive.sources import Source, expand, kind_of
from rhetoric.errors import ArchiveError

zstandard = pytest.importorskip("zstandard")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXT = "Ruritania denied the charge. Freedonia — calm — called for talks."
PACK = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


def read(*paths: Path | str, **options: object) -> tuple[list[Document], list[Rejected], list[str]]:
    said: list[str] = []
    reader = Reader(ReadOptions(**options))  # type: ignore[arg-type]
    items = [item for source in expand(map(str, paths), say=said.append) for item in reader.read(source)]
    documents = [item for item in items if isinstance(item, Document)]
    return documents, [item for item in items if isinstance(item, Rejected)], [*said, *reader.notes]


def reasons(path: Path, **options: object) -> list[str]:
    return [item.reason for item in read(path, **options)[1]]


def jsonl(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("kind", ["txt", "html", "jsonl", "csv", "tsv", "parquet"])
def test_every_format_and_compression_gives_the_same_text(tmp_path: Path, kind: str, compression: str) -> None:
    table = pa.table({"id": ["a"], "date": ["2001-02-03"], "text": [TEXT]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    content = {
        "txt": TEXT.encode(),
        "html": f"<p>{TEXT}</p>".encode(),
        "jsonl": jsonl({"id": "a", "date": "2001-02-03", "text": TEXT}),
        "csv": f'id,date,text\na,2001-02-03,"{TEXT}"\n'.encode(),
        "tsv": f"id\tdate\ttext\na\t2001-02-03\t{TEXT}\n".encode(),
        "parquet": buffer.getvalue(),
    }[kind]
    path = tmp_path / f"x.{kind}{compression}"
    path.write_bytes(PACK[compression](content))
    documents, rejected, _ = read(path)
    assert rejected == []
    (document,) = documents
    assert (html_to_text(document.text) if document.html else document.text) == TEXT
    if kind in {"txt", "html"}:
        assert (document.id, document.date, document.line) == (str(path), None, None)
    else:
        assert (document.id, document.date) == ("a", "2001-02-03")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip"])
def test_archives_of_files(tmp_path: Path, suffix: str) -> None:
    members = {
        "a/one.txt": TEXT.encode(),
        "two.jsonl": jsonl({"text": "x"}, {"text": "y"}),
        "three.txt.gz": gzip.compress(b"z"),
    }
    path = tmp_path / f"x{suffix}"
    pack_members(path, members)
    documents, rejected, _ = read(path)
    assert rejected == []
    assert [(d.id.removeprefix(f"{path}/"), d.text) for d in documents] == [
        ("a/one.txt", TEXT),
        ("two.jsonl:1", "x"),
        ("two.jsonl:2", "y"),
        ("three.txt.gz", "z"),
    ]


def pack_members(path: Path, members: dict[str, bytes]) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    suffix = {".tgz": ".gz", ".tar": ""}.get(path.suffix, path.suffix)
    path.write_bytes(PACK[suffix](buffer.getvalue()))


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_warc(tmp_path: Path, compression: str) -> None:
    pytest.importorskip("fastwarc")
    records = b"".join(
        warc_record(f"http://example.org/{i}", f"<html><body><p>Page {i}.</p></body></html>".encode(), status)
        for i, status in enumerate(("200 OK", "404 Not Found", "200 OK"))
    )
    path = tmp_path / f"x.warc{compression}"
    path.write_bytes(PACK[compression](records))
    documents, rejected, _ = read(path)
    assert rejected == []
    assert [(d.id, d.date, html_to_text(d.text)) for d in documents] == [
        ("http://example.org/0", "2020-01-02", "Page 0."),
        ("http://example.org/2", "2020-01-02", "Page 2."),
    ]


def warc_record(uri: str, body: bytes, status: str) -> bytes:
    http = f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2020-01-02T03:04:05Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{len(uri):032d}>\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def test_remote_files_by_url(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe("/box/a.jsonl.gz", gzip.compress(jsonl({"id": "q", "text": TEXT})))
    system.pipe("/box/b.txt", b"plain")
    documents, rejected, _ = read("memory://box/*")
    assert rejected == []
    assert [d.text for d in documents] == [TEXT, "plain"]
    with pytest.raises(ArchiveError, match="No file matches"):
        list(expand(["memory://box/*.csv"]))


def test_folders_are_read_in_one_order_and_strangers_are_named(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "a.txt", "c.jsonl", "README.md", ".hidden.txt", "b-1.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}" if name.endswith("l") else "x")
    said: list[str] = []
    names = [s.path.removeprefix(f"{tmp_path}/") for s in expand([tmp_path], say=said.append)]
    assert names == ["a.txt", "b/1.txt", "b/2.txt", "b-1.txt", "c.jsonl"]
    assert len(said) == 1
    assert "README.md" in said[0]
    assert ".hidden" not in said[0]
    globbed = [s.path for s in expand([f"{tmp_path}/b/*.txt"])]
    assert globbed == [f"{tmp_path}/b/1.txt", f"{tmp_path}/b/2.txt"]


def test_the_output_is_never_read_as_input(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(jsonl({"text": "x"}))
    (tmp_path / "out.jsonl").write_bytes(jsonl({"text": "y"}))
    assert [s.path for s in expand([tmp_path], exclude={str(tmp_path / "out.jsonl")})] == [f"{tmp_path}/in.jsonl"]


@pytest.mark.parametrize("given", ["nowhere.txt", "*.nothing"])
def test_inputs_that_do_not_exist(given: str) -> None:
    with pytest.raises(ArchiveError, match="Give a file"):
        list(expand([given]))


def test_an_unknown_kind_named_outright_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"\.jsonl.*\.parquet"):
        list(expand([tmp_path / "x.docx"]))


def test_kinds() -> None:
    assert kind_of("a/b.TXT.GZ") == ("txt", "gz")
    assert kind_of("x.wet") == ("warc", "")
    assert kind_of("folder.txt/x") is None


# Bad records


def test_bad_json_lines_are_kept_with_their_line_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [
        b'{"text": "good"}',
        b'{"text": "br',
        b"",
        b"[1, 2]",
        b'{"text": null}',
        b'{"other": "x"}',
        b'{"text": 7}',
        b'{"text": "\xff\xfe"}',
        b'{"text": "\\ud800 x"}',
        b"[" * 100_000,
        b'{"text": "last"}',
    ]
    path.write_bytes(b"\n".join(lines))
    documents, rejected, _ = read(path)
    assert [(d.text, d.id) for d in documents] == [("good", f"{path}:1"), ("last", f"{path}:11")]
    assert [r.line for r in rejected] == [2, 4, 5, 6, 7, 8, 9, 10]
    for reason, start in zip(
        [r.reason for r in rejected],
        ["broken JSON", "a JSON list", "null text", "missing column 'text'", "column 'text' holds int", "invalid UTF-8",
         "a lone surrogate", "broken JSON"],
        strict=True,
    ):  # fmt: skip
        assert reason.startswith(start)
    assert rejected[5].record == lines[7] + b"\n"
    assert "bytes" in rejected[5].to_dict()
    assert rejected[0].to_dict()["record"] == '{"text": "br\n'


def test_invalid_utf8_is_replaced_only_on_request(tmp_path: Path) -> None:
    for name, content in (
        ("a.txt", b"\xff talks"),
        ("b.jsonl", b'{"text": "\xff talks"}\n'),
        ("c.csv", b"text\n\xff talks\n"),
    ):
        (tmp_path / name).write_bytes(content)
    documents, rejected, _ = read(tmp_path)
    assert documents == []
    assert len(rejected) == 3
    documents, rejected, _ = read(tmp_path, replace=True)
    assert rejected == []
    assert {d.text for d in documents} == {"\ufffd talks"}


def test_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffx".encode())
    (tmp_path / "b.txt").write_bytes("x".encode("utf-16"))
    (tmp_path / "c.jsonl").write_bytes(b"\xef\xbb\xbf" + jsonl({"text": "x"}))
    (tmp_path / "d.csv").write_bytes("\ufefftext,n\nx,1\n".encode())
    documents, rejected, _ = read(tmp_path)
    assert rejected == []
    assert [d.text for d in documents] == ["x"] * 4


@pytest.mark.parametrize("compression", [".gz", ".bz2", ".xz", ".zst"])
def test_the_good_part_of_a_truncated_file_is_kept(tmp_path: Path, compression: str) -> None:
    content = jsonl(*({"text": f"{i} " + os.urandom(40).hex()} for i in range(20_000)))
    packed = PACK[compression](content)
    path = tmp_path / f"x.jsonl{compression}"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    documents, rejected, _ = read(path)
    assert len(documents) > 5_000
    assert [d.text.split()[0] for d in documents] == [str(i) for i in range(len(documents))]
    assert "cut off" in rejected[-1].reason


def test_a_damaged_gzip_keeps_what_came_before(tmp_path: Path) -> None:
    good, bad = gzip.compress(jsonl({"text": "one"})), bytearray(gzip.compress(jsonl({"text": "two"})))
    bad[-6] ^= 0xFF
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(good + bytes(bad))
    documents, rejected, _ = read(path)
    assert documents[0].text == "one"
    assert "damaged gz" in rejected[-1].reason


def test_members_and_padding_are_one_stream(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(jsonl({"text": "one"})) + gzip.compress(jsonl({"text": "two"})) + b"\0" * 1000)
    documents, rejected, _ = read(path)
    assert [d.text for d in documents] == ["one", "two"]
    assert rejected == []


def test_a_document_over_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 1001)
    (tmp_path / "b.jsonl").write_bytes(jsonl({"text": "y" * 1001}, {"text": "é" * 600}, {"text": "z" * 1000}))
    (tmp_path / "c.txt").write_bytes(b"x" * 1000)
    documents, rejected, _ = read(tmp_path, max_bytes=1000)
    assert [len(d.text) for d in documents] == [1000, 1000]
    assert [r.line for r in rejected] == [None, 1, 2]
    assert all("--max-document-mb" in r.reason for r in rejected)


def test_an_endless_line_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"text": "')
        for _ in range(40):
            file.write(os.urandom(500_000).hex().encode())
        file.write(b'"}\n{"text": "after"}\n')
    import tracemalloc

    tracemalloc.start()
    documents, rejected, _ = read(path, max_bytes=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [d.text for d in documents] == ["after"]
    assert rejected[0].size == 40_000_013
    assert rejected[0].to_dict()["cut"] is True
    assert peak < 12_000_000


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BOMB_BYTES", 1_000_000)
    blow = gzip.compress(b"0" * 5_000_000)
    (tmp_path / "a.jsonl.gz").write_bytes(blow)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.jsonl", b"\n" * 5_000_000)
        archive.writestr("y.txt", b"never reached")
    (tmp_path / "c.jsonl.zst").write_bytes(PACK[".zst"](b"0" * 5_000_000))
    documents, rejected, _ = read(tmp_path, max_bytes=10_000)
    assert documents == []
    assert sum("bomb" in r.reason for r in rejected) == 3


def test_archive_members_that_climb_are_refused(tmp_path: Path) -> None:
    members = {"../up.txt": b"x", "/etc/abs.txt": b"x", "ok/../../up.txt": b"x", "C:\\x.txt": b"x", "fine.txt": b"fine"}
    for suffix in (".zip", ".tar.gz"):
        path = tmp_path / f"x{suffix}"
        pack_members(path, members)
        documents, rejected, _ = read(path)
        assert [d.text for d in documents] == ["fine"]
        assert len(rejected) == 4
        assert {r.reason for r in rejected} == {"an archive member that climbs out of its folder"}


def test_links_devices_nested_and_encrypted_members(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("passwords.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        device = tarfile.TarInfo("zero.txt")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
        inner = tarfile.TarInfo("inner.zip")
        tar.addfile(inner, io.BytesIO())
    found = reasons(path)
    assert "link or device" in found[0]
    assert "link or device" in found[1]
    assert "archive within an archive" in found[2]


def test_damaged_archives(tmp_path: Path) -> None:
    pack_members(tmp_path / "a.zip", {"x.txt": os.urandom(3000).hex().encode()})
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data[:-30])
    broken = bytearray(data)
    broken[600] ^= 0xFF
    (tmp_path / "b.zip").write_bytes(broken)
    pack_members(tmp_path / "c.tar", {"x.txt": b"one", "y.txt": b"y" * 5000})
    (tmp_path / "c.tar").write_bytes((tmp_path / "c.tar").read_bytes()[:4000])
    (tmp_path / "d.parquet").write_bytes(b"PAR1 nonsense PAR1")
    (tmp_path / "e.warc").write_bytes(b"WARC/1.0\r\nnonsense")
    for name, words in (
        ("a.zip", "damaged zip"),
        ("b.zip", "can not be read further"),
        ("c.tar", "damaged tar"),
        ("d.parquet", "Parquet"),
    ):
        assert any(words in reason for reason in reasons(tmp_path / name)), name
    assert read(tmp_path / "c.tar")[0][0].text == "one"
    read(tmp_path / "e.warc")


def test_files_that_can_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "ok.txt").write_text("ok")
    documents, rejected, _ = read(tmp_path)
    assert [d.text for d in documents] == ["ok"]
    assert len(rejected) == 2
    assert all("can not be opened" in r.reason for r in rejected)


def test_file_names_that_are_no_utf8(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.txt"
    with open(raw, "wb") as file:
        file.write(b"x")
    (document,) = read(tmp_path)[0]
    document.id.encode("utf-8")
    assert document.text == "x"


# CSV


def test_csv_records_over_lines_and_with_large_fields(tmp_path: Path) -> None:
    big = "word " * 60_000
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["title", "body"], ["a", 'He said "no".\nThen left.'], ["b", big], ["c", "end"]])
    documents, rejected, notes = read(path)
    assert rejected == []
    assert [d.text for d in documents] == ['He said "no".\nThen left.', big, "end"]
    assert [d.line for d in documents] == [2, 4, 5]
    assert "'body'" in notes[0]


def test_broken_csv_records_do_not_take_others_with_them(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'id,text\n1,one\n2,"open\n3,three\n4\n5,five,more\n6,"a"b\n7,\xff\n8,eight\n')
    documents, rejected, _ = read(path)
    assert [d.text for d in documents] == ["one", "three", "eight"]
    assert [r.line for r in rejected] == [3, 5, 6, 7, 8]


def test_a_csv_without_the_column_is_rejected_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    assert len(reasons(path)) == 1
    assert "name it with --text" in reasons(path)[0]
    assert reasons(path, text="c") == ["missing column 'c'; has 'a', 'b'"]
    assert [d.text for d in read(path, text="b")[0]] == ["2", "4"]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
    )
)
def test_any_csv_that_the_csv_module_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *rows])
    documents, rejected, _ = read(path)
    assert rejected == []
    assert [d.text for d in documents] == [text for _, text in rows]


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=400),
    kind=st.sampled_from(["jsonl", "csv", "txt", "html", "jsonl.gz", "zip", "tar", "txt.zst", "parquet", "warc"]),
)
def test_no_bytes_make_reading_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str) -> None:
    path = tmp_path_factory.mktemp("any") / f"x.{kind}"
    path.write_bytes(data)
    for document in read(path)[0]:
        assert isinstance(html_to_text(document.text), str)


# Columns, languages, Parquet, HTML, standard input


def test_named_columns_win_over_guesses(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(jsonl({"text": "no", "Lead": "yes", "key": 12.0, "day": "1999", "id": "z"}))
    (document,) = read(path, text="Lead", id="key", date="day")[0]
    assert (document.text, document.id, document.date) == ("yes", "12", "1999")
    assert read(path, text="Lead", id="key", date="day")[2] == []


def test_other_languages_are_set_aside_and_told_apart_from_faults(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(jsonl(*({"text": "x", "lang": v} for v in ("en", "EN-gb", "English", "", None, "fr", "enm"))))
    documents, rejected, _ = read(path, language="lang")
    assert len(documents) == 5
    assert [r.language for r in rejected] == [True, True]


def test_parquet_types_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    columns = {
        "text": pa.array(["a", None, "c"]).dictionary_encode(),
        "date": pa.array([19723, None, 0], type=pa.date32()),
        "id": pa.array([1, 2, 3]),
    }
    pq.write_table(pa.table(columns), path)
    documents, rejected, _ = read(path)
    assert [(d.id, d.date, d.text) for d in documents] == [("1", "2024-01-01", "a"), ("3", "1970-01-01", "c")]
    assert rejected[0].reason == "null text in column 'text'"
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"fine", b"\xff\xff"]).buffers())
    pq.write_table(pa.table({"text": bad}), path)
    documents, rejected, _ = read(path)
    assert [d.text for d in documents] == ["fine"]
    assert "invalid UTF-8" in rejected[0].reason


def test_html_is_prose_without_frame() -> None:
    page = """<!doctype html><html><head><title>T</title><style>p{}</style></head><body><nav>Home</nav>
    <h1>Talks &amp; trade</h1><p>One <b>bold</b>\n claim.<br>Next.</p><script>alert("<p>no</p>")</script>
    <footer>Copyright</footer></body></html>"""
    assert html_to_text(page) == "Talks & trade\n\nOne bold claim.\n\nNext."
    assert html_to_text("<nav>never closed <p>Text") == "never closed\n\nText"
    assert html_to_text("") == ""


def test_html_metadata_and_charset(tmp_path: Path) -> None:
    path = tmp_path / "x.html"
    metadata = '<meta charset="windows-1252"><meta property="article:published_time" content="2021-03-04T05:06Z">'
    path.write_bytes(f"{metadata}<p>caf\xe9".encode("latin-1"))
    (document,) = read(path)[0]
    assert document.date == "2021-03-04"
    assert html_to_text(document.text) == "café"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (jsonl({"text": "x"}, {"text": "y"}), ["x", "y"]),
        (gzip.compress(jsonl({"text": "z"}), mtime=0), ["z"]),
        (b"Plain. Text.", ["Plain. Text."]),
    ],
)
def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, expected: list[str]) -> None:
    path = tmp_path / "in"
    path.write_bytes(content)
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", file)
        documents, rejected, notes = read("-")
    assert rejected == []
    assert [d.text for d in documents] == expected
    assert notes[0].startswith("standard input: read as")


def test_sources_survive_their_listing() -> None:
    source = Source("a/\udcff.txt", "txt", "gz", 12)
    assert Source.from_json(source.to_json()) == source
