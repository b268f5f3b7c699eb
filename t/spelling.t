#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""One spelling, American, in whatever is printed, documented or written in code: "organization", as Salesforce has it."""
import os
import re
import sys

SRC = os.environ.get("SRCDIR", ".")
sys.path.insert(0, os.path.join(SRC, "t"))
from lab.tap import Tap  # noqa: E402

TREE = ("conf", "contrib", "include", "milter", "t")
PAGES = ("README", "NEWS", "LICENSE", "SECURITY", "CONTRIBUTING", "PERFORMANCE")  # those that are there
# Spelled with a bracket, so that this file is none of those that are found.
STEMS = ("organi[s]", "initiali[s]", "normali[s]", "recogni[s]", "authori[s]", "optimi[s]", "internationali[s]", "canonicali[s]",
         "colo[u]r", "behavio[u]r", "neighbo[u]r", "hono[u]r", "favo[u]r")
BRITISH = re.compile("|".join(STEMS).encode(), re.IGNORECASE)


def texts():
    for name in PAGES:
        if os.path.isfile(os.path.join(SRC, name)):
            with open(os.path.join(SRC, name), "rb") as file:
                yield name, file.read()
    for top in TREE:
        for folder, folders, names in os.walk(os.path.join(SRC, top)):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
            for name in sorted(names):
                path = os.path.join(folder, name)
                if not name.endswith((".o", ".pyc", ".a", ".log", ".trs")) and os.path.isfile(path):
                    with open(path, "rb") as file:
                        content = file.read()
                    if b"\0" not in content[:1024]:
                        yield os.path.relpath(path, SRC), content


def main():
    with Tap(needs_root=False) as tap:
        found = []
        count = 0
        for path, content in texts():
            count += 1
            found += ["%s:%d: %s" % (path, number, line.decode("utf-8", "replace").strip()[:120])
                      for number, line in enumerate(content.split(b"\n"), 1) if BRITISH.search(line)]
        tap.ok(count > 300, "the tree is read", files=count)
        tap.ok(not found, "American spelling throughout", found="\n".join(found[:20]))
        tap.ok(BRITISH.search(b"An Organi" b"sation") and not BRITISH.search(b"an organization"), "a slip would be seen")


main()
