"""A model without weights for the archive's tests: fast, deterministic, the same in every process.

Probabilities come from a checksum of the sentence; a text may hold orders: ``BREAK`` makes the model fail.
"""

from __future__ import annotations

import re
import time
import zlib
from dataclasses import dataclass

from rhetoric.records import Claim, Mention, Reading, Sentence, Span

STANCES = ("accusation", "denial", "call_to_negotiate")


@dataclass(frozen=True)
class FakeModel:
    name: str = "fake"
    classes_: tuple[str, ...] = STANCES
    hash: str = "0" * 64
    delay: float = 0.0

    def read(self, text: str) -> Reading:
        if "BREAK" in text:
            raise RuntimeError("ordered to break")
        time.sleep(self.delay)
        date = re.match(r"\s*date (\d{4}-\d\d-\d\d) ", text)
        found = list(re.finditer(r"[^\s.!?][^.!?]*[.!?]*", text[date.end() if date else 0 :]))
        base = date.end() if date else 0
        sentences = tuple(self._sentence(m.group().rstrip(), base + m.start()) for m in found)
        return Reading(sentences, date.group(1) if date else None, self.name, text)

    def _sentence(self, text: str, start: int) -> Sentence:
        checksum = zlib.crc32(text.encode())
        probabilities = {stance: (checksum >> 8 * i) % 251 / 251 for i, stance in enumerate(self.classes_)}
        stances = tuple(stance for stance, p in probabilities.items() if p > 0.7)
        unsure = tuple(stance for stance, p in probabilities.items() if 0.6 < p < 0.8)
        mention = Mention(text[:4], start, start + 4, ("XRU",))
        evidence = (Span(text[:4], start, start + 4, 1 / 3),)
        claims = tuple(Claim(stance, probabilities[stance], mention, None, evidence) for stance in stances)
        return Sentence(text, start, start + len(text), probabilities, stances, unsure, claims)


class FakeBatchModel(FakeModel):
    """Reads many texts at once, as the real models do; one bad text breaks the whole batch."""

    def read_many(self, texts: list[str]) -> list[Reading]:
        return [self.read(text) for text in texts]
