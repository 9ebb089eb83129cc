"""What docs/findings.md says was executed against the published crate steno, is, by `cargo test`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CRATE = ROOT / "tests" / "implementations" / "steno"
FINDINGS = ROOT / "docs" / "findings.md"
EXPECTED = 27


@pytest.mark.long
def test_the_schedules_do_what_the_findings_say() -> None:
    """All of them are run, against both versions, and each ends as its name claims."""
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("cargo is not installed")
    run = subprocess.run([cargo, "test", "--locked"], cwd=CRATE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "test v041_panics_when_another_saga_has_used_up_the_poll ... ok" in run.stdout
    findings = [cargo, "test", "--locked", "--test", "findings"]
    run = subprocess.run(findings, cwd=CRATE, capture_output=True, text=True, check=True)
    ran = re.findall(r"^test (\S+) \.\.\. ok$", run.stdout, re.MULTILINE)
    assert len(ran) == len(set(ran)) == EXPECTED, run.stdout
    assert {name.partition("::")[0] for name in ran} == _modules()


def test_the_findings_name_all_modules_of_schedules_and_no_others() -> None:
    """Beside the word *executed* stands the command that runs a module, and every module stands beside one."""
    named = re.findall(r"`cargo test (\w+)::`", FINDINGS.read_text(encoding="utf-8"))
    assert set(named) == _modules()


def _modules() -> set[str]:
    source = (CRATE / "tests" / "findings.rs").read_text(encoding="utf-8")
    return set(re.findall(r"^mod (\w+) \{$", source, re.MULTILINE))
