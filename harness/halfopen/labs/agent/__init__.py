"""What runs inside a lab, one process for each run.

:mod:`.agent` serves the requests of the lab's client with the help of :mod:`.network` (hosts,
links, rules), :mod:`.programs` (with :mod:`.inlets`, :mod:`.readiness`, :mod:`.gauges`),
:mod:`.observer` (samples of one host), :mod:`.actions` (how each verb is done), :mod:`.engines`
(what plays a middlebox), :mod:`.resolver` and :mod:`.captures`.  It starts fast: no pydantic here.
"""
