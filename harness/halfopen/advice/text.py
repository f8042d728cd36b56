"""Advice as text for a person."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from halfopen.advice.advise import ROUND_TRIP, Advice, DeadPeer, HopAdvice, Suggestion, say
from halfopen.kernel import TimeRange


def print_advice(advice: Advice, console: Console) -> None:
    """Write it: the verdict first, then each middlebox, then dead peers, then what to set."""
    console.print(_verdict(advice), highlight=False)
    console.print(f"\n{_asked(advice)}\n", highlight=False)
    table = Table(
        "firewall", "idle timeout", "latest probe", "margin", "one probe lost",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    for each in advice.hops:
        table.add_row(
            escape(each.hop.name),
            "never" if each.hop.idle is None else say(each.hop.idle),
            "-" if each.margin is None or not advice.probe else f"{advice.probe.latest:.1f} s",
            _margin(each, each.margin, each.safe),
            _margin(each, each.margin_one_lost, each.robust),
        )
    console.print(table, highlight=False)
    if advice.probe is not None:
        console.print(f"(margins include {ROUND_TRIP:g} s for the round trip)", style="dim")
    for each in advice.hops:
        console.print(f"\n{each.hop.name}: {each.why}", highlight=False, markup=False)
    console.print("\nA dead peer is detected after", style="bold")
    peers = Table("", "idle", "data in flight", box=None, pad_edge=False)
    peers.add_row("with these settings", *_found(advice.with_these))
    peers.add_row("by a peer without keepalive", *_found(advice.without))
    console.print(peers, highlight=False)
    console.print()
    console.print(_instead(advice), highlight=False, markup=False)
    console.print()
    for note in advice.notes:
        console.print(f"- {note}", highlight=False, markup=False)


def _verdict(advice: Advice) -> str:
    if not advice.safe:
        worst = next(each for each in advice.hops if not each.safe)
        return f"[bold red]UNSAFE[/]: an idle connection does not survive {escape(worst.hop.name)}."
    if not advice.robust:
        return "[bold yellow]SAFE[/], but not if a probe is lost."
    return "[bold green]SAFE[/]: an idle connection survives, even if a probe is lost."


def _asked(advice: Advice) -> str:
    settings = advice.settings
    parts = ["keepalive off"]
    if settings.keepalive is not None and advice.probe is not None:
        k = settings.keepalive
        parts = [
            f"keepalive {k} (first probe after {k.idle} s, then every {k.interval} s, "
            f"{k.probes} probes)"
        ]
    parts.append(
        "no TCP_USER_TIMEOUT"
        if settings.user_timeout is None
        else f"TCP_USER_TIMEOUT {settings.user_timeout * 1000:.0f} ms"
    )
    parts.append(f"tcp_retries2 {settings.stack.retries2}")
    parts.append(f"HZ={settings.stack.hz}")
    return ", ".join(parts)


def _margin(each: HopAdvice, margin: float | None, good: bool) -> str:
    if each.hop.idle is None:
        return "[green]safe[/]"
    if margin is None:
        return "[red]no probe counts[/]" if each.margin is None else "-"
    if margin > 0 and not good:
        return "[yellow]given up[/]"
    colour = "green" if good else "red"
    return f"[{colour}]{margin:+.1f} s[/]"


def _found(peer: DeadPeer) -> tuple[str, str]:
    return (
        "never" if peer.idle is None else between(peer.idle),
        between(peer.busy),
    )


def between(interval: TimeRange) -> str:
    """`1015 to 1034 s (17 min)`."""
    if interval.latest < 100:
        return f"{interval.earliest:.1f} to {interval.latest:.1f} s"
    minutes = f" ({interval.latest / 60:.0f} min)" if interval.latest >= 600 else ""
    return f"{interval.earliest:.0f} to {interval.latest:.0f} s{minutes}"


def _instead(advice: Advice) -> str:
    suggestion = advice.suggestion
    if suggestion is None:
        if all(each.hop.idle is None for each in advice.hops):
            return "These firewalls never drop an idle flow: no keepalive is needed for them."
        idles = [each.hop.idle for each in advice.hops if each.hop.idle is not None]
        return (
            "No keepalive settings would help: the application itself must send data at least "
            f"every {say(min(idles) / 2)}."
        )
    if advice.robust and advice.settings.user_timeout is not None:
        return "These settings are fine."
    head = "Set instead:" if not advice.robust else "Better still, also set:"
    return f"{head}\n{options(suggestion, advice.robust)}"


def options(suggestion: Suggestion, keepalive_will_do: bool) -> str:
    """What to set, as socket options."""
    settings = suggestion.settings
    assert settings.user_timeout is not None
    lines = [f"    {socket_options_text(suggestion)}"]
    if keepalive_will_do:
        lines.clear()
    lines.append(f"    TCP_USER_TIMEOUT {settings.user_timeout * 1000:.0f} (milliseconds)")
    lines.append("A dead peer is then detected equally fast with and without data in flight.")
    if not suggestion.robust:
        lines.append("A lost probe is still fatal: keepalive has a resolution of whole seconds.")
    return "\n".join(lines)


def socket_options_text(suggestion: Suggestion) -> str:
    """`SO_KEEPALIVE 1, TCP_KEEPIDLE 175, TCP_KEEPINTVL 75, TCP_KEEPCNT 9`."""
    keepalive = suggestion.settings.keepalive
    assert keepalive is not None
    return (
        f"SO_KEEPALIVE 1, TCP_KEEPIDLE {keepalive.idle}, TCP_KEEPINTVL {keepalive.interval}, "
        f"TCP_KEEPCNT {keepalive.probes}"
    )
