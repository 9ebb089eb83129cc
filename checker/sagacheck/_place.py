"""Where in the text of a specification something was written: the first frame that is not the language's own."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["OWN_FILES", "here"]

_OWN = ("_place.py", "_tracing.py", "_handlers.py", "_build.py", "_front.py", "_expr.py", "_language.py", "language.py")
OWN_FILES = {str(Path(__file__).with_name(name)) for name in _OWN}


def here() -> tuple[str, int]:
    """File and line of the specification text that is being read."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename in OWN_FILES and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
