"""Mistakes that a type checker must catch, each with the code of its error; the test compares them line by line."""

from __future__ import annotations

import rhetoric
from rhetoric.dyads import count_dyads

rhetoric.classify(["Ruritania denied it."])  # error: arg-type
rhetoric.classify(None)  # error: arg-type
rhetoric.classify(b"Ruritania denied it.")  # error: arg-type
rhetoric.predict_proba(3)  # error: arg-type
rhetoric.load()  # error: call-arg
rhetoric.score("articles/", "scores.jsonl", job=2)  # error: call-arg
rhetoric.train("labels.jsonl", "shipped")  # error: call-arg
unknown = rhetoric.no_such_name  # error: attr-defined
stance = rhetoric.classify("It rained.")[0].stance  # error: attr-defined
rhetoric.classify("It rained.")[0].text = "It poured."  # error: misc
rhetoric.STANCES[0] = "threat"  # error: index
rhetoric.load("fast").explain(["Ruritania denied it."])  # error: arg-type
count_dyads("scores.jsonl", by="week")  # error: arg-type
speaker: str = rhetoric.classify("It rained.").claims[0].speaker  # error: assignment
