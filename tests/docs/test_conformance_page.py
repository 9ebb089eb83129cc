"""Claims about docs/conformance.md: it can be followed to the letter; and about the templates that it offers."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from followed import ROOT, files, follow

TEXT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
TEMPLATES = ROOT / "tests" / "implementations" / "templates"
PYTHON = TEMPLATES / "python"
RUST = TEMPLATES / "rust"


def conform(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    """`sagacheck conform` with these arguments."""
    command = [sys.executable, "-m", "sagacheck", "conform", *arguments]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)


# The page -------------------------------------------------------------------------------------------------------------


def test_the_page_can_be_followed_to_the_letter(tmp_path: Path) -> None:
    """Every file that it shows is made, every command run, and prints what stands under it."""
    seen = list(follow(TEXT, tmp_path))
    assert len(seen) >= 8
    for shown in seen:
        assert shown.prints == shown.printed, f"{shown.command}: python tests/docs/followed.py docs/conformance.md"
        assert shown.exits == (shown.exits if shown.code is None else shown.code), shown.command


def test_the_executor_of_the_tutorial_is_that_of_the_template() -> None:
    """So whoever has followed the one knows the other."""
    assert files(TEXT, 1)["tiny.py"] == (PYTHON / "tiny.py").read_text(encoding="utf-8")


def test_the_lines_are_as_many_as_the_page_says() -> None:
    """Of the tutorial after its third and fifth step, and of the templates."""
    adapter = ("serve.py", "hello.json", "adapter.py")
    third, fifth = (sum(_lines(files(TEXT, count)[name]) for name in adapter) for count in (8, 12))
    python = _lines((PYTHON / "adapter.py").read_text(encoding="utf-8"))
    rust = sum(_lines((RUST / "src" / f"{name}.rs").read_text(encoding="utf-8")) for name in ("main", "process"))
    said = re.findall(
        r"^\| .* \| (\d+) \|$", TEXT.partition("## How long it takes")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert [third, fifth, python, rust] == list(map(int, said))


def _lines(text: str) -> int:
    """Without blank ones and comments."""
    return sum(bool(line.strip()) and not line.strip().startswith(("#", "//")) for line in text.splitlines())


def test_every_option_has_its_place_in_the_page_of_the_command_line() -> None:
    """What `--help` lists is in docs/cli.md."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    options = set(re.findall(r"^│ (--[a-z-]+)", conform("--help", where=ROOT).stdout, re.MULTILINE)) - {"--help"}
    assert len(options) > 10
    section = page.partition("\n## conform\n")[2].partition("\n## ")[0] + page.partition("\n## check\n")[0]
    model = {"--dag", "--crashes", "--fail", "--undo-fail", "--contract"}
    assert {o for o in options if f"`{o}" not in section and f"[{o}" not in section and f"({o}" not in section} <= model


# The templates --------------------------------------------------------------------------------------------------------


def test_the_templates_are_short_and_need_nothing_else() -> None:
    """Fewer than 150 lines each, with the standard library and serde_json."""
    for file in (PYTHON / "adapter.py", RUST / "src" / "main.rs"):
        assert len(file.read_text(encoding="utf-8").splitlines()) < 150
    tree = ast.walk(ast.parse((PYTHON / "adapter.py").read_text(encoding="utf-8")))
    imported = {a.name for node in tree if isinstance(node, ast.Import) for a in node.names}
    assert imported <= sys.stdlib_module_names
    dependencies = (RUST / "Cargo.toml").read_text(encoding="utf-8").partition("[dependencies]\n")[2]
    assert dependencies.partition("\n\n")[0] == 'serde_json = "1"'


@pytest.fixture(scope="module")
def rust() -> str:
    """The Rust template, built. Without cargo its test is skipped, but fails where CI=true."""
    cargo = shutil.which("cargo")
    if cargo is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no cargo to build the template with")
        pytest.skip("there is no cargo to build the template with")
    built = subprocess.run(
        [cargo, "build", "--locked", "--quiet"], cwd=RUST, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return str(RUST / "target" / "debug" / "adapter")


def test_both_templates_are_fine_and_have_the_same_verdict(rust: str, tmp_path: Path) -> None:
    """Nothing is to be mended in either, and what they pass is the same."""
    verdicts = []
    for command in (f"{sys.executable} {PYTHON / 'adapter.py'}", rust):
        smoke = conform("--cmd", command, "--smoke", where=tmp_path)
        assert (smoke.returncode, "mend" in smoke.stdout) == (0, False), smoke.stdout + smoke.stderr
        run = conform("--cmd", command, "--dag", "chain:2", "--walks", "5", where=tmp_path)
        assert run.returncode == 0, run.stdout + run.stderr
        verdicts.append([line for line in run.stdout.splitlines() if "(Python)" not in line and "(Rust)" not in line])
    assert verdicts[0] == verdicts[1]


BUGS = {
    "CompletionDurableFirst": ("end = success", "self.status[n] = end = success"),
    "WriteAheadIntent": ("            self.write(n, start)\n", ""),
    "AtMostOnce": ("dict(log)", "dict(log[:-1])"),
    "Atomicity": ("reversed(self.status.items())", "[]"),
}


@pytest.mark.parametrize("requirement", BUGS)
def test_the_template_shows_a_bug_of_its_executor(requirement: str, tmp_path: Path) -> None:
    """A template with which nothing fails, whatever the executor does, would be worse than none."""
    shutil.copy(PYTHON / "adapter.py", tmp_path)
    right = (PYTHON / "tiny.py").read_text(encoding="utf-8")
    wrong = right.replace(*BUGS[requirement])
    assert wrong != right
    (tmp_path / "tiny.py").write_text(wrong, encoding="utf-8")
    command = f"{sys.executable} adapter.py"
    run = conform("--cmd", command, "--dag", "chain:2", "--walks", "20", "--requirement", requirement, where=tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr


def test_the_template_connects_to_a_driver_that_waits(tmp_path: Path) -> None:
    """With the address as its argument, for those who start it themselves."""
    steps = ("--dag", "chain:2", "--steps", "start_lands(start); succeed(start)")
    driver = [sys.executable, "-m", "sagacheck", "conform", "--listen", "127.0.0.1:0", *steps]
    pipe = subprocess.PIPE
    with subprocess.Popen(driver, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as waiting:
        assert waiting.stderr is not None
        address = waiting.stderr.readline().split()[-1]
        adapter = [sys.executable, str(PYTHON / "adapter.py"), address]
        assert subprocess.run(adapter, timeout=60, check=False).returncode == 0
        out, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, "tiny 1 (Python)" in out) == (0, True)
