"""Any program in each place of a path, and the TCP client and server, in the netns lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.scenarios import halfopen, told

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

FORWARDED = """\
scenario: a proxy of somebody's own
hosts:
  sender: { run: tcp client, to: proxy, echo: true, connections: 4 }
  proxy:
    run: command forward
    start: [python3, forward.py, "${proxy}", "${receiver}"]
    files:
      forward.py: |
        import asyncio, sys

        async def copy(reader, writer):
            while data := await reader.read(4096):
                writer.write(data)
            writer.close()

        async def serve(reader, writer):
            there = await asyncio.open_connection(sys.argv[2], 7000)
            await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

        async def main():
            async with await asyncio.start_server(serve, sys.argv[1], 7000) as server:
                await server.serve_forever()

        asyncio.run(main())
    ready: { listening: 7000 }
  receiver: { run: tcp server, echo: true }
path: [sender, proxy, receiver]
steps:
  - send: 40 messages
  - wait: 1 s
expect:
  - delivery: { lost: 0, duplicated: 0 }
  - connections: { at: proxy, opened: 8, at end: 8 }
variants:
  ipv4: {}
  ipv6: { family: ipv6 }
"""


def test_a_proxy_of_ones_own_forwards_in_both_families(tmp_path: Path) -> None:
    path = tmp_path / "forwarded.scenario.yaml"
    path.write_text(FORWARDED)
    done = halfopen("run", path, "--jobs", "2", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_that_is_not_there_is_unsupported(tmp_path: Path) -> None:
    path = tmp_path / "missing.scenario.yaml"
    path.write_text(FORWARDED.replace("start: [python3", "start: [no-such-forwarder"))
    done = told("run", path, "--variant", "ipv4", "--no-report", cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the program no-such-forwarder is missing" in done.stdout
