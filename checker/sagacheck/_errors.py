"""What can go wrong that is the caller's to mend, one class per thing a caller can do about it.

Each error is one sentence (what was wrong, where, what to do); the command line prints it and exits with 2.
"""

from __future__ import annotations

__all__ = ["ImplementationError", "InputError", "SagacheckError", "SpecificationError", "need_z3"]


class SagacheckError(Exception):
    """Base of every error that sagacheck raises on purpose."""


class InputError(SagacheckError):
    """What the user gave (an option, a file, a name) is wrong: mend the input.

    The text is one sentence that names the value, the place and the remedy.
    """


class ImplementationError(SagacheckError):
    """An implementation under test fails, or replies what the protocol does not have: mend the implementation.

    The text is one sentence in which "it" is the implementation.
    """


class SpecificationError(SagacheckError):
    """The text of a specification is wrong: mend the specification.

    Attributes:
        problem: what is wrong, in one sentence without the place.
        file: the source file in which the mistake was made.
        line: its line, counted from 1.
    """

    def __init__(self, problem: str, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}: {problem}")
        self.problem = problem
        self.file = file
        self.line = line


def need_z3() -> None:
    """Refuse to go on without the prover, which is an extra. Raises InputError."""
    try:
        import z3  # noqa: F401
    except ImportError:
        raise InputError("this needs z3, which is not installed: pip install 'sagacheck[prove]'") from None
