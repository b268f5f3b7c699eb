#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every header stands on its own, and the floors of the house depend on each other in one direction only."""
import os
import re
import shlex
import subprocess

SRC = os.environ.get("SRCDIR", ".")
CC = shlex.split(os.environ.get("CC") or "cc")
FLOORS = ("cmd", "config", "core", "evidence", "history", "limits", "mta", "observe")

# Whose headers a floor may include, besides its own.
BELOW = {
    "core": set(),
    "config": {"core"},
    "observe": {"core"},
    "evidence": {"core"},
    "history": {"core"},
    "mta": {"core", "config", "observe"},
    "limits": {"core", "config", "mta", "observe"},
    "cmd": set(FLOORS),
}

# The libc headers of the core: types, strings, formatting into memory, addresses as text.
CORE_SYSTEM = set("""
arpa/inet.h inttypes.h limits.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h sys/socket.h
""".split())

# Which floors may use a foreign library; a header of none of these is one of the system's.
FOREIGN = [
    (r"libmilter/", {"mta"}),
    (r"event2/", {"mta", "limits"}),
    (r"hiredis/|read\.h|hiredis\.h", {"limits"}),
    (r"yaml\.h", {"config"}),
    (r"jansson\.h", {"observe", "history", "cmd"}),
    (r"zlib\.h", {"history"}),
    (r"libxml/", {"cmd"}),
    (r"unbound\.h", {"evidence"}),
    (r"opendkim/|dkim\.h", {"evidence"}),
    (r"libpsl\.h", {"evidence"}),
    (r"idn2\.h", {"evidence"}),
    (r"openssl/", {"evidence", "limits", "cmd"}),
    (r"spf2/", {"evidence"}),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def owns(floor, path, own, name):
    """x_private.h belongs to the files of its folder that are called x or x_*, or whose own header, the first, is x.h."""
    folder, base = os.path.split(name)
    if folder not in ("", floor):
        return False
    stem = re.sub(r"_private\.h$", "", base)
    return own == f"{floor}/{stem}.h" or bool(re.fullmatch(re.escape(stem) + r"(_\w+)?\.[ch]", os.path.basename(path)))


def quoted_problem(floor, path, own, name):
    if name == "config.h":
        return None if floor != "core" else "the core is not configured"
    if name.endswith("_private.h"):
        return None if owns(floor, path, own, name) else "a private header of another module"
    head = name.split("/")[0]
    if head not in FLOORS or "/" not in name:
        return "not a header of this project"
    if head != floor and head not in BELOW[floor]:
        return f"{floor} does not stand on {head}"
    return None


def angle_problem(floor, name):
    if floor == "core":
        return None if name in CORE_SYSTEM else "not among the libc headers of the core"
    for pattern, floors in FOREIGN:
        if re.match(pattern, name) and floor not in floors:
            return f"this library is no business of {floor}"
    return None


def problems(floor, path, text):
    includes = INCLUDE.findall(text)
    own = next((quoted for quoted, _ in includes if quoted and quoted != "config.h"), None)
    for quoted, angle in includes:
        problem = quoted_problem(floor, path, own, quoted) if quoted else angle_problem(floor, angle)
        if problem:
            yield f"{path}: {quoted or angle}: {problem}"


def files(top, suffix):
    for folder, _, names in sorted(os.walk(os.path.join(SRC, top))):
        for name in sorted(names):
            if name.endswith(suffix) and not name.startswith("."):
                yield os.path.relpath(os.path.join(folder, name), SRC)


def compiles(source):
    command = CC + ["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(SRC, "include"),
                    "-x", "c", "-"]
    return subprocess.run(command, input=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)


count = 0
failed = 0


def ok(good, what, details=()):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}")
    for detail in () if good else details:
        print(f"# {detail}")


# The rules themselves: each of these must be found, each of those must not.
BAD = [
    ("core", "milter/core/x.c", '#include <time.h>'),
    ("core", "milter/core/x.c", '# include "observe/log.h"'),
    ("core", "milter/core/x.c", '#include "config.h"'),
    ("core", "include/core/x.h", '#include <libmilter/mfapi.h>'),
    ("config", "milter/config/x.c", '#include "observe/log.h"'),
    ("config", "milter/config/x.c", '#include <unbound.h>'),
    ("evidence", "milter/evidence/x.c", '#include "mta/session.h"'),
    ("evidence", "milter/evidence/x.c", '#include "dkim_private.h"'),
    ("evidence", "milter/evidence/idn.c", '#include "evidence/idn.h"\n#include "evidence/dkim_private.h"'),
    ("evidence", "milter/evidence/x.c", '#include "evidence/x.h"\n#include "evidence/dkim.h"\n#include "dkim_private.h"'),
    ("mta", "milter/mta/dkim.c", '#include "evidence/dkim_private.h"'),
    ("mta", "milter/mta/x.c", '#include "evidence/environment.h"'),
    ("mta", "milter/mta/x.c", '#include "local.h"'),
]
GOOD = [
    ("core", "milter/core/x.c", '#include "core/x.h"\n#include <string.h>'),
    ("evidence", "milter/evidence/dkim_key.c", '#include "dkim_private.h"\n#include <openssl/evp.h>'),
    ("evidence", "milter/evidence/key.c", '#include "config.h"\n#include "evidence/dkim.h"\n#include "evidence/dkim_private.h"'),
    ("mta", "milter/mta/x.c", '#include "config.h"\n#include "config/live.h"\n#include <libmilter/mfapi.h>'),
    ("cmd", "milter/cmd/x.c", '#include "evidence/environment.h"'),
]
for floor, path, text in BAD:
    ok(len(list(problems(floor, path, text))) == 1, f"found: {path}: {text}")
