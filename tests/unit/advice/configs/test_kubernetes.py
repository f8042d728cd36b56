"""Kubernetes: sysctls of pods."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers, Sysctls
from halfopen.errors import InputError
from tests.unit.advice.configs.hostile import check_hostile
from tests.unit.advice.configs.reading import cured, judge, read, survivals

POD = """\
apiVersion: v1
kind: Pod
metadata: { name: sender }
spec:
  securityContext:
    runAsNonRoot: true
    sysctls:
    - name: net.ipv4.tcp_keepalive_time
      value: "60"
  containers:
  - name: a
    image: b
"""
DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers: [{name: a, image: b}]
"""
OTHER = "---\napiVersion: v1\nkind: Service\nspec: {{ not read }}\n"


def test_pods_and_what_makes_them() -> None:
    pod, web = read("kubernetes", POD + OTHER + DEPLOYMENT)
    said = "a socket of Pod sender that asks for keepalive and sets no timers"
    assert (pod.line, pod.what, pod.timers) == (9, said, ConfiguredTimers(60, 75, 9))
    assert web.line == (POD + OTHER).count("\n") + 3
    assert "a socket of Deployment web that" in web.what
    assert survivals("kubernetes", POD + OTHER + DEPLOYMENT) == ["safe", "unsafe"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", "spec"),
        ("PodTemplate", "template.spec"),
        ("StatefulSet", "spec.template.spec"),
        ("CronJob", "spec.jobTemplate.spec.template.spec"),
    ],
)
def test_every_kind_that_makes_pods(kind: str, path: str) -> None:
    names = path.split(".")
    text = "".join(f"{'  ' * depth}{name}:\n" for depth, name in enumerate(names))
    text += f"{'  ' * len(names)}restartPolicy: Never\n"
    (found,) = read("kubernetes", f"apiVersion: x\nkind: {kind}\n{text}")
    assert found.what.startswith(f"a socket of {kind} that")


def test_a_list_and_json() -> None:
    text = '{"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod", "spec": {"x": 1}}]}'
    assert len(read("kubernetes", text)) == 1
    (done,) = cured("kubernetes", text)
    assert '"spec": {securityContext: {sysctls: [{name: net.ipv4.tcp_keepalive_time, ' in done


def test_the_nodes_sysctls_count_with_its_network_only() -> None:
    system = Sysctls(ConfiguredTimers(60, 10, 6))
    (found,) = judge("kubernetes", DEPLOYMENT, system=system)
    assert found.survival == "unsafe"
    text = DEPLOYMENT + "      hostNetwork: true\n"
    (found,) = judge("kubernetes", text, system=system)
    assert found.survival == "safe"
    (found,) = judge("kubernetes", text)
    assert (found.survival, found.edits) == ("unsafe", ())
    assert "set the node's sysctls" in found.hint


def test_a_container_that_sets_sysctls_is_not_judged() -> None:
    text = POD + "  initContainers:\n  - command: [sysctl, -w, net.ipv4.tcp_keepalive_time=9]\n"
    (found,) = judge("kubernetes", text)
    assert found.survival == "not judged"
    assert "see line 14" in found.why
    assert survivals("kubernetes", POD.replace('"60"', '"{{ .Values.t }}"')) == ["not judged"]


CURES = {
    POD.replace('"60"', "'900'"): 'value: "175"\n  containers',
    POD.replace("tcp_keepalive_time", "tcp_keepalive_intvl").replace("60", "900"): (
        '    - name: net.ipv4.tcp_keepalive_time\n      value: "175"\n    - name'
    ),
    DEPLOYMENT: (
        "    spec:\n      securityContext:\n        sysctls:\n"
        '        - name: net.ipv4.tcp_keepalive_time\n          value: "175"\n'
    ),
    POD.replace("    sysctls:\n    - name", "    supplementalGroups:\n    - name"): (
        "  securityContext:\n    sysctls:\n    - name: net.ipv4.tcp_keepalive_time\n"
    ),
    DEPLOYMENT + "      securityContext: {}\n": "securityContext: {sysctls: [{name: net.ipv4.",
    DEPLOYMENT + "      securityContext:\n        sysctls: []\n": "sysctls: [{name: net.ipv4.",
}


@pytest.mark.parametrize(("text", "part"), CURES.items())
def test_cures(text: str, part: str) -> None:
    (done,) = cured("kubernetes", text)
    assert part in done
    assert read("kubernetes", done)[0].timers == ConfiguredTimers(175, 75, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (POD.replace('"60"', "60"), "0.conf:9: net.ipv4.tcp_keepalive_time: a number is not"),
        (POD.replace('"60"', '"1m"'), "0.conf:9: net.ipv4.tcp_keepalive_time: '1m' is not"),
        (POD + "  a: [\n" + DEPLOYMENT, "0.conf:13: not YAML"),
        (DEPLOYMENT + "      a: " + "{b: " * 9000, "0.conf:10: nested deeper than 100 levels"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("kubernetes", text)
    assert message in str(error.value)


@pytest.mark.parametrize("text", [POD, DEPLOYMENT])
def test_no_form_of_a_file_makes_it_crash(text: str) -> None:
    check_hostile("kubernetes", text)
