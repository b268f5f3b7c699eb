#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's options, exit codes, socket and start: DESIGN "programs"."""

import os
import pty
import pwd
import re
import signal
import socket
import stat
import string
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
        for arguments in (("-x",), ("-c",), ("-p",), ("--helf",), ("-n", "-c", daemon.file, "argument")):
            code, text = daemon.run(*arguments)
            tap.equal(code, 64, "usage: " + " ".join(arguments[:1] + arguments[3:]))
            tap.contains(text, "usage: sfdc-milter [-c FILE] [-f] [-n] [-p SOCKET] [-V]", "and says how")
        for arguments, words in ((("-fx",), "-x is no option"), (("-c",), "-c needs a value"), (("--verson",), "did you mean --version?"),
                                 (("ar\x1bg",), "ar\\x1bg is too much")):
            tap.contains(daemon.run(*arguments)[1], words, "told as it was typed: " + words)
        helped(tap, daemon)
        code, text = daemon.run("-n", "-c", daemon.file, "-p", "tcp:1@localhost")
        tap.equal(code, 64, "a malformed -p")
        tap.contains(text, "unix:/PATH", "and says what a socket is")


def helped(tap, daemon):
    """--help and -h explain every option; the manual page has the same."""
    code, text = daemon.run("--help")
    tap.equal((code, daemon.run("-h"), daemon.run("-f", "-h")), (0, (0, text), (0, text)), "--help and -h are one")
    rows = re.findall(r"^  ((?:-\w, )?-[-\w]+)(?: [A-Z]\S*)?  +(\S.{8,})$", text, re.MULTILINE)
    flags = sorted(flag for row, _ in rows for flag in row.split(", "))
    tap.equal(flags, sorted(["-c", "-f", "-n", "-p", "-V", "--version", "-h", "--help"]), "every option is explained", text=text)
    # A path cannot be folded, and may be built in as long as it likes.
    wide = [line for line in text.splitlines() if len(line) > 80 and " " in line.strip()]
    tap.ok("Example:\n  sfdc-milter " in text and not wide, "with an example, in 80 columns", text=text)
    for letter in string.ascii_letters + string.digits:
        if "-" + letter not in flags:
            tap.equal(daemon.run("-" + letter)[0], 64, "no hidden option -" + letter)
    page = read(os.path.join(os.environ.get("SRCDIR", "."), "conf", "sfdc-milter.8"))
    part = page[page.index("The options are:"):page.index(".Ss Processes")]
    heads = " ".join(re.findall(r"^\.It (Fl .*)$", part, re.MULTILINE))
    tap.equal(sorted("-" + flag for flag in re.findall(r"Fl (-?[\w-]+)", heads)), flags, "the manual page has the same")
    codes = re.search(r"^\.Sh EXIT STATUS\n(.*?)^\.Sh ", page, re.MULTILINE | re.DOTALL)[1]
    tap.equal(re.findall(r"^  (\d+) ", text.split("Exit status:")[1], re.MULTILINE), re.findall(r"^\.It (\d+)$", codes, re.MULTILINE),
              "and the same exit status")


def terminal(tap):
    """By hand: -f says that it runs, and where."""
    for facility, where in (("stderr", "this terminal"), ("syslog", "syslog")):
        with Daemon(log={"target": facility}) as daemon:
            pid, master = pty.fork()
            if pid == 0:
                os.execv(PROGRAM, [PROGRAM, "-f", "-c", daemon.file])
            output = b""
            while b"Ctrl-C" not in output:
                output += os.read(master, 65536)
            line = [line for line in output.decode().splitlines() if "Ctrl-C" in line][0]
            tap.equal(line, "sfdc-milter: running, and listening on unix:%s; the log goes to %s; Ctrl-C ends it" % (daemon.path, where),
                      "on a terminal -f says that it runs, and where; log: " + facility)
            os.write(master, b"\x03")
            try:
                while os.read(master, 65536):
                    pass
            except OSError:
                pass
            tap.equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "and Ctrl-C ends it")
            os.close(master)
    with Daemon() as daemon:
        daemon.start()
        tap.ok("Ctrl-C" not in read(daemon.output), "not where there is no terminal")


