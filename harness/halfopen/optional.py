"""Python packages that only some features need; each comes with an extra of this distribution.

Messages name the package and not the extra: `pip install PACKAGE` works however halfopen came here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class OptionalPackage:
    """A package that may be missing.

    Attributes:
        name: of the distribution, as pip knows it.
        module: that it is imported as.
        extra: of halfopen, that brings it.
    """

    name: str
    module: str
    extra: str

    @property
    def remedy(self) -> str:
        """What installs it."""
        return f"`pip install {self.name}`"

    def missing(self) -> tuple[str, ...]:
        """That it is not installed, with the remedy; empty if it is."""
        if find_spec(self.module) is not None:
            return ()
        return (f"the Python package {self.name} is missing: {self.remedy}",)


CONFLUENT_KAFKA = OptionalPackage("confluent-kafka", "confluent_kafka", "kafka")
DOCKER = OptionalPackage("docker", "docker", "docker")
HTTPX = OptionalPackage("httpx", "httpx", "http")
MATPLOTLIB = OptionalPackage("matplotlib", "matplotlib", "pages")
PLOTLY = OptionalPackage("plotly", "plotly", "report")
TOXIPROXY = OptionalPackage("toxiproxy-python", "toxiproxy", "toxiproxy")

PACKAGES = (CONFLUENT_KAFKA, DOCKER, HTTPX, MATPLOTLIB, PLOTLY, TOXIPROXY)
"""All of them."""