for floor, path, text in GOOD:
    ok(not list(problems(floor, path, text)), f"allowed: {path}", problems(floor, path, text))
ok(compiles('struct x { bool y; };\n').returncode != 0, "a header that lacks an include does not compile")

headers = list(files("include", ".h"))
for header in headers:
    name = os.path.relpath(header, "include")
    result = compiles(f'#include "{name}"\n#include "{name}"\n')
    ok(result.returncode == 0, f"{name} stands on its own", result.stderr.splitlines()[:5])
    guard = "SFDC_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    with open(os.path.join(SRC, header), encoding="utf-8") as file:
        ok(f"#ifndef {guard}\n#define {guard}\n" in file.read(), f"{name} is guarded by {guard}")
ok("include/core/arena.h" in headers, "the headers were found")

for floor in FLOORS:
    found = []
    for path in [*files(f"include/{floor}", ".h"), *files(f"milter/{floor}", ".h"), *files(f"milter/{floor}", ".c")]:
        with open(os.path.join(SRC, path), encoding="utf-8") as file:
            found += problems(floor, path, file.read())
    ok(not found, f"{floor} includes what it may", found)


# What is judged again from a log, and what is learnt from it, the design itself says check by check.
LOOKING_BACK = ("milter/history/replay.c", "milter/history/suggest.c")


def named_checks():
    """Where a floor above the core knows a check by its name: the sheets tell all that is to be known."""
    with open(os.path.join(SRC, "include/core/checks.h"), encoding="utf-8") as file:
        names = re.findall(r"^\s*X\((CHECK_[A-Z]+), check_[a-z]+\)", file.read(), re.MULTILINE)
    pattern = re.compile(rf"\b(?:{'|'.join(names)})\b")
    found = []
    for floor in FLOORS:
        if floor == "core":
            continue
        for path in [*files(f"include/{floor}", ".h"), *files(f"milter/{floor}", ".h"), *files(f"milter/{floor}", ".c")]:
            if path in LOOKING_BACK:
                continue
            with open(os.path.join(SRC, path), encoding="utf-8") as file:
                found += [f"{path}: {name}" for name in pattern.findall(file.read())]
    return names, found


names, found = named_checks()
ok(len(names) >= 13 and "CHECK_LIMIT" in names, "the checks were found", [names])
ok(not found, "no check is known by its name outside the core", found)


def untested_reasons():
    """Reason codes that no test expects: neither by code, in a script or a case, nor by name in a unit test."""
    with open(os.path.join(SRC, "include/core/reason.h"), encoding="utf-8") as file:
        rows = re.findall(r'^\tX\((REASON_[A-Z_0-9]+), "([a-z0-9-]+)"', file.read(), re.MULTILINE)
    text = ""
    for path in [*files("t", ".case"), *files("t", ".t"), *(path for path in files("t", ".c") if "/unit_" in path)]:
        with open(os.path.join(SRC, path), encoding="utf-8") as file:
            text += file.read()
    return rows, [code for name, code in rows
                  if not re.search(rf"\b{name}\b|(?<![\w-]){code}(?![\w-])", text)]


with open(os.path.join(SRC, "Makefile.am"), encoding="utf-8") as file:
    shipped = set(re.findall(r"t/cases/\S+\.case", file.read()))
present = set(files("t/cases", ".case"))
ok(present and shipped == present, "every case file is in Makefile.am", sorted(present ^ shipped))
rows, found = untested_reasons()
ok(len(rows) > 50, "the reasons were found", [rows])
ok(not found, "every reason code is expected by some test", found)
LICENSE = b"SPDX-License-Identifier: BSD-2-Clause"
LICENSED = (".c", ".h", ".py", ".t", ".lua", ".supp", ".service.in", ".1", ".5", ".8")


def sources():
    """Every source file: by its name, and scripts without one by how they begin."""
    yield from ("Makefile.am", "configure.ac", "bootstrap")
    for top in ("include", "milter", "t", "contrib", "conf"):
        for folder, below, names in os.walk(os.path.join(SRC, top)):
            below[:] = [name for name in below if name not in ("corpus", "cases", "__pycache__")]
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith(LICENSED) or "." not in name and head(path).startswith(b"#!"):
                    yield os.path.relpath(path, SRC)


def head(path):
    with open(os.path.join(SRC, path), "rb") as file:
        return file.read(200)


marked = {path: LICENSE in b"".join(head(path).split(b"\n")[:2]) for path in sources()}
bare = [path for path, good in marked.items() if not good]
ok(not bare, "every source file names its license in its first lines", bare)
ok(len(marked) > 350 and "t/run" in marked and "contrib/setup" in marked, "the source files were found", len(marked))
with open(os.path.join(SRC, "LICENSE"), encoding="utf-8") as file:
    ok("the sfdc-milter authors" in file.read(), "LICENSE says whose it is")
print(f"1..{count}")
raise SystemExit(failed != 0)
