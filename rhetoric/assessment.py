"""A model measured on a user's labels: scores, errors to read, and a page with plots."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import LabelError, MissingExtraError
from rhetoric.evaluate import Evaluation, evaluate, reliability
from rhetoric.html import PALETTE, escape, label
from rhetoric.model import StanceModel
from rhetoric.training import Labels, read_labels

__all__ = ["Assessment", "assess"]

Floats: TypeAlias = NDArray[np.float64]
_MOST_ERRORS: Final = 50


@dataclass(frozen=True, eq=False, slots=True)
class Assessment:
    """Scores of a model on labelled sentences.

    ``truth`` and ``probabilities`` are (n, n_stances): the stances that the labels name, in the model's order.
    """

    model: str
    model_hash: str
    texts: tuple[str, ...]
    truth: NDArray[np.bool_]
    probabilities: Floats
    thresholds: Floats
    evaluation: Evaluation

    @property
    def stances(self) -> tuple[str, ...]:
        return tuple(score.stance for score in self.evaluation.scores)

    def errors(self, most: int = _MOST_ERRORS) -> list[dict[str, Any]]:
        """Sentences that the model reads otherwise than their label, the surest errors first; roles aside."""
        found = self.probabilities >= self.thresholds
        wrong = found != self.truth
        surety = np.where(wrong, np.abs(self.probabilities - self.thresholds), 0).max(axis=1, initial=0)
        rows: list[dict[str, Any]] = []
        for i in np.argsort(-surety, kind="stable").tolist():
            if len(rows) == most or not wrong[i].any():
                break
            rows.append(
                {
                    "text": self.texts[i],
                    "labels": self._named(self.truth[i]),
                    "found": self._named(found[i]),
                    "probabilities": {
                        s: round(p, 4) for s, p in zip(self.stances, self.probabilities[i].tolist(), strict=True)
                    },
                }
            )
        return rows

    def _named(self, flags: NDArray[np.bool_]) -> list[str]:
        return [stance for stance, flag in zip(self.stances, flags.tolist(), strict=True) if flag]

    def to_dict(self) -> dict[str, Any]:
        """All but the plots, for JSON."""
        return {
            "model": self.model,
            "model_hash": self.model_hash,
            "thresholds": dict(zip(self.stances, self.thresholds.tolist(), strict=True)),
            **self.evaluation.to_dict(),
            "errors": self.errors(),
        }

    def figure(self) -> str:
        """Reliability and precision-recall curves of every stance, as one SVG element.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        try:
            import matplotlib
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingExtraError("an evaluation page", "plot") from error
        from sklearn.metrics import precision_recall_curve

        # a fixed salt and no date: the same labels give the same page
        with matplotlib.rc_context({"svg.hashsalt": "rhetoric", "font.size": 10}):
            figure = Figure(figsize=(10, 4.6), layout="constrained")
            left, right = figure.subplots(1, 2)
            left.plot([0, 1], [0, 1], color="#666666", linestyle=":", label="perfect")
            for k, stance in enumerate(self.stances):
                look = {
                    "color": PALETTE[k % len(PALETTE)],
                    "marker": "os^D"[k % 4],
                    "linestyle": ("-", "--", "-.", ":")[k % 4],
                }
                rows = reliability(self.truth[:, k], self.probabilities[:, k])
                left.plot([p for p, _, _ in rows], [share for _, share, _ in rows], label=label(stance), **look)
                if not self.truth[:, k].any():
                    continue
                precision, recall, _ = precision_recall_curve(self.truth[:, k], self.probabilities[:, k])
                line = right.step(recall, precision, where="post", label=label(stance), **(look | {"marker": ""}))[0]
                score = self.evaluation.scores[k]
                right.plot([score.recall], [score.precision], marker=look["marker"], color=line.get_color())
            left.set(title="Reliability", xlabel="probability", ylabel="share that has it", xlim=(0, 1), ylim=(0, 1))
            right.set(title="Precision and recall", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
            for axes in (left, right):
                axes.legend(loc="best", frameon=False)
                axes.grid(alpha=0.3)
            buffer = io.StringIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        svg = buffer.getvalue()
        return svg[svg.index("<svg") :]

    def to_html(self) -> str:
        """One offline page: scores, plots, errors.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        title = f"Evaluation of {self.model}"
        head = "<th>".join(["", "stance", "precision", "recall", "F1 (95 % interval)", "n", "ECE", "Brier"])
        rows = []
        for s in self.evaluation.scores:
            low, high = s.f1_interval
            cells = [f"{s.precision:.2f}", f"{s.recall:.2f}", f"{s.f1:.2f} ({low:.2f}–{high:.2f})", f"{s.support:,}"]
            cells += [f"{s.ece or 0:.3f}", f"{s.brier or 0:.3f}"]
            rows.append(f"<tr><th scope=row>{escape(label(s.stance))}<td>" + "<td>".join(cells))
        low, high = self.evaluation.macro_f1_interval
        macro = f"Macro-F1 {self.evaluation.macro_f1:.3f} ({low:.3f}–{high:.3f}) over {self.evaluation.n:,} sentences."

        def names(stances: Sequence[str]) -> str:
            return escape(", ".join(map(label, stances)) or "none")

        errors = [
            f"<tr><td>{escape(e['text'])}<td>{names(e['labels'])}<td>{names(e['found'])}<td>"
            + escape(", ".join(f"{p:.2f}" for p in e["probabilities"].values()))
            for e in self.errors()
        ]
        listed = f"The {len(errors)} surest errors. Probabilities in the order {', '.join(map(label, self.stances))}."
        return (
            f'<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
            f"<title>{escape(title)}</title><style>{_STYLE}</style><main><h1>{escape(title)}</h1>"
            f"<p>{macro} Model {self.model_hash[:12]}.</p><table><thead><tr>{head}<tbody>{''.join(rows)}</table>"
            f'<figure role=img aria-label="Reliability, and precision against recall, of every stance">{self.figure()}'
            f"<figcaption>Left: of the sentences given a probability, the share that has the stance. Right: the dot is "
            f"the model's threshold.</figcaption></figure><h2>Errors</h2><p>{escape(listed)}</p>"
            f"<table><thead><tr><th>sentence<th>label<th>model<th>probabilities<tbody>{''.join(errors)}</table></main>"
            f"</html>\n"
        )


_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:0}main{max-width:64rem;margin:auto;"
    "padding:1rem}table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc;vertical-align:top}figure{margin:1rem 0}svg{max-width:100%;height:auto}"
)


def assess(model: StanceModel, labels: Labels) -> Assessment:
    """Measure a model on labelled sentences, which it should not have learned from.

    Args:
        labels: as for ``train``. A stance that none of them names counts as not labelled and is left out; if they
            name none at all, every stance is measured, by its false alarms.

    Raises:
        LabelError: a label is bad, or names a stance that the model does not know.
    """
    records = [record for _, record in read_labels(labels, model.stance_names)]
    if not records:
        raise LabelError("got no labels to evaluate on")
    texts = tuple(record.sentence for record in records)
    names = [stance for stance in model.stance_names if any(stance in record.stances for record in records)]
    names = names or list(model.stance_names)
    columns = [model.stance_names.index(stance) for stance in names]
    truth = np.array([[stance in record.stances for stance in names] for record in records], dtype=bool)
    probabilities, thresholds = model.predict_proba(texts)[:, columns], np.asarray(model.thresholds_)[columns]
    scores = evaluate(truth, probabilities >= thresholds, probabilities, stances=names)
    return Assessment(model.name, model.hash, texts, truth, probabilities, thresholds, scores)
