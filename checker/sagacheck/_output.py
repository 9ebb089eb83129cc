"""Files that reports and traces go to: a file is replaced only when the new one is complete."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sagacheck._console import tell, write
from sagacheck._errors import InputError

__all__ = ["named_after", "put", "refuse_same", "refuse_unwritable", "replace_file", "replace_files", "whole_file"]

_STANDARD_OUTPUT = "-"


def whole_file(output: Path | None) -> Path | None:
    """Where `--output` writes: the file, or None for standard output, which `-` names too."""
    return None if output is None or str(output) == _STANDARD_OUTPUT else output


def put(output: Path | None, text: Callable[[bool], str]) -> None:
    """Write to the file, plain, or to standard output; `text` makes it, for a terminal or not."""
    if output is None:
        write(text(sys.stdout.isatty()))
    else:
        replace_file(output, text(False))
        tell(f"written: {output}")


def refuse_unwritable(path: Path, option: str = "--output") -> None:
    """Find out before a long search, not after it, that its result cannot be written.

    Raises:
        InputError: the folder does not exist or cannot be written to, or the path is a folder.
    """
    folder = path.resolve().parent
    if path.is_dir():
        raise InputError(f"{option} {path}: this is a folder; name a file in it")
    if not folder.is_dir():
        raise InputError(f"{option} {path}: there is no folder {folder}")
    if not os.access(folder if not path.exists() or path.is_file() else path, os.W_OK):
        raise InputError(f"{option} {path}: no permission to write in {folder}")


def refuse_same(output: Path | None, other: Path, option: str) -> None:
    """Refuse an output that would replace a file which another option keeps.

    Raises:
        InputError: both are one file, whatever they are called.
    """
    if output is None:
        return
    linked = output.exists() and other.exists() and output.samefile(other)
    if linked or output.resolve() == other.resolve():
        raise InputError(f"--output {output}: this is the file of {option}, which would be lost; name another one")


def replace_file(path: Path, text: str) -> None:
    """Put the text into the file; what was there stays until the new text is complete, and if anything fails.

    Raises:
        InputError: it cannot be written.
    """
    target = path.resolve()
    data = text.encode("utf-8")
    try:
        if target.exists() and not target.is_file():  # a device or a pipe, which has no old content to keep
            target.write_bytes(data)
            return
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise InputError(f"--output {path}: cannot be written ({error.strerror or error})") from None


def replace_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Put texts into files of a folder, which is made if it is not there; none of them if one cannot be written.

    Raises:
        InputError: one cannot be written.
    """
    temporary = {folder / f".{name}.{os.getpid()}.part": folder / name for name in texts}
    try:
        folder.mkdir(exist_ok=True)
        try:
            for part, text in zip(temporary, texts.values(), strict=True):
                part.write_bytes(text.encode("utf-8"))
            for part, target in temporary.items():
                part.replace(target)
        finally:
            for part in temporary:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be written ({error.strerror or error})") from None


def named_after(path: Path, name: str) -> Path:
    """The file for one of several: `trace.json` becomes `trace-NAME.json`, `trace.itf.json` `trace-NAME.itf.json`."""
    suffix = ".itf.json" if path.name.endswith(".itf.json") else path.suffix
    return path.with_name(f"{path.name.removesuffix(suffix)}-{name}{suffix}")
