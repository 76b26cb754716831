"""The command line of deploy/lab."""

from __future__ import annotations

import argparse
import json
import os
import sys

from labkit import api, builder, fabric, interrupts, inventory, lifecycle, move, netns, ports, qemu
from labkit.libvirt import daemon, domain
from labkit.shell import LabError, check_root

EXAMPLES = """examples:
  deploy/lab up --hosts 3
  deploy/lab up --hosts 3 --underlay ipv6
  deploy/lab up --hosts 2 --provider
  deploy/lab exec h1 -- outrider host list
  deploy/lab exec h1 -- outrider profile apply -f web.yaml
  deploy/lab guest start server --host h1 --ip 10.1.0.2 --mac 52:54:00:00:00:02 --profile web
  deploy/lab port add probe --host h3 --ip 10.1.0.9 --mac 52:54:00:00:00:09 --profile open
  deploy/lab exec probe -- busybox ping -c 3 10.1.0.2
  deploy/lab guest migrate server --to h2
  deploy/lab up --hosts 2 --libvirt
  deploy/lab domain xml vm --ip 10.1.0.3 --mac 52:54:00:00:00:03 --profile web > vm.xml
  deploy/lab virsh h1 define vm.xml
  deploy/lab virsh h1 start vm
  deploy/lab domain exec vm --host h1 -- ip addr
  deploy/lab virsh h1 migrate --live --persistent --undefinesource vm qemu+tcp://h2/system
  deploy/lab down"""


