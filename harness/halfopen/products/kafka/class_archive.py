"""An archive of the classes that a current broker loads: with it, it starts in about half the time.

Class data sharing (JEP 350): a broker is started once, on the loopback interface, and ended; what
it has loaded is written down, and JVMs of the same make map it instead of loading it again.  A JVM
passes over an archive that is not its own, and a broker without one only starts slower.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from halfopen.errors import UnsupportedError
from halfopen.products.kafka import configuration
from halfopen.products.kafka.releases import Release, class_archive, java, missing_java

RELEASE: Release = "current"
_HEAP_MIB = 256
_PATIENCE_S = 120.0
_LOOK_S = 0.1


def make_class_archive() -> Path:
    """The archive of the current release for this machine's JVM; made, unless it is there.

    Raises:
        UnsupportedError: if there is no JVM or there are no jars; or the broker does not start or
            does not end, with what it said.
    """
    target = class_archive(RELEASE)
    lacking = missing_java(RELEASE)
    if target is None or lacking:
        raise UnsupportedError("; ".join(lacking))
    if not target.is_file():
        with tempfile.TemporaryDirectory(dir=target.parent.parent, prefix="classes-") as work:
            made = _train(Path(work))
            made.rename(target)
    return target


def _train(work: Path) -> Path:
    """Start a broker in `work`, and end it; returns what it wrote down."""
    up = False
    made, log, said = work / "classes.jsa", work / "log", work / "said"
    port, controller = _free_ports(2)
    settings = work / "server.properties"
    settings.write_text(
        configuration.current_broker("127.0.0.1", port, str(log), 600, controller_port=controller)
    )
    log.mkdir()
    (log / "meta.properties").write_text(configuration.formatted())
    command = java(RELEASE, "kafka.Kafka", str(settings), heap=_HEAP_MIB)
    command.insert(1, f"-XX:ArchiveClassesAtExit={made}")
    with (
        said.open("wb") as out,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as broker,
    ):
        try:
            up = _listens(broker, port)
            broker.terminate()
            broker.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass  # then there is no archive, or a part of one that was not finished
        finally:
            broker.kill()
    # 143: ended by SIGTERM, as a JVM says it.
    if not up or broker.returncode != 143 or not made.is_file():
        raise UnsupportedError(
            "the broker that writes the class archive did not start and end; its "
            f"output:\n{said.read_text()[-2000:]}"
        )
    return made


def _listens(broker: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it does; false if it ended before, or takes too long."""
    deadline = time.monotonic() + _PATIENCE_S
    while broker.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_LOOK_S)
        else:
            return True
    return False


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback interface on which nobody listens."""
    with ExitStack() as held:
        return [
            int(held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1])
            for _ in range(count)
        ]
