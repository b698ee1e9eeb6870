"""Join standoff records with the text of corpora that the user has: find the sentences, tell what is missing and
why.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhetoric.errors import LabelError
from rhetoric.labels.files import read_standoff, shipped
from rhetoric.labels.schema import Label, collapse
from rhetoric.labels.standoff import CORPORA, FOLDING, Runs, Standoff, exact_hash, places_of, sentence_hash, words_of
from rhetoric.stances import STANCES

__all__ = ["JoinResult", "Missing", "join"]


@dataclass(frozen=True, slots=True)
class Missing:
    """A record whose sentence was not found, and why."""

    record: Standoff
    reason: str


@dataclass(frozen=True, slots=True)
class JoinResult:
    """What :func:`join` found.

    ``records``: with their text, in the order of the standoff file. ``missing``: the others, in the same order.
    ``unread``: files or lines of the folder that could not be used, with the reason.
    """

    records: tuple[Label, ...]
    missing: tuple[Missing, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Document:
    corpus: str | None  # None where nothing tells: then sentences of every corpus are looked for in it
    id: str | None
    text: str


def join(
    corpora: str | os.PathLike[str],
    standoff: str | os.PathLike[str] | Sequence[Standoff] | None = None,
    stances: Sequence[str] | None = STANCES,
) -> JoinResult:
    """Find the sentences of standoff records in corpora that the user has obtained (:data:`CORPORA` says where).

    Reads every file under the folder: ``.jsonl`` (objects with ``text`` and, if known, ``corpus``, ``document`` or
    ``id``), column files of CoNLL-2003 (the first column), and anything else as plain text; each also with ``.gz``. A
    file, or a folder of the first level, whose name begins with the name of a corpus holds that corpus
    ("muc4/dev-0001.txt", "ungd-1990.jsonl.gz"); without such a name or a field ``corpus`` it may hold any. Texts are
    first split into sentences, whose hashes are looked up; for what is not found then as it was read, runs of
    characters of the right length and print are looked for, so that sentences split otherwise are found too.

    Args:
        corpora: a folder.
        standoff: a file of standoff records, or the records; None for those that come with the library.
        stances: allowed names of stances in the file; None allows any.

    Raises:
        LabelError: the folder does not exist or the file is bad.
    """
    folder = Path(corpora)
    if not folder.is_dir():
        raise LabelError(f"{folder}: no such folder; give the one that holds your copies of the corpora")
    if standoff is None:
        standoff = shipped("real.jsonl")
    records = read_standoff(standoff, stances=stances) if isinstance(standoff, (str, os.PathLike)) else list(standoff)
    names = {record.corpus for record in records}
    wanted: dict[str, list[int]] = defaultdict(list)
    for i, record in enumerate(records):
        wanted[record.sha256].append(i)
    search = _Search(records, wanted)
    unread: list[str] = []
    for document in _documents(folder, names, unread):
        search.by_split(document)
    if search.open():
        search.by_runs(_documents(folder, names, []))
    found = [
        None if (text := search.texts.get(record.sha256)) is None else record.with_text(text) for record in records
    ]
    return JoinResult(
        tuple(label for label in found if label is not None),
        tuple(
            Missing(record, search.reason(record))
            for record, label in zip(records, found, strict=True)
            if label is None
        ),
        tuple(unread),
    )


class _Search:
    BATCH = 1 << 20  # characters of text that are searched as one array

    def __init__(self, records: Sequence[Standoff], wanted: Mapping[str, list[int]]) -> None:
        self.records = records
        self.wanted = wanted
        self.texts: dict[str, str] = {}
        self.is_exact: set[str] = set()
        self.documents: dict[str | None, int] = defaultdict(int)
        self.ids: set[str] = set()

    def open(self) -> list[Standoff]:
        """Records whose sentence was not found as it was read: at all, or with other punctuation or case only."""
        return [record for record in self.records if record.sha256 not in self.is_exact]

    def offer(self, sha: str, sentence: str) -> None:
        """Take a sentence that was found, unless an edition of it with the very punctuation that was read is there
        already.
        """
        if sha in self.is_exact:
            return
        if any(exact_hash(sentence) == self.records[i].exact for i in self.wanted[sha]):
            self.is_exact.add(sha)
        elif sha in self.texts:
            return
        self.texts[sha] = sentence

    def by_split(self, document: _Document) -> None:
        from rhetoric.sentences import split

        self.documents[document.corpus] += 1
        if document.id is not None:
            self.ids.add(document.id)
        for start, end in [(0, len(document.text)), *split(document.text)]:
            sentence = document.text[start:end]
            sha = sentence_hash(sentence)
            if sha in self.wanted:
                self.offer(sha, collapse(sentence))

    def by_runs(self, documents: Iterable[_Document]) -> None:
        batches: dict[str | None, list[_Document]] = defaultdict(list)
        sizes: dict[str | None, int] = defaultdict(int)
        for document in documents:
            batches[document.corpus].append(document)
            sizes[document.corpus] += len(document.text)
            if sizes[document.corpus] >= self.BATCH:
                self._runs_of(document.corpus, batches.pop(document.corpus))
                sizes[document.corpus] = 0
        for corpus, batch in batches.items():
            self._runs_of(corpus, batch)

    def _runs_of(self, corpus: str | None, documents: list[_Document]) -> None:
        by_length: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for record in self.open():
            if corpus in (None, record.corpus):
                by_length[record.letters][int(record.print, 16)].add(record.sha256)
        parts = [words_of(document.text) for document in documents]
        if not by_length or not any(parts):
            return
        runs = Runs([word for part in parts for word in part])
        ends = np.cumsum([sum(map(len, part)) for part in parts])
        for letters, prints in by_length.items():
            starts, found = runs.prints(letters)
            for at in np.flatnonzero(np.isin(found, np.fromiter(prints, np.uint64, len(prints)))):
                start = int(starts[at])
                sha = hashlib.sha256(runs.text[start : start + letters].encode()).hexdigest()
                n = int(np.searchsorted(ends, start, side="right"))
                if sha in prints[int(found[at])] and start + letters <= ends[n]:
                    begin = start - (int(ends[n - 1]) if n else 0)
                    self._offer_run(sha, documents[n].text, begin, letters)

    def _offer_run(self, sha: str, text: str, begin: int, letters: int) -> None:
        places = places_of(text)
        start, end = places[begin], places[begin + letters - 1] + 1
        # The punctuation around a run is not told by its hash: try every extent of it, the whole of it last, and
        # offer() keeps the one that was labelled.
        left = start
        while left and not text[left - 1].isspace() and not text[left - 1].translate(FOLDING).strip():
            left -= 1
        right = end
        while right < len(text) and not text[right].isspace() and not text[right].translate(FOLDING).strip():
            right += 1
        for first in range(start, left - 1, -1):
            for last in range(end, right + 1):
                if any(exact_hash(collapse(text[first:last])) == self.records[i].exact for i in self.wanted[sha]):
                    self.offer(sha, collapse(text[first:last]))
        self.offer(sha, collapse(text[left:right]))

    def reason(self, record: Standoff) -> str:
        seen = self.documents[record.corpus] + self.documents[None]
        if not seen:
            corpus = CORPORA.get(record.corpus)
            where = f": {corpus.title}, from {corpus.source} ({corpus.licence})" if corpus else ""
            return f"no file of the corpus {record.corpus} in the folder{where}"
        if record.document is not None and record.document not in self.ids:
            return (
                f"the document {record.document} is not among the {seen} texts of {record.corpus}, nor is the sentence"
            )
        return f"not found in the {seen} texts of {record.corpus}"


def _documents(folder: Path, corpora: set[str], unread: list[str]) -> Iterator[_Document]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        names = path.relative_to(folder).parts
        corpus = next(
            (c for name in (names[0], names[-1]) for c in sorted(corpora) if name.lower().startswith(c)), None
        )
        name = path.name.removesuffix(".gz")
        try:
            raw = path.read_bytes()
            if path.suffix == ".gz":
                raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            unread.append(f"{path}: {error}")
            continue
        if name.endswith((".jsonl", ".ndjson")):
            yield from _json_documents(path, raw, corpus, unread)
            continue
        if b"\0" in raw[:4096]:
            unread.append(f"{path}: not text")
            continue
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
        yield _Document(corpus, Path(name).stem, _first_column(text))


def _json_documents(path: Path, raw: bytes, corpus: str | None, unread: list[str]) -> Iterator[_Document]:
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except ValueError as error:
            unread.append(f"{path}:{number}: not JSON: {error}")
            continue
        text = data.get("text") if isinstance(data, dict) else None
        if not isinstance(text, str):
            unread.append(f"{path}:{number}: no field 'text'")
            continue
        name = data.get("document", data.get("id"))
        own = data.get("corpus")
        yield _Document(
            sys.intern(own) if isinstance(own, str) else corpus, name if isinstance(name, str) else None, text
        )


def _first_column(text: str) -> str:
    """The words of a column file of CoNLL-2003 (word, part of speech, chunk, entity), else the text as it is."""
    rows = [row for line in text.splitlines()[:60] if (row := line.split())]
    if len(rows) < 3 or not all(len(row) == 4 and row[-1].split("-")[0] in ("B", "I", "O") for row in rows):
        return text
    sentences = text.replace("\r", "").split("\n\n")
    return "\n\n".join(" ".join(line.split()[0] for line in s.splitlines() if line.strip()) for s in sentences)
