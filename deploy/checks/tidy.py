"""clang-tidy over every source of the product (tests are left to the compiler's warnings: headers
of gRPC and GoogleTest cost seconds each), in parallel, remembering what was clean.

Most of a run's time goes into looking at the libraries' headers, which every unit includes. So
sources with the same flags are looked at together, as one unit that includes several. Two that have
a name of their own in common cannot be in one: the later one waits for another unit. Where
something is found, each file is looked at by itself, and that is what counts."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("vswitch", "controller", "proto")


def is_ours(path: str) -> bool:
    return any(pathlib.Path(path).is_relative_to(ROOT / folder) for folder in FOLDERS)


def precompile(header: pathlib.Path, words: list[str], directory: str) -> None:
    """GCC's precompiled header is no use to clang: makes clang's own from the same text, with the
    flags of a unit that uses it."""
    flags = shlex.split(" ".join(words[1 : words.index("-o")]))
    out = header.with_suffix(".pch")
    argv = ["clang++", *flags, "-Wno-unknown-warning-option", "-x", "c++-header", str(header)]
    subprocess.run([*argv, "-o", str(out)], cwd=directory, check=True)


Entry = dict[str, str]

# Sources in one unit: so many that headers cost little, and every processor gets some.
TOGETHER = 12


def our_commands(build: pathlib.Path) -> list[Entry]:
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    return [entry for entry in entries if is_ours(entry["file"])]


def suit_clang(entries: list[Entry], out: pathlib.Path) -> None:
    """Changes the compile commands to clang's precompiled headers, which are made, in the place of
    GCC's."""
    users: dict[pathlib.Path, tuple[list[str], str]] = {}
    for entry in entries:
        words = [word for word in entry["command"].split() if word != "-Winvalid-pch"]
        if "-include" in words:
            at = words.index("-include")
            header = pathlib.Path(words[at + 1])
            copy = out / f"{header.parent.name}.hxx"
            text = header.read_text(encoding="utf-8")
            # Of a file that is compiled itself clang says that this means nothing.
            copy.write_text(text.replace("#pragma GCC system_header", ""), encoding="utf-8")
            del words[at : at + 2]
            users.setdefault(copy, (words.copy(), entry["directory"]))
            words[1:1] = ["-include-pch", str(copy.with_suffix(".pch"))]
        entry["command"] = " ".join(words)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(precompile, copy, *how) for copy, how in users.items()]:
            done.result()


def flags_of(entry: Entry) -> list[str]:
    # The commands are GCC's: clang may not know every warning they name.
    words = shlex.split(entry["command"].partition(" -o ")[0])[1:]
    return [*words, "-Wno-unknown-warning-option"]


class Judged(NamedTuple):
    """Files by what came of them in a unit."""

    clean: list[Entry]
    # Not looked at: a name of theirs is that of an earlier file.
    clashing: list[Entry]
    # To be looked at by themselves.
    suspect: list[Entry]


class Unit:
    """Several files with the same flags, looked at as one."""

    def __init__(self, path: pathlib.Path, members: list[Entry]) -> None:
        self.path, self.members = path, members

    def judge(self) -> Judged:
        clashing: list[Entry] = []
        while len(self.members) > 1:
            lines = [f'#include "{member["file"]}"\n' for member in self.members]
            self.path.write_text("".join(lines), encoding="utf-8")
            # First, for the compiler alone is done in a fraction of the time.
            wrong = self._with_clashes()
            if not wrong:
                if check(str(self.path), self.members[0])[0]:
                    return Judged(self.members, clashing, [])
                break
            clashing += wrong
            self.members = [entry for entry in self.members if entry not in wrong]
        return Judged([], clashing, self.members)

    def _with_clashes(self) -> list[Entry]:
        """The members but the first in which the compiler sees errors. Of an error in a header, those
        that it names with it: a name of theirs is that of the header."""
        said = subprocess.run(
            [
                *("clang++", *flags_of(self.members[0]), "-w", "-ferror-limit=0"),
                *("-fsyntax-only", str(self.path)),
            ],
            cwd=self.members[0]["directory"],
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        errors = places(said, "(?:fatal )?error")
        if not errors <= {entry["file"] for entry in self.members}:
            errors |= places(said, "note")
        return [entry for entry in self.members[1:] if entry["file"] in errors]


def places(said: str, kind: str) -> set[str]:
    """The files of which the compiler's messages of that kind speak."""
    return set(re.findall(rf"^(\S+?):\d+:\d+: {kind}: ", said, re.MULTILINE))


def unite(entries: list[Entry], out: pathlib.Path, turn: int) -> Iterator[Unit]:
    groups: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry["file"]):
        groups.setdefault(" ".join(sorted(flags_of(entry))), []).append(entry)
    for number, members in enumerate(groups.values()):
        units = -(-len(members) // TOGETHER)
        for first in range(units):
            # Not neighbours: files of one subject have names of their own in common.
            yield Unit(out / f"unit_{turn}_{number}_{first}.cc", members[first::units])


def first_party_closure(path: pathlib.Path, seen: set[pathlib.Path]) -> set[pathlib.Path]:
    """`path` and all files of this repository it includes."""
    if path in seen or not path.exists():
        return seen
    seen.add(path)
    for name in re.findall(
        r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        first_party_closure(ROOT / name, seen)
    return seen


def fingerprint(path: pathlib.Path, config: bytes) -> str:
    digest = hashlib.sha256(config)
    for member in sorted(first_party_closure(path, set())):
        digest.update(str(member).encode() + b"\0" + member.read_bytes())
    return digest.hexdigest()


def check(path: str, entry: Entry) -> tuple[bool, str]:
    """clang-tidy over `path` with the entry's flags."""
    # Of a unit of several files these are what it includes.
    header_filter = f"-header-filter={ROOT}/({'|'.join(FOLDERS)})/.*\\.(h|cc)$"
    config = f"--config-file={ROOT / '.clang-tidy'}"
    done = subprocess.run(
        ["clang-tidy", "-quiet", config, header_filter, path, "--", *flags_of(entry)],
        cwd=entry["directory"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout


def look_together(
    todo: list[Entry], out: pathlib.Path, pool: concurrent.futures.Executor
) -> Judged:
    """Judges all files, those that clash in units of their own."""
    clean: list[Entry] = []
    suspect: list[Entry] = []
    turn = 0
    while todo:
        judged = list(pool.map(Unit.judge, unite(todo, out, turn)))
        clean += [entry for one in judged for entry in one.clean]
        suspect += [entry for one in judged for entry in one.suspect]
        todo = [entry for one in judged for entry in one.clashing]
        turn += 1
    return Judged(clean, [], suspect)


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    out = build / "tidy"
    out.mkdir(exist_ok=True)
    config = (ROOT / ".clang-tidy").read_bytes()
    entries = our_commands(build)
    marks = {
        entry["file"]: out / fingerprint(pathlib.Path(entry["file"]), config) for entry in entries
    }
    todo = [entry for entry in entries if not marks[entry["file"]].exists()]
    suit_clang(todo, out)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = look_together(todo, out, pool)
        for entry in judged.clean:
            marks[entry["file"]].touch()
        alone = [entry["file"] for entry in judged.suspect]
        for path, (ok, text) in zip(alone, pool.map(check, alone, judged.suspect), strict=True):
            if ok:
                marks[path].touch()
            else:
                failed += 1
                print(f"tidy: {pathlib.Path(path).relative_to(ROOT)}\n{text}", flush=True)
    print(
        f"tidy: {len(todo)} files looked at, {len(alone)} of them by themselves, "
        f"{len(entries) - len(todo)} known to be clean, {failed} failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
