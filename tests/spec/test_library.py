"""Claims about the packaged sagas and about what `--dag` takes."""

from __future__ import annotations

import json
import re
import shutil
from importlib.resources import files
from itertools import combinations
from pathlib import Path

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagacheck._errors import InputError
from sagaspec._library import load_dag, sagas
from sagaspec._shape import depth, width

DATA = Path(__file__).parents[1] / "data" / "sagas"
PACKAGED = {
    path.name: path.read_text(encoding="utf-8") for path in (files("sagaspec") / "data").iterdir() if path.is_file()
}


def documented() -> dict[str, list[str]]:
    """Read the table of the data's README: the name of a file -> its row."""
    rows = [line.strip("| \n").split("|") for line in (DATA / "README.md").read_text("utf-8").splitlines()]
    return {row[0].strip(" `"): [cell.strip(" `") for cell in row] for row in rows if len(row) == 9 and "`" in row[0]}


def test_the_packaged_sagas_are_the_files_that_are_there() -> None:
    """Every file is listed and every listed saga has a file and an entry about its undos."""
    names = [info.name for info in sagas()]
    assert names == sorted(names)
    assert sorted(PACKAGED) == sorted(["README.md", "actions.json", *(f"{name}.json" for name in names)])
    assert sorted(json.loads(PACKAGED["actions.json"])) == names


def test_the_packaged_sagas_are_copies_of_the_documented_ones() -> None:
    """A packaged file and what is said of its undos are those of the data that tests run on."""
    undo = json.loads((DATA / "actions.json").read_text("utf-8"))
    assert json.loads(PACKAGED["actions.json"]) == {info.name: undo[info.name] for info in sagas()}
    for info in sagas():
        assert PACKAGED[f"{info.name}.json"] == (DATA / f"{info.name}.json").read_text("utf-8")


def test_the_facts_about_packaged_sagas_are_the_documented_ones() -> None:
    """Size, width, depth, undos, subsagas and source agree with the README's table."""
    for info in sagas():
        numbers = [info.nodes, info.edges, info.width, info.depth, f"{info.with_undo} / {info.actions}", info.subsagas]
        assert list(map(str, numbers)) == documented()[info.name][3:]
        assert documented()[info.name][1].split("`")[-1].removeprefix("steno ") in info.source


def test_a_packaged_saga_is_loaded_by_name() -> None:
    """The name suffices, and undos come along."""
    saga = load_dag("disk_create")
    info = next(info for info in sagas() if info.name == "disk_create")
    assert (len(saga.nodes), sum(node.has_undo for node in saga.nodes)) == (info.nodes, info.with_undo)


def test_subsagas_in_parallel_have_different_paths() -> None:
    """The two inlined deletions of snapshot_delete are told apart by the names of their ends."""
    saga = load_dag("snapshot_delete")
    assert saga.select("delete_volume/no_result_1") == 6
    assert saga.select("delete_destination_volume/no_result_1") == 16
    with pytest.raises(InputError, match=re.escape("delete_volume/no_result_1 (#6), delete_destination_volume/")):
        saga.select("no_result_1")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (" chain:1 ", ("start", "a", "end")),
        ("a", ("start", "a", "end")),
        ("n26", ("start", "n26", "end")),
        ("a, b>c", ("start", "a", "b", "c", "join", "end")),
        ("chain>diamond", ("start", "chain", "diamond", "end")),
    ],
)
def test_families_and_edges_are_told_apart(text: str, labels: tuple[str, ...]) -> None:
    """A colon or a family's name means a family; a `>`, a comma or one short name means edges."""
    assert load_dag(text).labels == labels


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    """All actions of a user's file have an undo while nothing else is said."""
    shutil.copy(DATA / "disk_create.json", tmp_path / "mine.json")
    saga = load_dag(str(tmp_path / "mine.json"))
    assert saga.edges == load_dag("disk_create").edges
    assert sum(node.has_undo for node in saga.nodes) == 9


def test_a_list_of_undos_beside_the_file_is_used(tmp_path: Path) -> None:
    """The entry of the file's name counts; without one all actions have an undo."""
    shutil.copy(DATA / "image_create.json", tmp_path)
    shutil.copy(DATA / "image_create.json", tmp_path / "other.json")
    shutil.copy(DATA / "actions.json", tmp_path)
    assert sum(node.has_undo for node in load_dag(str(tmp_path / "image_create.json")).nodes) == 2
    assert sum(node.has_undo for node in load_dag(str(tmp_path / "other.json")).nodes) == 4


