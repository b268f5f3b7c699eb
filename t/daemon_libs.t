#!/usr/bin/python3
"""The daemon does not link libspf2, whose faults a stranger's record can reach; sfdc-relayctl does, and so shows that
the look would find it. Shared libraries are read with objdump, undefined symbols with nm."""
import os
import re
import subprocess

BUILD = os.environ.get("BUILDDIR", ".")
NM = os.environ.get("NM") or "nm"

count = 0
failed = 0


def ok(good, what, *details):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}")
    for detail in () if good else details:
        print(f"# {detail}")


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def libraries(program):
    return re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", os.path.join(BUILD, program)))


def symbols(program):
    return [line for line in output(NM, os.path.join(BUILD, program)).splitlines()
            if re.search(r"\b(SPF_\w+|secondopinion_\w+)\b", line)]


daemon = libraries("sfdc-milter")
ok(any(name.startswith("libevent_core") for name in daemon), "the daemon's libraries are found", *daemon)
ok(not any("milter" in name for name in daemon), "libmilter is none of them: it is what the tests compare with", *daemon)
ok(not any("spf" in name for name in daemon), "libspf2 is none of them", *daemon)
ok(not any("xml" in name or "expat" in name for name in daemon), "M03 no library for XML, in which reports come", *daemon)
found = symbols("sfdc-milter")
ok(not found, "no function of libspf2, and none that calls it, is in the daemon", *found)
tool = libraries("sfdc-relayctl")
ok(any(name.startswith("libspf2") for name in tool), "sfdc-relayctl links it", *tool)
ok(len(symbols("sfdc-relayctl")) > 1, "and calls it")
print(f"1..{count}")
raise SystemExit(failed != 0)
