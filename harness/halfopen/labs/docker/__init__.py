"""The docker lab: the same agent, middleboxes and probes, but each host is a container.

Outside, in the caller's process: :mod:`.engine` speaks with the engine, :mod:`.containers` makes
what a run needs, :mod:`.attached` holds the streams, :mod:`.session` plays one run, and
:mod:`.garbage` removes what a killed run left.  Inside one helper container, with the few
capabilities that plugging links takes: :mod:`.agent`, which is :mod:`halfopen.labs.agent` with two
differences: hosts are namespaces of containers, and programs are started by the engine
(:mod:`.subject`).
"""