def unable(tap):
    """What cannot be opened: said, and what to do."""
    with Daemon() as daemon:
        for name, code, words, config in (
                ("no configuration", 78, "No such file or directory; create it, as sfdc-milter.yaml(5) shows, or name another with -c",
                 daemon.root + "/none"), ("a folder", 78, "name a file that holds a configuration", daemon.root)):
            for flag in ("-n", "-f"):
                got, text = daemon.run(flag, "-c", config)
                tap.ok(got == code and text.startswith(config + ": ") and words in text, "%s: %s" % (flag, name), text=text)
        for name, change, words in (
                ("socket: no folder", {"socket": "unix:%s/none/s" % daemon.root}, "; create its folder (systemd: RuntimeDirectory)"),
                ("socket: below a file", {"socket": "unix:%s/s" % daemon.file}, "; name a path below a folder"),
                ("socket: another's address", {"socket": "inet:10024@192.0.2.1"}, "; name an address of this machine"),
                ("socket: a file in its way", {"socket": "unix:" + daemon.file}, "remove it or name another path"),
                ("pidfile: no folder", {"pidfile": daemon.root + "/none/pid"}, "create its folder (systemd: RuntimeDirectory)"),
                ("pidfile: a folder", {"pidfile": daemon.root}, "it is a folder; name a file in it"),
                ("pidfile: a link", {"pidfile": daemon.root + "/link"}, "it is a symbolic link; name the file itself"),
                ("pidfile: no regular file", {"pidfile": daemon.root + "/fifo"}, "remove it, or name another")):
            if not os.path.lexists(daemon.root + "/link"):
                os.symlink("pid", daemon.root + "/link")
                os.mkfifo(daemon.root + "/fifo")
            daemon.configure(**change)
            code, text = daemon.run("-f", "-c", daemon.file)
            tap.ok(code == 75 and words in text, name, code=code, text=text)
    if os.geteuid() == 0:
        forbidden(tap)


def forbidden(tap):
    """The same for a user who may not."""
    nobody = pwd.getpwnam("nobody").pw_uid
    with Daemon(user="nobody") as daemon:
        os.chmod(daemon.root, 0o711)
        inside = os.path.join(daemon.root, "inside")
        os.mkdir(inside, 0o755)
        as_nobody = {"preexec_fn": lambda: os.setuid(nobody)}
        for name, change, code, words in (
                ("socket", {"socket": "unix:%s/s" % inside}, 75, "Permission denied; start as root, or name a socket that this user may open"),
                ("pidfile", {"pidfile": inside + "/pid"}, 75, "Permission denied; start as root, or name a file that this user may write"),
                ("port", {"socket": "inet:99@127.0.0.1"}, 75, "; start as root, or name a socket")):
            daemon.configure(**change)
            if name == "pidfile":
                os.chmod(daemon.root, 0o777)
            if name == "port" and int(read("/proc/sys/net/ipv4/ip_unprivileged_port_start")) <= 99:
                continue
            got, text = daemon.run("-f", "-c", daemon.file, **as_nobody)
            tap.ok(got == code and words in text, "not permitted: " + name, code=got, text=text)
        os.chmod(daemon.file, 0o600)
        got, text = daemon.run("-n", "-c", daemon.file, **as_nobody)
        tap.ok(got == 78 and "Permission denied; run this as a user who may read it, or correct its permissions" in text,
               "not permitted: configuration", text=text)


