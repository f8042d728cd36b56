"""relpio and rsyslog's own RELP modules, both ways, over loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

import relpio
from relpio.net.addresses import TcpAddress
from relpio.net.peers import fingerprint_of

pytestmark = pytest.mark.lab

DEADLINE = 60.0
COUNT = 300

# One worker for rsyslog's main queue: as it comes, a second one starts when 40,000 messages wait,
# and from then on rsyslog itself does not keep their order.
RECEIVE = """\
global(workDirectory="{directory}" maxMessageSize="64k")
main_queue(queue.size="200000" queue.workerThreads="1")
$EscapeControlCharactersOnReceive off
module(load="imrelp")
input(type="imrelp" address="127.0.0.1" port="{port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{output}" template="raw")
"""

SEND = """\
global(workDirectory="{directory}")
main_queue(queue.size="200000" queue.workerThreads="1")
module(load="imuxsock" SysSock.Use="off")
module(load="omrelp")
input(type="imuxsock" socket="{socket}" createPath="on" ratelimit.interval="0")
template(name="raw" type="string" string="%msg%")
action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" timeout="5"
       action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList")
"""

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def rsyslogd() -> str:
    """The path of rsyslogd, when its RELP modules are there, too."""
    path = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    folders = [*Path("/usr/lib").glob("*/rsyslog"), Path("/usr/lib/rsyslog"),
               Path("/usr/lib64/rsyslog")]  # fmt: skip
    modules = {"imrelp.so", "omrelp.so"}
    if path is None or not any(all((f / m).exists() for m in modules) for f in folders):
        pytest.skip("needs rsyslog and rsyslog-relp: apt-get install rsyslog rsyslog-relp")
    return path


@pytest.fixture
def start_rsyslog(rsyslogd: str, tmp_path: Path) -> Iterator[Start]:
    """Start rsyslogd with a configuration; it is gone at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(configuration: str) -> subprocess.Popen[bytes]:
        name = f"rsyslog-{len(started)}"
        conf = tmp_path / f"{name}.conf"
        conf.write_text(configuration)
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [rsyslogd, "-n", "-f", str(conf), "-i", str(tmp_path / f"{name}.pid")],
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_relpio() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a `relpio` command; it is gone at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []
    root = str(Path(relpio.__file__).parent.parent)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    }

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "relpio", *arguments],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def messages(first: int, last: int) -> list[bytes]:
    return [b"<13>Jan  1 00:00:00 host app: %04d" % number for number in range(first, last + 1)]


