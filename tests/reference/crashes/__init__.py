"""Crash safety, shown by killing the process: `python -m tests.reference.crashes` kills, recovers and counts.

A life is a store from its making until its sagas are at rest. Processes live it one after the other: each recovers what
the store has, runs it, and is killed with SIGKILL, at a chosen place or at a random time; the last one is not killed.
Between a kill and the next process the log is read from outside, without the library. The modules, each importing only
from those above it (`_judge` has the types of what it judges from below):

    _journal     what actions did, in a file that survives
    _sites       the places where a process kills itself: injection points, calls of the store, within actions
    _sagas       the sagas, and their actions, which keep to the contract
    _watched     the store around which there are such places
    _places      where a store is: a SQLite file, a PostgreSQL database
    _judge       what must not have happened, counted
    _variants    the executor, and what is broken on purpose
    _process     one process: recover, run, be killed
    _life        one life: processes, and what was seen between them
    _tally       counts over many lives
    _fleet       lives side by side
    _plan        which lives are lived
    _report      what is printed
    __main__     the command line

A kill of the process does not show that what was synced survives a crash of the machine.
"""

import sys
from pathlib import Path

# The mutants and the PostgreSQL server are modules beside this package.
_BESIDE = str(Path(__file__).parents[1])
if _BESIDE not in sys.path:
    sys.path.insert(0, _BESIDE)
