"""The Python API: a lab in plain code, for those who prefer pytest to YAML.

Everything blocks until it is done, so that a test reads from top to bottom; the lab itself runs
in a thread of its own.  Durations are production values, as in a scenario (`"75 min"`); `scale`
divides them.  What was seen is judged by the same checkers as a scenario's.

    with open_lab(directory, scale=600) as lab:
        lab.path("sender", lab.middlebox("firewall", "fortigate"), "receiver")
        lab.run("receiver", "relpio receive", keepalive="off")
        sender = lab.run("sender", "relpio send", to="receiver")
        sender.send(20)
        lab.wait("75 min")
        assert lab.check("idle drops", at="firewall", count=1).verdict == "pass"
"""

from halfopen.api.handles import InjectedFault, Middlebox, Subject
from halfopen.api.lab import OpenLab
from halfopen.api.opening import open_lab

__all__ = ["InjectedFault", "Middlebox", "OpenLab", "Subject", "open_lab"]
