"""An interrupt while the command still loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The moment is an import of the command line, which would otherwise show its traceback.
INTERRUPTED = """
import importlib.abc, os, signal, sys
signal.signal(signal.SIGINT, signal.{handler})
class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "halfopen.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["halfopen", "--version"]
from halfopen.cli.entry import main
main()
"""


@pytest.mark.parametrize(
    ("handler", "status", "words"),
    [("default_int_handler", 130, "interrupted\n"), ("SIG_IGN", 0, "")],
)
def test_it_is_a_sentence_unless_it_is_ignored(handler: str, status: int, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(handler=handler)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (status, words)
