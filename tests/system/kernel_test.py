"""The eBPF programs on the oldest kernel that is supported, Debian 12's: the verifier of another
kernel is another judge. A QEMU guest boots it and runs the datapath's tests there."""

from __future__ import annotations

import pathlib
import re
import subprocess
import tempfile
import unittest

import support
from labkit import guest_image, qemu
from labkit.cpio import CpioWriter
from labkit.shell import run

# By their folder in the build, and what of them is run: every program is loaded, and frames go every
# way. An emulated processor takes seconds to verify the programs, which datapaths and traces do anew;
# and what compares times would compare that processor's with the clock of policers.
TESTS = {
    "tests/bpf/outrider_bpf_test": "ConnectionTest.*:TcpConnectionTest.*:FragmentTest.*:TraceTest.*:"
    "CaptureTest.*:DropTest.EachCase*:OverlayTest.*:LocalSegmentTest.*:LocalProviderTest.*",
    "tests/datapath/ebpf/outrider_datapath_ebpf_test": "EbpfDatapathTest.*Restart*:"
    "EbpfDatapathTest.OtherPrograms*:EbpfDatapathTest.AnInterrupted*",
    "tests/datapath/ebpf/outrider_datapath_ebpf_traffic_test": "Devices/OverlayTraffic.*/Tap:"
    "RestartTraffic.LosesNothingWhenTheProcessRestarts",
}
MODULES = ("veth", "vxlan", "tun", "dummy", "sch_ingress", "sch_htb", "cls_bpf")
INIT = pathlib.Path(__file__).resolve().parent / "kernel_guest" / "init"
MEMORY_MB = 1024
TIMEOUT_S = 700


def libraries(program: pathlib.Path) -> set[pathlib.Path]:
    """The shared objects `program` is loaded with."""
    return {pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", run(["ldd", str(program)]))}


def guest_output(argv: list[str]) -> tuple[str, bool]:
    """What a QEMU guest says on its console, and whether it ended within TIMEOUT_S."""
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace").replace("\r", ""), False
    return done.stdout.decode(errors="replace").replace("\r", ""), True


class KernelTest(unittest.TestCase):
    def test_the_datapath_on_the_oldest_kernel(self) -> None:
        build = pathlib.Path(support.build_folder())
        image = guest_image.build()
        with tempfile.TemporaryDirectory() as folder:
            initramfs = pathlib.Path(folder) / "initramfs.gz"
            self.write_initramfs(build, initramfs)
            argv = [
                *("qemu-system-x86_64", "-M", "q35,usb=off", "-accel", qemu.accelerator()),
                *("-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none"),
                *("-no-reboot", "-serial", "stdio"),
                *("-kernel", str(image.kernel), "-initrd", str(initramfs)),
                *("-append", "console=ttyS0 quiet loglevel=1 panic=-1"),
            ]
            said, ended_in_time = guest_output(argv)
        self.assertTrue(ended_in_time, f"not done after {TIMEOUT_S} s; it said:\n{said}")
        self.assertRegex(said, r"OUTRIDER-KERNEL 6\.1\.", said)
        ended = dict(re.findall(r"OUTRIDER-KERNEL-TEST (\S+) (\d+)\n", said))
        self.assertEqual(ended, {pathlib.Path(test).name: "0" for test in TESTS}, said)
        passed = re.findall(r"\[  PASSED  \] (\d+) tests?", said)
        self.assertEqual(len(passed), len(TESTS), said)
        self.assertNotIn("SKIPPED", said)
        kernel = re.search(r"OUTRIDER-KERNEL (\S+)", said)[1]
        print(f"on {kernel}: {' + '.join(passed)} passed")

    @staticmethod
    def write_initramfs(build: pathlib.Path, target: pathlib.Path) -> None:
        archive = CpioWriter()
        guest_image.add_system(archive, INIT, MODULES)
        files = set()
        for test in TESTS:
            files |= libraries(build / test)
        folders = {folder for file in files for folder in file.parents if folder.name}
        present = {"bin", "dev", "modules", "proc", "sys", "tmp"}
        for folder in sorted(str(folder)[1:] for folder in folders):
            if folder not in present:
                archive.folder(folder)
        for file in sorted(files):
            archive.file(str(file)[1:], file.read_bytes(), executable=True)
        archive.folder("tests")
        archive.folder("filters")
        for test, only in TESTS.items():
            name = pathlib.Path(test).name
            archive.file(f"tests/{name}", (build / test).read_bytes(), executable=True)
            archive.file(f"filters/{name}", only.encode())
        archive.write(target)


if __name__ == "__main__":
    support.main()
