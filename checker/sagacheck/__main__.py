"""`python -m sagacheck`, and the console script of the same name."""

from __future__ import annotations

import sys

from sagacheck._cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
