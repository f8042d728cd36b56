"""RELP without sockets and clocks: frames, offers, states, and a connection for either role."""