def read_lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def feed(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    process.stdin.flush()


def log_to(path: Path, texts: list[bytes]) -> None:
    """Hand messages to rsyslog through its socket; blocks while rsyslog is busy."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(str(path))
        for text in texts:
            sock.send(b"<13>Jan  1 00:00:00 app: " + text)


def test_relpio_to_imrelp(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output = free_port(), tmp_path / "out"
    receiver = start_rsyslog(RECEIVE.format(directory=tmp_path, port=port, output=output))
    wait_until(lambda: accepts(port))
    sender = start_relpio("send", "--target", f"127.0.0.1:{port}")
    sent = [*messages(1, COUNT), b"<13>Jan  1 00:00:00 host app: " + b"x" * 20_000]
    feed(sender, sent)
    sender.communicate()
    assert sender.returncode == 0
    wait_until(lambda: len(read_lines(output)) >= len(sent))
    assert read_lines(output) == sent
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0


def test_relpio_to_imrelp_restarted(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output = free_port(), tmp_path / "out"
    configuration = RECEIVE.format(directory=tmp_path, port=port, output=output)
    receiver = start_rsyslog(configuration)
    wait_until(lambda: accepts(port))
    window = 16
    sender = start_relpio(
        "send", "--target", f"127.0.0.1:{port}", "--window", str(window), "--backoff", "0.1/0.5"
    )
    feed(sender, messages(1, COUNT))
    wait_until(lambda: len(read_lines(output)) > 0)
    receiver.send_signal(signal.SIGTERM)
    receiver.wait(DEADLINE)
    feed(sender, messages(COUNT + 1, 2 * COUNT))
    start_rsyslog(configuration)
    sender.communicate()
    assert sender.returncode == 0
    sent = messages(1, 2 * COUNT)
    wait_until(lambda: set(read_lines(output)) == set(sent))
    assert len(read_lines(output)) <= len(sent) + window
    assert list(dict.fromkeys(read_lines(output))) == sent


def test_omrelp_to_relpio(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output, path = free_port(), tmp_path / "out", tmp_path / "log"
    receiver = start_relpio("receive", "--listen", f"127.0.0.1:{port}", "--output", str(output))
    wait_until(lambda: accepts(port))
    sender = start_rsyslog(SEND.format(directory=tmp_path, port=port, socket=path))
    wait_until(path.exists)
    texts = [b"%04d" % number for number in range(COUNT)]
    log_to(path, texts)
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert [line.strip() for line in read_lines(output)] == texts
    # An orderly close: rsyslog does not have to wait for anything.
    start = time.monotonic()
    sender.send_signal(signal.SIGTERM)
    assert sender.wait(DEADLINE) == 0
    assert time.monotonic() - start < 4
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0


def test_omrelp_to_relpio_restarted(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output, path = free_port(), tmp_path / "out", tmp_path / "log"
    arguments = ("receive", "--listen", f"127.0.0.1:{port}", "--output", str(output))
    receiver = start_relpio(*arguments)
    wait_until(lambda: accepts(port))
    start_rsyslog(SEND.format(directory=tmp_path, port=port, socket=path))
    wait_until(path.exists)
    texts = [b"%04d" % number for number in range(COUNT)]
    log_to(path, texts[: COUNT // 2])
    wait_until(lambda: len(read_lines(output)) > 0)
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0
    log_to(path, texts[COUNT // 2 :])
    start_relpio(*arguments)
    # rsyslog notices unanswered messages only at the next one, so give it one from time to time.
    end = time.monotonic() + DEADLINE
    while not {line.strip() for line in read_lines(output)} >= set(texts):
        assert time.monotonic() < end, "messages are missing"
        log_to(path, [b"nudge"])
        time.sleep(0.2)


FROM_TCP = """\
global(workDirectory="{directory}" maxMessageSize="140k")
main_queue(queue.size="200000" queue.workerThreads="1")
$EscapeControlCharactersOnReceive off
module(load="imptcp")
module(load="omrelp" {library})
input(type="imptcp" address="127.0.0.1" port="{input}" supportOctetCountedFraming="on")
template(name="raw" type="string" string="%rawmsg%")
action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" timeout="5" windowSize="2000"
       action.resumeRetryCount="-1" action.resumeInterval="1" {tls})
