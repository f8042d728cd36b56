"""Connections that no sample shows, because they were opened and closed between two."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from halfopen.model.observations import canonical, is_local
from halfopen.model.records import UnsampledRecord
from halfopen.probes.ended import EndedSocket
from halfopen.probes.netstat import failed_attempts
from halfopen.probes.sockets import SeenSocket

# Not yet connected, or no longer more than a memory.
_WITHOUT_PEER = frozenset({"LISTEN", "SYN_SENT", "SYN_RECV", "NEW_SYN_RECV", "TIME_WAIT", "CLOSE"})


class UnsampledConnections:
    """Compares the ends of a host's sockets with the samples of them.

    Args:
        host: for the records.
        failed: how many attempts to connect have failed on the host, as its kernel counts.
    """

    def __init__(self, host: str, failed: Callable[[], int] = failed_attempts) -> None:
        self._host = host
        self._failed = failed
        self._shown: set[bytes] = set()  # connections that samples show as ESTABLISHED
        self._listeners: set[bytes] = set()
        self._ports: set[str] = set()  # of listeners
        self._established: dict[tuple[str, str], bytes] = {}  # in the last sample
        self._missed: list[list[str]] = []
        self._refused = 0  # sockets that never were connected, for certain
        self._unclear = 0  # sockets of which the kernel does not tell
        self._perhaps = 0  # of those: what failed attempts do not explain, as recorded

    def sampled(self, sockets: Iterable[SeenSocket]) -> None:
        """Take what a sample shows."""
        established: dict[tuple[str, str], bytes] = {}
        for each in sockets:
            local, peer = each.record["local"], each.record["peer"]
            state = canonical(each.record["state"])
            if state == "LISTEN":
                self._listeners.add(each.cookie)
                self._ports.add(_port(local))
            elif state == "ESTABLISHED":
                established[local, peer] = each.cookie
                before = self._established.get((local, peer), each.cookie)
                if before != each.cookie and each.cookie not in self._shown:
                    # The same ports were used again since: the samples show one connection.
                    self._miss(local, peer)
                self._shown.add(each.cookie)
            elif (
                # What is left of a closed socket, as its own in the kernel, also in FIN_WAIT2.
                each.record.get("timer") != "timewait"
                and state not in _WITHOUT_PEER
                and each.cookie not in self._shown
            ):
                self._miss(local, peer)
                self._shown.add(each.cookie)
        self._established = established

    def ended(self, sockets: Iterable[EndedSocket]) -> None:
        """Take the ends of sockets that the kernel has reported."""
        for each in sockets:
            if each.cookie in self._shown:
                self._shown.discard(each.cookie)
            elif each.cookie in self._listeners:
                self._listeners.discard(each.cookie)
            elif each.connected is None:
                self._unclear += 1
            elif each.connected or _port(each.local) in self._ports:
                self._miss(each.local, each.peer)
            else:
                self._refused += 1

    def record(self, *, lost: bool = False) -> UnsampledRecord | None:
        """What was missed since the last record; None if nothing was.

        Args:
            lost: some ends may not have been reported.
        """
        perhaps = self._unexplained()
        if not (self._missed or perhaps or lost):
            return None
        record = self.empty()
        record["connections"], self._missed = self._missed, []
        if perhaps:
            record["perhaps"] = perhaps
            self._perhaps += perhaps
        if lost:
            record["lost"] = True
        return record

    def empty(self) -> UnsampledRecord:
        """A record that says that the connections of the host are followed."""
        return UnsampledRecord(kind="unsampled", host=self._host, connections=[])

    def _unexplained(self) -> int:
        """Sockets, beyond those recorded, that may have been connected."""
        if self._unclear <= self._perhaps:
            return 0
        failed = max(0, self._failed() - self._refused)
        return max(0, self._unclear - failed - self._perhaps)

    def _miss(self, local: str, peer: str) -> None:
        if not is_local(local, peer):
            self._missed.append([local, peer])


def _port(endpoint: str) -> str:
    return endpoint.rpartition(":")[2]
