"""Of a ctest JUnit file: names the tests that did not run, and of those that failed the lines that
say why; prints nothing when all passed. Exit status 1: some did not run."""
import re
import sys
import xml.etree.ElementTree

TELLING = re.compile(r"\b(FAIL(ED)?|\w*Error|Failure|broken|timed out|Segmentation fault)\b")
MOST_TESTS, MOST_LINES, MOST_COLUMNS = 5, 8, 240


def reasons(output: str) -> list[str]:
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if TELLING.search(line)]
    return [line[:MOST_COLUMNS] for line in (telling or lines)[-MOST_LINES:]]


cases = list(xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"))
idle = [case for case in cases if case.get("status") not in ("run", "fail")]
for case in idle:
    print(f"not run: {case.get('name')}: {case.get('status')}")
failed = [case for case in cases if case.get("status") == "fail"]
for case in failed[:MOST_TESTS]:
    print(f"failed: {case.get('name')}, after {float(case.get('time', 0)):.0f} s:")
    for line in reasons(case.findtext("system-out") or ""):
        print(f"    {line}")
if len(failed) > MOST_TESTS:
    print(f"and {len(failed) - MOST_TESTS} more")
sys.exit(1 if idle else 0)
