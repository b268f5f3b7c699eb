#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual lists the keys that a message has in the log, in their order, and every reason code with its reply."""
import os
import re
import shutil
import subprocess
import sys

SRC = os.environ.get("SRCDIR", ".")
PAGE = os.path.join(SRC, "conf", "sfdc-milter.8")
sys.path.insert(0, os.path.join(SRC, "t"))
from lab.tap import Tap  # noqa: E402


def read(*path):
    with open(os.path.join(SRC, *path), encoding="utf-8") as file:
        return file.read()


def manual(heading):
    """One section or subsection of the manual page."""
    return re.search(r"^\.S[hs] %s\n(.*?)^\.S[hs] " % re.escape(heading), read(PAGE), re.MULTILINE | re.DOTALL)[1]


def check_names():
    return re.findall(r"X\(CHECK_\w+, check_(\w+)\)", read("include", "core", "checks.h"))


def written_keys():
    """(key, whether it is a number) of all that log_entry_examination() writes, in its order."""
    bodies = dict(re.findall(r"^(?:static )?void (log_entry_\w+)\([^;{]*\)\n\{\n(.*?)^\}", read("milter", "core", "log_entry.c"),
                             re.MULTILINE | re.DOTALL))
    writers = {"log_entry_text": False, "log_entry_number": True}
    keys = []

    def follow(name):
        call = r"\b(log_entry_\w+)\((?:(\w+), (\"\w+\"|check_at\(.*?\)->log_key|\w+))?"
        for called, first, key in re.findall(call, bodies[name]):
            if called in writers and key.endswith("->log_key"):
                keys.extend(("r_" + check, writers[called]) for check in check_names())
            elif called in writers:
                keys.append((re.fullmatch(r'"(\w+)"', key)[1], writers[called]))
            elif called != "log_entry_init":
                follow(called)

    follow("log_entry_examination")
    return keys


def documented_keys():
    """key: what the manual says of it."""
    entries = {}
    for entry in re.split(r"^\.It ", manual("Keys of a message").split("\n.El\n")[0], flags=re.MULTILINE)[1:]:
        head, text = entry.split("\n", 1)
        for key in head.removeprefix("Li ").split(" , "):
            entries[key] = text
    return entries


def known_reasons():
    """code: reply, of all reasons but that of a check that passes."""
    rows = re.findall(r'X\(REASON_\w+, "([^"]*)", "(\d+)", "([\d.]+)"', read("include", "core", "reason.h"))
    return {code: "%s %s" % (smtp, enhanced) for code, smtp, enhanced in rows if code}


def documented_reasons():
    """The rows of the manual's table, (group, code, reply, meaning), and its groups."""
    rows, groups = [], []
    for line in re.search(r"^\.Bl -column .*?^\.El$", manual("REASONS"), re.MULTILINE | re.DOTALL)[0].split("\n")[2:-1]:
        cells = [cell.strip() for cell in line.removeprefix(".It ").split(" Ta")]
        if cells[0].startswith("Sy "):
            groups.append(cells[0].removeprefix("Sy "))
        else:
            rows.append((groups[-1], cells[0].removeprefix("Li "), cells[1], cells[2]))
    return rows, groups


def check_keys(tap):
    written, documented = written_keys(), documented_keys()
    tap.ok(len(written) > 40 and "r_tls" in dict(written), "the keys were found in the source")
    tap.equal([key for key, _ in written if key not in documented], [], "every key that is written is in the manual")
    tap.equal([key for key in documented if key not in dict(written)], [], "every key in the manual is written")
    tap.equal(list(documented), [key for key, _ in written], "the manual has them in their order")
    tap.equal([key for key, text in documented.items() if not text.strip()], [], "and says what each one means")
    numbers = re.search(r"once more;\n(.*?)\nare numbers\.$", manual("Values"), re.MULTILINE | re.DOTALL)[1]
    tap.equal(re.findall(r"\w+", re.sub(r"^\.Li |^and$", "", numbers, flags=re.MULTILINE)),
              [key for key, number in written if number], "and which of them are numbers")


def written_anywhere():
    """(key, whether it is a number) of all events, in whatever file."""
    keys = set()
    for folder, _, names in os.walk(os.path.join(SRC, "milter")):
        for name in names:
            if name.endswith(".c"):
                for kind, key in re.findall(r'log_entry_(text|number)\(&?\w+, "(\w+)"', read(os.path.join(folder, name))):
                    keys.add((key, kind == "number"))
    verdicts = re.findall(r'\[VERDICT_\w+\] = "(\w+)"', read("milter", "core", "vocabulary.c"))
    return keys, {("dropped_" + verdict, True) for verdict in verdicts + ["abort", "events"]}


def check_table(tap):
    """Whoever reads logs again knows every key that is written: include/core/log_keys.h."""
    table = [(key, number == "true")
             for key, number in re.findall(r'X\(LOG_KEY_\w+, "(\w+)", (true|false)\)', read("include", "core", "log_keys.h"))]
    messages = [row for row in written_keys() if not row[0].startswith("r_")]
    tap.equal(table[:len(messages)], messages, "the table of keys has those of messages, in their order")
    anywhere, dropped = written_anywhere()
    tap.ok(len(anywhere) > 50 and ("hours_left", True) in anywhere and len(dropped) > 7, "the keys of all events were found")
    tap.equal(sorted((anywhere | dropped) - set(table)), [], "and those of all events")
    tap.equal(len(table), len(set(key for key, _ in table)), "none stands there twice")


def check_reasons(tap):
    known = known_reasons()
    rows, groups = documented_reasons()
    replies = {code: reply for _, code, reply, _ in rows}
    tap.ok(len(known) > 60 and "tls-absent" in known, "the reasons were found in the source")
    tap.equal([code for code in known if code not in replies], [], "every reason is in the manual")
    tap.equal([code for code in replies if code not in known], [], "every reason in the manual exists")
    tap.equal(len(rows), len(replies), "none stands there twice")
    for code, reply in replies.items():
        tap.equal(reply, known.get(code), "manual: reply of " + code)
    tap.equal(sorted(groups), sorted(check_names() + ["several", "none"]), "they are grouped by check")
    # A reason that begins with the name of a check is one of that check.
    tap.equal([code for group, code, _, _ in rows if code.split("-")[0] in check_names() and code.split("-")[0] != group],
              [], "each below its own")
    tap.equal([code for _, code, _, meaning in rows if not meaning], [], "each with its meaning")
    options = re.findall(r"^\.It Ic (\S+) : ", read("conf", "sfdc-milter.yaml.5"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"\b(?:%s)\.[a-z_]+" % "|".join(check_names()), row[3])}
    tap.equal(sorted(named - set(options)), [], "options that are named there exist")


def check_checks(tap):
    page = read("conf", "sfdc-milter.yaml.5")
    told = re.search(r"^The checks are:\n(.*?)^\.El$", page, re.MULTILINE | re.DOTALL)[1]
    tap.equal(re.findall(r"^\.It Li (\S+)$", told, re.MULTILINE), check_names(), "every check is in the manual, in order")


def check_form(tap):
    if not shutil.which("mandoc"):
        tap.note("without mandoc the form of the manual page is not checked")
        return
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True)
    tap.equal(lint.stdout + lint.stderr, "", "mandoc finds no fault in the manual page")


def main():
    with Tap(needs_root=False) as tap:
        tap.case(check_keys)
        tap.case(check_table)
        tap.case(check_reasons)
        tap.case(check_checks)
        tap.case(check_form)


main()
