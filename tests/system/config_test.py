"""The configuration files that are installed: the daemons take every key of them, set or commented
out, and nothing else."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest

import support

CONFIG = support.ROOT / "deploy" / "config"
DAEMONS = ("agent", "controller")
USAGE = 2


class ConfigTest(unittest.TestCase):
    def parse(self, daemon: str, text: str) -> subprocess.CompletedProcess[str]:
        """Runs a daemon that reads `text` and then, asked for help only, ends."""
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            argv = [f"{support.build_folder()}/bin/outrider-{daemon}", "--config", file.name]
            return subprocess.run(
                [*argv, "--help"], capture_output=True, text=True, check=False, timeout=60
            )

    def test_every_key_is_one(self) -> None:
        for daemon in DAEMONS:
            with self.subTest(daemon=daemon):
                text = (CONFIG / f"{daemon}.toml").read_text(encoding="utf-8")
                every = re.sub(r"^#(?=[a-z-]+ = )", "", text, flags=re.MULTILINE)
                self.assertNotEqual(every, text)
                for wanted in (text, every):
                    done = self.parse(daemon, wanted)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_people_are_told_to_edit_is_there(self) -> None:
        said = [
            edit
            for name in ("README.md", "deploy/install")
            for edit in re.findall(
                r"^ *sed -i '([^']+)' /etc/outrider/(agent|controller)\.toml$",
                (support.ROOT / name).read_text(encoding="utf-8"),
                flags=re.MULTILINE,
            )
        ]
        # The controller's and the agent's addresses, and twice the folder of Open vSwitch's sockets.
        self.assertGreaterEqual(len(said), 4)
        for script, daemon in said:
            with self.subTest(script):
                before = (CONFIG / f"{daemon}.toml").read_text(encoding="utf-8")
                after = subprocess.run(
                    ["sed", script], input=before, capture_output=True, text=True, check=True
                ).stdout
                self.assertNotEqual(after, before)
                done = self.parse(daemon, after)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_check_can_fail(self) -> None:
        for daemon in DAEMONS:
            text = (CONFIG / f"{daemon}.toml").read_text(encoding="utf-8")
            for wrong in (text + "\nno-such-key = 1\n", text.replace('"info"', '"loud"')):
                with self.subTest(daemon=daemon):
                    self.assertEqual(self.parse(daemon, wrong).returncode, USAGE)


if __name__ == "__main__":
    support.main()
