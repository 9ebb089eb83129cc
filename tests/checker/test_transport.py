"""Whatever an adapter in another process does, one sentence says it in time, and nobody is left behind."""

from __future__ import annotations

import os
import random
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_adapters import FAULTS

from sagacheck import ImplementationError, InputError, connected
from sagacheck._lines import Lines
from sagacheck._protocol import Conversation
from sagacheck._transport import listening, started
from sagaref._adapter import Adapter
from sagaspec import domain

FAKES = Path(__file__).with_name("fake_adapters.py")
HARD_LIMIT = 20  # seconds for each test
REPLIES_IN = 15.0  # the time limit for a reply that does come: more than a busy machine needs
HANGS_FOR = 0.5  # and for one that does not

MESSAGES: dict[str, dict[str, Any]] = {
    "hello": {"command": "hello", "protocol": 1},
    "load": {"command": "load", "document": None, "labels": [], "relations": {}, "predicates": {}, "environment": {}},
    "step": {"command": "step", "step": "go", "node": "a"},
    "end": {"command": "end"},
}
NAMES = {"hello": "hello", "load": "load", "step": "step go(a)", "end": "end"}
HUGE = {**MESSAGES["load"], "document": "x" * 2**22}


def _ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = _ipv6()

pytestmark = pytest.mark.skipif(os.name != "posix", reason="adapters in other processes are for Unix")


# What each test has to keep to ----------------------------------------------------------------------------------------


