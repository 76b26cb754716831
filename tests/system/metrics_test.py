"""What Prometheus gets from a controller and its agents after one live migration and one that was
aborted: the figures are those of the records."""

from __future__ import annotations

import re
import unittest

import support
from labkit import api, fabric, inventory, move, netns, process, services
from labkit.hypervisor import How
from labkit.rig import flows, measured, scene
from labkit.shell import run

RATE = 200
FETCH = """\
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
"""
SAMPLE = re.compile(r"^([a-z_]+)(\{[^}]*\})? (\S+)$")
# Metric of the controller, of an agent, and field of the record's counters.
COUNTED = {
    "frames_replayed": "replayed",
    "frames_redirected": "redirected",
    "frames_lost": "lost",
    "frames_arrived": "arrived",
    "frames_refused": "refused",
    "connections_taken_over": "connections",
    "connections_adopted": "adopted",
}
AT_SOURCE = ("replayed", "redirected", "lost")


def scrape(lab: inventory.Lab, namespace: str, address: str) -> dict[str, float]:
    """Samples by name and labels, as a scraper in the daemon's own namespace gets them."""
    argv = ["python3", "-c", FETCH, f"http://{address}/metrics"]
    lines = run(netns.inside(lab.netns(namespace), argv)).splitlines()
    samples = {}
    for line in lines:
        if line and not line.startswith("#"):
            found = SAMPLE.match(line)
            assert found, f"no sample: {line}"
            samples[found[1] + (found[2] or "")] = float(found[3])
    return samples


