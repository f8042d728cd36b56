"""What `--output` means."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.logs import Log
from relpio.receiver.files import WHOLE, open_append
from relpio.receiver.output import FileOutput
from relpio.receiver.peerfiles import PLACE, PeerFiles, check_template
from relpio.receiver.program import ProgramOutput
from relpio.receiver.settings import AckDepth
from relpio.receiver.synced import SyncedFileOutput

__all__ = ["CommandOutput", "check_output", "open_output"]

_STDOUT = 1

CommandOutput = FileOutput | PeerFiles | ProgramOutput


def check_output(given: argparse.Namespace) -> None:
    """Say whether the options of the output fit together.

    Raises:
        ConfigurationError: they do not.
    """
    name: str = given.output
    synced = AckDepth(given.ack) is AckDepth.SYNCED
    program = name.startswith("|")
    if program:
        _arguments(name)
    elif PLACE in name:
        check_template(name)
    if given.program_confirm and not program:
        raise ConfigurationError("--program-confirm: no effect without --output '|PROGRAM'")
    if given.program_confirm and given.format != "line":
        raise ConfigurationError("--program-confirm counts lines: it needs --format line")
    if synced and (program or name == "-"):
        raise ConfigurationError(
            "--ack synced needs a file that can be synced"
            + ("; a program confirms with --program-confirm" if program else "")
        )


def open_output(given: argparse.Namespace, log: Log) -> CommandOutput:
    """Open the output.

    Raises:
        ConfigurationError: the options do not fit together.
        OSError: it cannot be opened.
    """
    check_output(given)
    name: str = given.output
    synced = AckDepth(given.ack) is AckDepth.SYNCED
    whole = WHOLE[given.format]
    if name.startswith("|"):
        return ProgramOutput(_arguments(name), log, confirm=given.program_confirm)
    if PLACE in name:
        return PeerFiles(name, log, most=given.max_open_files, synced=synced, whole=whole)
    if name == "-":
        return FileOutput(_STDOUT, log)
    path = Path(name)
    kind = SyncedFileOutput if synced else FileOutput
    fd = open_append(path, log, whole=whole, synced=synced)
    return kind(fd, log, path=path, whole=whole)


def _arguments(name: str) -> list[str]:
    try:
        words = shlex.split(name[1:])
    except ValueError as error:
        raise ConfigurationError(f"--output {name!r}: {error}") from None
    if not words:
        raise ConfigurationError("--output: write '|PROGRAM ARGUMENTS'")
    return words
