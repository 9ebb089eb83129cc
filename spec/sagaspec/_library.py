"""Where sagas come from: the ones that are packaged here, and `load_dag`, the meaning of the option `--dag`.

The packaged sagas have the shapes of sagas used in production; `data/README.md` says where they are from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from sagacheck import InputError
from sagaspec._families import FAMILY_FORMS, is_edges, is_family, parse_edges, parse_family
from sagaspec._node import NodeKind
from sagaspec._saga import Saga
from sagaspec._shape import depth, width
from sagaspec._steno_json import load_steno, load_undo
from sagaspec._text import close_matches, plain, quoted

__all__ = ["SagaInfo", "load_dag", "sagas"]

_UNDO_FILE = "actions.json"

# The name of each packaged saga -> the source file that defines it.
_SOURCES = {
    "demo_provision": "steno src/example_provision.rs",
    "disk_create": "omicron nexus/src/app/sagas/disk_create.rs",
    "disk_delete": "omicron nexus/src/app/sagas/disk_delete.rs",
    "instance_start": "omicron nexus/src/app/sagas/instance_start.rs",
    "project_create": "omicron nexus/src/app/sagas/project_create.rs",
    "snapshot_delete": "omicron nexus/src/app/sagas/snapshot_delete.rs",
    "volume_delete": "omicron nexus/src/app/sagas/volume_delete.rs",
}


@dataclass(frozen=True)
class SagaInfo:
    """What there is to know about a packaged saga before choosing it."""

    # The name that `load_dag` takes.
    name: str
    # Nodes and edges of every kind, start, end, constants and subsaga brackets too.
    nodes: int
    edges: int
    # Action nodes, and how many of these have an undo; those inside subsagas count.
    actions: int
    with_undo: int
    # Subsagas, each inlined in the graph.
    subsagas: int
    # How many nodes can be independent of each other at most.
    width: int
    # The edges of the longest path from the start to the end.
    depth: int
    # The project and the file in it that define this saga.
    source: str


@cache
def sagas() -> tuple[SagaInfo, ...]:
    """List the packaged sagas by name."""
    return tuple(_info(name, _packaged(name), source) for name, source in sorted(_SOURCES.items()))


def load_dag(text: str) -> Saga:
    """Make the saga that a user describes with `--dag`.

    Args:
        text: a family (`chain:3`, see `parse_family`), edges between actions (`a>b,a>c` or a lone `a`, see
            `parse_edges`), the name of a packaged saga (see `sagas`), or the path of a file of steno's JSON (see
            `load_steno`). A text that ends in `.json` is always a file; otherwise the first reading that fits in this
            order counts, so write `./chain:3` for a file of that name. Beside a file, `actions.json` may say which
            actions have an undo (see `load_undo`); those that it does not mention have one.

    Returns:
        The saga. That of a file is called what the file calls it, any other what the text says.

    Raises:
        InputError: nothing fits (the sentence names the forms and what looks alike), what fits has a mistake in it, or
            the file is missing, a directory, unreadable or not UTF-8.
    """
    text = text.strip()
    if not text:
        raise InputError(f"the saga to check is given as an empty text; {_forms()}")
    if text.endswith(".json"):
        return _from_file(text)
    if is_family(text):
        return parse_family(text)
    if is_edges(text):
        return parse_edges(text)
    if text in _SOURCES:
        return _packaged(text)
    if _exists(Path(text)):
        return _from_file(text)
    if ":" in text:
        return parse_family(text)  # which refuses it: there is no such family
    alike = close_matches(text, [*(form.split(":")[0] for form in FAMILY_FORMS), *_SOURCES])
    raise InputError(f"{quoted(text)} is no saga; {f'did you mean {alike}, or else ' if alike else ''}{_forms()}")


def _forms() -> str:
    return (
        f"give a family ({', '.join(FAMILY_FORMS)}), edges such as a>b,a>c, a packaged saga "
        f"({', '.join(sorted(_SOURCES))}) or a FILE with steno's JSON"
    )


def _info(name: str, saga: Saga, source: str) -> SagaInfo:
    kinds = [node.kind for node in saga.nodes]
    return SagaInfo(
        name=name,
        nodes=len(saga.nodes),
        edges=len(saga.edges),
        actions=kinds.count(NodeKind.ACTION),
        with_undo=sum(node.has_undo for node in saga.nodes),
        subsagas=kinds.count(NodeKind.SUBSAGA_START),
        width=width(saga),
        depth=depth(saga),
        source=source,
    )


def _packaged(name: str) -> Saga:
    data = files("sagaspec") / "data"
    undo = load_undo((data / _UNDO_FILE).read_text(encoding="utf-8"), _UNDO_FILE, name)
    return load_steno((data / f"{name}.json").read_text(encoding="utf-8"), name, undo)


def _from_file(text: str) -> Saga:
    path = Path(text)
    contents = _read(path)
    beside = path.with_name(_UNDO_FILE)
    undo = load_undo(_read(beside), plain(str(beside)), path.stem) if _exists(beside) else None
    return load_steno(contents, plain(text), undo)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> str:
    place = plain(str(path))
    try:
        if path.is_char_device() or path.is_block_device():
            raise InputError(f"{place}: this is a device; give the path of a .json file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: this file is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except IsADirectoryError:
        raise InputError(f"{place}: this is a directory; name one of the .json files in it") from None
    except FileNotFoundError:
        packaged = f", or {path.stem} for the packaged saga of that name" if path.stem in _SOURCES else ""
        raise InputError(f"{place}: there is no such file; give the path of a .json file{packaged}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a possible file name"
        raise InputError(f"{place}: this file cannot be read ({why}); give the path of a readable file") from None
