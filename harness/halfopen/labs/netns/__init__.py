"""The default lab: network namespaces of an ordinary user, with the kernel's own TCP and conntrack.

Outside, in the caller's process: :mod:`.sandbox` starts the namespaces, :mod:`.lab` talks to them.
Inside, as first process of the PID namespace: :mod:`.agent` serves requests with the help of
:mod:`.network` (links, rules), :mod:`.observer` (samples of one host) and :mod:`.programs`.
When the caller dies, however it dies, the kernel takes all of it away.
"""
