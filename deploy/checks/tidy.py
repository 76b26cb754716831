"""clang-tidy over every source of the product (tests are left to the compiler's warnings: headers
of gRPC and GoogleTest cost seconds each), in parallel, remembering what was clean."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("vswitch", "controller", "proto")


def units(build: pathlib.Path) -> list[pathlib.Path]:
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    files = {pathlib.Path(entry["file"]) for entry in entries}
    return sorted(f for f in files if any(f.is_relative_to(ROOT / folder) for folder in FOLDERS))


def precompile(header: pathlib.Path, words: list[str], directory: str) -> None:
    """GCC's precompiled header is no use to clang: makes clang's own from the same text, with the
    flags of a unit that uses it."""
    flags = shlex.split(" ".join(words[1 : words.index("-o")]))
    out = header.with_suffix(".pch")
    argv = ["clang++", *flags, "-Wno-unknown-warning-option", "-x", "c++-header", str(header)]
    subprocess.run([*argv, "-o", str(out)], cwd=directory, check=True)


def commands_for_clang(build: pathlib.Path, out: pathlib.Path, wanted: set[pathlib.Path]) -> None:
    """Writes the compile commands of the files again, with clang's precompiled headers in the
    place of GCC's."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    entries = [entry for entry in entries if pathlib.Path(entry["file"]) in wanted]
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
    (out / "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")


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


def check(build: pathlib.Path, path: pathlib.Path) -> tuple[bool, str]:
    # The commands are GCC's: clang may not know every warning they name.
    argv = [
        "clang-tidy",
        "-quiet",
        "-p",
        str(build / "tidy"),
        "--extra-arg=-Wno-unknown-warning-option",
        str(path),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    clean = build / "tidy"
    clean.mkdir(exist_ok=True)
    config = (ROOT / ".clang-tidy").read_bytes()
    todo = {path: clean / fingerprint(path, config) for path in units(build)}
    known = [path for path, mark in todo.items() if mark.exists()]
    todo = {path: mark for path, mark in todo.items() if not mark.exists()}
    commands_for_clang(build, clean, set(todo))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (ok, text) in zip(todo, pool.map(lambda p: check(build, p), todo), strict=True):
            if ok:
                todo[path].touch()
            else:
                failed += 1
                print(f"tidy: {path.relative_to(ROOT)}\n{text}", flush=True)
    print(f"tidy: {len(todo)} files looked at, {len(known)} known to be clean, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
