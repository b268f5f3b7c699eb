#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The C files are laid out as .clang-format says; what it says is exact for one version of clang-format only."""
import glob
import os
import re
import shutil
import subprocess
import sys

SRC = os.environ.get("SRCDIR", ".")
VERSION = 14

program = shutil.which("clang-format-%d" % VERSION) or shutil.which("clang-format")
if not program:
    sys.exit("there is no clang-format: contrib/setup installs it")
version = int(re.search(r"version (\d+)\.", subprocess.check_output([program, "--version"], text=True))[1])
if version != VERSION:
    print("1..0 # SKIP clang-format is version %d; .clang-format is exact for %d" % (version, VERSION))
    sys.exit(0)

files = sorted(name for top in ("milter", "include", "t") for kind in "ch"
               for name in glob.glob(os.path.join(SRC, top, "**", "*." + kind), recursive=True))
print("1..2")
style = "--style=file:" + os.path.join(SRC, ".clang-format")
found = subprocess.run([program, style, "--dry-run", "-Werror"] + files, stderr=subprocess.PIPE, text=True, check=False)
wrong = sorted({line.split(":")[0] for line in found.stderr.splitlines() if "clang-format-violations" in line})
print("%s 1 - %d files are laid out as clang-format does it" % ("not ok" if wrong or found.returncode else "ok", len(files)))
for name in wrong:
    print("# " + name)
spoilt = subprocess.run([program, style, "--dry-run", "-Werror", "--assume-filename=x.c"], input="int  f(void){return 1;}\n",
                        stderr=subprocess.PIPE, text=True, check=False)
print("%s 2 - what is not is found" % ("ok" if spoilt.returncode else "not ok"))
sys.exit(1 if wrong or found.returncode or not spoilt.returncode else 0)
