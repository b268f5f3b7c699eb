# SPDX-License-Identifier: BSD-2-Clause
"""Starting, awaiting and stopping programs."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
TIMEOUT = 120
_SRCDIR = os.environ.get("SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_libc = ctypes.CDLL(None, use_errno=True)
_reserved = []


class Failure(Exception):
    """Something in the laboratory does not work."""


def wait_for(predicate, what, timeout=TIMEOUT):
    """Ask until predicate() is true, and return what it gave; Failure when that takes too long."""
    limit = time.monotonic() + timeout
    pause = 0.002
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > limit:
            raise Failure("waited %d seconds in vain for %s" % (timeout, what))
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def terminal_end(pid, terminal):
    """Read a program on a terminal (pty.fork) to its end: its exit status, and what it showed."""
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


def _reserve(port):
    """
    Whether no other test has taken it, which may listen there only later. A name in the abstract namespace belongs, as the
    port does, to the network namespace, and goes with this process.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind("\0sfdc-lab-port-%d" % port)
    except OSError:
        claim.close()
        return False
    _reserved.append(claim)
    return True


def free_port():
    """A port of 127.0.0.1 that nothing uses and no other call gets, below those that the kernel hands out by itself."""
    for _ in range(1000):
        port = random.randint(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if _reserve(port):
            return port
    raise Failure("no free port")


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def sanitized(env=None):
    """
    The environment for a program that may have been built with sanitizers (the variable SANITIZERS says with which):
    what they find makes it end with an exit code of its own, and tests may preload their own libraries.
    """
    env = dict(os.environ if env is None else env)
    options = {"yes": ("ASAN_OPTIONS", "verify_asan_link_order=0"),
               "thread": ("TSAN_OPTIONS", "exitcode=66:suppressions=%s/t/tsan.supp" % _SRCDIR)}
    name, value = options.get(env.get("SANITIZERS"), (None, None))
    if name:
        env[name] = ":".join(filter(None, (value, env.get(name))))
    return env


def start(command, log, env=None, cwd=None):
    """Start a program in a session of its own that ends with us; both its outputs go to the file log."""
    with open(log, "ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=sanitized(env),
                                cwd=cwd, start_new_session=True, preexec_fn=_die_with_parent)


def run(command, **options):
    """Run a program to its end and return its standard output; Failure when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL if "input" not in options else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, **options)
    if done.returncode != 0:
        raise Failure("%s: exit %d: %s" % (" ".join(command), done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout


def stop(process, kind=signal.SIGTERM, timeout=30):
    """End a program that start() began, and what it left of its own group; returns its exit status."""
    if process.poll() is None:
        process.send_signal(kind)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return process.wait()


def read(path):
    """The text of a file, "" when there is none yet."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write(path, text, mode=0o644, age=0):
    """Make a file, as if age seconds ago."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    if age:
        then = time.time() - age
        os.utime(path, (then, then))