def alive(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of one that nobody has waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self/stat").exists()


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """A test that hangs fails."""

    def too_late(*_: object) -> None:
        raise AssertionError(f"this takes more than {HARD_LIMIT} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(HARD_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """After a test no file is open that was not before."""
    before = set(os.listdir("/dev/fd"))  # noqa: PTH208  (the descriptors themselves, and not their paths)
    yield
    assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """Where fakes add their process ids: at the end none of them is left."""
    file = tmp_path / "pids"
    file.touch()
    yield file
    left = [int(pid) for pid in file.read_text("utf-8").split()]
    for _ in range(500):  # one that is killed needs a moment to die
        left = [pid for pid in left if alive(pid)]
        time.sleep(0.01 if left else 0)
    assert left == []


def command(fault: str, at: str, pids: Path) -> str:
    """The command that starts a fake."""
    assert fault in FAULTS
    return shlex.join([sys.executable, "-S", str(FAKES), fault, at, str(pids)])


def fake(fault: str, at: str, pids: Path, seconds: float = REPLIES_IN) -> Lines:
    """A connection to a fake that has come to the message before the fault."""
    connection = started(command(fault, at, pids), seconds)
    assert isinstance(connection, Lines)
    for name, message in MESSAGES.items():
        if name == at or at == "start":
            break
        connection.ask(message)
    return connection


def fails(connection: Lines, message: dict[str, Any], seconds: float = REPLIES_IN) -> str:
    """What is said of the fault at this message: one sentence, in time; the conversation is over then."""
    connection._seconds = seconds
    begun = time.monotonic()
    with pytest.raises(ImplementationError) as caught:
        connection.ask(message)
    assert time.monotonic() - begun < seconds + 5
    with pytest.raises(ImplementationError, match=r"^it cannot be asked hello: the conversation is over$"):
        connection.ask(MESSAGES["hello"])
    connection.close()
    return str(caught.value)


# One fault each -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", MESSAGES)
@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("leave", "exited with code 7"),
        ("leave_well", "exited with code 0"),
        ("killed", "was killed by SIGKILL"),
        ("silent", "closed its standard output"),
    ],
)
def test_one_that_ends_early_is_told_with_how_it_ended(fault: str, how: str, at: str, pids: Path) -> None:
    """At each of the messages."""
    assert fails(fake(fault, at, pids), MESSAGES[at]) == f"it {how} before it replied to {NAMES[at]}"


@pytest.mark.parametrize("at", MESSAGES)
def test_one_that_hangs_is_told_in_time(at: str, pids: Path) -> None:
    """At each of the messages."""
    assert fails(fake("hang", at, pids), MESSAGES[at], HANGS_FOR) == f"it did not reply to {NAMES[at]} within 0.5 s"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("chat", "its reply to hello is no JSON (expecting value at character 1): 'Starting up...'"),
        ("empty", "its reply to hello is no JSON (expecting value at character 1): ''"),
        ("latin", 'its reply to hello is not UTF-8: \'{"outcome": "pr\\\\xeat"}\''),
        ("nan", 'its reply to hello has NaN, which is no JSON: \'{"outcome": "taken", "state": {"x": NaN}}\''),
        ("digits", 'its reply to hello has a number of 5000 digits: \'{"state": {"x": ' + "9" * 64 + "'..."),
        ("infinite", 'its reply to hello has a number that is too large: \'{"state": {"x": 1e999}}\''),
        ("deep", "its reply to hello is nested too deep: '" + "[" * 80 + "'..."),
        ("flood", "its reply to hello is a line of more than 16 MiB: '" + "x" * 80 + "'..."),
        (
            "unfinished",
            'it exited with code 0 before it replied to hello; it wrote only \'{"outcome": "taken"}\', '
            "without a line end",
        ),
    ],
)
def test_a_reply_that_cannot_be_read_is_shown(fault: str, sentence: str, pids: Path) -> None:
    """Its beginning, and why it cannot be read."""
    assert fails(fake(fault, "hello", pids), MESSAGES["hello"]) == sentence


def test_half_a_reply_is_none(pids: Path) -> None:
    """It is shown when the time is up."""
    sentence = "it did not reply to step go(a) within 0.5 s; it wrote only '{\"outcome\": ', without a line end"
    assert fails(fake("half", "step", pids), MESSAGES["step"], HANGS_FOR) == sentence


@pytest.mark.parametrize("fault", ["twice", "flood_lines"])
def test_replies_too_many_at_once_are_an_error(fault: str, pids: Path) -> None:
    """None of them can be taken for the reply to the next message."""
    sentence = fails(fake(fault, "load", pids), MESSAGES["load"])
    assert sentence.startswith('it wrote more than its reply to load: \'{"outcome": ')


def test_a_line_that_nobody_asked_for_is_an_error_at_the_next_message(pids: Path) -> None:
    """It cannot be taken for the reply to that one."""
    connection = fake("later", "load", pids)
    connection.ask(MESSAGES["load"])
    select.select([connection._peer.reading], [], [])
    assert fails(connection, MESSAGES["step"]) == "it wrote before it was asked step go(a): 'late'"


def test_a_line_before_hello_is_no_reply_to_it(pids: Path) -> None:
    """It is there before hello is sent."""
    connection = fake("chat", "start", pids)
    select.select([connection._peer.reading], [], [])
    assert fails(connection, MESSAGES["hello"]) == "it wrote before it was asked hello: 'Starting up...\\n'"


@pytest.mark.parametrize("fault", ["hang", "deaf"])
def test_one_that_reads_nothing_is_told_in_time(fault: str, pids: Path) -> None:
    """The message is larger than a pipe holds."""
    sentence = fails(fake(fault, "start", pids), HUGE, HANGS_FOR)
    assert sentence in ("it did not even read load within 0.5 s", "it did not reply to load within 0.5 s")


def test_one_that_replies_before_it_has_read_is_told(pids: Path) -> None:
    """What it says cannot be a reply."""
    sentence = 'it replied to load before it had read it: \'{"outcome": "taken"}\''
    assert fails(fake("hasty", "start", pids), HUGE) == sentence


def test_an_error_is_its_sentence(pids: Path) -> None:
    """A reply like any other for the connection; the conversation makes an error of it."""
    with (
        pytest.raises(ImplementationError, match=r"^its reply to hello is an error: the disk is full$"),
        connected(lambda: fake("error", "hello", pids)) as connection,
    ):
        Conversation(connection).hello()


def test_an_error_before_the_message_is_read_is_not_lost(pids: Path) -> None:
    """It is the reply if the adapter is gone, and shown as what it said too early if it is not yet."""
    with (
        pytest.raises(ImplementationError, match=r"the disk is full"),
        connected(lambda: fake("refuse_to_read", "start", pids)) as connection,
    ):
        raise ImplementationError(connection.ask(HUGE)["error"])


def test_another_version_of_the_protocol_is_told(pids: Path) -> None:
    """And nothing else is asked of it."""
    with (
        pytest.raises(ImplementationError, match=r"^it speaks version 2 of the protocol, this is version 1$"),
        connected(lambda: fake("version", "hello", pids)) as connection,
    ):
        Conversation(connection).hello()


# What it says to people -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", MESSAGES)
def test_what_it_said_before_it_died_is_shown(at: str, pids: Path) -> None:
    """The traceback is the reason; colours are not shown."""
    first, *lines = fails(fake("crash", at, pids), MESSAGES[at]).splitlines()
    assert first == f"it exited with code 1 before it replied to {NAMES[at]}; its standard error ends with"
    assert lines[0] == "  | Traceback (most recent call last):"
    assert lines[-1] == "  | RuntimeError: no such node"


def test_the_last_lines_that_it_said_are_shown_when_it_hangs(pids: Path) -> None:
    """Twenty, each not too long."""
    connection = fake("chatter_and_hang", "step", pids)
    first, *lines = fails(connection, MESSAGES["step"], 2).splitlines()
    assert first == "it did not reply to step go(a) within 2 s; its standard error ends with"
    assert lines[-2:] == ["  | this is line 19999 of what nobody wants to know", "  | " + "x" * 200]
    assert len(lines) == 20


def test_what_it_says_to_people_does_not_stop_it(pids: Path) -> None:
    """However much that is, at every message."""
    for at in MESSAGES:
        connection = fake("chatter", at, pids)
        assert connection.ask(MESSAGES[at])["outcome" if at != "hello" else "protocol"]
        connection.close()


def test_words_without_end_are_no_reply(pids: Path) -> None:
    """The time limit holds all the same, and little of it is kept."""
    connection = fake("flood_people", "step", pids)
    first, *_ = fails(connection, MESSAGES["step"], HANGS_FOR).splitlines()
    assert len(connection._said) <= 2**14
    assert first == "it did not reply to step go(a) within 0.5 s; its standard error ends with"


# The end --------------------------------------------------------------------------------------------------------------


def test_close_says_end_and_a_second_close_nothing(pids: Path) -> None:
    """An adapter that keeps to the protocol is gone at once."""
    connection = fake("none", "load", pids)
    connection.close()
    connection.close()
    with pytest.raises(ImplementationError, match=r"^it cannot be asked load: the conversation is over$"):
        connection.ask(MESSAGES["load"])


def test_after_end_nothing_is_asked(pids: Path) -> None:
    """The reply to end is a reply."""
    connection = fake("none", "end", pids)
    assert connection.ask(MESSAGES["end"]) == {"outcome": "taken"}
    with pytest.raises(ImplementationError, match=r"^it cannot be asked end: the conversation is over$"):
        connection.ask(MESSAGES["end"])
    connection.close()


@pytest.mark.parametrize(
    "fault",
    ["hang", "stubborn", "leave", "crash", "silent", "chat", "twice", "flood", "flood_lines", "flood_people", "later"],
)
def test_close_ends_whatever_does_not_end(fault: str, pids: Path) -> None:
    """One that ignores the message and the signal, and one that writes without end: soon, and without an error."""
    connection = fake(fault, "end", pids)
    connection._seconds = HANGS_FOR
    begun = time.monotonic()
    connection.close()
    assert time.monotonic() - begun < HANGS_FOR + 5


def test_what_it_has_started_is_ended_too(pids: Path) -> None:
    """Also when the adapter itself is gone, and its child has its output."""
    connection = fake("leave_child", "load", pids)
    assert fails(connection, MESSAGES["load"], 3) == "it did not reply to load within 3 s, but exited with code 7"
    assert len(pids.read_text("utf-8").split()) == 2


def test_it_is_stopped_when_the_driver_fails(pids: Path) -> None:
    """With whatever error."""
    with pytest.raises(ZeroDivisionError), connected(lambda: fake("stubborn", "end", pids, 2)):
        _ = 1 / 0


@pytest.mark.parametrize("fault", ["hang", "stubborn", "flood_people"])
def test_ctrl_c_leaves_nobody_behind(fault: str, pids: Path) -> None:
    """While a reply is waited for; the driver ends as Ctrl-C ends a program."""
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from sagacheck._transport import started\n"
        "started(sys.argv[1], 60.0).ask({'command': 'hello', 'protocol': 1})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-c", script, command(fault, "hello", pids)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=environment) as driver:
        while not pids.read_text("utf-8").endswith("\n"):
            time.sleep(0.01)
        time.sleep(0.5)
        driver.send_signal(signal.SIGINT)
        _, err = driver.communicate(timeout=10)
    assert driver.returncode == -signal.SIGINT
    assert err.endswith("KeyboardInterrupt\n")


# Commands that cannot be started --------------------------------------------------------------------------------------


def test_a_command_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    """One sentence, before anything is asked."""
    script, text = tmp_path / "script", tmp_path / "text"
    script.write_text("#!/no/such/interpreter\n", "utf-8")
    text.write_text("nothing\n", "utf-8")
    script.chmod(0o700)
    text.chmod(0o700)
    for line, words in {
        "": "--cmd: give the program that is the adapter, with its arguments",
        "  ": "--cmd: give the program that is the adapter, with its arguments",
        "a 'b": "--cmd a 'b: this cannot be split into words: no closing quotation",
        "no-such-program -x": "--cmd no-such-program -x: there is no program 'no-such-program'",
        f"{tmp_path}": f"--cmd {tmp_path}: '{tmp_path}' cannot be started: Permission denied",
        f"{text}": f"--cmd {text}: '{text}' cannot be started: Exec format error",
        f"{script}": f"--cmd {script}: what '{script}' says in its first line is no program",
        "a\0b": "--cmd 'a\\x00b': it cannot be started: embedded null byte",
    }.items():
        with pytest.raises(InputError) as caught:
            started(line, 1)
        assert str(caught.value) == words


# Adapters that connect ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "give HOST:PORT, or the PATH of a socket file"),
        ("8000", "give HOST:PORT, or the PATH of a socket file"),
        ("localhost:http", "give HOST:PORT, or the PATH of a socket file"),
        (":8000", "only localhost, 127.0.0.1 and [::1] are accepted as HOST"),
        ("0.0.0.0:0", "only localhost, 127.0.0.1 and [::1] are accepted as HOST"),
        ("[::]:0", "only localhost, 127.0.0.1 and [::1] are accepted as HOST"),
        ("192.0.2.1:0", "only localhost, 127.0.0.1 and [::1] are accepted as HOST"),
        ("example.org:80", "only localhost, 127.0.0.1 and [::1] are accepted as HOST"),
        ("localhost:65536", "there is no port 65536"),
        ("/no/such/folder/socket", "nobody can wait there: No such file or directory"),
        ("x" * 200, "nobody can wait there: AF_UNIX path too long"),
    ],
)
def test_an_address_that_cannot_be_waited_at_is_refused(address: str, words: str) -> None:
    """No other machine can connect, and nothing is told."""
    with pytest.raises(InputError) as caught:
        listening(address, 1, lambda _: pytest.fail("it waits"))
    assert str(caught.value) == f"--listen {address}: {words}"


def test_a_port_that_is_taken_is_refused() -> None:
    """By whomever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"localhost:{server.getsockname()[1]}"
        with pytest.raises(InputError, match=f"--listen {address}: nobody can wait there: .*in use"):
            listening(address, 1, lambda _: pytest.fail("it waits"))


def test_a_path_where_something_is_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Also a link to nothing."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("mine", "utf-8")
    link.symlink_to(tmp_path / "nothing")
    for path in (file, link, tmp_path):
        with pytest.raises(InputError, match="there is something of that name; give a path where nothing is"):
            listening(str(path), 1, lambda _: pytest.fail("it waits"))
    assert file.read_text("utf-8") == "mine"
    assert link.is_symlink()


@pytest.mark.parametrize("kind", ["127.0.0.1:0", "[::1]:0", "socket"])
def test_a_connection_that_closes_or_hangs_is_told(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was started is, but for how it ended; the socket file is for this user, and gone afterwards."""
    if kind.startswith("[") and not IPV6:
        pytest.skip("this machine has no [::1]")
    monkeypatch.chdir(tmp_path)
    for act, sentence in {
        lambda _: None: "it did not reply to hello within 0.5 s",
        lambda s: s.close(): "it closed the connection before it replied to hello",
        lambda s: s.shutdown(socket.SHUT_WR): "it closed the connection before it replied to hello",
        lambda s: s.sendall(b"at your service\n"): "it wrote before it was asked hello: 'at your service\\n'",
    }.items():
        others: list[socket.socket] = []
        try:
            connection = listening(kind, HANGS_FOR, lambda told, o=others: o.append(connect(told)))  # type: ignore[misc]
            act(others[0])  # type: ignore[no-untyped-call]
            assert isinstance(connection, Lines)
            assert fails(connection, MESSAGES["hello"], HANGS_FOR) == sentence
        finally:
            for other in others:
                other.close()
    assert list(tmp_path.iterdir()) == []


def connect(told: str) -> socket.socket:
    """Somebody who connects where an adapter is waited for."""
    address = told.removeprefix("waiting for an adapter at ")
    host, _, port = address.rpartition(":")
    if port.isdigit():
        return socket.create_connection((host.strip("[]"), int(port)))
    assert Path(address).stat().st_mode & 0o777 == 0o600
    other = socket.socket(socket.AF_UNIX)
    other.connect(address)
    return other


def test_ctrl_c_while_nobody_connects_removes_the_socket_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waiting has no time limit."""
    monkeypatch.chdir(tmp_path)

    def interrupt(_: str) -> None:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)

    with pytest.raises(KeyboardInterrupt):
        listening("socket", 1, interrupt)
    assert list(tmp_path.iterdir()) == []


# The reference in a process of its own --------------------------------------------------------------------------------


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that starts the reference as an adapter."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
    return [sys.executable, "-m", "sagaref", "adapter"]


def walk(conversation: Conversation) -> list[object]:
    """The replies along a walk that takes what is offered, with a crash and a recovery, and asks for what is not."""
    environment = {option.name: option.default for option in domain.environment}
    hello = conversation.hello()
    reply = conversation.load(domain.load("chain:1", environment), environment)
    replies: list[object] = [hello, reply]
    rng = random.Random(4)
    taken = []
    for i in range(30):
        possible = [
            o for o in reply.offers if (o.step == "crash") is (i == 12) and o.step not in ("fail", "ask_status")
        ]
        if not possible:
            break
        taken.append(rng.choice(sorted(possible, key=str)))
        reply = conversation.step(taken[-1].step, taken[-1].element)
        assert reply.outcome == "taken"
        replies.append(reply)
    assert {"kick_off", "take_effect", "crash", "recover", "success_lands"} <= {o.step for o in taken}
    reply = conversation.step("kick_off", None)
    assert reply.outcome == "refused"
    return [*replies, reply]


def in_process() -> list[object]:
    """Those of the adapter in this process."""
    with connected(Adapter) as connection:
        return walk(Conversation(connection))


def test_the_reference_replies_through_a_pipe_as_in_this_process(reference: list[str]) -> None:
    """Message for message."""
    with connected(lambda: started(shlex.join(reference), REPLIES_IN)) as connection:
        assert walk(Conversation(connection)) == in_process()


@pytest.mark.parametrize("kind", ["localhost:0", "127.0.0.1:0", "socket"])
def test_the_reference_replies_over_a_connection_as_in_this_process(
    reference: list[str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It connects to the driver, and exits with 0 when that says so."""
    monkeypatch.chdir(tmp_path)
    adapters: list[subprocess.Popen[bytes]] = []

    def tell(told: str) -> None:
        address = told.removeprefix("waiting for an adapter at ")
        assert not address.endswith(":0")
        adapters.append(subprocess.Popen([*reference, "--connect", address]))

    with connected(lambda: listening(kind, REPLIES_IN, tell)) as connection:
        assert list(tmp_path.iterdir()) == []
        assert walk(Conversation(connection)) == in_process()
    assert [adapter.wait(10) for adapter in adapters] == [0]


def lines(reference: list[str], text: bytes) -> tuple[int, list[bytes], bytes]:
    """Exit code, lines of standard output, and standard error of the reference with this input."""
    done = subprocess.run(reference, input=text, capture_output=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_the_reference_exits_when_it_is_told_to_or_the_input_ends(reference: list[str]) -> None:
    """With 0, and without a word to people."""
    assert lines(reference, b"") == (0, [], b"")
    assert lines(reference, b'{"command": "end"}\nnever read\n') == (0, [b'{"outcome": "taken"}'], b"")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"hello", b"a line is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", b"a line is no JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"[]", b"a message is an object, and no list"),
        (b"{}", b"None fails with ValueError: no message is expected here with the command None"),
        (b'{"command": "stop"}', b"stop fails with ValueError: no message is expected here with the command 'stop'"),
        (b'{"command": "load", "labels": []}', b"load fails with KeyError: 'predicates'"),
    ],
)
def test_the_reference_says_what_it_cannot_answer(reference: list[str], line: bytes, words: bytes) -> None:
    """An error with a sentence, and exit code 2."""
    assert lines(reference, line + b"\nnever read\n") == (2, [b'{"error": "' + words + b'"}'], b"")


def test_standard_output_of_the_reference_has_replies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever prints something in that process prints it to standard error."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
    script = (
        "import sys; from sagaref import __main__, _serve; old = _serve.Adapter.ask\n"
        "def ask(self, message): print('printed', flush=True); return old(self, message)\n"
        "_serve.Adapter.ask = ask; sys.exit(__main__.main(['adapter']))"
    )
    text = b'{"command": "end"}\n'
    assert lines([sys.executable, "-c", script], text) == (0, [b'{"outcome": "taken"}'], b"printed\n")


def test_the_reference_says_that_no_driver_waits(reference: list[str], tmp_path: Path) -> None:
    """One sentence, and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address, reason in (
        (f"127.0.0.1:{port}", "Connection refused"),
        (f"{tmp_path}/x", "No such file or directory"),
    ):
        sentence = f"sagaref: --connect {address}: no driver can be talked to there: {reason}\n"
        assert lines([*reference, "--connect", address], b"") == (2, [], sentence.encode())
