"""Bring the generated parts of the documentation up to date, or say which are not.

    python docs/generate.py [--check] [--quick] [NAME ...]
    python docs/generate.py --panic PANIC [--design D] [--set AXIS=VALUE ...] [--dag DAG] [--crashes N]

A generated part stands in a page between `<!-- generated: NAME -->` and `<!-- end -->`; what is outside is written by
hand and stays. The second form prints the shortest way to one particular panic, as docs/findings.md has it; it needs a
command of its own, because the property NoPanic reports only the shortest panic of all.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.extend(str(room) for room in (DOCS, DOCS.parent / "checker", DOCS.parent / "spec"))

from generator import conformance, designs, findings, specification, trust  # noqa: E402
from generator.block import Block  # noqa: E402
from sagacheck import InputError  # noqa: E402

_PART = re.compile(r"<!-- generated: ([\w-]+) -->\n(.*?)<!-- end -->", re.DOTALL)

_PAGES = (specification, designs, findings, conformance, trust)
BLOCKS: dict[str, Block] = {b.name: b for page in _PAGES for b in page.BLOCKS}


def pages() -> tuple[Path, ...]:
    """The pages that have generated parts."""
    return tuple(p for p in sorted(DOCS.glob("*.md")) if _PART.search(p.read_text(encoding="utf-8")))


def parts(page: Path) -> dict[str, str]:
    """The generated parts of a page as they stand in it: name -> text."""
    return dict(_PART.findall(page.read_text(encoding="utf-8")))


def made(name: str) -> str:
    """The part of that name, made anew."""
    return f"\n{BLOCKS[name].make().strip()}\n\n"


def update(page: Path, names: Sequence[str], *, check: bool) -> list[str]:
    """Make these parts of a page anew; returns those that were out of date.

    Args:
        page: the page; what it holds outside its generated parts is kept.
        names: the parts to be made; others stay as they are.
        check: leave the page as it is.
    """
    old = parts(page)
    unknown = set(old) - set(BLOCKS)
    if unknown:
        raise InputError(f"{page}: nothing generates {', '.join(sorted(unknown))}")
    new = {name: made(name) if name in names else text for name, text in old.items()}
    changed = [name for name in old if old[name] != new[name]]
    if changed and not check:
        text = page.read_text(encoding="utf-8")
        page.write_text(
            _PART.sub(lambda m: f"<!-- generated: {m[1]} -->\n{new[m[1]]}<!-- end -->", text), encoding="utf-8"
        )
    return changed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the parts to make; all of them for none")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if anything is out of date")
    parser.add_argument("--quick", action="store_true", help="leave out the parts that take many seconds")
    parser.add_argument("--panic", help="print the shortest way to this panic instead")
    parser.add_argument("--design", default="conforming")
    parser.add_argument("--set", action="append", default=[], metavar="AXIS=VALUE")
    parser.add_argument("--dag", default="fork-join:2")
    parser.add_argument("--crashes", default="any")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code: 0 done, 1 out of date, 2 wrong usage."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        if asked.panic:
            case = findings.Case(asked.panic, asked.design, asked.dag, asked.crashes, tuple(asked.set))
            sys.stdout.write(findings.told(case) + "\n")
            return 0
        unknown = set(asked.names) - set(BLOCKS)
        if unknown:
            raise InputError(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(BLOCKS)}")
        names = [n for n, b in BLOCKS.items() if (not asked.names or n in asked.names) and not (asked.quick and b.slow)]
        changed = [f"{page.name}: {name}" for page in pages() for name in update(page, names, check=asked.check)]
    except InputError as error:
        parser.error(str(error))
    for line in changed:
        sys.stdout.write(f"{'out of date' if asked.check else 'changed'}: {line}\n")
    return 1 if changed and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
