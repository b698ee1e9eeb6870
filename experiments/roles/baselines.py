"""What the role model is held against: the first and the last actor of the sentence, quotation rules, and a tagger of
single items (begin, inside, outside) over the same features.
"""

from __future__ import annotations

import re

import numpy as np
from fitting import Claims, words_of

from rhetoric.actors import mentions
from rhetoric.roles import BITS, MAX_ITEMS
from rhetoric.stances import STANCES

_SAYS = """
said says say saying told tells added adds accused accuses denied denies rejected rejects called calls urged urges
claimed claims condemned condemns denounced dismissed blamed insisted stressed warned proposed offered declared stated
"""
_SAYING = re.compile(rf"\b(?:{'|'.join(_SAYS.split())})\b", re.IGNORECASE)
_BEFORE = re.compile(r"(?:[^,;:\"“”]*[,\"“”]\s*)*([^,;:\"“”]+?)\s*$")
_AFTER = re.compile(r"\s*([^,;.:\"“”]+)")
_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]?")


def named(claims: Claims) -> list[list[str]]:
    """The names of actors of every sentence, in order."""
    return [[mention.text for mention in mentions(sentence)] for sentence in claims.sentences]


def first_last(names: list[str]) -> tuple[str, str]:
    """The first actor speaks, the last one, if another, is the target."""
    return (names[0] if names else "", names[-1] if len(names) > 1 else "")


def quotation_rules(sentence: str, names: list[str]) -> tuple[str, str]:
    """Outside quotation marks, what stands before the first verb of saying speaks, back to a comma; after a quotation
    (``..., said X``) what stands behind it. The target is the first actor named after the verb, else the first other.
    """
    plain = _QUOTED.sub(lambda quoted: '"' * len(quoted[0]), sentence)
    verb = _SAYING.search(plain)
    if verb is None:
        return first_last(names)
    before = _BEFORE.match(plain[: verb.start()])
    after = _AFTER.match(plain[verb.end() :])
    inverted = plain[: verb.start()].rstrip().endswith((",", '"'))
    speaker = (after[1] if after else "") if inverted else (before[1] if before else "")
    others = [name for name in names if name not in speaker]
    later = [name for name in others if sentence.rfind(name) > verb.end()]
    return " ".join(speaker.split()[-8:]), (later or others or [""])[0]


class ItemTagger:
    """Begin, inside or outside, for every item by itself: logistic regression, by stochastic gradients, over the
    features of the role model.
    """

    def __init__(self, claims: Claims, which: np.ndarray) -> None:
        from sklearn.linear_model import SGDClassifier

        self.models = {}
        for stance in range(len(STANCES)):
            own = which[claims.stance[which] == stance]
            rows, tags = _rows(claims, own)
            X = _matrix(claims, rows)
            for role in range(2):
                model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=8, tol=None, average=True, random_state=0)
                self.models[stance, role] = model.fit(X, tags[:, role])

    def find(self, claims: Claims, which: np.ndarray) -> dict[int, tuple[str, str]]:
        found = {}
        for c in which:
            sentence = claims.sentence[c]
            rows = np.arange(claims.items.indptr[sentence], claims.items.indptr[sentence + 1])
            runs = np.full((2, 2), -1)
            for role in range(2):
                model = self.models[int(claims.stance[c]), role]
                p = model.predict_proba(_matrix(claims, rows))
                best = p.argmax(axis=1)
                begin = int(p[:, 1].argmax())
                if best[begin] == 1:
                    end = begin
                    while end + 1 < len(rows) and best[end + 1] == 2 and end - begin < MAX_ITEMS - 1:
                        end += 1
                    runs[role] = begin, end
            found[int(c)] = words_of(claims, int(c), runs)
        return found


def _matrix(claims: Claims, rows: np.ndarray):
    from scipy.sparse import csr_matrix

    ids = claims.items.ids[rows]
    indptr = np.arange(len(rows) + 1) * ids.shape[1]
    X = csr_matrix((np.ones(ids.size, dtype=np.float32), ids.ravel(), indptr), shape=(len(rows), 1 << BITS))
    X.sum_duplicates()
    return X


def _rows(claims: Claims, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, tags = [], []
    for c in own:
        low, high = claims.items.indptr[claims.sentence[c]], claims.items.indptr[claims.sentence[c] + 1]
        tag = np.zeros((high - low, 2), dtype=np.int8)
        for role in range(2):
            for a, b in claims.runs[c][role][:1]:
                tag[a + 1 : b + 1, role] = 2
                tag[a, role] = 1
        rows.append(np.arange(low, high))
        tags.append(tag)
    return np.concatenate(rows), np.concatenate(tags)
