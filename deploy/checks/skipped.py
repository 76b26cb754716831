"""Names the tests of a ctest JUnit file that did not run; prints nothing when all ran."""
import sys
import xml.etree.ElementTree

for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    if case.get("status") not in ("run", "fail"):
        print(f"not run: {case.get('name')}: {case.get('status')}")
