#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: its verdicts, its exit status, colors only where they are wanted."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import BUILDDIR, SRCDIR, Tap
from lab.process import TIMEOUT, terminal_end

ENVIRONMENT = {**os.environ, "SRCDIR": SRCDIR, "BUILDDIR": BUILDDIR, "PYTHONPATH": os.path.join(SRCDIR, "t"),
               "TERM": "xterm"}
COMMAND = ["/usr/bin/python3", "-B", "-m", "lab.demo"]


def run(*arguments, environment=None):
    return subprocess.run(COMMAND + list(arguments), env=environment or ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, encoding="utf-8")


def helped(tap):
    """--help and wrong usage, where nothing is installed and nobody is root."""
    empty = tempfile.mkdtemp(prefix="demo.")
    os.chmod(empty, 0o777)
    script = os.path.join(SRCDIR, "contrib", "demo")
    for arguments, code in ((["--help"], 0), (["-h"], 0), (["--once", "--help"], 0), (["--onec"], 64), (["--once", "x"], 64)):
        # No program but these can be run, so nothing is installed or built.
        done = subprocess.run(["/bin/sh", script, *arguments], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                              timeout=TIMEOUT, check=False, preexec_fn=lambda: os.setuid(65534) if os.geteuid() == 0 else None,
                              env={"PATH": tools(empty, "dirname", "cat"), "DEMO_BUILD": os.path.join(empty, "build")})
        text = done.stderr if code else done.stdout
        tap.ok(done.returncode == code and "usage: contrib/demo [--once] [--log]" in text and not os.path.exists(empty + "/build"),
               "%s: exit %d before anything is done" % (" ".join(arguments), code), done=done)
        tap.ok(all(len(line) <= 80 for line in text.splitlines()), "in 80 columns", text=text)
        if code == 0:
            tap.ok(all(part in " ".join(text.split()) for part in ("minutes", "MB", "--once", "--log", "-h, --help", "scratch machine", "Example:")),
                   "it explains the options, and what it takes", text=text)
    shutil.rmtree(empty)


def tools(folder, *names):
    """A folder that has these programs and no other."""
    path = os.path.join(folder, "bin")
    if not os.path.isdir(path):
        os.mkdir(path)
        for name in names:
            os.symlink(shutil.which(name), os.path.join(path, name))
    return path


def told_before(tap):
    """The script says how long it takes before it begins."""
    if os.geteuid() != 0:
        return
    folder = tempfile.mkdtemp(prefix="demo.")
    done = subprocess.run(["/bin/sh", os.path.join(SRCDIR, "contrib", "demo"), "--once"], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", timeout=TIMEOUT, check=False,
                          env={"PATH": tools(folder, "dirname", "id", "mkdir", "tail", "cat"), "DEMO_BUILD": folder + "/build"})
    before = done.stdout.partition("installing packages")
    tap.ok(done.returncode == 1 and before[1] and re.search(r"MB .*minutes", before[0].replace("\n", " ")), "minutes and size are told before",
           done=done)
    shutil.rmtree(folder)


def piped(tap):
    done = run("--once", environment={name: value for name, value in ENVIRONMENT.items() if name != "COLUMNS"})
    tap.equal([done.returncode, done.stderr], [0, ""], "--once ends well", output=done.stdout)
    tap.ok("\033" not in done.stdout and "\r" not in done.stdout, "no terminal, no colors and no progress")
    rows = re.findall(r"^ ?\d+  \S.*?  (accept|quarantine|reject)\b", done.stdout, re.MULTILINE)
    tap.ok(len(rows) == 24 and len(set(rows)) == 3, "a row for each message", output=done.stdout)
    tap.ok("ev=verdict" not in done.stdout, "no log lines that nobody asked for", output=done.stdout)
    tap.ok(all(len(line) <= 80 for line in done.stdout.splitlines()), "80 columns", output=done.stdout)
    tap.contains(done.stdout, "every verdict as expected", "it says so")
    done = run("--once", "--log", environment={**ENVIRONMENT, "COLUMNS": "140"})
    rows = re.findall(r"^ ?\d+  \S.*?  (?:accept|quarantine|reject) .*?  (\d\d\d) ", done.stdout, re.MULTILINE)
    lines = re.findall(r"^ ?\d+  ev=verdict .*$", done.stdout, re.MULTILINE)
    tap.ok(len(rows) == len(lines) == 24, "with --log a log line for each; with room the replies", output=done.stdout)


def on_terminal(environment):
    """What --once shows on a terminal, and its exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(COMMAND[0], COMMAND + ["--once"], environment)
    return terminal_end(pid, terminal)


def terminal(tap):
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "NO_COLOR"}
    status, output = on_terminal(environment)
    tap.ok(status == 0 and "\033[31mreject" in output, "on a terminal there are colors", output=output[-500:])
    status, output = on_terminal({**environment, "NO_COLOR": "1"})
    tap.ok(status == 0 and not re.search(r"\033\[\d", output), "NO_COLOR is honored", output=output[-500:])


def left_running(tap):
    # In the background a shell lets its commands ignore Ctrl-C.
    process = subprocess.Popen(COMMAND, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               encoding="utf-8", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("what is held"):
                break
        found = re.search(r"swaks --server\s+(127\.0\.0\.1:\d+)", "".join(lines))
        folder = re.search(r"ls (\S+)/delivered", "".join(lines)).group(1) if found else ""
        tap.ok(found and os.path.isdir(folder), "without --once it stays, and says how to use it",
               output="".join(lines))
        tap.ok(all(len(line.rstrip("\n")) <= 80 for line in lines), "in 80 columns, the commands too", output="".join(lines))
        commands = {name: command.replace("\\\n", " ") for name, command in
                    re.findall(r"^(\w.*)\n((?:    .*\n)+)", "".join(lines), re.MULTILINE)}
        replies = {}
        for name in ("by certificate", "by login", "by address", "another customer's org", "without TLS"):
            sent = subprocess.run(commands[name], shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False, encoding="utf-8")
            replies[name] = re.findall(r"^<[-~*]{1,3}\*? +(\d\d\d [^\n]*(?:queued|\(id )[^\n]*)", sent.stdout, re.MULTILINE)
        tap.equal({name: (found[0].split()[2] if found else None) for name, found in replies.items()},
                  {"by certificate": "Ok:", "by login": "Ok:", "by address": "Ok:",
                   "another customer's org": "org-unknown:", "without TLS": "tls-absent:"}, "the commands it shows work")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
        tap.equal([process.wait(TIMEOUT), os.path.exists(folder)], [0, False], "until Ctrl-C, leaving nothing behind")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main():
    with Tap() as tap:
        for function in (helped, told_before, piped, terminal, left_running):
            tap.case(function)


main()
