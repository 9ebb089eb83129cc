"""The documentation says what the specification and the checker say today."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = _generator()
PARTS = {name: page for page in generate.pages() for name in generate.parts(page)}
CASES = [pytest.param(name, marks=pytest.mark.long if generate.BLOCKS[name].slow else ()) for name in generate.BLOCKS]


@pytest.mark.parametrize("name", CASES)
def test_a_generated_part_is_current(name: str) -> None:
    """What stands in the page is what the generator makes now."""
    assert generate.parts(PARTS[name])[name] == generate.made(name), f"run python docs/generate.py {name}"


def test_every_generated_part_stands_in_one_page() -> None:
    """Nothing is generated for no page, and no part stands in two."""
    standing = [name for page in generate.pages() for name in generate.parts(page)]
    assert sorted(standing) == sorted(generate.BLOCKS)


def test_a_part_that_is_out_of_date_is_named_and_made_again(tmp_path: Path) -> None:
    """--check leaves the page alone; without it only the generated part changes."""
    page = tmp_path / "page.md"
    before = "above\n\n<!-- generated: axes -->\nold\n<!-- end -->\n\nbelow\n"
    page.write_text(before, encoding="utf-8")
    assert generate.update(page, ["axes"], check=True) == ["axes"]
    assert page.read_text(encoding="utf-8") == before
    assert generate.update(page, ["axes"], check=False) == ["axes"]
    assert generate.update(page, ["axes"], check=True) == []
    after = page.read_text(encoding="utf-8")
    assert after.startswith("above\n")
    assert after.endswith("\nbelow\n")
    assert "`writer`" in after


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    """A page that asks for a part that nothing generates is an error, and so is such a name on the command line."""
    page = tmp_path / "page.md"
    page.write_text("<!-- generated: nonsense -->\n<!-- end -->\n", encoding="utf-8")
    with pytest.raises(generate.InputError, match="nonsense"):
        generate.update(page, [], check=False)
    with pytest.raises(SystemExit) as left:
        generate.main(["nonsense"])
    assert left.value.code == 2


def test_the_command_beside_a_trace_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The command that stands with a trace is understood, and prints the same."""
    text = generate.parts(PARTS["revisited"])["revisited"]
    command = re.search(r"python docs/generate.py (.*)", text)
    assert command is not None
    assert generate.main([word.strip("'") for word in command[1].split()]) == 0
    assert capsys.readouterr().out.strip() == text.strip()


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link names a page that is there, and a heading in it."""
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]*)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert not target or (DOCS / target).exists(), f"{page.name}: {target}"
        for name, anchor in re.findall(r"\]\(([^)#:]*)#([^)]*)\)", page.read_text(encoding="utf-8")):
            goal = (DOCS / name) if name else page
            assert anchor in _anchors(goal.read_text(encoding="utf-8")), f"{page.name}: {name}#{anchor}"


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
