"""The network benchmark: what it computes and draws of samples written by hand, and one short run
of it, whose figures nobody judges."""

from __future__ import annotations

import pathlib
import random
import tempfile
import unittest
from unittest import mock
from xml.etree import ElementTree

import support
from labkit.bench import chart, figures, machine, main, network, program_time, samples, steadiness
from labkit.bench import table
from labkit.bench.figures import NIC, STAGES, VETH, Cell
from labkit.bench.guests import CONTAINER, GUEST
from labkit.bench.network import Effort
from labkit.bench.rows import row
from labkit.bench.samples import Samples
from labkit.bench.stages import BARE, BRIDGE, EMPTY, FULL, OVS
from labkit.shell import LabError


def streams(full: float = 6.0, bare: float = 8.0) -> Samples:
    """Three rounds, the second of a machine that has twice the time; Open vSwitch is in one."""
    found = Samples()
    for number, times in enumerate((1, 2, 1)):
        for stage, gbps in ((BARE, bare), (BRIDGE, 5.0), (EMPTY, 7.0), (FULL, full)):
            found.add(number, "tcp", stage, {"gbps": gbps * times})
    found.add(0, "tcp", OVS, {"gbps": 0.5})
    return found


class SamplesTest(unittest.TestCase):
    def test_ratios_are_of_the_same_round(self) -> None:
        found = streams()
        self.assertEqual(found.ratios(Cell("tcp", "gbps", FULL), BARE), [0.75] * 3)
        self.assertEqual(found.ratios(Cell("tcp", "gbps", FULL), OVS), [12.0])

    def test_a_base_through_which_nothing_came_has_no_ratio(self) -> None:
        self.assertEqual(streams(bare=0.0).ratios(Cell("tcp", "gbps", FULL), BARE), [])

    def rows(self, regime: str, full: float) -> dict[str, tuple]:
        found = samples.rows_of(regime, streams(full))
        return {one["name"]: (one["value"], one["must"], one["met"]) for one in found}

    def test_rows(self) -> None:
        found = self.rows(VETH, 6.0)
        self.assertEqual(
            found,
            {
                "net_veth_tcp_gbps_bare": (8.0, None, True),
                "net_veth_tcp_gbps_bridge": (5.0, None, True),
                "net_veth_tcp_gbps_ovs": (0.5, None, True),
                "net_veth_tcp_gbps_empty": (7.0, None, True),
                "net_veth_tcp_gbps_full": (6.0, None, True),
                "net_veth_tcp_gbps_empty_over_bare": (0.875, None, True),
                "net_veth_tcp_gbps_empty_over_bridge": (1.4, None, True),
                "net_veth_tcp_gbps_full_over_bare": (0.75, ">= 0.75", True),
                "net_veth_tcp_gbps_full_over_bridge": (1.2, ">= 1.15", True),
            },
        )

    def test_a_regime_has_demands_of_its_own(self) -> None:
        name = "tcp_gbps_full_over_bare"
        self.assertEqual(self.rows(VETH, 5.8)[f"net_veth_{name}"], (0.725, ">= 0.75", False))
        self.assertEqual(self.rows(NIC, 5.8)[f"net_nic_{name}"], (0.725, ">= 0.7", True))

    def test_every_demand_is_of_a_figure(self) -> None:
        for demand in figures.DEMANDS:
            self.assertIn((demand.workload, demand.figure), figures.FIGURES)


class OrderTest(unittest.TestCase):
    def test_each_is_first_and_none_always_follows_the_same(self) -> None:
        orders = [network._turned("abcd", number) for number in range(8)]
        self.assertEqual({order[0] for order in orders}, set("abcd"))
        followers = {(one, other) for order in orders for one, other in zip(order, order[1:])}
        self.assertTrue({("a", "b"), ("b", "a")} <= followers)


class SteadinessTest(unittest.TestCase):
    def test_spread_is_half_of_the_interval(self) -> None:
        self.assertEqual(steadiness.spread([10.0] * 9), 0)
        source = random.Random(3)
        wide = [source.uniform(5, 15) for _ in range(30)]
        self.assertTrue(0.03 < steadiness.spread(wide) < 0.2, steadiness.spread(wide))
        # More rounds of the same machine say more.
        self.assertLess(steadiness.spread(wide * 10), steadiness.spread(wide))

    def test_steal(self) -> None:
        self.assertEqual(steadiness.share([10, 0, 20, 50, 0, 0, 10, 10]), 0.1)
        self.assertEqual(steadiness.share([0] * 8), 0.0)

    def test_refusal_names_what_and_by_how_much(self) -> None:
        judge = steadiness.Judge()
        self.assertEqual(len(judge.rows(VETH, {"rr": [10.0, 10.1, 10.2]})), 2)
        judge.check()
        judge.begin()
        _, bad = judge.rows(NIC, {"rr": [10.0, 15.0]})
        self.assertEqual((bad["name"], bad["value"], bad["met"]), ("net_nic_rr_spread", 0.2, False))
        with self.assertRaisesRegex(LabError, "^refused, .* steady: net_nic_rr_spread is 20.0%;"):
            judge.check()


