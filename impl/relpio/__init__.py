"""RELP (Reliable Event Logging Protocol), for Python: sender and receiver.

`Sender` and `Receiver` are the asyncio endpoints. `ClientConnection` and `ServerConnection` are the
protocol without any input or output, to be driven by other programs. The list in `relpio.api` is
all that is public.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relpio.api import *  # noqa: F403

_API = "relpio.api"


def __getattr__(name: str) -> object:
    """Load what is public when it is first asked for: so the program `relpio` starts first."""
    api = import_module(_API)
    if name == "__all__" or name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module 'relpio' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List what is public."""
    return list(import_module(_API).__all__)
