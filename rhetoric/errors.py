"""What can go wrong, by name. Every error says what came in, what was wanted and what to do."""

from __future__ import annotations


class RhetoricError(Exception):
    """Base of all errors this library raises on purpose."""


class ModelError(RhetoricError):
    """A model folder can not be loaded; the message names the file and the fault."""


class LabelError(RhetoricError):
    """A labelled file is not usable; the message names the line and the fault."""


class ArchiveError(RhetoricError):
    """An archive can not be scored or resumed; the message names the reason and what to do."""


class MissingExtraError(RhetoricError, ImportError):
    """An optional dependency is not installed; the message is the ``pip install`` line that mends it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional dependency. Install it with:  pip install 'diplomatic-rhetoric[{extra}]'"
        )
        self.extra = extra

    def __reduce__(self) -> tuple[object, ...]:  # so that it survives the way back from a worker process
        return (_rebuild_missing_extra, (str(self), self.extra))


def _rebuild_missing_extra(message: str, extra: str) -> MissingExtraError:
    error = MissingExtraError("", extra)
    error.args, error.msg = (message,), message  # an ImportError prints its msg
    return error


class RhetoricWarning(UserWarning):
    """Something the user should know that stops nothing."""
