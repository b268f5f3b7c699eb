# SPDX-License-Identifier: BSD-2-Clause
"""A test laboratory: private mail servers on loopback, with the milter attached.

Everything lives in one temporary folder and on free ports of 127.0.0.1, so several laboratories can run at once and
nothing of the machine's own configuration is read or changed. Needs root, because Postfix and Sendmail do.
"""

import os
import sys

sys.dont_write_bytecode = True

from .process import Failure, free_port, start, stop, wait_for
from .laboratory import Lab
from .message import A, B, Org, message, verp
from .smtp import Client, Reply
from .tap import Tap

SRCDIR = os.environ.get("SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILDDIR = os.environ.get("BUILDDIR") or SRCDIR
