#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-mta where the mail server's configuration is none, is huge, or is made to take long: a clear line, bounded."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, BUILDDIR, Tap
from lab.expect import config
from lab.milter import yaml
from lab.process import sanitized, write

PROGRAM = os.path.join(BUILDDIR, "sfdc-relayctl")
SOCKET = "/run/nowhere/s"
PORT = "%d inet n - n - - smtpd -o smtpd_milters=unix:" + SOCKET
MASTER = (PORT % 10025) + "\ncleanup unix n - n - 0 cleanup\n"


class Bench:
    def __init__(self, root):
        self.root = root
        self.policy = os.path.join(root, "sfdc-milter.yaml")
        write(self.policy, yaml({**config({A: {}}), "socket": "unix:" + SOCKET}) + "\n")
        self.count = 0

    def folder(self, files):
        self.count += 1
        path = os.path.join(self.root, str(self.count))
        os.mkdir(path)
        for name, content in files.items():
            with open(os.path.join(path, name), "wb") as out:
                out.write(content if isinstance(content, bytes) else content.encode())
        return path

    def check(self, mta, folder):
        """(exit code, findings to fix as [(id, about)], errors), with no more memory than a giga byte."""
        def limit():
            if os.environ.get("SANITIZERS", "no") == "no":
                resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        done = subprocess.run([PROGRAM, "check-mta", "-c", self.policy, mta, "--config-dir", folder, "--json"], preexec_fn=limit,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, env=sanitized(), check=False)
        found = json.loads(done.stdout)["findings"] if done.stdout else []
        return done.returncode, [(one["id"], one["about"]) for one in found if one["level"] == "fix"], done.stderr.decode()


def unusable(tap, bench):
    """Exit 65, and why."""
    for mta, name, say in (("sendmail", "sendmail.cf", "sendmail.cf: "), ("postfix", "main.cf", "postconf -c ")):
        folder = bench.folder({})
        code, _, errors = bench.check(mta, folder)
        tap.ok(code == 65 and say in errors and errors.count("\n") == 1, "%s: nothing there" % name, code=code, errors=errors)
        os.mkdir(os.path.join(folder, name))
        code, _, errors = bench.check(mta, folder)
        tap.ok(code == 65 and say in errors and errors.count("\n") == 1, "%s is a directory" % name, code=code, errors=errors)
    os.rmdir(os.path.join(folder, "main.cf"))
    for kind, make in (("a FIFO", os.mkfifo), ("a giga byte", lambda path: (write(path, ""), os.truncate(path, 1 << 30)))):
        folder = bench.folder({})
        make(os.path.join(folder, "sendmail.cf"))
        code, _, errors = bench.check("sendmail", folder)
        tap.ok(code == 65 and "sendmail.cf: " in errors and errors.count("\n") == 1, "sendmail.cf is %s" % kind, code=code, errors=errors)
    folder = bench.folder({"main.cf": "relay_domains = " + "y " * (9 << 20) + "\n", "master.cf": MASTER})
    code, _, errors = bench.check("postfix", folder)
    tap.ok(code == 65 and "more than 16 MB" in errors, "main.cf of 18 MB", code=code, errors=errors)
    for kind, files in (("names that name each other", {"main.cf": "a = $b\nb = $a\nmynetworks = $a\n", "master.cf": MASTER}),
                        ("master.cf is none", {"main.cf": "", "master.cf": "10025 inet\n"})):
        code, _, errors = bench.check("postfix", bench.folder(files))
        tap.ok(code == 65 and "postconf -c" in errors and errors.endswith(" to see why\n"), kind, code=code, errors=errors)


def odd(tap, bench):
    """What is no configuration has no port with the milter, and that is said."""
    noise = bytes(range(256)) * 4096
    for kind, content in (("empty", b""), ("binary", noise), ("one line of a mega byte", b"O" * (1 << 20)),
                          ("a hundred thousand filters", b"Xa, S=local:/x, F=\nO DaemonPortOptions=I=a\n" * 100000)):
        code, found, errors = bench.check("sendmail", bench.folder({"sendmail.cf": content}))
        tap.ok(code == 1 and ("no-service", "") in found and errors == "", "sendmail.cf: %s" % kind, code=code, found=found, errors=errors)
    code, found, errors = bench.check("postfix", bench.folder({"main.cf": "", "master.cf": "# none\n"}))
    tap.ok(code == 1 and ("no-service", "") in found and errors == "", "master.cf without a service", code=code, found=found, errors=errors)


def expensive(tap, bench):
    """What would take long, or much memory, if nothing ended it."""
    grows = "".join("v%d = ${v%d}${v%d}\n" % (i, i + 1, i + 1) for i in range(12)) + "v12 = x\n"
    cases = {
        "names that double twelve times": grows + "mynetworks = $v0\n",
        "thousands of parameters": "".join("p%d = y\n" % i for i in range(20000)),
    }
    for kind, main in cases.items():
        code, found, errors = bench.check("postfix", bench.folder({"main.cf": main, "master.cf": MASTER}))
        tap.ok(code == 1 and ("socket", "10025/inet") in found, kind, code=code, errors=errors)
    ports = "".join(PORT % number + "\n  -o smtpd_tls_security_level=encrypt\n" for number in range(20000, 20400))
    code, found, errors = bench.check("postfix", bench.folder({"main.cf": "", "master.cf": ports}))
    tap.equal((code, len([1 for name, _ in found if name == "socket"])), (1, 400), "four hundred ports", errors=errors)
    table = os.path.join(bench.root, "clients")
    write(table, "10.0.0.1 OK\n" * 20000)
    main = "smtpd_relay_restrictions = check_client_access cidr:%s, check_client_access hash:%s, reject\n" % (table, table)
    ports = "".join("%d inet n - n - - smtpd\n" % number for number in range(20000, 20020))
    code, found, errors = bench.check("postfix", bench.folder({"main.cf": main, "master.cf": MASTER + ports}))
    tap.ok(code == 1 and "other-service" not in [name for name, _ in found], "a table of 20,000 rows at 21 ports", code=code, errors=errors)


def main():
    root = tempfile.mkdtemp(prefix="sfdc-mta-")
    try:
        with Tap() as tap:
            if os.geteuid() != 0:
                tap.skip_all("needs root")
            bench = Bench(root)
            for case in (unusable, odd, expensive):
                tap.case(case, bench)
    finally:
        shutil.rmtree(root)


main()
