# SPDX-License-Identifier: BSD-2-Clause
"""The examination with the daemon's evidence, on a leash: drives t/evidence_probe."""

import os
import subprocess


class Probe:
    """The examination on a leash."""

    def __init__(self, scratch, server, dns="", timeout=20, org="reject_unless: dkim", top="", **dkim):
        self.path = os.path.join(scratch, "message")
        config = os.path.join(scratch, "sfdc-milter.yaml")
        dkim.setdefault("max_age", "0")
        dkim.setdefault("required_headers", "[from]")
        options = ", ".join("%s: %s" % pair for pair in dkim.items())
        with open(config, "w") as file:
            file.write("mode: enforce\n%smessage_timeout: %d\n"
                       "dns: {nameservers: [%s]%s}\n"
                       "orgs:\n  00D8d000003TRx3EAG:\n"
                       "    domains: [example.com, '*.example.com', example.test, signed.test]\n"
                       "    %s\n    dkim: {%s}\n" % (top, timeout, server.address, dns, org.replace("\n", "\n    "), options))
        program = os.path.join(os.environ.get("BUILDDIR", "."), "t", "evidence_probe")
        self.process = subprocess.Popen([program, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.greeting = self.process.stdout.readline().strip()
        if self.greeting != "ready":
            raise RuntimeError(self.greeting + self.process.stdout.read())

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        lines = []
        for answer in iter(self.process.stdout.readline, ".\n"):
            if not answer:
                raise RuntimeError("the program ended")
            lines.append(answer.split())
        return lines

    def __call__(self, data, options=""):
        with open(self.path, "wb") as file:
            file.write(data)
        return Outcome(self.command("%s %s" % (self.path, options)))

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


class Outcome:
    """What the probe printed."""

    def __init__(self, lines):
        self.lines = lines
        self.signatures = [line[1:4] for line in lines if line[0] == "signature"]
        self.details = [line[4:] for line in lines if line[0] == "signature"]
        self.checks = {line[0]: line[1:] for line in lines if line[0] not in ("signature", "verdict")}
        self.verdict = dict(pair.split("=") for pair in lines[-1][2:])
        self.verdict["verdict"] = lines[-1][1]

    def __getattr__(self, check):
        """Result and reason of a check: outcome.dkim, outcome.spf, ..."""
        return " ".join(self.checks[check][:2])

    def __str__(self):
        return "; ".join(" ".join(line) for line in self.lines)