class ProgramTimeTest(unittest.TestCase):
    NAMES = {1: "from_port", 2: "from_underlay", 3: "from_port", 4: "from_overlay"}

    def test_what_a_run_took(self) -> None:
        before = {1: (100, 1000), 2: (50, 500), 3: (7, 700), 4: (0, 0)}
        # The second host's from_port had an answer to an ARP request or two; from_overlay nothing.
        after = {1: (1100, 301_000), 2: (950, 90_500), 3: (9, 9700), 4: (0, 0)}
        found = program_time.per_packet(self.NAMES, before, after)
        self.assertEqual(found, {"from_port": 300.0, "from_underlay": 100.0})

    def test_nothing_ran(self) -> None:
        counts = {number: (5, 50) for number in self.NAMES}
        self.assertEqual(program_time.per_packet(self.NAMES, counts, counts), {})

    def test_the_switch_is_as_it_was_also_after_a_failure(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            switch = pathlib.Path(folder) / "bpf_stats_enabled"
            switch.write_text("0\n", encoding="ascii")
            with mock.patch.object(program_time, "SWITCH", switch):
                with self.assertRaises(LabError), program_time.counting():
                    self.assertEqual(switch.read_text(encoding="ascii"), "1\n")
                    raise LabError("no answer")
            self.assertEqual(switch.read_text(encoding="ascii"), "0\n")


TABLE = """\
a machine, 2 cores, Linux 6.18

veth-default: medians, and half of their 95 % interval
                          B0 bare   B1 bridge      B2 OVS  ours, empty  ours, full
TCP, one stream  Gb/s  8.00 ±50 %  5.00 ±50 %  0.50 ± 0 %   7.00 ±50 %  5.00 ±50 %

veth-default: ratios of the same round, and their median's 95 % interval
                                    ours, empty         ours, full  must be
TCP, one stream    / B0 bare  0.88 [0.88, 0.88]  0.62 [0.62, 0.62]  >= 0.75  NOT MET
TCP, one stream  / B1 bridge  1.40 [1.40, 1.40]  1.00 [1.00, 1.00]  >= 1.15  NOT MET

                                          must be
net_ns_full_programs  510 ns  [500, 510]   <= 400  NOT MET
"""


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.rows = samples.rows_of(VETH, streams()) + samples.rows_of(NIC, streams(2.0))
        self.rows.append(row("net_ns_full_programs", [500, 510], "ns", at_most=400, judged=50))

    def test_table(self) -> None:
        rows = [*samples.rows_of(VETH, streams(5.0)), self.rows[-1]]
        said = table.text(rows, "a machine, 2 cores, Linux 6.18")
        self.assertEqual(said.splitlines(), TABLE.splitlines())

    def test_numbers_have_three_digits(self) -> None:
        said = [table.number(value) for value in (0.5, 9.87, 12.34, 345.6, 14213.0)]
        self.assertEqual(said, ["0.50", "9.87", "12.3", "346", "14213"])
        said = [chart.short(value) for value in (999.0, 1540.0, 15304.0)]
        self.assertEqual(said, ["999", "1.54k", "15.3k"])

    def test_chart(self) -> None:
        drawn = ElementTree.fromstring(chart.svg(self.rows, "a <machine>"))
        words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertTrue(set(STAGES.values()) <= set(words))
        self.assertEqual(words.count("TCP, one stream"), 2)
        self.assertIn("full: 0.75 × B0, 1.20 × B1", words)
        self.assertTrue(words[-1].startswith("a <machine>; medians"), words[-1])
        # The ground, the legend, and a bar per stage and regime.
        bars = list(drawn.iter("{http://www.w3.org/2000/svg}rect"))
        self.assertEqual(len(bars), 1 + 5 + 2 * 5)
        height = float(drawn.attrib["height"])
        for bar in bars[1:]:
            self.assertTrue(0 <= float(bar.attrib["y"]) <= height, bar.attrib)

    def test_the_machine_is_named(self) -> None:
        self.assertRegex(machine.described(), r", \d+ cores, Linux \d+\.\d+")


class CommandLineTest(unittest.TestCase):
    def test_without_a_name_it_is_all_of_network_with_its_report(self) -> None:
        options = main._parser().parse_args([])
        with tempfile.TemporaryDirectory() as folder:
            with mock.patch.object(main, "REPORT", pathlib.Path(folder) / "bench"):
                main._choose_report(options)
            self.assertEqual(options.names, ["network"])
            self.assertEqual(options.json, f"{folder}/bench/network.json")
            self.assertEqual(options.plot, f"{folder}/bench/network.svg")

    def test_a_chart_in_no_folder_is_refused_before_anything_is_measured(self) -> None:
        options = main._parser().parse_args(["network", "--plot", "/nowhere/a.svg"])
        with self.assertRaisesRegex(LabError, "--plot /nowhere/a.svg: there is no such folder"):
            main._choose_report(options)


class NetworkTest(unittest.TestCase):
    def test_everything_is_measured(self) -> None:
        effort = Effort(rounds=1, seconds=0.05, program_runs=1, guest_rounds=1, files=1)
        before = program_time.SWITCH.read_text(encoding="ascii")
        found = {}
        judge = steadiness.Judge()
        for one in network.measure(support.prefix(), support.build_folder(), effort, judge):
            found[one["name"]] = one["value"]
        self.assertEqual(program_time.SWITCH.read_text(encoding="ascii"), before)
        for regime in figures.REGIMES:
            for workload, figure in figures.FIGURES:
                stages = (BRIDGE, FULL) if workload in (GUEST, CONTAINER) else STAGES
                for stage in stages:
                    self.assertGreater(found[Cell(workload, figure, stage).row(regime)], 0)
            self.assertIn(f"net_{regime}_steal", found)
        for program in ("from_port", "from_underlay", "programs"):
            self.assertGreater(found[f"net_ns_{FULL}_{program}"], 0)


if __name__ == "__main__":
    support.main()
