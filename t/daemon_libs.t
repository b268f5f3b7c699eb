#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon speaks no TLS but with the store of limits, where it is built with one, and does not link libspf2 and libopendkim, whose faults a stranger can reach; sfdc-relayctl does where it is built
with them, and so shows that the look would find it. Shared libraries are read with objdump, undefined symbols with nm."""
import os
import re
import subprocess

BUILD = os.environ.get("BUILDDIR", ".")
NM = os.environ.get("NM") or "nm"

# What the daemon is made of, and the C library; sanitizers and coverage bring theirs.
DEPENDENCIES = {"libevent_core-2.1", "libevent_extra-2.1", "libunbound", "libcrypto", "libpsl", "libidn2", "libyaml-0", "libjansson", "libc",
                "libpthread", "libasan", "libubsan", "libtsan", "libgcov"}

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


def defined(macro):
    with open(os.path.join(BUILD, "config.h"), encoding="utf-8") as file:
        return "#define %s 1" % macro in file.read()


def symbols(program):
    return [line for line in output(NM, os.path.join(BUILD, program)).splitlines()
            if re.search(r"\b(SPF_\w+|secondopinion_\w+|dkim_(?:opinion_get|verify|eoh|eom|init)|confine)\b", line)]


if defined("HAVE_HIREDIS"):
    DEPENDENCIES |= {"libhiredis", "libevent_openssl-2.1", "libssl"}
daemon = libraries("sfdc-milter")
ok(any(name.startswith("libevent_core") for name in daemon), "the daemon's libraries are found", *daemon)
ok(not any("milter" in name for name in daemon), "libmilter is none of them: it is what the tests compare with", *daemon)
ok(not any("spf" in name for name in daemon), "libspf2 is none of them", *daemon)
ok(not any("opendkim" in name for name in daemon), "libopendkim is none of them", *daemon)
ok({re.sub(r"\.so.*", "", name) for name in daemon} <= DEPENDENCIES, "nor any other than those it says it needs", *daemon)
ok(not any("xml" in name or "expat" in name for name in daemon), "M03 no library for XML, in which reports come", *daemon)
ok(any(name.startswith("libssl") for name in daemon) == defined("HAVE_HIREDIS"),
   "nor libssl, but for the store of limits where it is built with one", *daemon)
found = symbols("sfdc-milter")
ok(not found, "no function of theirs, and none that calls them, is in the daemon", *found)
tool = libraries("sfdc-relayctl")
for library, macro in (("libspf2", "HAVE_SPF2"), ("libopendkim", "HAVE_OPENDKIM")):
    wanted = defined(macro)
    ok(any(name.startswith(library) for name in tool) == wanted,
       "sfdc-relayctl %s %s" % ("links" if wanted else "is built without", library), *tool)
if defined("HAVE_SPF2") or defined("HAVE_OPENDKIM"):
    ok(len(symbols("sfdc-relayctl")) > 1, "and calls it")
ok(any(name.startswith("libssl") for name in tool), "and libssl, for check-relay", *tool)
ok(any("libxml2" in name for name in tool), "and libxml2, for import-org", *tool)
print(f"1..{count}")
raise SystemExit(failed != 0)
