"""Makes a proxy in Toxiproxy, and stalls its answers now and then: `faults.py [ready]`."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
import urllib.request
from typing import Any

API = "http://toxiproxy:8474"
PROXY = {"name": "relp", "listen": "0.0.0.0:2514", "upstream": "receiver:2514", "enabled": True}
# With a timeout of 0, data is held back until the toxic is removed, and then the connection closed.
TOXIC = {"name": "stall", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}

_say = functools.partial(print, flush=True)


def _ask(method: str, path: str, body: dict[str, Any] | None = None) -> None:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(API + path, data, method=method)):
        pass


def main() -> None:
    """One fault after the other."""
    if sys.argv[1:] == ["ready"]:
        _ask("GET", "/proxies/relp")
        return
    _ask("POST", "/proxies", PROXY)
    while True:
        time.sleep(float(os.environ["PAUSE"]))
        _ask("POST", "/proxies/relp/toxics", TOXIC)
        _say("answers STALL from now on: messages get through, acknowledgements do not")
        time.sleep(float(os.environ["LASTS"]))
        _ask("DELETE", "/proxies/relp/toxics/stall")
        _say("answers flow again")


if __name__ == "__main__":
    main()
