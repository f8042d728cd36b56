"""A part of the packets is lost: each by chance for itself, or several in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from halfopen.faults._impairments import ImpairParams, healed, impairment, named
from halfopen.fields import Share
from halfopen.ports import FaultSpec
from halfopen.verbs import Block, Unblock, Verb

_NAME = "loss"


class LossParams(ImpairParams):
    """Parameters of `loss`.

    Attributes:
        share: of the packets, to a thousandth.
        bursts_of: packets that are lost in a row, in the mean; by default each is lost by itself.
    """

    share: Share
    bursts_of: Annotated[int, Field(ge=2, le=1000)] | None = None


def _verbs(params: LossParams) -> Sequence[Verb]:
    share = float(params.share)
    if params.bursts_of is None:
        return (Block(params.at, _name(params), params.towards, share, client=params.of),)
    how = {"loss": share, "burst": float(params.bursts_of)}
    return (impairment(_NAME, params, how),)


def _heal(params: LossParams) -> Sequence[Verb]:
    if params.bursts_of is None:
        return (Unblock(params.at, _name(params)),)
    return (healed(_NAME, params),)


def _name(params: LossParams) -> str:
    of = "" if params.of is None else f" of {params.of}"
    return f"{_NAME} towards {params.towards or 'both'}{of}"


FAULT = FaultSpec(
    name=_NAME,
    summary="a middlebox loses a part of the packets, each by chance or several in a row",
    params=LossParams,
    verbs=_verbs,
    heal=_heal,
    middleboxes=lambda params: (params.at,),
    endpoints=named,
)
