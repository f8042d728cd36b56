"""The smallest subjects: a TCP client and a TCP server that do what naive programs do.

They are programs, started by `python -m halfopen.subjects.tcp_client` (or `tcp_server`), and use
nothing but the standard library: thousands of them would start fast.  What they do not do unless
they are told to (keepalive, user timeout, answers) is what most programs do not do.
"""
