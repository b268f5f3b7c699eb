#!/usr/bin/python3
"""The daemon's options, exit codes, socket and start: DESIGN "programs"."""

import os
import pwd
import socket
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.process import free_port, read, wait_for, write
from lab.tap import Tap
from lab.wire import Wire
from milter.daemon import PROGRAM, Daemon, org
from milter.target import Target, good


def options(tap):
    with Daemon() as daemon:
        tap.equal(daemon.run("-V"), (0, "sfdc-milter %s\n" % os.environ.get("VERSION", "0.1.0")), "-V")
        for arguments in (("-x",), ("-c",), ("-p",), ("--help",), ("-n", "-c", daemon.file, "argument")):
            code, text = daemon.run(*arguments)
            tap.equal(code, 64, "usage: " + " ".join(arguments[:1] + arguments[3:]))
            tap.contains(text, "usage: sfdc-milter [-c FILE] [-f] [-n] [-p SOCKET] [-V]", "and says how")
        code, text = daemon.run("-n", "-c", daemon.file, "-p", "tcp:1@localhost")
        tap.equal(code, 64, "a malformed -p")
        tap.contains(text, "unix:/PATH", "and says what a socket is")


def check(tap):
    with Daemon() as daemon:
        tap.equal(daemon.run("-n", "-c", daemon.file)[0], 0, "-n: a good configuration")
        tap.equal(daemon.run("-n", "-c", "sfdc-milter.yaml", cwd=daemon.root)[0], 0, "-n: a relative path")
        tap.ok(not os.path.exists(daemon.path), "nothing was opened")
        daemon.configure(orgs=org(reject_unless="ip"))
        code, text = daemon.run("-n", "-c", daemon.file)
        tap.equal(code, 0, "-n: one that is warned about")
        tap.contains(text, "warning: ", "the policy proof's warnings are shown")
        for name, change, part in (
                ("an unknown key", {"no_such_option": 1}, "no_such_option"), ("no such user", {"user": "no-such-user"}, "no-such-user"),
                ("no such group", {"socket_group": "no-such-group"}, "no-such-group"),
                ("an open socket", {"socket_mode": "0666"}, "socket_mode"),
                ("a relative pidfile", {"pidfile": "pid"}, "pidfile")):
            daemon.configure(**change)
            for flag in ("-n", "-f"):
                code, text = daemon.run(flag, "-c", daemon.file)
                tap.equal(code, 78, "%s: %s" % (flag, name), text=text)
                tap.contains(text, part, "which is named")
        records = os.path.join(daemon.root, "records")
        write(records, "a.test. 60 IN A 192.0.2.1\nno record\n")
        for option in ("local_data", "trust_anchor"):
            daemon.configure(dns={option: records})
            for flag in ("-n", "-f"):
                code, text = daemon.run(flag, "-c", daemon.file)
                tap.equal(code, 78, "%s: %s with something else" % (flag, option), text=text)
                tap.contains(text, records, "whose file is named")
        tap.equal(daemon.run("-n", "-c", daemon.root + "/none")[0], 78, "-n: no file")
        tap.equal(daemon.run("-c", daemon.root + "/none")[0], 78, "no file")


def busy(tap):
    with Daemon() as daemon, socket.socket(socket.AF_UNIX) as other:
        other.bind(daemon.path)
        other.listen(1)
        for flags in (("-f",), ()):
            code, text = daemon.run(*flags, "-c", daemon.file)
            tap.equal(code, 75, "a socket in use %s" % " ".join(flags), text=text)
            tap.contains(text, "somebody listens there", "which is named")
        other.close()
        tap.ok(os.path.exists(daemon.path), "a dead socket")
        daemon.start()
        tap.ok(True, "is replaced")
        mode = stat.S_IMODE(os.stat(daemon.path).st_mode)
        tap.equal(mode, 0o600, "socket_mode")
        daemon.stop()
        tap.ok(not os.path.exists(daemon.path), "the socket is removed at the end")


def socket_option(tap):
    with Daemon() as daemon:
        path, daemon.path = daemon.path, daemon.path + "2"
        daemon.start("-p", "unix:" + daemon.path)
        tap.ok(not os.path.exists(path), "-p overrides the configured socket")
        tap.equal(daemon.event("start")["socket"], "unix:" + daemon.path, "and the log says so")
        port = free_port()
        daemon.stop()
    with Daemon(socket="inet:%d@127.0.0.1" % port) as daemon:
        daemon.listens = lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0
        daemon.start()
        tap.ok(True, "inet:PORT@HOST")
        tap.equal([line for line in daemon.lines("warning") if "TCP_NODELAY" in line["text"]], [], "with TCP_NODELAY")
        code, _ = daemon.run("-f", "-c", daemon.file)
        tap.equal(code, 75, "a port in use")


