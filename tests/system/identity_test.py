"""Who is let in: wrong, used and revoked tokens, a second agent with the same host id."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil
import subprocess

import support
from labkit import api, netns, process, scenes, services
from labkit.inventory import remember

IDENTITY = "URI:spiffe://outrider.local/host/h1"

# What `openssl ca` needs to sign one certificate with the controller's own authority.
CA_CONFIG = f"""\
[ca]
default_ca = lab
[lab]
database = {{folder}}/index
new_certs_dir = {{folder}}
rand_serial = yes
certificate = {{authority}}/ca.crt
private_key = {{authority}}/ca.key
default_md = sha256
policy = any
x509_extensions = host
[any]
commonName = optional
[host]
subjectAltName = {IDENTITY}
extendedKeyUsage = clientAuth
"""


class IdentityTest(support.LabCase):
    HOSTS = 2

    @classmethod
    def prepare(cls) -> None:
        cls.lab = scenes.two_light_ports(cls.lab)

    def agent(self, name: str, *words: str) -> list[str]:
        """argv of an agent in the controller's namespace, with folders and pins of its own."""
        folder = self.lab.folder / name
        argv = [
            self.lab.binary("outrider-agent"),
            "--state-dir",
            str(folder),
            "--vtep",
            "10.77.0.1",
        ]
        argv += ["--socket", str(self.lab.folder / f"{name}.sock")]
        argv += ["--bpffs", str(self.lab.host_folder("h2") / "bpf" / name), *words]
        return netns.inside(self.lab.netns("ctl"), argv)

    def join(self, token: str, name: str) -> str:
        """Runs an agent that tries to join; it must end. Returns what it said."""
        done = subprocess.run(
            self.agent(name, "--join", token),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def copied_identity(
        self, name: str, key: pathlib.Path | None, certificate: pathlib.Path | None, reason: str
    ) -> None:
        """Runs another agent with h1's identity, key and certificate replaced if given, until the
        controller has refused it, for `reason` and no other."""
        folder = self.lab.folder / name
        shutil.copytree(self.lab.host_folder("h1") / "agent", folder)
        if key and certificate:
            shutil.copy(key, folder / "host.key")
            shutil.copy(certificate, folder / "host.crt")
        before = len(self.refusals())
        log = self.lab.log(name)
        running = remember(self.lab.prefix, process.start(name, self.agent(name), log))
        refused = lambda: len(self.refusals()) > before  # noqa: E731
        self.assertTrue(process.wait_until(refused, 20), log.read_text(errors="replace"))
        running.stop()
        for line in self.refusals()[before:]:
            self.assertIn(reason, line)
        # The real h1 is as it was.
        self.assertTrue(api.agent_status(self.lab, "h1")["connected"])
        self.ping("left", scenes.RIGHT_IP)

    def refusals(self) -> list[str]:
        """The controller's audit lines so far that say no."""
        log = self.lab.log(services.CONTROLLER).read_text(encoding="utf-8", errors="replace")
        return [line for line in log.splitlines() if "audit: refused:" in line]

    @staticmethod
    def forged(token: str, **changes: str) -> str:
        """The token with fields of its payload changed."""
        head, _, body = token.partition(".")
        fields = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        fields.update(changes)
        text = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
        return f"{head}.{text}"

    def token(self, host: str) -> str:
        target = self.lab.folder / f"token-{host}"
        api.enroll(self.lab, host, target)
        return target.read_text(encoding="utf-8").strip()

    def refused_join(self, token: str, name: str, host: str) -> None:
        before = len(self.refusals())
        said = self.join(token, name)
        self.assertIn("outrider host enroll", said)  # the remedy
        new = self.refusals()[before:]
        self.assertTrue(any(f'"{host}"' in line for line in new), new)
        self.assertRegex(new[0], "PERMISSION_DENIED|UNAUTHENTICATED")

    def test_wrong_secret(self) -> None:
        self.refused_join(self.forged(self.token("h7"), secret="guessed"), "wrong-secret", "h7")

    def test_token_of_another_host(self) -> None:
        self.refused_join(self.forged(self.token("h7"), host="h8"), "other-host", "h8")

    def test_used_token(self) -> None:
        token = (self.lab.host_folder("h1") / "token").read_text(encoding="utf-8").strip()
        self.refused_join(token, "used-token", "h1")

    def test_revoked_token(self) -> None:
        old = self.token("h9")
        self.token("h9")
        self.refused_join(old, "revoked-token", "h9")

    def test_second_agent_with_the_same_host_id(self) -> None:
        self.copied_identity("copy", None, None, "PERMISSION_DENIED: another agent, at ")

    def test_certificate_of_a_foreign_authority(self) -> None:
        folder = self.lab.folder / "foreign-pki"
        folder.mkdir()
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "1", "-subj", "/CN=h1"),
            *("-addext", f"subjectAltName={IDENTITY}"),
        )
        reason = "UNAUTHENTICATED: certificate: not signed by our certificate authority"
        self.copied_identity("foreign", key, certificate, reason)

    def test_expired_certificate(self) -> None:
        folder = self.lab.folder / "expired-pki"
        folder.mkdir()
        key, request, certificate = (
            folder / name for name in ("key.pem", "request.pem", "certificate.pem")
        )
        authority = self.lab.folder / services.CONTROLLER / "pki"
        (folder / "index").touch()
        (folder / "ca.conf").write_text(
            CA_CONFIG.format(folder=folder, authority=authority), encoding="ascii"
        )
        openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", str(key), "-out", str(request), "-subj", "/CN=h1"),
        )
        openssl(
            *("ca", "-config", str(folder / "ca.conf"), "-batch", "-notext", "-in", str(request)),
            *(
                "-out",
                str(certificate),
                "-startdate",
                "20200101000000Z",
                "-enddate",
                "20200201000000Z",
            ),
        )
        reason = "UNAUTHENTICATED: certificate: expired at 2020-02-01"
        self.copied_identity("expired", key, certificate, reason)


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


if __name__ == "__main__":
    support.main()
