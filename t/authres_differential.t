#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Generated Authentication-Results, read by the filter and by readers of other make. Repeatable: SEED and COUNT name a run.

Whatever any reader takes for ours the filter must remove; what none can take for ours must stay. The readers are
python3-authres; Python's email package, which decodes encoded words, in both its ways; a tokenizer as lenient as that of
OpenDKIM and OpenDMARC, which joins what white space, comments and stray parentheses part; and one that splits at the
first semicolon. Each reads what the others decode.
"""
import base64
import email
import email.base64mime
import email.header
import email.policy
import os
import random
import re
import subprocess
import sys

import authres

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab.tap import Tap  # noqa: E402

PROBE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "authres_probe")
SEED = int(os.environ.get("SEED", 8601))
COUNT = int(os.environ.get("COUNT", 4000))

OURS = ["relay.test", "mx.xn--bcher-kva.example", "b\u00fccher.test", "mx1"]
SPELLINGS = ["relay.test", "RELAY.Test", "relay.test.", "mx.b\u00fccher.example", "mx.B\u00dcCHER.example",
             "mx.xn--bcher-kva.example", "xn--bcher-kva.test", "b\u00fccher.test", "mx1", "mx 1", "mx1 1"]
FOREIGN = ["mx.other.example", "relay.tes", "elay.test", "notrelay.test", "relay.test.example", "mx.relay.test", "m\u00fcller.test",
           "mx", "other", "mx.xn--mller-kva.example"]
RESULTS = ["; none", "; dkim=pass header.d=example.com", ";spf=pass smtp.mailfrom=a@b.example", "; dkim=pass (ok) reason=\"a b\"", "",
           ";", "; auth", " 1; none", "; dkim=pass; ;"]
CHARSETS = ["utf-8", "UTF-8", "utf-8*en", "us-ascii", "iso-8859-1"]


def asciified(name):
    """As names are compared: A-labels, lower case, no trailing dot."""
    name = name.strip().rstrip(".").lower()
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


OWN = {asciified(name) for name in OURS}
NAMES = OWN | {name.lower() for name in OURS}


# Values.

def encoded_word(rng, text):
    charset = rng.choice(CHARSETS)
    try:
        raw = text.encode(charset.partition("*")[0])
    except UnicodeError:
        charset, raw = "utf-8", text.encode()
    if rng.random() < 0.5:
        body = "".join("_" if c == 32 else chr(c) if chr(c).isalnum() and c < 128 and rng.random() < 0.6 else "=%02X" % c for c in raw)
        return "=?%s?%s?%s?=" % (charset, rng.choice("qQ"), body)
    body = email.base64mime.body_encode(raw, maxlinelen=10000).strip() if raw else ""
    if rng.random() < 0.2:
        body = body.rstrip("=")
    return "=?%s?%s?%s?=" % (charset, rng.choice("bB"), body)


def part(rng, text):
    """A place inside the text, ends included."""
    return rng.randrange(len(text) + 1)


def insert(rng, text, what):
    at = part(rng, text)
    return text[:at] + what + text[at:]


def encode_some(rng, text):
    a, b = sorted((part(rng, text), part(rng, text)))
    middle = text[a:b]
    words = [encoded_word(rng, middle)]
    if len(middle) > 1 and rng.random() < 0.4:
        cut = rng.randrange(1, len(middle))
        words = [encoded_word(rng, middle[:cut]), encoded_word(rng, middle[cut:])]
    return text[:a] + rng.choice([" ", "\r\n ", "\r\n\t"]).join(words) + text[b:]


MUTATIONS = [
    lambda rng, text: insert(rng, text, rng.choice([" ", "\t", "\r\n ", "  "])),
    lambda rng, text: insert(rng, text, rng.choice(["(x)", "(x(y))", "()", "(a;b)", "(\\))", "(relay.test)", "(\")", "(x) ", " (=?utf-8?q?x?=)"])),
    lambda rng, text: insert(rng, text, rng.choice(["(", ")", "\"", "\\", "\"\""])),
    lambda rng, text: insert(rng, text, rng.choice(["\x01", "\x7f", "\u00a0", "\u200b", "\u00ad"])),
    lambda rng, text: "\"%s\"" % text,
    lambda rng, text: insert(rng, text, rng.choice([".", ";", "=", "1", "x", "-", ","])),
    encode_some,
    lambda rng, text: encoded_word(rng, text),
]


def value(rng):
    name = rng.choice(SPELLINGS if rng.random() < 0.6 else FOREIGN)
    text = name if rng.random() < 0.8 else name + rng.choice(RESULTS)
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 5])):
        text = rng.choice(MUTATIONS)(rng, text)
    return rng.choice([" ", "", "\r\n ", " (c) "]) + text + rng.choice(RESULTS)


def well_formed_foreign(rng):
    """What nobody can take for ours, though our name stands in it, behind the authserv-id."""
    name = rng.choice(["mx.other.example", "relay.tes", "mx.relay.test", "notrelay.test", "mx1.example", "\"mx.other.example\""])
    ours = rng.choice(["relay.test", "mx1", "mx.xn--bcher-kva.example"])
    tail = rng.choice(["(%s)", "smtp.helo=%s", "reason=\"%s\"", "header.from=%s (%s)", "smtp.mailfrom=x@%s",
                       "reason=\"at; %s; dkim=pass\"", "(=?utf-8?q?%s?=)"])
    tail = tail.replace("%s", ours)
    return rng.choice([" ", "\r\n ", " (c) "]) + name + rng.choice(["", " 1", " (c) 1"]) + "; spf=fail " + tail


# Readers: each gives the names that it might take for the authserv-id.

def unfolded(text):
    return re.sub(r"\r?\n(?=[ \t])", "", text)


def read_authres(text):
    try:
        header = authres.AuthenticationResultsHeader.parse_value(authres.FeatureContext(), unfolded(text))
    except Exception:  # whatever it does not like
        return []
    return [header.authserv_id or ""]


def tokens(text):
    """Words, delimiters and comments, as OpenDKIM and OpenDMARC cut them."""
    found, word, depth, quoted, escaped = [], "", 0, False, False

    def end():
        nonlocal word
        if word:
            found.append(word)
        word = ""

    for char in text:
        if escaped:
            word, escaped = word + char, False
        elif char == "\\":
            escaped = True
        elif char == "\"" and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            word, depth = word + char, depth + 1
        elif char == ")" and not quoted:
            if depth:
                word, depth = word + char, depth - 1
                if not depth:
                    end()
        elif quoted or depth:
            word += char
        elif char in " \t\r\n":
            end()
        elif char in ";=.":
            end()
            found.append(char)
        else:
            word += char
    end()
    return found


def read_joining(text):
    """The name that tokens add up to: joined by dots alone, and whatever they are up to the semicolon."""
    words = [word for word in tokens(text) if not word.startswith("(")]
    dotted = ""
    for word in words:
        if word != "." and dotted and not dotted.endswith("."):
            break
        dotted += word
    joined = "".join(words[:words.index(";")] if ";" in words else words)
    return [dotted, joined]


def without_comments(text):
    before = None
    while before != text:
        before, text = text, re.sub(r"\((?:\\.|[^()\\])*\)", "", text, flags=re.DOTALL)
    return text


def read_splitting(text):
    """What stands before the first semicolon, with and without comments, quotes, spaces and stray parentheses."""
    names = []
    for reading in (text, without_comments(text)):
        head = reading.split(";")[0]
        names += [head, re.sub(r"[\s\"\\()]", "", head), re.sub(r"[\x00-\x20\x7f\"\\()]", "", head)]
        names += ["".join(head.split()[:1])]
    return names


def decodings(raw):
    """What Python's email makes of it, in both its ways, and the text as it stands."""
    text = raw.decode("utf-8", "replace")
    found = [text]
    try:
        found.append(str(email.header.make_header(email.header.decode_header(unfolded(text)))))
        found.append("".join(piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace")
                             for piece, charset in email.header.decode_header(text)))
    except Exception:  # a charset or padding that it does not like
        pass
    try:
        message = email.message_from_bytes(b"X-Results: " + raw + b"\r\n\r\n", policy=email.policy.default)
        found.append(str(message["X-Results"]))
    except Exception:
        pass
    return found


