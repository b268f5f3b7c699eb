#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The page of sfdc-relayctl report in a browser: "make check-report-html" only, which needs Chromium, Node.js and npm, and brings
puppeteer-core and axe-core into a folder of its own. Desktop and phone, light and dark: no error, nothing loaded, nothing that
axe-core finds, nothing wider than the screen; and a page spoilt on purpose is found out. Screenshots stay in REPORT_SHOTS.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lookback import HOSTILE, ORG, OTHER, mails, make_log  # noqa: E402
from relayctl import main  # noqa: E402

BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
HERE = os.path.join(os.path.abspath(os.environ.get("SRCDIR", ".")), "t", "browser")


def tools(tap, bench):
    """puppeteer-core and axe-core, in the folder of this test."""
    tap.ok(BROWSER and shutil.which("node") and shutil.which("npm"), "Chromium, node and npm are there")
    shutil.copy(os.path.join(HERE, "package.json"), bench.path)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=bench.path, capture_output=True, text=True, check=False)
    tap.equal(done.returncode, 0, "npm brings puppeteer-core and axe-core", err=done.stderr[-2000:])


def look(bench, page, shots):
    os.makedirs(shots, exist_ok=True)
    done = subprocess.run(["node", os.path.join(HERE, "check.js"), BROWSER, os.path.join(bench.path, page), shots], cwd=bench.path, capture_output=True, text=True, timeout=300,
                          check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def stamped(lines, hours=1):
    return "".join("2026-11-%02dT%02d:00:00Z r sfdc-milter[1]: %s\n" % (1 + number * hours // 24 % 28, number * hours % 24, line) for number, line in enumerate(lines))


def pages(tap, bench):
    orgs = {one: {"mode": "enforce", "name": name, "domains": [domain], "reject_unless": "tls and org and from and (cert or auth or ip)",
                  "auth": {"users": ["sfuser@relay.test"]}, "ip": {"networks": ["13.110.0.0/16"], "spf": []}}
            for one, name, domain in ((ORG, "production", "example.com"), (OTHER, "second", "example.net"))}
    lines = make_log({"orgs": orgs}, mails(11, 400))
    bench.file("log", stamped(lines))
    foul = "ev=verdict v=1 verdict=reject would=reject mode=enforce sid=1 org_name=%s cert=%s cipher=%s sf_user=%s msgid=%s why=org reason=%s dns_q=1\n"
    values = ['"%s"' % value.replace("\\", "\\\\").replace('"', '\\"').replace("\x1b", "\\x1b").replace("\n", "\\x0a")[:200] for value in HOSTILE]
    bench.file("foul", "".join(foul % ((value,) * 6) for value in values) + "ev=drift v=1 kind=ip org=x value=%s reason=y\n" % values[0])
    keep = os.environ.get("REPORT_SHOTS") or tempfile.mkdtemp(prefix="report-shots.")
    tap.note("screenshots: " + keep)
    for name, messages in (("log", len([line for line in lines if "ev=verdict " in line])), ("foul", len(HOSTILE))):
        tap.equal(bench.run("report", "--html", name + ".html", name).code, 0, name + ": the page is written")
        seen = look(bench, name + ".html", os.path.join(keep, name))
        tap.ok(seen["pdf"] > 5000, name + ": it prints, without script")
        for view in seen["views"]:
            what = "%s, %s" % (name, view["name"])
            tap.equal(view["errors"] + view["loaded"], [], what + ": no error, and nothing is loaded")
            tap.equal(view["violations"], [], what + ": axe-core finds nothing")
            tap.equal(view["overflow"], 0, what + ": not wider than the screen")
            tap.equal(view["messages"], str(messages), what + ": the number of messages")
        tap.ok(len({view["background"] for view in seen["views"]}) == 2, name + ": light and dark differ")
    with open(os.path.join(bench.path, "log.html"), encoding="utf-8") as file:
        page = file.read()
    bench.file("bad.html", page.replace("--dim:#4d5661", "--dim:#dddddd").replace(' lang="en"', "").replace("<main>", "<main><img src='x.png'><script>oops()</script>"))
    bad = look(bench, "bad.html", os.path.join(keep, "bad"))
    found = {one["id"] for view in bad["views"] for one in view["violations"]}
    tap.ok({"color-contrast", "html-has-lang", "image-alt"} <= found and any(view["errors"] for view in bad["views"]), "a spoilt page is found out", found=found)


main(tools, pages)
