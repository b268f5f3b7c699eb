#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# The conformance suite of RFC 7208, as the package python3-spf brings it, through spf_driver. Explanations are not
# compared: exp= is never evaluated.
import gzip
import os
import subprocess
import sys

import yaml

CASES = 203
# Where the package has it, and where contrib/setup puts it on systems without documentation.
SUITES = [root + "/usr/share/doc/python3-spf/rfc7208-tests.yml.gz"
          for root in ("", "/usr/local/lib/sfdc-milter-check/python3-spf")]
TYPES = ("A", "AAAA", "MX", "PTR", "TXT")


def suite_text():
    path = next((path for path in SUITES if os.path.exists(path)), None)
    if path is None:
        print("Bail out! the suite of python3-spf is missing: run contrib/setup")
        sys.exit(1)
    with gzip.open(path) as file:
        return file.read()


def hexed(text):
    data = text.encode() if isinstance(text, str) else text
    return data.hex() or "-"


def rows_of(entries):
    """The suite's own reading of a zone: SPF stands for TXT unless there is a TXT, TIMEOUT for what comes after."""
    rows = {}
    generated = []
    own_text = False
    timeouts = set()
    for entry in entries:
        if entry == "TIMEOUT":
            timeouts |= {kind for kind in TYPES if kind not in rows}
            continue
        for kind, value in entry.items():
            if kind in ("TXT", "SPF") and isinstance(value, str):
                value = [value]
            if kind == "TXT":
                own_text = True
            if kind == "SPF":
                generated.append(value)
            elif value != ["NONE"]:
                rows.setdefault(kind, []).append(value)
    if not own_text:
        rows["TXT"] = generated
        if generated:
            timeouts.discard("TXT")
    return rows, timeouts


def resolve(zone, name, kind):
    """The records of a type, CNAMEs followed; None when the chain does not end."""
    for _ in range(12):
        rows, timeouts = zone.get(name.lower().rstrip("."), ({}, set()))
        if rows.get(kind):
            return rows[kind]
        if kind in timeouts:
            return None
        if "CNAME" not in rows:
            return []
        name = rows["CNAME"][0]
    return None


def zone_lines(data):
    zone = {name.lower(): rows_of(entries) for name, entries in data.items()}
    yield "zone"
    for name in zone:
        for kind in TYPES:
            records = resolve(zone, name, kind)
            if records is None:
                yield f"err {hexed(name)} {kind}"
                continue
            for value in records:
                if kind == "TXT":
                    value = hexed("".join(value))
                elif kind == "MX":
                    value = f"{value[0]} {hexed(value[1].rstrip('.'))}"
                elif kind == "PTR":
                    value = hexed(value.rstrip("."))
                yield f"rr {hexed(name)} {kind} {value}"


def main():
    lines = []
    wanted = []
    for scenario in yaml.safe_load_all(suite_text()):
        lines += zone_lines(scenario["zonedata"])
        for name, test in scenario["tests"].items():
            sender, helo = test["mailfrom"], test["helo"]
            local, domain = sender.split("@", 1) if "@" in sender else ("", sender or helo)
            result = test["result"] if isinstance(test["result"], list) else [test["result"]]
            lines.append(f"check {len(wanted)} {test['host']} {hexed(local)} {hexed(domain)} {hexed(helo)}")
            wanted.append((scenario["description"] + ": " + name, result))
    driver = os.path.join(os.environ.get("BUILDDIR", "."), "t", "spf_driver")
    done = subprocess.run([driver], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    answers = [line.split() for line in done.stdout.splitlines()]
    failures = 0
    for number, (name, result) in enumerate(wanted):
        got = answers[number][1] if number < len(answers) else "nothing"
        good = got in result
        failures += not good
        print(f"{'ok' if good else 'not ok'} {number + 1} - {name} gives {' or '.join(result)}")
        if not good:
            print(f"# got {got}: {' '.join(answers[number]) if number < len(answers) else done.stderr}")
    complete = len(wanted) == CASES and len(answers) == CASES and done.returncode == 0
    print(f"{'ok' if complete else 'not ok'} {len(wanted) + 1} - all {CASES} cases ran")
    if not complete:
        print(f"# {len(wanted)} cases, {len(answers)} answers, exit {done.returncode}: {done.stderr}")
    print(f"1..{len(wanted) + 1}")
    return 1 if failures or not complete else 0


sys.exit(main())
