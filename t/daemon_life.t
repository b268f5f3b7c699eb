#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's life: reload, crash, stop, background, pidfile and the service manager."""

import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.process import read, wait_for, write
from lab.tap import Tap
from lab.wire import Closed, Wire
from milter.daemon import Daemon, org
from milter.target import good


def alive(pid):
    """Whether a process exists and is no zombie."""
    try:
        state = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
    except ProcessLookupError:  # it went between opening and reading
        return False
    return bool(state) and state[0] not in ("Z", "X")


def verdict(daemon, **options):
    """What becomes of one message in a session of its own."""
    with Wire(daemon.path) as wire:
        wire.open().deliver(good(**options))
    return daemon.messages()[-1]["verdict"]


def reload(tap):
    with Daemon().start() as daemon:
        filter_pid = daemon.filter_pid()
        tap.equal(verdict(daemon, lk=None), "reject", "enforced")
        daemon.configure(orgs=org(mode="monitor"))
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload")["result"], "ok", "SIGHUP reloads")
        tap.equal(verdict(daemon, lk=None), "accept", "and the next message knows it")

        daemon.configure(mode="enfroce", no_such_option=1)
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload", 2)["result"], "failed", "a bad file does not")
        texts = "\n".join(line["text"] for line in daemon.lines("error"))
        tap.contains(texts, "no_such_option", "each problem is logged")
        tap.contains(texts, "enfroce", "all of them")
        tap.equal(verdict(daemon, lk=None), "accept", "and the old configuration stays")

        daemon.configure(socket="unix:" + daemon.path + "2", pidfile=daemon.root + "/pid")
        daemon.process.send_signal(signal.SIGUSR1)
        tap.equal(daemon.event("reload", 3)["result"], "ok", "SIGUSR1 reloads too")
        tap.equal(verdict(daemon, lk=None), "reject", "the configuration is the new one")
        tap.equal(sorted(line["text"].split()[0] for line in daemon.lines("warning") if "next start" in line["text"]),
                  ["pidfile", "socket"], "what cannot change is warned about")
        tap.equal(daemon.filter_pid(), filter_pid, "all by the same process")
        tap.equal(daemon.stop(), 0, "and it stops")


