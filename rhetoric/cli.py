"""The command line. Thin: every command calls one public function. Data on stdout, talk on stderr.

Exit status: 0 fine, 1 failed, 2 wrong usage, 3 finished but some records were bad; 130 and 143 when stopped by a
    signal.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import click

from rhetoric.errors import RhetoricError

if TYPE_CHECKING:
    from rhetoric.archive import Progress, Summary
    from rhetoric.records import Claim, Mention

BAD_RECORDS: Final = 3


class _Rhetoric(click.Group):
    """A group whose commands turn the library's errors into one line on stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except RhetoricError as error:
            fail(str(error))


def fail(message: str, status: int = 1) -> NoReturn:
    """One line on stderr, then out."""
    say(f"{click.style('error:', fg='red', bold=True)} {message}")
    sys.exit(status)


def say(message: str) -> None:
    """Talk goes to stderr; click leaves colours out where that is no terminal or NO_COLOR is set."""
    click.echo(message, err=True)


@click.group(cls=_Rhetoric, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="diplomatic-rhetoric", prog_name="rhetoric")
def main() -> None:
    """Reads diplomatic prose: who accuses, who denies, who calls for negotiation, sentence by sentence."""


def _record_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options on how documents are found in records, shared by the commands that read archives."""
    options = (
        click.option("--text", metavar="COLUMN", help="Column of the text; guessed otherwise."),
        click.option("--id", metavar="COLUMN", help="Column of the document's id; else file and line."),
        click.option("--date", metavar="COLUMN", help="Column of the date; guessed otherwise."),
        click.option("--language", metavar="COLUMN", help="Column of the language; not English is set aside."),
        click.option(
            "--max-document-mb",
            type=click.FloatRange(0, min_open=True),
            default=20.0,
            show_default=True,
            help="A larger text is rejected.",
        ),
        click.option(
            "--encoding-errors",
            type=click.Choice(["strict", "replace"]),
            default="strict",
            show_default=True,
            help="Reject invalid UTF-8, or read it with U+FFFD in its place.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@click.argument("text", metavar="TEXT|FILE|-")
@click.option("--model", default="fast", show_default=True, help="Name or folder of the model.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the whole reading.")
def classify(text: str, model: str, as_json: bool) -> None:
    """Read a text: the stances of every sentence, who takes them against whom.

    The argument is a file's path, - for standard input, or the text itself.

    \b
    Example:
      rhetoric classify "Ruritania denied that it had mined the strait."
    """
    import json

    import rhetoric

    reading = rhetoric.load(model).read(_text_of(text))
    if as_json:
        click.echo(json.dumps(reading.to_dict(), ensure_ascii=False))
        return
    if reading.date:
        click.echo(f"date {reading.date}")
    for sentence in reading:
        click.echo(" ".join(sentence.text.split()))
        for claim in sentence.claims:
            doubt = ", unsure" if claim.stance in sentence.unsure else ""
            stance = click.style(claim.stance, fg="cyan", bold=True)
            click.echo(f"    {_who(claim)}{stance} ({claim.probability:.2f}{doubt})")


def _text_of(argument: str) -> str:
    """What the argument of ``classify`` stands for."""
    from pathlib import Path

    if argument == "-":
        data, name = sys.stdin.buffer.read(), "standard input"
    else:
        try:
            if not Path(argument).is_file():
                return argument
            data, name = Path(argument).read_bytes(), argument
        except (OSError, ValueError):  # too long for a path, or holds what no path can: a text
            return argument
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        fail(f"{name}: byte {error.start} is not UTF-8; convert it first, for example with iconv")


def _who(claim: Claim) -> str:
    """`China → United States: `, as far as the sentence says it."""

    def name(mention: Mention | None) -> str:
        if mention is None:
            return "?"
        codes = f" [{'+'.join(mention.codes)}]" if mention.codes else ""
        return f"{' '.join(mention.text.split())}{codes}"

    if claim.speaker is None and claim.target is None:
        return ""
    return f"{name(claim.speaker)} → {name(claim.target)}: " if claim.target else f"{name(claim.speaker)}: "


@main.command()
def models() -> None:
    """List the models that come with the library."""
    import rhetoric
    from rhetoric.storage import card_summary

    for name in rhetoric.models():
        default = " (default)" if name == rhetoric.DEFAULT_MODEL else ""
        click.echo(f"{name}{default}: {card_summary(name)}")


@main.command()
@click.argument("labels", nargs=-1, required=True, type=click.Path(exists=True), metavar="LABELS...")
@click.option("-o", "--output", required=True, type=click.Path(), help="The model's new folder.")
@click.option(
    "--base", default="shipped", show_default=True, help="Learn on top of this model; `none` learns from LABELS alone."
)
@click.option("--stance", "stances", multiple=True, metavar="NAME", help="A new stance to learn as well; repeat.")
@click.option(
    "--held-out", type=click.Path(exists=True), help="Labels to compare on; else LABELS, by cross-validation."
)
@click.option(
    "--pool", multiple=True, metavar="ARCHIVE", help="Text without labels: `accurate` learns LABELS, reads it, teaches."
)
@click.option("--teacher", is_flag=True, help="Tune `accurate` on LABELS with torch before it reads the pool; minutes.")
def train(
    labels: tuple[str, ...],
    output: str,
    base: str,
    stances: tuple[str, ...],
    held_out: str | None,
    pool: tuple[str, ...],
    teacher: bool,
) -> None:
    """Train a model on labelled sentences and compare it with the one it would replace.

    LABELS are JSONL with text and stances, a folder of them, CSV, or what doccano, Label Studio or Prodigy export. The
    comparison is printed and kept in the card, OUTPUT/README.md, which quotes twenty of your sentences at most.

    \b
    Example:
      rhetoric train my-labels.jsonl --stance threat -o my-model
      rhetoric train my-labels.jsonl --stance threat --pool articles/ -o my-model
      rhetoric classify --model my-model "..."
    """
    from rhetoric.training import retrain

    if teacher and not pool:
        raise click.UsageError("--teacher needs text to read: add --pool ARCHIVE")
    trained = retrain(
        labels,
        base=None if base == "none" else base,
        stances=stances or None,
        held_out=held_out,
        teacher=teacher,
        pool=pool or None,
        say=say,
    )
    trained.save(output)
    click.echo(trained.card(output).split("\n", 2)[2].strip())
    say(f"{output}: {', '.join(trained.model.stance_names)}")


@main.command()
@click.argument("inputs", nargs=-1, required=True, metavar="ARCHIVE...")
@click.option("-n", "count", type=click.IntRange(1), default=200, show_default=True, help="Sentences to suggest.")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="batch.jsonl, .csv or .json.")
@click.option("--model", default="fast", show_default=True, help="Name or folder of the model.")
@click.option(
    "--labelled", multiple=True, type=click.Path(exists=True, dir_okay=False), help="Do not suggest these; repeat."
)
@click.option("--to", "target_format", metavar="FORMAT", help="doccano, label-studio, prodigy or csv.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn.")
@_record_options
def suggest(
    inputs: tuple[str, ...],
    count: int,
    output: str,
    model: str,
    labelled: tuple[str, ...],
    target_format: str | None,
    seed: int,
    **options: Any,
) -> None:
    """Pick the sentences of an archive that are worth labelling next.

    The most uncertain first, rare stances first, none like another, and a tenth at random.

    \b
    Example:
      rhetoric suggest articles/ -n 200 -o batch.jsonl && rhetoric label batch.jsonl
    """
    from rhetoric.suggest import suggest as pick
    from rhetoric.suggest import write_suggested

    found = pick(inputs, count, model=model, labelled=labelled, seed=seed, say=say, **options)
    write_suggested(found, output, target_format)
    say(f"{output}: {len(found.records):,} of {found.read:,} sentences ({found.repeated:,} known or repeated)")
    for bad in found.rejected[:10]:
        say(f"  not read: {bad.file}{'' if bad.line is None else f':{bad.line}'}: {bad.reason}")
    if found.rejected:
        say(f"{click.style(f'{len(found.rejected):,} bad records', fg='yellow')}")
        sys.exit(BAD_RECORDS)


@main.command()
@click.argument("batch", type=click.Path(exists=True, dir_okay=False), metavar="BATCH")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Answers.  [default: BATCH.labelled.jsonl]")
@click.option("--stance", "stances", multiple=True, metavar="NAME", help="A stance to choose from; repeat.")
@click.option("--annotator", help="Your name in the records.  [default: the login name]")
def label(batch: str, output: str | None, stances: tuple[str, ...], annotator: str | None) -> None:
    """Label sentences in the terminal, keys only.

    Every answer is on disk at once; the same command goes on where it stopped.

    \b
    Example:
      rhetoric label batch.jsonl --stance threat --stance accusation
    """
    from getpass import getuser
    from pathlib import Path
    from shutil import get_terminal_size

    from rhetoric.labelling import Session, run

    path = output or str(Path(batch).with_suffix(".labelled.jsonl"))
    session = Session(batch, path, stances=stances or None, annotator=annotator or getuser())
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("label needs a terminal for its keys; run it in one")

    def show(text: str) -> None:
        click.clear()
        click.echo(text)

    try:
        size = get_terminal_size()
        run(session, click.getchar, show, width=size.columns, height=size.lines)
    except (KeyboardInterrupt, EOFError):
        say(f"stopped; {session.answered} of {session.total} answered: {path}")


@main.command()
@click.argument("model")
@click.argument("labels", nargs=-1, required=True, type=click.Path(exists=True), metavar="LABELS...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--html", type=click.Path(dir_okay=False), help="Write a page with plots there (extra [plot]).")
def evaluate(model: str, labels: tuple[str, ...], as_json: bool, html: str | None) -> None:
    """Measure a model on labelled sentences that it did not learn from.

    \b
    Example:
      rhetoric evaluate fast my-labels.jsonl --html evaluation.html
    """
    import json
    from pathlib import Path

    import rhetoric
    from rhetoric.assessment import assess

    found = assess(rhetoric.load(model), labels)
    if html:
        Path(html).write_text(found.to_html(), encoding="utf-8")
        say(f"{html}: the scores with plots")
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        click.echo(found.evaluation.table())


@main.command()
@click.argument("model")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="The graph, model.onnx.")
def export(model: str, output: str) -> None:
    """Write a linear model as an ONNX graph over feature ids (extra [onnx]).

    Hashing words is no ONNX operation: rhetoric.export.feature_ids makes what the graph takes, and of a model with a
    network its network_logits the input `beside`.

    \b
    Example:
      rhetoric export fast -o fast.onnx
    """
    import rhetoric
    from rhetoric.export import to_onnx

    to_onnx(rhetoric.load(model), output)
    say(f"{output}: takes the arrays of rhetoric.export.feature_ids")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any free one.")
@click.option("--model", default="fast", show_default=True, help="Name or folder of the model.")
@click.option("--max-bytes", type=click.IntRange(1), help="Of a request's body.  [default: 4 MiB]")
@click.option("--max-characters", type=click.IntRange(1), help="Of one text.  [default: 200,000]")
@click.option("--max-texts", type=click.IntRange(1), help="Of one batch.  [default: 256]")
@click.option("--concurrency", type=click.IntRange(1), help="Requests at once; one more gets 503.  [default: 16]")
def serve(host: str, port: int, model: str, **limits: int | None) -> None:
    """Answer over HTTP: POST text, get JSON (extra [serve]).

    Stops at Ctrl-C or SIGTERM, when what was taken in is answered. GET /openapi.json describes the rest.

    \b
    Example:
      rhetoric serve --port 8000
      curl http://127.0.0.1:8000/classify --json '{"text": "Ruritania denied it."}'
    """
    from rhetoric.serve import Limits
    from rhetoric.serve import serve as run

    given = {name: value for name, value in limits.items() if value is not None}
    run(model, host=host, port=port, limits=Limits(**given), say=say)


@main.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o", "--output", required=True, help="scores.jsonl, .csv (also .gz .zst .bz2), .parquet, or FOLDER/ for parts."
)
@_record_options
@click.option("--model", default="fast", show_default=True, help="Name or folder of the model.")
@click.option(
    "--level", type=click.Choice(["sentence", "document"]), default="sentence", show_default=True, help="One row each."
)
@click.option("--only-stances", is_flag=True, help="Leave out rows without a stance.")
@click.option("--format", help="Of the parts of FOLDER/.  [default: jsonl]")
@click.option("-j", "--jobs", type=int, default=1, show_default=True, help="Processes; -1 is one per core.")
@click.option("--dask", metavar="ADDRESS", help="Score on a Dask cluster, such as tcp://10.0.0.1:8786.")
@click.option("--shard", metavar="I/N", help="Do the I-th of N portions only (SLURM arrays).")
@click.option(
    "--shard-mb",
    type=click.FloatRange(0, min_open=True),
    default=4.0,
    show_default=True,
    help="Text per shard; bounds memory.",
)
@click.option("--duplicates/--no-duplicates", default=True, show_default=True, help="Mark repeated documents.")
@click.option("--keep-parts", is_flag=True, help="Leave OUTPUT.parts/ after success.")
@click.option("--restart", is_flag=True, help="Throw away what an earlier run left.")
def score(inputs: tuple[str, ...], output: str, **options: Any) -> None:
    """Score archives: one row per sentence.

    INPUT is a file, folder, glob, URL or - for standard input: .txt .html .jsonl .csv .tsv .parquet .zip .tar .warc,
    plain or .gz .zst .bz2 .xz. A run that was stopped goes on when the same command is given again.
    """
    from rhetoric import archive

    with _stoppable(output), _progress_bar() as (progress, talk):
        try:
            summary = archive.score(inputs, output, progress=progress, say=talk, **options)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    _report(summary)


@main.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, help="A new folder for the files.")
@_record_options
@click.option(
    "--size-mb", type=click.FloatRange(0, min_open=True), default=256.0, show_default=True, help="Text per file."
)
@click.option("--compression", type=click.Choice(["gz", "zst", "bz2"]), help="Of the files.  [default: none]")
def split(inputs: tuple[str, ...], output: str, compression: str | None, **options: Any) -> None:
    """Cut one huge input into JSONL files that can be scored apart."""
    from rhetoric import archive

    summary = archive.split(inputs, output, compression=compression or "", say=say, **options)
    say(f"{summary.output}: {_count(summary.documents, 'document')} in {_count(summary.shards_done, 'file')}")
    _end_with_rejected(summary)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _report(summary: Summary) -> None:
    stances = ", ".join(f"{count:,} {name}" for name, count in summary.stances.items())
    say(
        f"{summary.output}: {_count(summary.rows, 'row')} from {_count(summary.sentences, 'sentence')} "
        f"of {_count(summary.documents, 'document')} ({stances}); {summary.seconds:.1f} s"
    )
    if summary.shards_skipped:
        shards = summary.shards_done + summary.shards_skipped
        say(f"{_count(shards, 'shard')}, of them {summary.shards_skipped:,} finished before")
    if summary.duplicates:
        say(f"{_count(summary.duplicates, 'document')} repeating an earlier one (duplicate_of)")
    if not summary.complete:
        say("one portion is done; when all are, run the same command without --shard to put the table together")
    _end_with_rejected(summary)


def _end_with_rejected(summary: Summary) -> None:
    where = f": see {summary.rejected_path}" if summary.rejected_path else ""
    if summary.other_language:
        say(f"{_count(summary.other_language, 'record')} in other languages set aside{where}")
    if summary.rejected:
        say(f"{click.style(_count(summary.rejected, 'bad record'), fg='yellow')}{where}")
        sys.exit(BAD_RECORDS)


@contextmanager
def _stoppable(output: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM (what a batch system sends at the time limit) end the run cleanly, with advice."""
    received = signal.SIGINT

    def stop(number: int, frame: object) -> None:
        nonlocal received
        received = signal.Signals(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        fail(f"stopped. Finished shards are kept beside {output}: run the same command again to go on.", 128 + received)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress_bar() -> Iterator[tuple[Callable[[Progress], None] | None, Callable[[str], None]]]:
    """A bar with rate and time left where stderr is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield None, say
        return
    began = time.monotonic()
    bar: Any = None

    def rate(now: Progress | None) -> str | None:
        if now is None:
            return None
        return f"{now.sentences / max(time.monotonic() - began, 1e-9):,.0f} sentences/s"

    def progress(now: Progress) -> None:
        nonlocal bar
        if bar is None:
            bar = click.progressbar(
                length=now.total or 0, label="scoring", file=sys.stderr, item_show_func=rate, show_eta=bool(now.total)
            )
            bar.__enter__()
        bar.update(now.consumed - bar.pos, now)

    def talk(message: str) -> None:
        say(f"\r\033[K{message}" if bar is not None else message)

    try:
        yield progress, talk
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)


@main.command()
@click.argument("scores", type=click.Path(exists=True))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="The HTML page.")
@click.option("--title", help="Heading of the page.  [default: the table's name]")
@click.option(
    "--link", metavar="URL", help="Where documents can be read, with {document}, and {start} and {end} if wanted."
)
@click.option("--card", type=click.Path(exists=True, dir_okay=False), help="Model card to quote, a Markdown file.")
@click.option(
    "--max-mb",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Size of the page; counts are exact at any size.",
)
def report(scores: str, output: str, **options: Any) -> None:
    """Show a scored table as one offline HTML page.

    \b
    Example:
      rhetoric score seeds -o scores.jsonl && rhetoric report scores.jsonl -o report.html
    """
    from rhetoric.report import write_report

    made = write_report(scores, output, **options)
    stances = ", ".join(f"{count:,} {name}" for name, count in made.stances.items())
    read = f"{made.documents:,} documents, {made.sentences:,} sentences ({stances})"
    say(f"{made.path}: {made.size / 1e6:.1f} MB, {read}")
    if made.unreadable:
        say(f"{click.style(f'{made.unreadable:,} rows could not be read', fg='yellow')}: the page lists them")
        sys.exit(BAD_RECORDS)


@main.command()
@click.argument("scores")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="CSV: one row for each dyad.")
@click.option(
    "--by", type=click.Choice(["day", "month", "year"]), default="month", show_default=True, help="Period of a count."
)
@click.option("--plover", is_flag=True, help="Add the PLOVER event types that a stance may stand for.")
@click.option("--cameo", is_flag=True, help="Add the CAMEO codes that a stance may stand for.")
def dyads(scores: str, output: str, by: Literal["day", "month", "year"], plover: bool, cameo: bool) -> None:
    """Count who takes which stance towards whom in SCORES, a table that `rhetoric score` wrote."""
    from rhetoric.dyads import write_dyads

    found = write_dyads(scores, output, by=by, plover=plover, cameo=cameo)
    say(f"{output}: {len(found):,} rows of {found.claims:,} claims ({found.repeated:,} in repeated documents left out)")
    if found.unreadable:
        say(f"{click.style(f'{found.unreadable:,} bad records', fg='yellow')} in {scores}")
        sys.exit(BAD_RECORDS)


@main.group()
def labels() -> None:
    """Labelled sentences: check, count, compare, convert, find their text."""


_stances_option = click.option(
    "--stance", "stances", multiple=True, metavar="NAME", help="A stance that may occur; repeat.  [default: our three]"
)


def _allowed(stances: tuple[str, ...]) -> tuple[str, ...]:
    from rhetoric.stances import STANCES

    return stances or STANCES


def _table(rows: Iterable[Sequence[object]]) -> None:
    """Columns on stdout: the first to the left, numbers to the right, None as a dash."""

    def cell(value: object) -> str:
        if isinstance(value, float):
            return f"{value:.3f}"
        return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)

    cells = [[cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        head, *tail = (text.rjust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join([head.strip().ljust(widths[0]), *tail]).rstrip())


@labels.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True), metavar="[FILE|FOLDER]...")
@_stances_option
def check(paths: tuple[str, ...], stances: tuple[str, ...]) -> None:
    """Verify every record of labelled JSONL files; without any, of the set that comes with the library."""
    from rhetoric import labels as sets

    found = sets.faults(*(paths or [sets.shipped()]), stances=_allowed(stances))
    for fault in found:
        click.echo(fault)
    if found:
        fail(f"{len(found):,} faults")
    say("no faults")


@labels.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True), metavar="[FILE|FOLDER]...")
@_stances_option
def stats(paths: tuple[str, ...], stances: tuple[str, ...]) -> None:
    """Count records by source and stance."""
    from rhetoric import labels as sets

    names = _allowed(stances)
    records = sets.read_any(*(paths or map(sets.shipped, ("real.jsonl", "composed.jsonl"))), stances=names)
    rows: list[Sequence[object]] = [["source", "records", *names, "none", "unsure", "implied"]]
    for c in sets.stats(records, names):
        rows.append([c.source, c.records, *(c.stances[name] for name in names), c.none, c.unsure, c.implied])
    _table(rows)


@labels.command()
@click.argument("first", type=click.Path(exists=True, dir_okay=False))
@click.argument("second", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the disagreements there, as JSONL.")
@_stances_option
def agreement(first: str, second: str, output: str | None, stances: tuple[str, ...]) -> None:
    """Compare two readings of the same sentences: alpha, kappa and F1 per stance, overlap of roles, what to discuss."""
    from rhetoric import labels as sets

    names = _allowed(stances)
    found = sets.agreement(sets.read_any(first, stances=names), sets.read_any(second, stances=names), names)
    alone = f"{found.only_first:,} in {first} alone, {found.only_second:,} in {second} alone"
    click.echo(f"{found.sentences:,} sentences in both, {alone}")
    rows: list[Sequence[object]] = [["stance", "alpha", "kappa", "F1", "both", "first alone", "second alone"]]
    rows += [[s.stance, s.alpha, s.kappa, s.f1, s.both, s.only_first, s.only_second] for s in found.stances]
    _table(rows)
    if found.roles:
        rows = [["role", "sentences", "overlap F1", "same"]]
        rows += [[f"{r.role} of {r.stance}", r.sentences, r.f1, r.exact] for r in found.roles]
        _table(rows)
    if output:
        sets.write(output, found.disagreements)
        say(f"{output}: {len(found.disagreements):,} sentences with different stances")
        return
    for difference in (d.to_dict() for d in found.disagreements):
        readings = " | ".join(", ".join(difference[name]) or "none" for name in ("first", "second"))
        click.echo(f"{readings}: {difference.get('text') or difference['id'] or difference['sha256']}")


@labels.command()
@click.argument("corpora", type=click.Path(exists=True, file_okay=False))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="JSONL of the records with text.")
@click.option(
    "--labels",
    "standoff",
    type=click.Path(exists=True, dir_okay=False),
    help="Standoff records.  [default: those that come with the library]",
)
@click.option("--missing", type=click.Path(dir_okay=False), help="Write the records that were not found there.")
def join(corpora: str, output: str, standoff: str | None, missing: str | None) -> None:
    """Find the text of standoff labels in CORPORA, a folder with your copies of the corpora."""
    from collections import Counter

    from rhetoric import labels as sets

    found = sets.join(corpora, standoff)
    sets.write(output, found.records)
    say(f"{output}: {len(found.records):,} sentences found, {len(found.missing):,} missing")
    for reason, count in Counter(m.reason for m in found.missing).most_common(12):
        say(f"  {count:,}: {reason}")
    if missing:
        sets.write(missing, (m.record for m in found.missing))
    for fault in found.unread:
        say(f"  not read: {fault}")
    if not found.records:
        fail("nothing was found")
    if found.unread:
        sys.exit(BAD_RECORDS)


@labels.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False))
@click.argument("target", type=click.Path(dir_okay=False))
@click.option(
    "--from",
    "source_format",
    metavar="FORMAT",
    help="rhetoric, doccano, label-studio, prodigy or csv; told by the file otherwise.",
)
@click.option("--to", "target_format", metavar="FORMAT", help="The same; told by the name otherwise.")
@click.option(
    "--interface", type=click.Path(dir_okay=False), help="Write the labelling interface for Label Studio there, too."
)
@_stances_option
def convert(
    source: str,
    target: str,
    source_format: str | None,
    target_format: str | None,
    interface: str | None,
    stances: tuple[str, ...],
) -> None:
    """Convert labelled sentences from and to the files of labelling tools."""
    from pathlib import Path

    from rhetoric import labels as sets

    names = _allowed(stances)
    done = sets.convert(source, target, source_format=source_format, target_format=target_format, stances=names)
    if interface:
        Path(interface).write_text(sets.label_studio_config(names), encoding="utf-8")
    say(f"{target}: {len(done.records):,} records")
    for reason in done.skipped:
        say(f"  no label: {reason}")
    if done.skipped:
        sys.exit(BAD_RECORDS)


@labels.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True), metavar="FILE|FOLDER...")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), help="JSONL, most suspicious first.")
@click.option("--folds", type=click.IntRange(2), default=5, show_default=True, help="Parts of the cross-validation.")
@_stances_option
def suspects(paths: tuple[str, ...], output: str, folds: int, stances: tuple[str, ...]) -> None:
    """Find labels that are likely wrong (confident learning), to be read again."""
    from rhetoric import labels as sets
    from rhetoric.model import StanceClassifier

    names = _allowed(stances)
    # Uncalibrated: confident learning sets its own thresholds, and each part is fitted once instead of six times.
    found = sets.suspects(sets.read(*paths, stances=names), StanceClassifier(names, folds=0), names, folds)
    sets.write(output, found)
    say(f"{output}: {len(found):,} suspicious labels")