def check(tap):
    with Daemon() as daemon:
        quiet = {"socket": "inet:%d@127.0.0.1" % free_port()}
        daemon.configure(**quiet)
        tap.equal(daemon.run("-n", "-c", daemon.file), (0, daemon.file + ": the configuration is good\n") if os.geteuid() else
                  (0, "warning: %s:3:7: user: the daemon keeps running as root; name a user of its own, such as sfdc-milter\n"
                   "%s: the configuration is good, with 1 warning\n" % (daemon.file, daemon.file)), "-n says that all is good")
        daemon.configure(user="nobody", **quiet)
        if os.geteuid() == 0:
            os.chmod(daemon.root, 0o755)
            tap.equal(daemon.run("-n", "-c", daemon.file), (0, daemon.file + ": the configuration is good\n"), "and no more")
        daemon.configure()
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
        texts = [line["text"] for line in daemon.lines("warning")]
        tap.ok(any("keeps running as root" in text for text in texts), "running as root is warned about")
        tap.ok(any(text.startswith(daemon.file + ": socket_group: is empty, which leaves the socket to root") for text in texts),
               "so is a socket that is left to root", texts=texts)
        tap.equal(os.stat(daemon.path).st_gid, 0, "as it is")
    with Daemon(user="root") as daemon:
        os.chmod(daemon.root, 0o755)
        os.chown(daemon.root, pwd.getpwnam("nobody").pw_uid, -1)
        process = subprocess.Popen([PROGRAM, "-f", "-c", daemon.file], stdout=open(daemon.output, "ab"),
                                   stderr=subprocess.STDOUT, preexec_fn=lambda: os.setuid(pwd.getpwnam("nobody").pw_uid))
        daemon.process = process
        daemon.event("start")
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
            # Later versions of libunbound do not start without OpenSSL's random numbers.
            tap.ok("rsa-sha256" in text or "see whether OpenSSL works" in text, "... which is said", text=text)