def main(arguments: list[str]) -> int:
    # Everything after the first `--` is the command of `exec`; argparse must not look at it.
    own, _, command = _split(arguments)
    options = _parser().parse_args(own)
    options.command = command
    interrupts.raise_once()
    try:
        return options.run(options) or 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return interrupts.EXIT_CODE


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in arguments:
        return arguments, "", []
    at = arguments.index("--")
    return arguments[:at], "--", arguments[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--prefix", help="which lab; needed when several are up")
    parser = argparse.ArgumentParser(
        prog="deploy/lab",
        description="Outrider hosts on one machine: namespaces behind a router, real QEMU guests.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    up = verbs.add_parser("up", parents=[shared], help="start a lab")
    up.add_argument("--hosts", type=int, default=3)
    up.add_argument(
        "--underlay",
        choices=list(fabric.MTU),
        default="ipv4",
        help="address family of the tunnels; default: ipv4",
    )
    up.add_argument(
        "--provider",
        action="store_true",
        help="with a physical network, to which hosts have the uplink physnet1",
    )
    up.add_argument(
        "--libvirt",
        action="store_true",
        help="with a libvirtd on every host; it is downloaded, not installed",
    )
    up.add_argument("--build", help="build folder, instead of building build/release")
    up.set_defaults(run=_up)
    execute = verbs.add_parser(
        "exec", parents=[shared], help="run a command in a host: exec H -- CMD"
    )
    execute.add_argument("host", help="a host, a light port, `router`, `phys` or `ctl`")
    execute.set_defaults(run=_exec)
    status = verbs.add_parser("status", parents=[shared], help="what runs where")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_status)
    down = verbs.add_parser("down", parents=[shared], help="stop the lab and remove all of it")
    down.set_defaults(run=lambda o: lifecycle.down(inventory.choose(o.prefix)))
    virsh = verbs.add_parser(
        "virsh", parents=[shared], help="virsh on a host of a lab with libvirt: virsh H ARGUMENTS"
    )
    virsh.add_argument("host")
    virsh.add_argument("words", nargs=argparse.REMAINDER, metavar="ARGUMENTS")
    virsh.set_defaults(run=_virsh)
    _domain_verbs(verbs, shared)
    _guest_verbs(verbs, shared)
    _port_verbs(verbs, shared)
    return parser


def _endpoint_options(parser: argparse.ArgumentParser, host: bool = True) -> None:
    parser.add_argument("name")
    if host:
        parser.add_argument("--host", required=True)
    parser.add_argument("--ip", required=True, help="address in the segment, a /24 is assumed")
    parser.add_argument("--mac", required=True)
    parser.add_argument("--profile", required=True)


def _domain_verbs(verbs, shared: argparse.ArgumentParser) -> None:
    domain = verbs.add_parser("domain", help="libvirt's guests").add_subparsers(required=True)
    xml = domain.add_parser("xml", help="print the definition of a guest, for `virsh define`")
    _endpoint_options(xml, host=False)
    xml.set_defaults(run=_domain_xml)
    execute = domain.add_parser(
        "exec", parents=[shared], help="domain exec NAME --host H -- SHELL COMMAND"
    )
    execute.add_argument("name")
    execute.add_argument("--host", required=True)
    execute.set_defaults(run=_domain_exec)


def _guest_verbs(verbs, shared: argparse.ArgumentParser) -> None:
    guest = verbs.add_parser("guest", help="QEMU guests").add_subparsers(required=True)
    start = guest.add_parser("start", parents=[shared])
    _endpoint_options(start)
    start.set_defaults(run=_guest_start)
    migrate = guest.add_parser("migrate", parents=[shared])
    migrate.add_argument("name")
    migrate.add_argument("--to", required=True, metavar="HOST")
    migrate.set_defaults(run=_guest_migrate)
    execute = guest.add_parser("exec", parents=[shared], help="guest exec NAME -- SHELL COMMAND")
    execute.add_argument("name")
    execute.set_defaults(run=_guest_exec)
    stop = guest.add_parser("stop", parents=[shared])
    stop.add_argument("name")
    stop.set_defaults(run=lambda o: ports.stop_guest(_lab(o), o.name))


def _port_verbs(verbs, shared: argparse.ArgumentParser) -> None:
    port = verbs.add_parser("port", help="light ports: a namespace, no VM").add_subparsers(
        required=True
    )
    add = port.add_parser("add", parents=[shared])
    _endpoint_options(add)
    add.set_defaults(run=_port_add)
    remove = port.add_parser("remove", parents=[shared])
    remove.add_argument("name")
    remove.set_defaults(run=lambda o: ports.remove_light(_lab(o), o.name))


def _lab(options: argparse.Namespace) -> inventory.Lab:
    return inventory.load(inventory.choose(options.prefix))


def _up(options: argparse.Namespace) -> None:
    check_root("the lab")
    build = builder.ready(
        options.build or os.environ.get("OUTRIDER_BUILD"),
        *(["outrider-ovs"] if options.libvirt else []),
    )
    prefix = options.prefix or lifecycle.default_prefix()
    lab = lifecycle.up(
        *(prefix, options.hosts, build, options.underlay, options.provider), libvirt=options.libvirt
    )
    print(f"lab {lab.prefix} is up: {', '.join(lab.hosts)}; files in {lab.folder}")


def _exec(options: argparse.Namespace) -> None:
    lab = _lab(options)
    if not options.command:
        raise LabError("exec: no command; write `deploy/lab exec h1 -- COMMAND`")
    namespace = lab.netns(options.host)
    if options.host in lab.lights:
        namespace = ports.light_netns(lab, options.host)
    elif options.host not in (*lab.hosts, "router", "phys", "ctl"):
        lab.host(options.host)  # says which there are
    agent = options.host if options.host in lab.hosts else None
    argv = netns.inside(namespace, options.command)
    os.execvpe(argv[0], argv, api.environment(lab, agent))  # Ctrl-C is the command's


def _status(options: argparse.Namespace) -> None:
    described = lifecycle.describe(_lab(options))
    if options.json:
        print(json.dumps(described, indent=1))
        return
    print(f"lab {described['prefix']}, controller {described['controller']}, {described['folder']}")
    for kind in ("hosts", "guests", "ports"):
        for name, fields in described[kind].items():
            print(f"{kind[:-1]:6} {name:10} " + "  ".join(f"{k} {v}" for k, v in fields.items()))


def _virsh(options: argparse.Namespace) -> None:
    lab = _lab(options)
    words = options.words + (["--", *options.command] if options.command else [])
    argv = daemon.inside(lab, options.host, ["virsh", *words])
    os.execvpe(argv[0], argv, daemon.environment(lab))


def _domain_xml(options: argparse.Namespace) -> None:
    print(domain.xml(domain.Domain(options.name, options.ip, options.mac, options.profile)), end="")


def _domain_exec(options: argparse.Namespace) -> int:
    command = " ".join(options.command)
    status, output = domain.console(_lab(options), options.host, options.name, command)
    print(output)
    return status


def _guest_start(options: argparse.Namespace) -> None:
    lab = _lab(options)
    guest = ports.start_guest(
        lab, options.name, options.host, options.ip, options.mac, options.profile
    )
    qemu.wait_ready(lab, guest)
    print(f"guest {guest.name} is up on {guest.host}, {guest.ip}, port {guest.port_id}")


def _guest_migrate(options: argparse.Namespace) -> None:
    report = move.migrate(_lab(options), options.name, options.to)
    print(
        f"guest {options.name}: {report.source} -> {report.destination}, {report.phase}"
    )
    print(
        f"QEMU: {report.times.total_ms} ms in all, {report.blackout_ms:.0f} ms from STOP to RESUME"
    )
    print(f"timeline: outrider migration show {report.migration_id}")


def _guest_exec(options: argparse.Namespace) -> int:
    lab = _lab(options)
    status, output = qemu.console(lab, lab.guest(options.name), " ".join(options.command))
    print(output)
    return status


def _port_add(options: argparse.Namespace) -> None:
    light = ports.add_light(
        _lab(options), options.name, options.host, options.ip, options.mac, options.profile
    )
    print(
        f"port {light.name} is up on {light.host}, {light.ip}: deploy/lab exec {light.name} -- ..."
    )