def takers(raw):
    """The readers that take the value for ours."""
    found = set()
    for number, text in enumerate(decodings(raw)):
        for reader in (read_authres, read_joining, read_splitting):
            if any(asciified(name) in OWN for name in reader(text) if name):
                found.add("%s of decoding %d" % (reader.__name__, number))
    return found


SKIPPED = r"[\x00-\x20\x7f-\xa0\xad\u200b\"\\()]"
WORD = re.compile(r"=\?([^?]*)\?([qQbB])\?(.*?)\?=", re.DOTALL)


def decoded(word):
    """One encoded word, whatever is wrong with it left out."""
    if word[2] in "qQ":
        raw = re.sub(r"=([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), word[3].replace("_", " "))
    else:
        digits = re.sub(r"[^A-Za-z0-9+/]", "", word[3])
        digits = digits[:-1] if len(digits) % 4 == 1 else digits
        raw = base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("latin-1")
    if word[1].partition("*")[0].lower() == "iso-8859-1":
        return raw
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def all_decoded(text):
    """The text with its words decoded. What can be skipped may part them, and the bytes of one character in them."""
    for base in (text, without_comments(text), re.sub(SKIPPED, "", text), re.sub(SKIPPED, "", without_comments(text))):
        yield WORD.sub(decoded, re.sub(r"\?=\s+(?==\?)", "?=", base))


def unreadable(raw):
    """Whether a word that may stand in the authserv-id is in a charset that is none of those which the filter reads."""
    head = raw.decode("latin-1")
    for word in WORD.finditer(head):
        if ";" in WORD.sub("", head[:word.start()]):
            break
        if word[1].partition("*")[0].lower() not in {name.partition("*")[0].lower() for name in CHARSETS}:
            return True
    return False


def conceivable(raw):
    """Whether our name stands in it at all, to a reader who skips whatever can be skipped, or who knows more charsets."""
    if unreadable(raw):
        return True
    text = raw.decode("utf-8", "replace")
    for text in decodings(raw) + list(all_decoded(text)):
        for reading in (text, without_comments(text), without_comments(re.sub(r"[\\\"]", "", text)),
                        without_comments(re.sub(r"\\.", "", text, flags=re.DOTALL)),
                        without_comments(re.sub(r"\\[()]", "", text))):
            bare = re.sub(SKIPPED, "", reading).lower()
            labels = re.sub(r"[^\x00-\x7f\W]+|[\w-]*[^\x00-\x7f][\w-]*", lambda found: asciified(found[0]), bare)
            if any(name in bare or name in labels for name in NAMES):
                return True
            # What is left of a name when only a part of it is a comment.
            spaced = re.sub(r"[^\w.-]+", " ", reading).lower()
            if any(asciified(word) in OWN for word in spaced.split()):
                return True
    return False


def judged(values):
    text = "".join(value.hex() + "\n" for value in values)
    run = subprocess.run([PROBE] + OURS, input=text, capture_output=True, text=True, check=True)
    return [line == "1" for line in run.stdout.split()]


def generated(tap):
    rng = random.Random(SEED)
    values = [value(rng).encode("utf-8", "surrogateescape") for _ in range(COUNT)]
    kept, gone, free = 0, 0, 0
    missed, wronged = [], []
    for raw, claims in zip(values, judged(values)):
        readers = takers(raw)
        if readers:
            gone += 1
            if not claims:
                missed.append("%r: %s" % (raw, ", ".join(sorted(readers))))
        elif not conceivable(raw):
            kept += 1
            if claims:
                wronged.append(repr(raw))
        else:
            free += 1
    tap.equal(missed[:10], [], "R10 R12 what some reader takes for ours goes (%d of %d values)" % (gone, COUNT))
    tap.equal(wronged[:10], [], "R04 what none can take for ours stays (%d)" % kept)
    tap.note("%d values hold our name where no reader takes it for the authserv-id" % free)
    tap.ok(gone > COUNT / 4 and kept > COUNT / 10, "there is enough of either", gone=gone, kept=kept, free=free)


def foreign(tap):
    rng = random.Random(SEED)
    values = [well_formed_foreign(rng).encode() for _ in range(500)]
    wronged = [raw for raw, claims in zip(values, judged(values)) if claims]
    tap.equal(wronged[:10], [], "R04 a well-formed field of others stays, though our name is in it")
    tap.equal([raw for raw in values if takers(raw)][:10], [], "and no reader takes it for ours")


def main():
    with Tap(needs_root=False) as tap:
        tap.case(generated)
        tap.case(foreign)


main()
