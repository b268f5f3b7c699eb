#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The core is pure: what libcore.a asks of the world is a short list of functions of the C library, and it keeps no
state. Undefined symbols and writable data are read with nm; each offender is named with its object."""
import os
import re
import subprocess

BUILD = os.environ.get("BUILDDIR", ".")
NM = os.environ.get("NM") or "nm"
ARCHIVE = os.path.join(BUILD, "libcore.a")
SOURCES = os.path.join(os.environ.get("SRCDIR", "."), "milter", "core")

# Memory, strings, formatting into memory, addresses as text. No stream, clock, file, socket, thread, environment.
LIBC = set("""
malloc calloc realloc free
memchr memcmp bcmp memcpy memmove memset
strchr strcmp strlen strncmp
snprintf vsnprintf
inet_ntop inet_pton
""".split())

# What the compiler itself adds: stack protector, arithmetic, sanitizers, coverage.
RUNTIME = re.compile(r"""
    __stack_chk_(fail|guard)
  | __(popcount|parity|clz|ctz|bswap)[sdt]i2
  | _GLOBAL_OFFSET_TABLE_
  | __(asan|ubsan|tsan|msan|lsan|sanitizer|sancov|gcov|llvm)_\w+
  | __(start|stop)___sancov_\w+
  | llvm_gc(ov|da)_\w+
""", re.VERBOSE)

# Data that the instrumentation of sanitizers and of coverage keeps.
INSTRUMENTATION = re.compile(r"__gcov|__unnamed_|__llvm|__asan|__odr_asan|__sancov|\.L|.*\.(gcov|ubsan|asan)")

CONSTANT_SECTION = re.compile(r"\.data\.rel\.ro(\..*)?$|\.rodata|\.text|\.init_array|\.fini_array|\.eh_frame|\.note")
WRITABLE_SECTION = re.compile(r"\.(data|bss|tdata|tbss)(\..*)?$|\*COM\*")


def allowed(symbol):
    """A function of the list, its fortified form, or a part of the compiler's runtime."""
    fortified = re.fullmatch(r"__(\w+)_chk", symbol)
    return symbol in LIBC or bool(fortified and fortified[1] in LIBC) or bool(RUNTIME.fullmatch(symbol))


def rows(text):
    """(object, fields) of the output of nm in the format sysv."""
    name = "?"
    for line in text.splitlines():
        heading = re.search(r"from (?:.*\[)?([^\[\]]+?)\]?:$", line)
        if heading:
            name = heading[1]
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 7 and fields[0] != "Name":
            yield name, fields


def foreign(text):
    """Symbols that no object of the archive defines and that are not allowed, each with the object that asks for it."""
    defined, wanted = set(), []
    for name, fields in rows(text):
        if fields[2] in "Uwv":
            wanted.append((name, fields[0]))
        else:
            defined.add(fields[0])
    return sorted({f"{name}: {symbol}" for name, symbol in wanted if symbol not in defined and not allowed(symbol)})


def mutable(text):
    """Data that a program could write to."""
    return sorted({f"{name}: {fields[0]}" for name, fields in rows(text)
                   if WRITABLE_SECTION.match(fields[6]) and not CONSTANT_SECTION.match(fields[6])
                   and not INSTRUMENTATION.match(fields[0])})


SAMPLE = """
Symbols from x.a[good.o]:

Name                  Value           Class        Type         Size             Line  Section

good_function       |0000000000000000|   T  |              FUNC|0000000000000010|     |.text
names               |0000000000000000|   d  |            OBJECT|0000000000000010|     |.data.rel.ro.local
__memcpy_chk        |                |   U  |            NOTYPE|                |     |*UND*
__asan_report_load1 |                |   U  |            NOTYPE|                |     |*UND*
inet_pton           |                |   U  |            NOTYPE|                |     |*UND*

Symbols from x.a[bad.o]:

Name                  Value           Class        Type         Size             Line  Section

counter             |0000000000000000|   b  |            OBJECT|0000000000000004|     |.bss
table               |0000000000000000|   D  |            OBJECT|0000000000000004|     |.data
good_function       |                |   U  |            NOTYPE|                |     |*UND*
getenv              |                |   U  |            NOTYPE|                |     |*UND*
__printf_chk        |                |   U  |            NOTYPE|                |     |*UND*
"""

count = 0
failed = 0


def ok(good, what, details=()):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}")
    for detail in () if good else details:
        print(f"# {detail}")


ok(foreign(SAMPLE) == ["bad.o: __printf_chk", "bad.o: getenv"], "a foreign symbol is found, with its object", foreign(SAMPLE))
ok(mutable(SAMPLE) == ["bad.o: counter", "bad.o: table"], "writable data is found, constant data is not", mutable(SAMPLE))

run = subprocess.run([NM, "-f", "sysv", ARCHIVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
objects = {name for name, _ in rows(run.stdout)}
ok(run.returncode == 0 and "arena.o" in objects, f"{NM} reads libcore.a", run.stderr.splitlines())
missing = sorted({name[:-2] for name in os.listdir(SOURCES) if re.fullmatch(r"\w+\.c", name)}
                 - {re.sub(r"^libcore_a-|\.o$", "", name) for name in objects})
ok(not missing, "every file of the core is in the archive", missing)
offenders = foreign(run.stdout)
ok(not offenders, "the core asks for nothing but the functions of the list", offenders)
offenders = mutable(run.stdout)
ok(not offenders, "the core keeps no state", offenders)
print(f"1..{count}")
raise SystemExit(failed != 0)