def late(tap):
    """A start that fails after the socket was opened leaves none behind."""
    with Daemon() as daemon:
        records = os.path.join(daemon.root, "records")
        write(records, "no record\n")
        daemon.configure(dns={"local_data": records})
        for flags in (("-f",), ()):
            code, text = daemon.run(*flags, "-c", daemon.file)
            tap.equal((code, os.path.exists(daemon.path)), (78, False), "records that are none leave no socket %s" % "".join(flags),
                      text=text)
        if os.geteuid() != 0:
            return
        daemon.configure(user="nobody")
        # What looks for leaks would want a process, too.
        done = subprocess.run(["prlimit", "--nproc=1:1", "--", PROGRAM, "-f", "-c", daemon.file], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        tap.equal((done.returncode, os.path.exists(daemon.path)), (75, False), "nor does a system that refuses what is needed",
                  said=done.stdout + done.stderr)


class Guarded(Daemon):
    """Its user is nobody, and files of each kind are named; keep() makes some of them root's own."""

    def __init__(self):
        super().__init__()
        os.chmod(self.root, 0o755)
        os.mkdir(os.path.join(self.root, "orgs"))
        self.files = {}
        for name, text in (("networks", "192.0.2.0/24\n"), ("records", "a.test. 60 IN A 192.0.2.1\n"),
                           ("anchor", ". 86400 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"),
                           ("orgs/one.yaml", "orgs: {00DgL00000Fp7YHUAZ: {domains: [example.org]}}\n"),
                           ("two.yaml", "orgs: {00DA0000000Hu5aMAC: {domains: [example.net]}}\n")):
            self.files[name] = os.path.join(self.root, name)
            write(self.files[name], text)
        self.files["sfdc-milter.yaml"] = self.file
        self.files["orgs"] = os.path.join(self.root, "orgs")
        self.configure(user="nobody", include=["orgs/*.yaml", "two.yaml"],
                       dns={"nameservers": [self.nameserver.address], "local_data": "records", "trust_anchor": "anchor"},
                       orgs=org(ip={"networks": [], "networks_file": "networks", "spf": []}))

    def keep(self, *names):
        for name, path in self.files.items():
            mine, others = (0o700, 0o755) if os.path.isdir(path) else (0o600, 0o644)
            os.chmod(path, mine if name in names else others)


def unreadable(tap):
    """-n reads as the configured user, so that it fails where a reload would; a start says so of each file."""
    if os.geteuid() != 0:
        tap.ok(True, "unreadable files # SKIP needs root")
        return
    with Guarded() as daemon:
        code, text = daemon.run("-n", "-c", daemon.file)
        tap.equal(code, 0, "-n: all files can be read by the daemon's user", text=text)
        for name, path in daemon.files.items():
            daemon.keep(name)
            code, text = daemon.run("-n", "-c", daemon.file)
            tap.ok(code == 78 and "%s: user nobody cannot " % (path + "/" * (name == "orgs")) in text and "let that user read it" in text,
                   "-n: %s is root's own" % name, code=code, text=text)
        every = [name for name in daemon.files if name != "orgs"]
        daemon.keep(*every)
        code, text = daemon.run("-n", "-c", daemon.file)
        named = [line.split(":")[0] for line in text.splitlines() if "user nobody cannot read" in line]
        tap.equal(sorted(named), sorted(daemon.files[name] for name in every), "-n: each file is named", text=text)
        daemon.keep()
        daemon.start()
        tap.equal([line["text"] for line in daemon.lines("warning") if "user nobody cannot" in line["text"]], [], "nothing to warn of")
        daemon.stop()
        # What is opened after the user was changed must be readable for a start.
        kept = [name for name in every if name not in ("records", "anchor")]
        daemon.keep(*kept)
        daemon.start()
        said = [line["text"] for line in daemon.lines("warning") if "user nobody cannot read this file" in line["text"]]
        tap.equal(sorted(text.split(":")[0] for text in said), sorted(daemon.files[name] for name in kept),
                  "a start warns of each file that a reload could not read", said=said)
        tap.ok(all("or a reload fails" in text for text in said), "and says what comes of it")
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal((daemon.event("reload")["result"], daemon.run("-n", "-c", daemon.file)[0]), ("failed", 78),
                  "-n and a reload fail alike")
        daemon.keep()
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal((daemon.event("reload", 2)["result"], daemon.run("-n", "-c", daemon.file)[0]), ("ok", 0), "and pass alike")


def odd(tap):
    """X16: pipes and devices where files are named; nothing waits for them."""
    with Daemon() as daemon:
        pipe = os.path.join(daemon.root, "pipe")
        os.mkfifo(pipe)
        for name, change in (("pidfile", {"pidfile": pipe}), ("local data", {"dns": {"local_data": pipe}}),
                             ("include", {"include": [pipe]})):
            daemon.configure(**change)
            code, text = daemon.run("-f", "-c", daemon.file)
            tap.ok(code in (75, 78) and "no regular file" in text, "X16 a pipe as %s" % name, code=code, text=text)
        for flag in ("-n", "-f"):
            code, text = daemon.run(flag, "-c", pipe)
            tap.ok(code == 78 and "no regular file" in text, "X16 a pipe as the configuration %s" % flag, code=code, text=text)
        daemon.configure()
        daemon.start()
        os.rename(daemon.file, daemon.file + ".good")
        os.mkfifo(daemon.file)
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload")["result"], "failed", "X16 a reload does not wait for a pipe")
        os.rename(daemon.file + ".good", daemon.file)
        daemon.process.send_signal(signal.SIGHUP)
        tap.equal(daemon.event("reload", 2)["result"], "ok", "nor does the parent")
        tap.equal(daemon.stop(), 0, "and it stops")


def nowhere(*folders):
    """A command that lets another run where nothing can be written into these folders."""
    mounts = "".join("mount --bind %s %s && mount -o remount,bind,ro %s && " % (folder, folder, folder) for folder in folders)
    return ["unshare", "-m", "sh", "-c", mounts + 'exec "$@"', "sh"]


def descriptors(pid):
    """What its descriptors name; one that is closed meanwhile names nothing."""
    folder = "/proc/%d/fd/" % pid
    for number in os.listdir(folder):
        try:
            yield os.readlink(folder + number)
        except FileNotFoundError:
            pass


def no_folder(tap):
    """It needs no folder that can be written to, and no socket but its own."""
    if os.geteuid() != 0:
        return
    with Target(kind="inet", wrapper=nowhere("/tmp", "/run", "/dev/shm")).start() as target:
        target.lives(tap, "without any folder the daemon")
        own = {name[8:-1] for name in descriptors(target.child)}
        sockets = [line.split() for line in read("/proc/%d/net/unix" % target.child).splitlines()]
        tap.equal([words[-1] for words in sockets if words[6] in own and "sfdc-milter." in words[-1]], [], "no socket has a name")


with Tap(needs_root=False) as points:
    for test in (options, terminal, unable, check, busy, socket_option, user, crypto, late, unreadable, odd, no_folder):
        points.case(test)