def crash(tap):
    with Daemon().start() as daemon:
        daemon.configure(orgs=org(mode="monitor"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.event("reload")
        first = daemon.filter_pid()
        for number, kind in enumerate((signal.SIGSEGV, signal.SIGKILL), 2):
            os.kill(first, kind)
            wait_for(lambda: not alive(first), "the filter to end")
            daemon.event("start", number)
            second = daemon.filter_pid()
            tap.ok(second != first, "a filter that was killed is started again")
            wait_for(daemon.listens, "it to listen")
            tap.equal(verdict(daemon, lk=None), "accept", "with the configuration that was in force")
            first = second
        tap.contains(daemon.lines("error")[1]["text"], "killed by signal 9", "the log says why")
        os.kill(first, signal.SIGTERM)
        daemon.event("start", 4)
        wait_for(daemon.listens, "it to listen")
        tap.ok(daemon.filter_pid() != first, "one that was stopped alone too")
        tap.equal(daemon.stop(), 0, "SIGTERM to the parent ends it for good")
        tap.equal(len(daemon.lines("start")), 4, "without another start")


def orphan(tap):
    """Without its parent the filter ends: nobody could reload or stop it."""
    with Daemon().start() as daemon:
        filter_pid = daemon.filter_pid()
        daemon.process.kill()
        daemon.process.wait()
        wait_for(lambda: not alive(filter_pid), "the filter to end")
        tap.ok(True, "the filter does not outlive its parent")


def stop(tap):
    letter = good()
    for kind in (signal.SIGTERM, signal.SIGINT):
        with Daemon().start() as daemon, Wire(daemon.path) as wire, Wire(daemon.path) as idle:
            filter_pid = daemon.filter_pid()
            idle.open()
            wire.open().walk(letter.mail() + letter.rcpt())
            daemon.process.send_signal(kind)
            wait_for(lambda: begins_nothing(daemon), "the filter to begin nothing any more")
            wire.walk(letter.header())
            tap.equal([wire.walk(letter.eoh()), wire.walk(letter.end())], ["c", "c"], "a message in flight is finished")
            tap.equal(daemon.process.wait(60), 0, "and then the daemon ends")
            daemon.process = None
            tap.ok(not alive(filter_pid), "with its filter")
            tap.equal([line["verdict"] for line in daemon.lines("verdict")], ["accept"], "the message is logged")
            tap.equal(len(daemon.lines("stop")), 1, "and the end")
            tap.ok(not os.path.exists(daemon.path), "the socket is removed")
            tap.ok(idle.ended(), "an idle session is closed")


def begins_nothing(daemon):
    """Whether a new message is turned away, so that the client ends its session and comes again."""
    letter = good()
    with Wire(daemon.path) as wire:
        if wire.open().walk(letter.mail() + letter.rcpt()) == "y" and wire.reply.startswith(b"421 4.3.2 "):
            return True
        wire.step("A")
        return False


def storm(tap):
    """Reloads and a stop while many sessions are busy: each message is answered and logged, or its session closed."""
    with Daemon().start() as daemon:
        answers, over = [], threading.Event()

        def client(number):
            while not over.is_set():
                try:
                    with Wire(daemon.path) as wire:
                        wire.open()
                        for count in range(4):
                            _, answer = wire.deliver(good(lk=None) if (number + count) % 3 == 0 else good())
                            if answer == "y" and wire.reply.startswith(b"421"):
                                break
                            answers.append(answer)
                except (Closed, OSError):
                    over.wait(0.01)

        clients = [threading.Thread(target=client, args=(number,)) for number in range(6)]
        for thread in clients:
            thread.start()
        for number in range(1, 9):
            daemon.configure(orgs=org(mode="monitor" if number % 2 else "enforce"))
            daemon.process.send_signal(signal.SIGHUP)
            daemon.event("reload", number)
        daemon.process.send_signal(signal.SIGTERM)
        tap.equal(daemon.process.wait(60), 0, "it ends in the middle of it")
        over.set()
        for thread in clients:
            thread.join()
        daemon.process = None
        tap.equal(daemon.lines("error"), [], "without an error", log=read(daemon.output)[-6000:])
        logged = [line["verdict"] for line in daemon.lines("verdict")]
        tap.ok(len(answers) > 8 and set(answers) == {"c", "y"}, "messages were taken and refused", answers=set(answers))
        tap.ok(0 <= len(logged) - len(answers) <= 6, "and each of them logged", logged=len(logged), answers=len(answers))


def crash_and_start(daemon, number):
    """The filter crashes; what the next one says of itself, which is the number-th start."""
    first = daemon.filter_pid()
    os.kill(first, signal.SIGSEGV)
    wait_for(lambda: not alive(first), "the filter to end")
    return daemon.event("start", number)


def refused(tap):
    """What the filter refused is not in force after a crash either, although its parent can read it."""
    with Daemon() as daemon:
        good_records, bad_records = (os.path.join(daemon.root, name) for name in ("good", "bad"))
        write(good_records, "a.test. 60 IN A 192.0.2.1\n")
        write(bad_records, "no record\n")
        servers = [daemon.nameserver.address]
        daemon.configure(dns={"nameservers": servers, "local_data": good_records})
        daemon.start()
        daemon.configure(dns={"nameservers": servers, "local_data": bad_records}, orgs=org(mode="monitor"))
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload")["result"], "failed", "records that are none are refused at a reload")
        tap.equal(crash_and_start(daemon, 2)["enforce"], "all", "and after a crash")
        tap.equal(verdict(daemon, lk=None), "reject", "by the filter that is started then")
        daemon.configure(dns={"nameservers": servers, "local_data": good_records}, orgs=org(mode="monitor"))
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload", 2)["result"], "ok", "good ones are taken")
        tap.equal(crash_and_start(daemon, 3)["enforce"], "none", "and kept")
    if os.geteuid() != 0:
        return
    with Daemon(user="nobody") as daemon:
        os.chmod(daemon.root, 0o755)
        daemon.start()
        daemon.configure(user="nobody", orgs=org(mode="monitor"))
        os.chmod(daemon.file, 0o600)
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload")["result"], "failed", "a file that its user cannot read is refused")
        tap.equal(crash_and_start(daemon, 2)["enforce"], "all", "and after a crash")


def fixed(tap):
    """What only a start changes stays after a crash, too."""
    with Daemon().start() as daemon:
        other = daemon.path + "2"
        daemon.configure(socket="unix:" + other)
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload")["socket"], "unix:" + daemon.path, "the socket that it listens on is logged")
        tap.equal(crash_and_start(daemon, 2)["socket"], "unix:" + daemon.path, "and used after a crash")
        wait_for(daemon.listens, "it to listen")
        tap.equal(daemon.stop(), 0, "it stops")
        tap.equal([os.path.exists(path) for path in (daemon.path, other)], [False, False], "and leaves no socket behind")


def canary(tap):
    """A name in ip.spf that vouches for everybody vouches for nobody, and the admin is told once for each reload."""
    with Daemon() as daemon:
        records = os.path.join(daemon.root, "records")
        write(records, "all.example.test. 60 IN TXT \"v=spf1 +all\"\n")
        daemon.configure(dns={"nameservers": [daemon.nameserver.address], "local_data": records},
                         orgs=org(reject_unless="org and from and ip", ip={"networks": [], "spf": ["all.example.test"]}))
        daemon.start()
        for reloads in (1, 2):
            tap.equal([verdict(daemon) for _ in range(3)], ["reject"] * 3, "three messages are refused")
            tap.equal(daemon.messages()[-1]["reason"], "ip-spf-canary", "because the name vouches for everybody")
            told = [line["text"] for line in daemon.lines("warning") if "all.example.test" in line["text"]]
            tap.equal(len(told), reloads, "which is told once", told=told)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.event("reload", reloads)


def background(tap):
    with Daemon() as daemon:
        pidfile = os.path.join(daemon.root, "pid")
        daemon.configure(pidfile=pidfile, log={"target": "syslog"})
        tap.equal(daemon.run("-c", "sfdc-milter.yaml", cwd=daemon.root), (0, ""), "in the background it returns")
        pid = int(read(pidfile))
        try:
            with Wire(daemon.path) as wire:
                tap.equal(wire.open().deliver(good()), ("E", "c"), "when it is ready")
            tap.equal(os.getsid(pid), pid, "in a session of its own")
            tap.equal(os.readlink("/proc/%d/cwd" % pid), "/", "in no folder")
            tap.equal([os.readlink("/proc/%d/fd/%d" % (pid, fd)) for fd in range(3)], ["/dev/null"] * 3, "with no terminal")
            code, text = daemon.run("-c", daemon.file)
            tap.equal(code, 75, "a second one is refused")
            tap.contains(text, "running already", "and says why")
            daemon.configure(orgs=org(mode="monitor"), pidfile=pidfile, log={"target": "syslog"})
            os.kill(pid, signal.SIGHUP)
            wait_for(lambda: takes_anything(daemon), "the reload by a relative path")
            tap.ok(True, "the relative path of its configuration still holds")
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: not alive(pid), "the daemon to end")
            tap.ok(not os.path.exists(pidfile), "the pidfile is removed")
            tap.ok(not os.path.exists(daemon.path), "and the socket")
        finally:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def takes_anything(daemon):
    with Wire(daemon.path) as wire:
        return wire.open().deliver(good(lk=None)) == ("E", "c")


def manager(tap):
    with Daemon() as daemon, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        path = os.path.join(daemon.root, "notify")
        listener.bind(path)
        listener.settimeout(60)
        os.environ["NOTIFY_SOCKET"] = path
        try:
            daemon.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        tap.equal(listener.recv(200), b"READY=1", "READY when it listens")
        daemon.process.send_signal(signal.SIGHUP)
        state = listener.recv(200).split(b"\n")
        tap.equal(state[0], b"RELOADING=1", "RELOADING")
        tap.ok(state[1].startswith(b"MONOTONIC_USEC=") and state[1][15:].isdigit(), "with the time", state=state)
        tap.equal(listener.recv(200), b"READY=1", "READY again")
        daemon.event("reload")
        daemon.process.send_signal(signal.SIGTERM)
        tap.equal(listener.recv(200), b"STOPPING=1", "STOPPING")
        tap.equal(daemon.process.wait(60), 0, "and it ends")
        daemon.process = None


with Tap(needs_root=False) as points:
    for test in (reload, crash, orphan, stop, storm, refused, fixed, canary, background, manager):
        points.case(test)