def user(tap):
    """Root is given up for good; who is not root stays who he is."""
    if os.geteuid() != 0:
        tap.ok(True, "user # SKIP needs root")
        return
    with Daemon(user="nobody") as daemon:
        os.chmod(daemon.root, 0o755)
        daemon.start()
        status = read("/proc/%d/status" % daemon.filter_pid())
        ids = [line.split()[1:] for line in status.splitlines() if line.startswith(("Uid:", "Gid:"))]
        nobody = pwd.getpwnam("nobody")
        tap.equal(ids, [[str(nobody.pw_uid)] * 4, [str(nobody.pw_gid)] * 4], "the filter runs as the configured user")
        groups = [line.split()[1:] for line in status.splitlines() if line.startswith("Groups:")][0]
        tap.equal(groups, [str(nobody.pw_gid)], "in that user's groups only")
        with Wire(daemon.path) as wire:
            tap.equal(wire.open().deliver(good()), ("E", "c"), "and works")
        os.chmod(daemon.file, 0o600)
        daemon.stop()
        daemon.start()
        tap.ok(any("reload" in line["text"] for line in daemon.lines("warning")), "a file it cannot read is warned about")
    with Daemon(user="root") as daemon:
        daemon.start()
        tap.ok(any("root" in line["text"] for line in daemon.lines("warning")), "running as root is warned about")
    with Daemon(user="root") as daemon:
        os.chmod(daemon.root, 0o755)
        os.chown(daemon.root, pwd.getpwnam("nobody").pw_uid, -1)
        process = subprocess.Popen([PROGRAM, "-f", "-c", daemon.file], stdout=open(daemon.output, "ab"),
                                   stderr=subprocess.STDOUT, preexec_fn=lambda: os.setuid(pwd.getpwnam("nobody").pw_uid))
        daemon.process = process
        wait_for(daemon.listens, "the daemon to listen")
        tap.ok(any("not started as root" in line["text"] for line in daemon.lines("warning")),
               "so is another user than the configured one")


def crypto(tap):
    """Without an algorithm of DKIM it does not start: every message would be refused, or deferred."""
    with Daemon() as daemon:
        openssl = os.path.join(daemon.root, "openssl.cnf")
        for name, text in (("no algorithm that is allowed", "alg_section = it\n[it]\ndefault_properties = fips=yes\n"),
                           ("no provider", "providers = it\n[it]\nbase = base\n[base]\nactivate = 1\n")):
            write(openssl, "openssl_conf = all\n[all]\n" + text)
            code, text = daemon.run("-f", "-c", daemon.file, env={**os.environ, "OPENSSL_CONF": openssl})
            tap.equal(code, 75, name, text=text)
            tap.contains(text, "rsa-sha256", "... which is said")


def nowhere(*folders):
    """A command that lets another run where nothing can be written into these folders."""
    mounts = "".join("mount --bind %s %s && mount -o remount,bind,ro %s && " % (folder, folder, folder) for folder in folders)
    return ["unshare", "-m", "sh", "-c", mounts + 'exec "$@"', "sh"]


def hidden_socket(tap):
    """libmilter's own socket needs a folder for a moment, and nobody can find it afterwards."""
    if os.geteuid() != 0:
        return
    with Target(kind="inet", wrapper=nowhere("/tmp")).start() as target:
        target.lives(tap, "without /tmp the daemon")
        descriptors = "/proc/%d/fd/" % target.child
        own = {os.readlink(descriptors + number)[8:-1] for number in os.listdir(descriptors)}
        sockets = [line.split() for line in read("/proc/%d/net/unix" % target.child).splitlines()]
        named = [words[-1] for words in sockets if words[6] in own and "sfdc-milter." in words[-1]]
        tap.equal([name for name in named if os.path.exists(name)], [], "libmilter's socket has no name")
    with Daemon() as daemon:
        done = subprocess.run([*nowhere("/tmp", "/run", "/dev/shm"), PROGRAM, "-f", "-c", daemon.file, "-p",
                               "inet:%d@127.0.0.1" % free_port()], capture_output=True, text=True, timeout=60)
        tap.ok(done.returncode == 75 and "/dev/shm" in done.stdout + done.stderr, "without any folder it says so", done=done)


with Tap(needs_root=False) as points:
    for test in (options, check, busy, socket_option, user, crypto, hidden_socket):
        points.case(test)
