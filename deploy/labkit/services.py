"""Starts the controller and the agents of a lab, kills and restarts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit import api, fabric, netns, physical, process
from labkit.inventory import Lab, load, remember
from labkit.libvirt import daemon
from labkit.shell import LabError, run

CONTROLLER_PORT = 7443
CONTROLLER = "controller"
# In the daemon's own namespace.
CONTROLLER_METRICS = "127.0.0.1:9464"
AGENT_METRICS = "127.0.0.1:9465"


def agent_name(host: str) -> str:
    return f"agent-{host}"


def start_controller(
    lab: Lab, options: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> None:
    """Starts the controller, with more options if given, and waits until it answers."""
    endpoint = f"{fabric.address_of(0)}:{CONTROLLER_PORT}"
    argv = [
        *(lab.binary("outrider-controller"), "--listen", endpoint, "--advertise", endpoint),
        *(
            "--state-dir",
            str(lab.folder / CONTROLLER),
            "--admin-socket",
            str(lab.controller_socket),
        ),
        *("--metrics-listen", CONTROLLER_METRICS),
        *options,
    ]
    _start(lab, CONTROLLER, fabric.CONTROLLER, argv, env)
    _wait_for(lab, CONTROLLER, lambda: bool(_quiet(lambda: api.controller_status(lab))))


def start_agent(
    lab: Lab, host: str, env: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> None:
    """Starts the agent of `host`; its first start uses a fresh join token."""
    folder = lab.host_folder(host)
    bpffs = folder / "bpf"
    joined = folder.exists()
    if not joined:
        bpffs.mkdir(parents=True)
        # Pins are per host, and gone with the lab: a bpffs of its own, not the machine's.
        run(["mount", "-t", "bpf", "bpffs", str(bpffs)])
        api.enroll(lab, host, folder / "token")
    argv = [
        *(lab.binary("outrider-agent"), "--state-dir", str(folder / "agent")),
        *("--socket", str(lab.agent_socket(host)), "--vtep", lab.host(host).vtep),
        *("--bpffs", str(bpffs / "outrider")),
        *("--metrics-listen", AGENT_METRICS),
    ]
    # Never the machine's own.
    argv += ["--libvirt", daemon.uri(lab, host) if lab.libvirt else "none"]
    if lab.provider:
        argv += ["--uplink", f"{physical.UPLINK}={physical.DEVICE}"]
    if not joined:
        argv += ["--join-file", str(folder / "token")]
    argv += options
    _start(lab, agent_name(host), host, argv, env)


def wait_connected(lab: Lab, timeout: float = 30) -> None:
    """Returns when every host holds a session with the controller."""
    wanted = set(lab.hosts)
    for host in wanted:
        _wait_for(lab, agent_name(host), lambda h=host: lab.agent_socket(h).exists())
    if not process.wait_until(lambda: wanted <= api.connected_hosts(lab), timeout, 0.1):
        missing = ", ".join(sorted(wanted - api.connected_hosts(lab)))
        raise LabError(
            f"hosts {missing}: not connected after {timeout:g} s, see {lab.folder}/*.log"
        )


def wait_converged(lab: Lab, timeout: float = 20) -> None:
    """Returns when every connected host has in force what the controller wants it to have."""

    def behind() -> list[str]:
        return [
            host["meta"]["name"]
            for host in api.hosts(lab)
            if host["state"] == "STATE_CONNECTED"
            and host["applied_generation"] != host["desired_generation"]
        ]

    if not process.wait_until(lambda: not behind(), timeout):
        raise LabError(f"hosts {', '.join(behind())}: not up to date after {timeout:g} s")


def wait_agent(lab: Lab, host: str, timeout: float = 30) -> None:
    """Returns when the agent of `host` answers and is connected."""
    if not process.wait_until(
        lambda: _quiet(lambda: api.agent_status(lab, host).get("connected")), timeout, 0.05
    ):
        name = agent_name(host)
        raise LabError(f"{name}: not connected after {timeout:g} s, see {lab.log(name)}")


def kill(lab: Lab, name: str) -> None:
    """kill -9."""
    load(lab.prefix).processes[name].stop(kill=True)


def stop(lab: Lab, name: str) -> None:
    load(lab.prefix).processes[name].stop()


def _start(
    lab: Lab, name: str, namespace: str, argv: list[str], env: Mapping[str, str] | None
) -> None:
    command = netns.inside(lab.netns(namespace), argv)
    remember(lab.prefix, process.start(name, command, lab.log(name), env))


def _quiet(call):
    """What call() returns; None when it fails, as it does while a daemon is starting."""
    try:
        return call()
    except LabError:
        return None


def _wait_for(lab: Lab, name: str, condition, timeout: float = 30) -> None:
    """Waits for condition; says so at once when the process has ended instead."""
    running = load(lab.prefix).processes[name]
    process.wait_until(lambda: not running.alive() or condition(), timeout, 0.05)
    if not running.alive() or not condition():
        tail = "\n".join(lab.log(name).read_text(errors="replace").splitlines()[-5:])
        state = "does not answer" if running.alive() else "ended"
        raise LabError(f"{name}: {state}; end of {lab.log(name)}:\n{tail}")