"""

TO_FILE = """\
global(workDirectory="{directory}" maxMessageSize="140k")
main_queue(queue.size="200000" queue.workerThreads="1")
$EscapeControlCharactersOnReceive off
module(load="imrelp" {library})
input(type="imrelp" address="127.0.0.1" port="{port}" maxDataSize="140k" {tls})
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{output}" template="raw" queue.type="LinkedList")
"""

MODES = ("anon", "name", "fingerprint")


class Certificates:
    """An authority, and for either side a certificate with its key in a file of its own."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.cert: dict[str, Path] = {}
        self.key: dict[str, Path] = {}
        self.fingerprint: dict[str, str] = {}
        for side in ("rsyslog", "relpio"):
            leaf = authority.issue_cert(f"{side}.example.org", common_name=f"{side}.example.org")
            self.cert[side], self.key[side] = directory / f"{side}.pem", directory / f"{side}.key"
            leaf.cert_chain_pems[0].write_to_path(self.cert[side])
            leaf.private_key_pem.write_to_path(self.key[side])
            der = ssl.PEM_cert_to_DER_cert(self.cert[side].read_text())
            self.fingerprint[side] = fingerprint_of(der, "sha1")

    def of_rsyslog(self, mode: str) -> str:
        """Parameters of imrelp and omrelp."""
        if mode == "anon":
            return 'tls="on"'
        peer = "relpio.example.org" if mode == "name" else self.fingerprint["relpio"]
        return (
            f'tls="on" tls.authMode="{mode}" tls.caCert="{self.ca}" '
            f'tls.myCert="{self.cert["rsyslog"]}" tls.myPrivKey="{self.key["rsyslog"]}" '
            f'tls.permittedPeer=["{peer}"]'
        )

    def of_relpio(self, mode: str) -> list[str]:
        """Options of either command."""
        if mode == "anon":
            return ["--tls"]
        peer = "*.example.org" if mode == "name" else self.fingerprint["rsyslog"]
        return [
            "--tls", "--tls-auth", mode, "--tls-ca", str(self.ca),
            "--tls-cert", str(self.cert["relpio"]), "--tls-key", str(self.key["relpio"]),
            "--tls-permitted-peer", peer,
        ]  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def log_over_tcp(port: int, texts: list[bytes]) -> None:
    """Hand messages to imptcp, octet-counted (RFC 6587)."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"".join(b"%d %b" % (len(text), text) for text in texts))


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
@pytest.mark.parametrize("mode", MODES)
def test_relpio_to_imrelp_over_tls(
    start_rsyslog: Start,
    start_relpio: Callable[..., subprocess.Popen[bytes]],
    certificates: Certificates,
    tmp_path: Path,
    mode: str,
    library: str,
) -> None:
    port, output = free_port(), tmp_path / "out"
    tls = certificates.of_rsyslog(mode)
    start_rsyslog(
        TO_FILE.format(
            directory=tmp_path, port=port, output=output, tls=tls,
            library=f'tls.tlslib="{library}"',
        )
    )  # fmt: skip
    wait_until(lambda: accepts(port))
    sender = start_relpio(
        "send", "--target", f"127.0.0.1:{port}", "--backoff", "0.1/1",
        *certificates.of_relpio(mode),
    )  # fmt: skip
    sent = messages(1, COUNT)
    feed(sender, sent)
    sender.communicate()
    assert sender.returncode == 0
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert read_lines(output) == sent


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
@pytest.mark.parametrize("mode", MODES)
def test_omrelp_to_relpio_over_tls(
    start_rsyslog: Start,
    start_relpio: Callable[..., subprocess.Popen[bytes]],
    certificates: Certificates,
    tmp_path: Path,
    mode: str,
    library: str,
) -> None:
    port, entry, output = free_port(), free_port(), tmp_path / "out"
    start_relpio(
        "receive", "--listen", f"127.0.0.1:{port}", "--output", str(output),
        *certificates.of_relpio(mode),
    )  # fmt: skip
    wait_until(lambda: accepts(port))
    tls = certificates.of_rsyslog(mode)
    start_rsyslog(
        FROM_TCP.format(
            directory=tmp_path, port=port, input=entry, tls=tls, library=f'tls.tlslib="{library}"'
        )
    )
    wait_until(lambda: accepts(entry))
    log_over_tcp(entry, messages(1, COUNT))
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert read_lines(output) == messages(1, COUNT)


def test_sizes_and_octets_to_imrelp(start_rsyslog: Start, tmp_path: Path) -> None:
    port, output = free_port(), tmp_path / "out"
    start_rsyslog(TO_FILE.format(directory=tmp_path, port=port, output=output, tls="", library=""))
    wait_until(lambda: accepts(port))
    head = b"<13>Jan  1 00:00:00 host app: "
    sizes = [0, 1, 2, 100, 8095, 8096, 8097, 32767, 32768, 65535, 65536, 65537, 131072]
    sent = [b"x" * size for size in sizes]
    sent += [head + b"a\nb", head + b"a\0b", head + bytes(range(128, 256))]

    async def main() -> None:
        settings = relpio.SenderSettings(targets=[TcpAddress("127.0.0.1", port)])
        async with relpio.Sender(settings) as sender:
            await sender.put(sent)
            await sender.drain()
            assert sender.acked == len(sent)

    asyncio.run(main())
    # rsyslog writes a NUL as #000, whatever it is told about control characters.
    expected = b"".join(message + b"\n" for message in sent).replace(b"\0", b"#000")
    wait_until(lambda: output.exists() and output.stat().st_size >= len(expected))
    assert output.read_bytes() == expected


def test_sizes_and_octets_from_omrelp(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, entry, output = free_port(), free_port(), tmp_path / "out"
    start_relpio(
        "receive", "--listen", f"127.0.0.1:{port}", "--output", str(output), "--format",
        "octet-counted",
    )  # fmt: skip
    wait_until(lambda: accepts(port))
    start_rsyslog(FROM_TCP.format(directory=tmp_path, port=port, input=entry, tls="", library=""))
    wait_until(lambda: accepts(entry))
    head = b"<13>Jan  1 00:00:00 host app: "
    sizes = [1, 2, 100, 8095, 8096, 8097, 32768, 65536, 131072]
    sent = [head + b"x" * (size - len(head)) if size > len(head) else b"x" * size for size in sizes]
    sent += [head + b"a\nb", head + bytes(range(128, 256))]
    log_over_tcp(entry, sent)
    expected = b"".join(b"%d %b" % (len(message), message) for message in sent)
    wait_until(lambda: output.exists() and output.stat().st_size >= len(expected))
    assert output.read_bytes() == expected


MANY = 200_000 if os.environ.get("HALFOPEN_SOAK") == "1" else 50_000


def test_many_in_order_both_ways(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    ports = [free_port() for _ in range(3)]
    outputs = [tmp_path / "from-relpio", tmp_path / "from-rsyslog"]
    sent = messages(1, MANY)
    start_rsyslog(
        TO_FILE.format(directory=tmp_path, port=ports[0], output=outputs[0], tls="", library="")
    )
    wait_until(lambda: accepts(ports[0]))
    sender = start_relpio("send", "--target", f"127.0.0.1:{ports[0]}", "--window", "2000")
    feed(sender, sent)
    sender.communicate()
    assert sender.returncode == 0
    size = sum(map(len, sent)) + MANY
    wait_until(lambda: outputs[0].stat().st_size >= size)
    assert read_lines(outputs[0]) == sent

    start_relpio("receive", "--listen", f"127.0.0.1:{ports[1]}", "--output", str(outputs[1]))
    wait_until(lambda: accepts(ports[1]))
    start_rsyslog(
        FROM_TCP.format(directory=tmp_path, port=ports[1], input=ports[2], tls="", library="")
    )
    wait_until(lambda: accepts(ports[2]))
    log_over_tcp(ports[2], sent)
    wait_until(lambda: outputs[1].stat().st_size >= size)
    assert read_lines(outputs[1]) == sent


def test_imrelp_killed_in_mid_stream(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, outputs = free_port(), [tmp_path / "first", tmp_path / "second"]
    texts = [
        RECEIVE.format(directory=tmp_path, port=port, output=output) for output in outputs
    ]  # fmt: skip
    receiver = start_rsyslog(texts[0])
    wait_until(lambda: accepts(port))
    ledger = tmp_path / "ledger"
    sender = start_relpio(
        "send", "--target", f"127.0.0.1:{port}", "--window", "16", "--backoff", "0.1/0.5",
        "--ledger", str(ledger),
    )  # fmt: skip
    feed(sender, messages(1, COUNT))
    wait_until(lambda: ledger.exists() and b"acked" in ledger.read_bytes())
    receiver.kill()
    receiver.wait()
    feed(sender, messages(COUNT + 1, 2 * COUNT))
    start_rsyslog(texts[1])
    sender.communicate()
    assert sender.returncode == 0
    sent = messages(1, 2 * COUNT)
    # A killed rsyslog loses what it had acknowledged and not written: that is its promise, not
    # ours. All that it did not acknowledge must be in the second file, in order.
    acked = max(
        int(line.rpartition(" ")[2].rpartition("-")[2])
        for line in ledger.read_text().splitlines() if line.startswith("acked")
    )  # fmt: skip
    assert acked == 2 * COUNT
    wait_until(lambda: read_lines(outputs[1])[-1:] == sent[-1:])
    second = read_lines(outputs[1])
    assert second == sent[-len(second) :]
    assert len(second) >= COUNT


def hang_up_during_open(port: int) -> None:
    """Accept one connection, read a part of `open`, and hang up."""
    with socket.create_server(("127.0.0.1", port)) as server:
        peer, _ = server.accept()
        with peer:
            assert peer.recv(6).startswith(b"1 open")


def test_a_hang_up_during_open_both_ways(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output = free_port(), tmp_path / "from-relpio"
    sender = start_relpio("send", "--target", f"127.0.0.1:{port}", "--backoff", "0.1/0.5")
    feed(sender, messages(1, COUNT))
    hang_up_during_open(port)
    start_rsyslog(RECEIVE.format(directory=tmp_path, port=port, output=output))
    sender.communicate()
    assert sender.returncode == 0
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert read_lines(output) == messages(1, COUNT)

    port, entry, output = free_port(), free_port(), tmp_path / "from-rsyslog"
    start_rsyslog(FROM_TCP.format(directory=tmp_path, port=port, input=entry, tls="", library=""))
    wait_until(lambda: accepts(entry))
    log_over_tcp(entry, messages(1, COUNT))
    hang_up_during_open(port)
    start_relpio("receive", "--listen", f"127.0.0.1:{port}", "--output", str(output))
    wait_until(lambda: len(set(read_lines(output))) >= COUNT)
    assert list(dict.fromkeys(read_lines(output))) == messages(1, COUNT)
