"""Sockets: addresses, options, and the joint between a connection core and a transport."""
