"""The userspace engine: a middlebox between two packet sockets, in a process of its own.

From the link inwards: :mod:`.link` (frames of one interface) and :mod:`.ring` (where they lie),
:mod:`.event_loop` (frames, requests and the clock), :mod:`.forwarder` (what becomes of a frame;
pure), the flow table of :mod:`halfopen.middlebox`.  Beside the forwarder, pure too:
:mod:`.fast_path` (known flows) with :mod:`.loops` (what is done to each of their frames),
:mod:`.fault_pipeline` (the packet faults that are active, each an object of
:mod:`halfopen.packet_faults`), :mod:`.frames` and :mod:`.icmp` (bytes).  :mod:`.flow_table_verbs`
does what is done to the flow table, :mod:`.recorder` records.

The engine (:mod:`halfopen.labs.agent.engines.userspace`) starts it in the middlebox's namespace
and speaks JSON Lines with it; it ends when its standard input does.
"""
