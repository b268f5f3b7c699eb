#!/usr/bin/python3
"""The demonstration: its verdicts, its exit status, colors only where they are wanted."""

import os
import pty
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import BUILDDIR, SRCDIR, Tap
from lab.process import TIMEOUT

ENVIRONMENT = {**os.environ, "SRCDIR": SRCDIR, "BUILDDIR": BUILDDIR, "PYTHONPATH": os.path.join(SRCDIR, "t"),
               "TERM": "xterm"}
COMMAND = ["/usr/bin/python3", "-B", "-m", "lab.demo"]


def piped(tap):
    done = subprocess.run(COMMAND + ["--once"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, encoding="utf-8")
    tap.equal([done.returncode, done.stderr], [0, ""], "--once ends well", output=done.stdout)
    tap.ok("\033" not in done.stdout and "\r" not in done.stdout, "no terminal, no colors and no progress")
    rows = re.findall(r"^ ?\d+  \S.*?  (accept|quarantine|reject)\b", done.stdout, re.MULTILINE)
    lines = re.findall(r"^ ?\d+  ev=verdict .*$", done.stdout, re.MULTILINE)
    tap.ok(len(rows) >= 20 and len(rows) == len(lines) and len(set(rows)) == 3, "a row and a log line for each message",
           output=done.stdout)
    tap.contains(done.stdout, "every verdict as expected", "it says so")


def on_terminal(environment):
    """What --once shows on a terminal, and its exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(COMMAND[0], COMMAND + ["--once"], environment)
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.decode()


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
        found = re.search(r"swaks --server (127\.0\.0\.1:\d+)", "".join(lines))
        folder = re.search(r"ls (\S+)/delivered", "".join(lines)).group(1) if found else ""
        tap.ok(found and os.path.isdir(folder), "without --once it stays, and says how to use it",
               output="".join(lines))
        commands = {name.strip(): command.strip() for name, command in zip(lines, lines[1:]) if command[:4] == "    "}
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
        for function in (piped, terminal, left_running):
            tap.case(function)


main()
