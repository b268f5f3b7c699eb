# SPDX-License-Identifier: BSD-2-Clause
"""What a daemon tells by HTTP: asking for it, and reading it strictly."""

import http.client
import json
import re
import socket

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TYPES = {None: "text/plain; version=0.0.4; charset=utf-8",
         OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8"}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?)" % (NAME, PAIR.pattern, PAIR.pattern))
NUMBER = re.compile(r"[0-9]+")


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(place, path="/metrics", accept=None, method="GET", headers=None):
    """(status, media type, body) from a port of 127.0.0.1, or from the path of a unix socket."""
    connection = _Unix(place) if isinstance(place, str) else http.client.HTTPConnection("127.0.0.1", place, timeout=60)
    try:
        connection.request(method, path, headers={**({"Accept": accept} if accept else {}), **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


def status(place):
    return json.loads(ask(place, "/status")[2])


def samples(place, accept=None):
    """All samples of /metrics: {(name, ((label, value), ...)): number}."""
    code, kind, body = ask(place, accept=accept)
    assert (code, kind) == (200, TYPES[accept]), (code, kind, body)
    return parse(body, accept == OPENMETRICS)[0]


def counted(values, name):
    """Of one name, what is not 0: {(value of a label, ...): number}, in the order of the labels."""
    return {tuple(value for _, value in labels): number for (found, labels), number in values.items()
            if found == name and number != 0}


def _unescape(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def _suffixes(kind, is_open):
    return {"counter": ["_total"] if is_open else [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[kind]


def parse(text, is_open):
    """
    Samples, and {family: (type, unit)}, of an exposition that keeps to the letter of OpenMetrics 1.0, or of the text format
    0.0.4; AssertionError for any other.
    """
    lines = text.split("\n")
    assert lines.pop() == "", "the last line does not end"
    if is_open:
        assert lines.pop() == "# EOF", "# EOF is not the last line"
    families, values, family, units = {}, {}, None, {}
    for number, line in enumerate(lines, 1):
        where = "line %d: %r" % (number, line)
        meta = re.fullmatch(r"# (TYPE|UNIT|HELP) (%s) (.+)" % NAME, line)
        if meta:
            word, name, rest = meta.groups()
            if word == "TYPE":
                assert name not in families, where + ": twice"
                families[name] = (rest, "")
                family = name
                if not is_open and rest == "counter":
                    assert name.endswith("_total"), where
                if is_open:
                    assert not name.endswith(("_total", "_bucket", "_count", "_sum", "_created")), where
            assert name == family, where + ": not of the family that was begun"
            if word == "UNIT":
                assert is_open and name.endswith("_" + rest), where
                families[name] = (families[name][0], rest)
            continue
        sample = SAMPLE.fullmatch(line) or re.fullmatch(r'(%s)\{(le="\+Inf")\} ([0-9]+)' % NAME, line)
        assert sample and family, where
        name, pairs, value = sample.group(1), sample.group(2) or "", sample.groups()[-1]
        kind = families[family][0]
        assert any(name == family + suffix for suffix in _suffixes(kind, is_open)), where + ": not of its family"
        labels = tuple((key, _unescape(text)) for key, text in PAIR.findall(pairs))
        assert len({key for key, _ in labels}) == len(labels), where + ": a label twice"
        assert (name, labels) not in values, where + ": a sample twice"
        if kind == "counter":
            assert float(value) >= 0, where
        values[name, labels] = float(value)
    _histograms(families, values)
    for name, (kind, unit) in families.items():
        units[name] = unit
        if is_open and re.search(r"_(seconds|bytes|ratio)$", name):
            assert unit, name + " has no unit"
    return values, families


def _histograms(families, values):
    for name, (kind, _) in families.items():
        if kind != "histogram":
            continue
        buckets = [(dict(labels)["le"], value) for (found, labels), value in values.items() if found == name + "_bucket"]
        bounds = [float(bound.replace("+Inf", "inf")) for bound, _ in buckets]
        counts = [value for _, value in buckets]
        assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), name
        assert counts == sorted(counts) and counts[-1] == values[name + "_count", ()], name
        assert values[name + "_sum", ()] >= 0, name
