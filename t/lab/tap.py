# SPDX-License-Identifier: BSD-2-Clause
"""Test Anything Protocol."""

import os
import sys
import traceback


class Tap:
    """Prints the points of one test file; use as a context manager, which prints the plan at its end."""

    def __init__(self, needs_root=True):
        if needs_root and os.geteuid() != 0:
            self.skip_all("needs root")
        self.count = 0
        self.failures = 0
        self.prefix = ""

    @staticmethod
    def skip_all(why):
        """The whole file cannot run here."""
        print("1..0 # SKIP " + why, flush=True)
        sys.exit(0)

    def ok(self, condition, name, **details):
        """One point; details are shown when it fails, past the reader of TAP, who would drop them."""
        self.count += 1
        print("%s %d - %s" % ("ok" if condition else "not ok", self.count, (self.prefix + name).replace("#", "\\#")),
              flush=True)
        if not condition:
            self.failures += 1
            for key, value in details.items():
                for line in ("%s: %s" % (key, value)).splitlines():
                    print("#   " + line, file=sys.stderr, flush=True)
        return bool(condition)

    def equal(self, got, expected, name, **details):
        """One point: the two are equal."""
        return self.ok(got == expected, name, got=repr(got), expected=repr(expected), **details)

    def contains(self, text, part, name, **details):
        """One point: part stands in text."""
        return self.ok(part in text, name, got=repr(text), expected="... %r ..." % (part,), **details)

    def note(self, text):
        """A remark for the reader of the output."""
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def case(self, function, *arguments):
        """Run a group of points; an exception in it fails one point and not the file."""
        self.prefix = ""
        try:
            function(self, *arguments)
        except Exception as error:  # the other groups still have something to say
            self.ok(False, "%s ended early" % function.__name__, error=error, at=traceback.format_exc())
        self.prefix = ""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Exception):
            self.ok(False, "the test ended early", error=error,
                    at="".join(traceback.format_exception(kind, error, trace)))
        if kind is None or issubclass(kind, Exception):
            print("1..%d" % self.count, flush=True)
            sys.exit(1 if self.failures else 0)
        return False
