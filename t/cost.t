#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
In instructions that callgrind counts: a message costs the same with 10,000 organizations as with one; that it is counted for
metrics costs less than 2 %, of its judgement alone; and an
Authentication-Results field of twice the length costs twice as much, whatever it is made of.
"""
import os
import re
import shutil
import subprocess
import sys

build = os.environ.get("BUILDDIR", ".")
if os.environ.get("SANITIZERS", "no") != "no" or not shutil.which("valgrind"):
    print("1..0 # SKIP instructions are counted in a plain build, with valgrind")
    sys.exit(0)


def count(function, *arguments):
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
         f"--toggle-collect={function}", f"{build}/t/cost_probe", *map(str, arguments)],
        capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if not collected and "debuginfo reader" in run.stderr:
        print("1..0 # SKIP this valgrind cannot read the compiler's debug information")
        sys.exit(0)
    return run.stdout.strip(), int(collected.group(1)) if collected else 0


verdict_one, one = count("run_messages", 1)
verdict_counted, counted = count("counters_message", 10000, "counted")
verdict_many, many = count("run_messages", 10000)
claims_short, short = count("run_claims", "claims", 4000)
claims_long, long = count("run_claims", "claims", 16000)
good = [
    (verdict_one == "accept 1", f"with one organization: {verdict_one}"),
    (verdict_many == verdict_one, f"with 10,000 organizations: {verdict_many}"),
    (one > 10000, f"{one} instructions for ten messages with one organization"),
    (0 < many < one * 1.05, f"{many} instructions with 10,000 organizations"),
    (verdict_counted == verdict_many and 1000 < counted < many * 0.02, f"{counted} for counting them for metrics: less than 2 %"),
    (claims_short == claims_long and "1" not in claims_long, f"R10 R12 none of these values is ours: {claims_long}"),
    (short > 100000 and long < short * 4.4, f"R10 R12 {short} instructions for 4,000 bytes of each, {long} for 16,000"),
]
for number, (passed, text) in enumerate(good, 1):
    print(f"{'ok' if passed else 'not ok'} {number} - {text}")
print(f"1..{len(good)}")
sys.exit(not all(passed for passed, _ in good))