def test_a_malformed_list_of_undos_beside_the_file_is_refused(tmp_path: Path) -> None:
    """It is not passed over, and the sentence names it."""
    shutil.copy(DATA / "demo.json", tmp_path)
    (tmp_path / "actions.json").write_text('{"demo": 1}')
    with pytest.raises(InputError, match=r"actions.json: \['demo'\] must be an object"):
        load_dag(str(tmp_path / "demo.json"))


def test_a_file_needs_no_suffix(tmp_path: Path) -> None:
    """What exists is read, even if its name looks like a family."""
    shutil.copy(DATA / "demo.json", tmp_path / "saga:3")
    assert load_dag(str(tmp_path / "saga:3")).name == "demo"


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """Some editors write one."""
    (tmp_path / "bom.json").write_text((DATA / "demo.json").read_text("utf-8"), encoding="utf-8-sig")
    assert load_dag(str(tmp_path / "bom.json")).name == "demo"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, a directory, not UTF-8, not JSON, not a possible name: each has its sentence."""
    (tmp_path / "dir.json").mkdir()
    (tmp_path / "latin.json").write_bytes(b'{"saga_name": "caf\xe9"}')
    (tmp_path / "prose.json").write_text("hello")
    for name, words in [
        ("none.json", "no such file"),
        ("volume_delete.json", "no such file.*volume_delete for the packaged saga"),
        ("dir.json", "is a directory"),
        ("", "is a directory"),
        ("latin.json", r"not UTF-8 text \(byte 18\)"),
        ("prose.json", "not JSON"),
        ("nul\0.json", "not a possible file name"),
        ("x" * 5000 + ".json", "cannot be read"),
        ("prose.json/x.json", "cannot be read"),
    ]:
        with pytest.raises(InputError, match=words) as caught:
            load_dag(str(tmp_path / name))
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty", "chain:N", "a>b,a>c", "volume_delete", "FILE"]),
        ("  ", ["empty"]),
        ("volume_delet", ["'volume_delet' is no saga", "did you mean volume_delete", "chain:N"]),
        ("diamnod", ["did you mean diamond"]),
        ("zzz", ["'zzz' is no saga", "give a family"]),
        ("chian:3", ["unknown family 'chian'", "did you mean chain"]),
        ("chain", ["write chain:N"]),
        ("a>b,b>a", ["no cycle"]),
        ("x" * 5000, ["is no saga"]),
        ("\0", [r"'\x00' is no saga"]),
    ],
)
def test_what_is_no_saga_is_refused_with_the_forms(text: str, words: list[str]) -> None:
    """The sentence says what there is to give, and what looks alike."""
    with pytest.raises(InputError, match=".*".join(map(re.escape, words))) as caught:
        load_dag(text)
    assert len(str(caught.value)) < 500


@given(st.text(max_size=40))
def test_any_text_gives_a_saga_or_a_sentence(text: str) -> None:
    """No text makes `load_dag` fail in another way."""
    sentence = ""
    try:
        load_dag(text)
    except InputError as refusal:
        sentence = str(refusal)
    assert sentence.isprintable()


@pytest.mark.parametrize(
    "text", ["chain:4", "ladder:3x3", "instance_start", *(f"random:{n}:{n}" for n in range(2, 40))]
)
def test_width_and_depth_agree_with_another_library(text: str) -> None:
    """Networkx finds the same longest path, and a largest matching of nodes with descendants that leaves as many."""
    saga = load_dag(text)
    graph = networkx.DiGraph(saga.edges)
    pairs = [(("from", a), ("to", b)) for a, b in networkx.transitive_closure_dag(graph).edges]
    matching = networkx.bipartite.hopcroft_karp_matching(networkx.Graph(pairs), {a for a, _ in pairs})
    assert depth(saga) == networkx.dag_longest_path_length(graph)
    assert width(saga) == len(saga.nodes) - len(matching) // 2


@pytest.mark.parametrize("seed", range(10))
def test_width_is_the_size_of_the_largest_set_of_independent_nodes(seed: int) -> None:
    """Trying all sets of nodes gives the same."""
    saga = load_dag(f"random:6:{seed}")
    ordered = set(networkx.transitive_closure_dag(networkx.DiGraph(saga.edges)).edges)
    nodes = saga.topological
    assert width(saga) == max(
        size
        for size in range(len(nodes))
        for some in combinations(nodes, size)
        if ordered.isdisjoint(combinations(some, 2))
    )