class MetricsTest(support.LabCase):
    HOSTS = scene.HOSTS

    @classmethod
    def prepare(cls) -> None:
        scene.prepare(cls.lab)

    def controller(self) -> dict[str, float]:
        return scrape(self.lab, fabric.CONTROLLER, services.CONTROLLER_METRICS)

    def agent(self, host: str) -> dict[str, float]:
        return scrape(self.lab, host, services.AGENT_METRICS)

    def total(self, record: api.Json, field: str) -> int:
        side = "source_counters" if field in AT_SOURCE else "destination_counters"
        return sum(int(counters[field]) for counters in record[side].values())

    def test_a_committed_and_an_aborted_migration(self) -> None:
        before = self.controller()
        self.assertEqual(before["outrider_controller_hosts_connected"], 3)
        self.assertEqual(before['outrider_controller_migrations_running{phase="armed"}'], 0)
        self.assertEqual(self.ended(before, "committed"), 0)
        report = self.moved_under_flows()
        self.check_controller(report)
        self.check_agents(report)
        self.check_aborted(report.destination, report.source)

    def moved_under_flows(self) -> move.MoveReport:
        """With one migration under way seen on the way."""
        self.lab = inventory.load(self.lab.prefix)
        seen = []

        def look() -> None:
            seen.append((self.controller(), self.agent("h1"), self.agent("h2")))

        ends = flows.both_ways(measured.guest_end(), measured.peer_end(self.lab))
        with flows.Flows(self.lab, ends, RATE) as running:
            report = move.migrate(self.lab, measured.GUEST, "h2", How(), move.Steps(on_armed=look))
            running.finish()
        self.assertEqual(report.phase, "committed", report.record)
        controller, source, destination = seen[0]
        self.assertEqual(controller['outrider_controller_migrations_running{phase="armed"}'], 1)
        self.assertEqual(destination['outrider_agent_ports{phase="armed"}'], 1)
        self.assertEqual(destination["outrider_agent_arrivals"], 1)
        self.assertEqual(source['outrider_agent_ports{phase="active"}'], 1)
        return report

    def check_controller(self, report: move.MoveReport) -> None:
        # The hosts' last counts come after the end.
        def settled() -> bool:
            record = api.migration(self.lab, report.migration_id)
            found = self.controller()
            return all(
                found[f"outrider_controller_migration_{name}_total"] == self.total(record, field)
                for name, field in COUNTED.items()
            )

        self.assertTrue(process.wait_until(settled, 10, 0.2), self.controller())
        found = self.controller()
        self.assertEqual(self.ended(found, "committed"), 1)
        self.assertEqual(self.ended(found, "aborted"), 0)
        for phase in ("preparing", "armed", "switching"):
            name = f'outrider_controller_migrations_running{{phase="{phase}"}}'
            self.assertEqual(found[name], 0)
        for name in ("prepare", "switch", "convergence", "duration"):
            self.assertEqual(found[f"outrider_controller_migration_{name}_seconds_count"], 1)
        whole_s = found["outrider_controller_migration_duration_seconds_sum"]
        times = [int(event["recorded_us"]) for event in report.record["timeline"]]
        self.assertAlmostEqual(whole_s, (times[-1] - times[0]) / 1e6, places=6)
        self.assertLess(found["outrider_controller_migration_prepare_seconds_sum"], whole_s)
        # Each flow is a connection of the guest's stateful port, and moves along.
        self.assertGreaterEqual(
            found["outrider_controller_migration_connections_taken_over_total"], 2
        )
        self.assertEqual(found["outrider_controller_ports"], 2)
        self.assertEqual(found["outrider_controller_ports_frozen"], 0)
        self.assertGreater(found["outrider_controller_store_revision"], 0)

    def check_agents(self, report: move.MoveReport) -> None:
        record = api.migration(self.lab, report.migration_id)
        source, destination = self.agent(report.source), self.agent(report.destination)
        for name, field in COUNTED.items():
            at_source = field in AT_SOURCE
            host, other = (source, destination) if at_source else (destination, source)
            metric = f"outrider_agent_{name}_total"
            self.assertEqual((metric, host[metric]), (metric, self.total(record, field)))
            self.assertEqual((metric, other[metric]), (metric, 0))
        self.assertEqual(source['outrider_agent_ports{phase="active"}'], 0)
        self.assertEqual(destination['outrider_agent_ports{phase="active"}'], 1)
        for samples in (source, destination):
            self.assertEqual(samples["outrider_agent_controller_connected"], 1)
            self.assertEqual(samples["outrider_agent_failures"], 0)
            self.assertEqual(samples["outrider_agent_departures"], 0)
            self.assertEqual(samples["outrider_agent_arrivals"], 0)
            self.assertGreater(samples["outrider_agent_certificate_expiry_time_seconds"], 1e9)

    def check_aborted(self, source: str, destination: str) -> None:
        self.lab = inventory.load(self.lab.prefix)
        port_id = self.lab.guest(measured.GUEST).port_id
        record = api.prepare_migration(self.lab, port_id, destination)
        api.abort_migration(self.lab, record["meta"]["name"], "secret of web-1")
        move.wait_done(self.lab, record["meta"]["name"])
        found = self.controller()
        self.assertEqual(self.ended(found, "committed"), 1)
        self.assertEqual(self.ended(found, "aborted"), 1)
        self.assertEqual(found['outrider_controller_migration_aborts_total{reason="request"}'], 1)
        self.assertFalse([name for name in found if "web-1" in name or port_id in name])
        self.assertEqual(self.agent(source)['outrider_agent_ports{phase="active"}'], 1)

    def ended(self, samples: dict[str, float], outcome: str) -> float:
        """By whatever it was that moved the ports."""
        start = f'outrider_controller_migrations_total{{outcome="{outcome}"'
        return sum(value for name, value in samples.items() if name.startswith(start))

    def test_an_address_in_use_ends_the_start(self) -> None:
        argv = [self.lab.binary("outrider-controller"), "--listen", "127.0.0.1:0"]
        folder = self.lab.folder / "second"
        argv += ["--state-dir", str(folder), "--admin-socket", str(folder / "admin.sock")]
        argv += ["--metrics-listen", services.CONTROLLER_METRICS]
        done = support.run_program(netns.inside(self.lab.netns(fabric.CONTROLLER), argv))
        self.assertEqual(done.returncode, 1)
        said = f"metrics at {services.CONTROLLER_METRICS}: the port is in use"
        self.assertIn(said, done.stdout)


if __name__ == "__main__":
    support.main()
