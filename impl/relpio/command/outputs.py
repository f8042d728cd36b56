"""What `--output` and the options beside it mean."""

from __future__ import annotations

import argparse
import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

from relpio.command.output_options import OUTPUT_OPTIONS
from relpio.errors import ConfigurationError
from relpio.logs import Log, no_log
from relpio.receiver.destinations import Destination, Outputs, check_complete
from relpio.receiver.files import WHOLE, FileKind
from relpio.receiver.formats import FORMATS
from relpio.receiver.manyfiles import ManyFiles
from relpio.receiver.output import FileOutput
from relpio.receiver.program import ProgramOutput
from relpio.receiver.rotated import RotatedFiles
from relpio.receiver.rotation import Rotation
from relpio.receiver.selectors import split_selector
from relpio.receiver.settings import AckDepth
from relpio.receiver.synced import SyncedFileOutput
from relpio.receiver.templates import Template, has_places

__all__ = ["CommandOutputs", "check_outputs"]

_STDOUT = 1


def check_outputs(given: argparse.Namespace) -> None:
    """Say whether the options of the outputs fit together.

    Raises:
        ConfigurationError: they do not.
    """
    synced = AckDepth(given.ack) is AckDepth.SYNCED
    selectors, names = zip(*map(split_selector, given.output), strict=True)
    check_complete(selectors)
    for name in {name for name in names if names.count(name) > 1}:
        raise ConfigurationError(f"--output {name!r}: given twice; one output can have all terms")
    programs = [name for name in names if name.startswith("|")]
    for name in names:
        if name in programs:
            _arguments(name)
        elif has_places(name) and Template(name).makes_directories and not given.create_directories:
            raise ConfigurationError(
                f"--output {name!r}: a directory has a place; that needs --create-directories"
            )
    if given.program_confirm and not programs:
        raise ConfigurationError("--program-confirm: no effect without --output '|PROGRAM'")
    if given.program_confirm and given.format == "octet-counted":
        raise ConfigurationError("--program-confirm counts lines: it needs --format line or json")
    if synced and (programs or "-" in names):
        raise ConfigurationError(
            "--ack synced needs a file that can be synced"
            + ("; a program confirms with --program-confirm" if programs else "")
        )
    if not _rotates(given):
        for name in ("compress", "rotate_keep"):
            if getattr(given, name) is not None:
                raise ConfigurationError(
                    f"--{name.replace('_', '-')}: no effect without --rotate-size or --rotate-every"
                )
    RotatedFiles(no_log, compression=given.compress)


class CommandOutputs:
    """The outputs that the options ask for.

    Attributes:
        outputs: where a receiver writes to.
    """

    def __init__(self, given: argparse.Namespace, log: Log) -> None:
        """Open them.

        Raises:
            ConfigurationError: the options do not fit together.
            OSError: one cannot be opened.
        """
        self._log = log
        self._given = given
        self._rotated: RotatedFiles | None = None
        destinations, self._rotated = _open(given, log)
        self.outputs = Outputs(destinations)

    def reload(self, given: argparse.Namespace) -> None:
        """Open files again, or other outputs in their place if the options are different.

        Raises:
            ConfigurationError: the options do not fit together; nothing has changed.
            OSError: one cannot be opened; nothing has changed.
        """
        if all(_value(given, name) == _value(self._given, name) for name in _FIELDS):
            self.outputs.reopen()
            return
        destinations, rotated = _open(given, self._log)
        self.outputs.replace(destinations, given.shutdown_timeout / 2)
        if self._rotated is not None:
            self._rotated.close()
        self._rotated, self._given = rotated, given

    async def stop(self, timeout: float) -> None:
        """Forget what is not written; end programs, which get `timeout` seconds."""
        await self.outputs.stop(timeout)
        if self._rotated is not None:
            self._rotated.close()


_FIELDS = ("ack", *(option.field for option in OUTPUT_OPTIONS))


def _value(given: argparse.Namespace, field: str) -> object:
    value: object = getattr(given, field)
    return value


def _open(given: argparse.Namespace, log: Log) -> tuple[list[Destination], RotatedFiles | None]:
    check_outputs(given)
    rotated: RotatedFiles | None = None
    if given.compress is not None or given.rotate_keep is not None:
        loop = asyncio.get_running_loop()

        def from_thread(event: str, /, **fields: object) -> None:
            loop.call_soon_threadsafe(lambda: log(event, **fields))

        rotated = RotatedFiles(from_thread, compression=given.compress, keep=given.rotate_keep)
    kind = _kind(given, rotated)
    found: list[Destination] = []
    try:
        for output in given.output:
            found.append(_destination(output, given, kind, log))
    except BaseException:
        for each in found:
            if not isinstance(each.target, ProgramOutput):
                each.target.close()
        raise
    return found, rotated


def _rotates(given: argparse.Namespace) -> bool:
    return given.rotate_size is not None or given.rotate_every is not None


def _kind(given: argparse.Namespace, rotated: RotatedFiles | None) -> FileKind:
    return FileKind(
        whole=WHOLE[given.format],
        synced=AckDepth(given.ack) is AckDepth.SYNCED,
        mode=given.file_mode,
        directory_mode=given.directory_mode if given.create_directories else None,
        rotation=Rotation(size=given.rotate_size, every=given.rotate_every, rotated=rotated)
        if _rotates(given)
        else None,
    )


def _destination(text: str, given: argparse.Namespace, kind: FileKind, log: Log) -> Destination:
    selector, name = split_selector(text)
    form = FORMATS[given.format]
    target: FileOutput | ProgramOutput | ManyFiles
    template: Template | None = None
    if name.startswith("|"):
        target = ProgramOutput(_arguments(name), log, confirm=given.program_confirm)
    elif name == "-":
        target = FileOutput(_STDOUT, log)
    elif has_places(name):
        template = Template(name)
        target = ManyFiles(log, most=given.max_open_files, kind=kind)
    else:
        path = Path(name)
        make = SyncedFileOutput if kind.synced else FileOutput
        target = make(kind.open(path, log), log, path=path, kind=kind)
    return Destination(form, target, template, selector)


def _arguments(name: str) -> Sequence[str]:
    try:
        words = shlex.split(name[1:])
    except ValueError as error:
        raise ConfigurationError(f"--output {name!r}: {error}") from None
    if not words:
        raise ConfigurationError("--output: write '|PROGRAM ARGUMENTS'")
    return words
