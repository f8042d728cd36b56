"""What a run of the Python API is played with: lab, directory, time scale, seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfopen.errors import UsageError
from halfopen.fields import Section
from halfopen.model.plan import Plan, PlannedHost
from halfopen.model.records import Recorder
from halfopen.model.topology import Family
from halfopen.model.units import parse_duration
from halfopen.ports import LabSpec, Vocabulary
from halfopen.runner.directories import HOSTS
from halfopen.runner.stage import Stage
from halfopen.scenario.scaling import scale_section


@dataclass(frozen=True)
class RunSettings:
    """The arguments of :func:`halfopen.open_lab`.

    Attributes:
        lab: that was asked for, or chosen.
        directory: for the history and the programs' files.
        asked_scale: seconds of production time that pass in one second of a lab with real time.
        seed: of the random generator.
        name: of the run.
        lab_why: why it is this lab, if halfopen chose it.
    """

    lab: LabSpec
    directory: Path
    asked_scale: float
    seed: int
    name: str
    lab_why: str = ""

    @property
    def scale(self) -> float:
        """Seconds of production time in one second of the lab."""
        return self.asked_scale if self.lab.scaled else 1.0

    @property
    def at_end(self) -> float:
        """By what factor things are waited for longer than in a lab with real time."""
        return 1.0 if self.lab.scaled else self.asked_scale

    def stage(self, vocabulary: Vocabulary, record: Recorder) -> Stage:
        """The stage that the run is played on."""
        return Stage(
            self.lab,
            self.directory / HOSTS,
            f"{self.seed:08x}"[-16:],
            record,
            vocabulary,
            seed=self.seed,
            base=str(Path.cwd()),
            at_end=self.at_end,
        )

    def plan(
        self,
        hosts: Mapping[str, PlannedHost],
        path: tuple[str, ...],
        family: Family,
        returns: tuple[str, ...],
    ) -> Plan:
        """The plan that the history of the run holds: no steps, and no checks."""
        return Plan(
            scenario=self.name,
            file=self.name,
            variant="default",
            lab=self.lab.name,
            scale=self.scale,
            seed=self.seed,
            hosts=tuple(hosts.values()),
            path=path,
            steps=(),
            checks=(),
            family=family,
            returns=returns,
            at_end=self.at_end,
            lab_why=self.lab_why,
        )

    def scaled(self, section: Section) -> dict[str, Any]:
        """The values of a section in lab time, as JSON."""
        return scale_section(section, self.scale)[0].model_dump(mode="json")

    def seconds(self, duration: str) -> float:
        """Seconds of lab time that a duration takes.

        Raises:
            UsageError: if it is not a duration.
        """
        try:
            return parse_duration(duration) / self.scale
        except ValueError as error:
            raise UsageError(str(error)) from None
