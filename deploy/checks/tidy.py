"""clang-tidy over every source of the product (tests are left to the compiler's warnings: headers
of gRPC and GoogleTest cost seconds each), in parallel, remembering what was clean.

Most of a run's time goes into looking at the libraries' headers, which every unit includes. So the
sources of a folder are looked at together, as one unit that includes them all. Where that does not
compile (two files have a name of their own in common) or something is found, each file is looked at
by itself, and that is what counts."""
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
TOGETHER = 8


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


def flags_of(entry: Entry) -> str:
    return entry["command"].partition(" -o ")[0]


def unite(entries: list[Entry], out: pathlib.Path) -> Iterator[tuple[Entry, list[Entry]]]:
    """Units of several files of one folder and with the same flags, each with its compile command."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry["file"]):
        folder = str(pathlib.Path(entry["file"]).parent)
        groups.setdefault((folder, flags_of(entry)), []).append(entry)
    for (folder, flags), members in groups.items():
        for first in range(0, len(members), TOGETHER):
            some = members[first : first + TOGETHER]
            name = str(pathlib.Path(folder).relative_to(ROOT)).replace("/", "_")
            path = out / f"{name}_{first}.cc"
            lines = [f'#include "{member["file"]}"' for member in some]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            command = f"{flags} -o {path}.o -c {path}"
            yield {**some[0], "file": str(path), "command": command}, some


def compiles(entry: Entry) -> bool:
    words = shlex.split(flags_of(entry))
    argv = ["clang++", *words[1:], "-w", "-Wno-unknown-warning-option", "-fsyntax-only"]
    done = subprocess.run(
        [*argv, entry["file"]], cwd=entry["directory"], capture_output=True, check=False
    )
    return done.returncode == 0


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


def check(out: pathlib.Path, path: str) -> tuple[bool, str]:
    # The commands are GCC's: clang may not know every warning they name. Of a unit of several files
    # these are what it includes.
    argv = ["clang-tidy", "-quiet", "-p", str(out), "--extra-arg=-Wno-unknown-warning-option"]
    argv.append(f"-header-filter={ROOT}/({'|'.join(FOLDERS)})/.*\\.(h|cc)$")
    done = subprocess.run([*argv, path], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout


def check_together(out: pathlib.Path, unit: Entry, members: list[Entry]) -> list[Entry]:
    """The members to be looked at by themselves."""
    if len(members) == 1:
        return members
    if compiles(unit) and check(out, unit["file"])[0]:
        return []
    return members


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
    units = list(unite(todo, out))
    (out / "compile_commands.json").write_text(
        json.dumps(todo + [unit for unit, _ in units]), encoding="utf-8"
    )
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda unit: check_together(out, *unit), units)
        alone = [entry["file"] for part in parts for entry in part]
        for entry in todo:
            if entry["file"] not in alone:
                marks[entry["file"]].touch()
        for path, (ok, text) in zip(
            alone, pool.map(lambda path: check(out, path), alone), strict=True
        ):
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
