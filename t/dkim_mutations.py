# SPDX-License-Identifier: BSD-2-Clause
"""Signed messages and what may happen to them, for dkim_differential.t.

A mutation is a function with a name. Those of BEFORE change what is signed or how; those of AFTER change what was signed,
the key among it. Each takes a Letter and a random.Random.
"""
import base64
import re

from cryptography.hazmat.primitives import serialization

from dkimsigner import Key, canonical_body, relaxed_field, select, simple_field

PAST = 1700000000  # by every clock
FORMS = ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]
RSA_1024, RSA_2048, RSA_512, ED = Key.rsa(1024), Key.rsa(2048), Key.rsa(512), Key.ed25519()
WORDS = ["Order", "confirmed", "for", "you", "at", "the", "office", "of", "Zürich", "on", "Monday", "<b>bold</b>", "a;b", "x=y", "100%"]


class Inapplicable(Exception):
    """What a mutation changes is not there, because of another one."""


class Letter:
    """A message under way: fields as [name, value], body, the tags of its signature as [name, value], its key."""

    def __init__(self, rng, form):
        self.rng = rng
        self.form = form
        self.key = rng.choice([RSA_1024, RSA_1024, RSA_2048, ED])
        self.selector = "s%d" % rng.randrange(10 ** 9)
        self.fields = [[b"Received", b" from a by b; date"], [b"From", b" Joe <joe@example.com>"],
                       [b"To", b" sue@example.org"], [b"Subject", b" " + self.words(5)],
                       [b"Date", b" Thu, 1 Jan 2026 00:00:00 +0000"], [b"Message-ID", b"<1@example.com>"],
                       [b"MIME-Version", b" 1.0"], [b"Content-Type", b" text/plain;\r\n\tcharset=utf-8"]]
        self.names = ["from", "to", "subject", "date", "content-type"]
        self.body = b"".join(self.words(rng.randrange(1, 9)) + b"\r\n" for _ in range(rng.randrange(1, 8)))
        self.order = ["v", "a", "c", "d", "s", "h", "bh", "b"]
        self.tags = {"v": "1", "a": "rsa-sha256" if self.key.is_rsa else "ed25519-sha256", "c": form, "d": "example.com",
                     "s": self.selector, "h": None, "bh": None, "b": ""}
        self.separator = "; "
        self.equals = "="
        self.end = ""
        self.sign_body = None      # what bh= is made of, if not the body
        self.records = [self.key.record]
        self.name = b"DKIM-Signature"
        self.value = None
        self.above = []            # fields over the signature
        self.others = []           # more signatures, on top

    def words(self, count):
        return " ".join(self.rng.choice(WORDS) for _ in range(count)).encode()

    def put(self, name, value, place):
        """One more tag."""
        self.tags[name] = value
        if name not in self.order:
            self.order.insert(place, name)

    def sign(self):
        """The DKIM-Signature field, by the letter."""
        header, _, body = (self.tags.get("c") or "simple").partition("/")
        relaxed_header, relaxed_body = header == "relaxed", body == "relaxed"
        tags = dict(self.tags)
        if tags["h"] is None:
            tags["h"] = ":".join(self.names)
        if tags["bh"] is None:
            data = canonical_body(self.body if self.sign_body is None else self.sign_body, relaxed_body)
            if "l" in tags:
                data = data[:int(tags["l"])]
            tags["bh"] = base64.b64encode(sha256(data)).decode()
        parts = [[name + self.equals, tags[name]] for name in self.order if tags.get(name) is not None]
        canonical = relaxed_field if relaxed_header else simple_field
        unsigned = " " + self.separator.join(a + b for a, b in parts) + self.end
        text = b"".join(canonical(*field) + b"\r\n" for field in select(self.fields, re.sub(r"\s", "", tags["h"]).encode().split(b":")))
        text += canonical(self.name, without_b(unsigned.encode()))
        signature = base64.b64encode(self.key.sign(text, "rsa-sha256" if self.key.is_rsa else "")).decode()
        for part in parts:
            if part[0].strip().startswith("b") and part[0].strip()[:2] != "bh":
                part[1] = part[1] + signature
        self.value = (" " + self.separator.join(a + b for a, b in parts) + self.end).encode()
        return self

    @property
    def raw(self):
        fields = self.above + self.others + [[self.name, self.value]] + self.fields
        return b"".join(name + b":" + value + b"\r\n" for name, value in fields) + b"\r\n" + self.body

    def field(self, name):
        for field in self.fields:
            if field[0].strip().lower() == name:
                return field
        raise Inapplicable

    def replace(self, old, new):
        if not old or old not in self.value:
            raise Inapplicable
        self.value = self.value.replace(old, new, 1)

    def tag(self, name):
        """The text of a tag of the signature as it stands."""
        found = re.search(rb"(?:^|;)\s*%s\s*=([^;]*)" % name, self.value)
        if not found or not found[1].strip():
            raise Inapplicable
        return found[1]


def sha256(data):
    import hashlib
    return hashlib.sha256(data).digest()


def without_b(value):
    """RFC 6376 3.7: the value of b= and the white space around it are deleted."""
    return re.sub(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*", rb"\1", value, count=1)


def reference(raw, zone, index):
    """Whether a signature of a message, counted from the top, is good by RFC 6376, as far as cryptography goes: a second opinion on
    every pass, written for its brevity."""
    header, _, body = raw.partition(b"\r\n\r\n")
    fields = [line.split(b":", 1) for line in re.split(rb"\r\n(?![ \t])", header)]
    at = [i for i, field in enumerate(fields) if field[0].strip().lower() == b"dkim-signature"][index]
    tags = {}
    for part in fields[at][1].split(b";"):
        name, _, value = part.partition(b"=")
        tags.setdefault(name.strip(), re.sub(rb"\s", b"", value))
    forms = (tags.get(b"c") or b"simple").split(b"/") + [b"simple"]
    digest = sha256(canonical_body(body, forms[1] == b"relaxed"))
    if base64.b64decode(tags[b"bh"]) != digest:
        return False
    canonical = relaxed_field if forms[0] == b"relaxed" else simple_field
    rest = fields[:at] + fields[at + 1:]
    text = b"".join(canonical(*field) + b"\r\n" for field in select(rest, tags[b"h"].split(b":")))
    text += canonical(fields[at][0], without_b(fields[at][1]))
    for record in zone.get((tags[b"s"] + b"._domainkey." + tags[b"d"]).lower().decode(), []):
        key = re.search(r"(?:^|;)\s*p=([^;]*)", record)
        try:
            if verifies(base64.b64decode(re.sub(r"\s", "", key[1])), base64.b64decode(tags[b"b"]), text):
                return True
        except Exception:
            continue
    return False


def verifies(key, signature, text):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding
    try:
        if len(key) == 32:
            ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, sha256(text))
        else:
            serialization.load_der_public_key(key).verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


BEFORE, AFTER = {}, {}


def before(function):
    BEFORE[function.__name__.replace("_", "-")] = function
    return function


def after(function):
    AFTER[function.__name__.replace("_", "-")] = function
    return function


# What is signed, and how it is written.

@before
def tags_in_another_order(letter, rng):
    rng.shuffle(letter.order)


@before
def tags_folded(letter, rng):
    letter.separator = rng.choice([";\r\n ", ";\r\n\t", " ;\r\n  \t ", ";"])


@before
def white_space_around_equals(letter, rng):
    letter.equals = rng.choice([" = ", "= ", " =", "\t=\r\n "])


@before
def semicolon_at_the_end(letter, rng):
    letter.end = rng.choice([";", "; ", ";\r\n "])


@before
def white_space_at_the_end(letter, rng):
    letter.end = rng.choice([" ", "\t", "\r\n "])


@before
def names_with_white_space(letter, rng):
    letter.tags["h"] = rng.choice([" : ", ": ", "\r\n :", " :\r\n\t"]).join(letter.names)


@before
def names_in_another_case(letter, rng):
    letter.names = [rng.choice([str.upper, str.title, str.lower])(name) for name in letter.names]


@before
def names_of_absent_fields(letter, rng):
    letter.names += rng.sample(["cc", "x-none", "from", "subject", "reply-to"], 2)


@before
def names_in_another_order(letter, rng):
    rng.shuffle(letter.names)


@before
def from_only(letter, rng):
    letter.names = ["from"]


@before
def from_not_named(letter, rng):
    letter.names = [name for name in letter.names if name != "from"]


@before
def unknown_tag(letter, rng):
    letter.put("xtag", rng.choice(["value", "a b", "", "=="]), rng.randrange(len(letter.order)))


@before
def copied_fields(letter, rng):
    letter.put("z", "From:joe@example.com|Subject:x=20y", 4)


@before
def query_named(letter, rng):
    letter.put("q", "dns/txt", 4)


@before
def query_unknown(letter, rng):
    letter.put("q", rng.choice(["http", "dns"]), 4)


@before
def query_among_others(letter, rng):
    letter.put("q", "http:dns/txt", 4)


@before
def identity(letter, rng):
    letter.put("i", rng.choice(["@example.com", "joe@example.com", "joe=40x@mail.example.com", "@a.b.example.com"]), 3)


@before
def identity_elsewhere(letter, rng):
    letter.put("i", rng.choice(["@example.net", "@com", "@notexample.com", "joe"]), 3)


@before
def dated(letter, rng):
    letter.put("t", str(PAST - rng.randrange(100000)), 3)


@before
def expires(letter, rng):
    letter.put("x", str(4102444800), 3)
    letter.put("t", str(PAST), 3)


@before
def expired(letter, rng):
    letter.put("x", str(1000000500), 3)
    letter.put("t", str(1000000000), 3)


@before
def expires_before_it_is_made(letter, rng):
    letter.put("x", str(4102444799), 3)
    letter.put("t", str(4102444800), 3)


@before
def length_of_all(letter, rng):
    relaxed = letter.form.endswith("relaxed")
    letter.put("l", str(len(canonical_body(letter.body, relaxed))), 3)


@before
def length_of_nothing(letter, rng):
    letter.put("l", "0", 3)


@before
def no_form(letter, rng):
    letter.tags["c"] = None


@before
def form_of_header_only(letter, rng):
    letter.tags["c"] = letter.form.split("/", maxsplit=1)[0]


@before
def domain_in_capitals(letter, rng):
    letter.tags["d"] = "Example.COM"


@before
def domain_below(letter, rng):
    letter.tags["d"] = "mail.example.com"


@before
def selector_of_labels(letter, rng):
    letter.selector = letter.tags["s"] = letter.selector + ".a_b.c"


@before
def body_empty(letter, rng):
    letter.body = b""


@before
def body_of_line_ends(letter, rng):
    letter.body = b"\r\n" * rng.randrange(1, 5)


@before
def body_of_white_space(letter, rng):
    letter.body = rng.choice([b" \r\n", b"\t \r\n \r\n", b" \r\n\r\n", b"   "])


@before
def body_with_blank_lines_at_the_end(letter, rng):
    letter.body += rng.choice([b"\r\n", b"\r\n\r\n\r\n", b" \r\n", b"\r\n \t\r\n\r\n"])


@before
def body_with_white_space(letter, rng):
    letter.body = letter.body.replace(b" ", rng.choice([b"  ", b"\t", b" \t "])).replace(b"\r\n", rng.choice([b" \r\n", b"\t\r\n", b" \t \r\n"]))


@before
def body_with_blanks_at_the_start(letter, rng):
    letter.body = rng.choice([b"\r\n\r\n", b" \r\n", b" ", b"\t"]) + letter.body


@before
def body_without_last_line_end(letter, rng):
    letter.body = letter.body[:-2] + rng.choice([b"", b" ", b"x"])


@before
def body_with_long_lines(letter, rng):
    letter.body += b"x" * rng.randrange(998, 20000) + b"\r\n"


@before
def body_with_dots(letter, rng):
    letter.body += b".\r\n..\r\n.x\r\n"


@before
def body_with_bytes(letter, rng):
    letter.body += bytes(rng.choice([byte for byte in range(1, 256) if byte not in (10, 13)]) for _ in range(200)) + b"\r\n"


@before
def body_with_bare_line_feed(letter, rng):
    letter.body = b"one\ntwo\r\n" + letter.body


@before
def body_with_bare_carriage_return(letter, rng):
    letter.body = b"one\rtwo\r\n" + letter.body


@before
def body_like_a_header(letter, rng):
    letter.body = b"From: x@example.net\r\nDKIM-Signature: v=1\r\n\r\n" + letter.body


@before
def field_folded(letter, rng):
    letter.field(b"subject")[1] = rng.choice([b" a\r\n b", b"\r\n a", b" a\r\n\tb \r\n  c", b" a \r\n \r\n b"])


@before
def field_empty(letter, rng):
    letter.field(b"subject")[1] = rng.choice([b"", b" ", b"\t ", b" \r\n "])


@before
def field_without_space(letter, rng):
    letter.field(b"subject")[1] = b"tight"


@before
def field_with_white_space(letter, rng):
    letter.field(b"subject")[1] = rng.choice([b"  a  b  ", b"\ta\tb\t", b" a \t b"])


@before
def field_with_bytes(letter, rng):
    letter.field(b"subject")[1] = b" " + bytes(rng.choice(range(128, 256)) for _ in range(20))


@before
def field_with_controls(letter, rng):
    letter.field(b"subject")[1] = b" a" + bytes([rng.choice([1, 7, 8, 27, 127])]) + b"b"


@before
def field_with_vertical_tab(letter, rng):
    letter.field(b"subject")[1] = rng.choice([b" a\vb", b" a\fb", b" a \v b"])


@before
def field_with_colons(letter, rng):
    letter.field(b"subject")[1] = b" Re: a: b;c=d"


@before
def field_in_capitals(letter, rng):
    field = letter.field(b"subject")
    field[0] = rng.choice([b"SUBJECT", b"subject", b"sUbJeCt"])


@before
def space_before_the_colon(letter, rng):
    letter.field(b"subject")[0] = rng.choice([b"Subject ", b"Subject\t", b"Subject  "])


@before
def fields_twice(letter, rng):
    letter.fields += [[b"Received", b" one"], [b"X-Twice", b" 1"], [b"X-Twice", b" 2"]]
    letter.names += rng.choice([["received", "x-twice"], ["x-twice", "received", "x-twice", "received"], ["x-twice"] * 4])


@before
def many_fields(letter, rng):
    letter.fields += [[b"X-%d" % i, b" value %d" % i] for i in range(100)]
    letter.names += ["x-%d" % i for i in range(0, 100, 3)]


@before
def large_field(letter, rng):
    letter.fields.append([b"X-Large", b" " + b"y" * rng.randrange(1000, 30000)])
    letter.names.append("x-large")


@before
def another_signature_covered(letter, rng):
    letter.fields.insert(0, [b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.net; s=none; h=from; bh=%s; b=AAAA"
                             % base64.b64encode(bytes(32))])
    letter.names.append("dkim-signature")


@before
def own_signature_named(letter, rng):
    letter.names.append("dkim-signature")


# The signature after it was made.

@after
def nothing(letter, rng):
    pass


@after
def b_folded(letter, rng):
    b = letter.tag(b"b").strip()
    letter.value = letter.value.replace(b, b[:30] + rng.choice([b" ", b"\r\n ", b"\r\n\t  "]) + b[30:])


@after
def b_surrounded_by_white_space(letter, rng):
    b = letter.tag(b"b")
    letter.value = letter.value.replace(b, rng.choice([b" %s", b"%s ", b"\r\n\t%s\r\n "]) % b)


@after
def b_changed(letter, rng):
    b = letter.tag(b"b").strip()
    at = rng.randrange(len(b) - 8)
    letter.value = letter.value.replace(b, b[:at] + (b"B" if b[at:at + 1] == b"A" else b"A") + b[at + 1:])


@after
def b_cut_short(letter, rng):
    b = letter.tag(b"b").strip()
    letter.value = letter.value.replace(b, b[:-4 * rng.randrange(1, 8)] or b"AAAA")


@after
def b_longer(letter, rng):
    b = letter.tag(b"b").strip()
    letter.value = letter.value.replace(b, rng.choice([b"AAAA" + b, b.rstrip(b"=") + b"AAAA"]))


@after
def b_without_padding(letter, rng):
    b = letter.tag(b"b").strip()
    letter.value = letter.value.replace(b, b.rstrip(b"="))


@after
def b_with_other_bytes(letter, rng):
    b = letter.tag(b"b").strip()
    letter.value = letter.value.replace(b, b[:10] + rng.choice([b"!", b".", b"-", b"_", b"="]) + b[10:])


@after
def b_empty(letter, rng):
    letter.value = letter.value.replace(letter.tag(b"b").strip(), b"")


@after
def b_twice(letter, rng):
    letter.value += b"; b=" + letter.tag(b"b").strip()


@after
def bh_changed(letter, rng):
    bh = letter.tag(b"bh").strip()
    letter.value = letter.value.replace(bh, (b"B" if bh[:1] == b"A" else b"A") + bh[1:])


@after
def tag_removed(letter, rng):
    name = rng.choice([b"v", b"a", b"d", b"s", b"h", b"bh"])
    letter.value = b" " + re.sub(rb"(?:^|;)\s*%s\s*=[^;]*" % name, b";", letter.value).lstrip(b"; ")


@after
def form_changed(letter, rng):
    letter.value = re.sub(rb"(;|^)(\s*)c(\s*)=\s*[^;]*", rb"\1\2c\3=" + rng.choice([b"nofws", b"relaxed/", b"RELAXED/RELAXED", b""]), letter.value)


@after
def form_swapped(letter, rng):
    other = rng.choice([form for form in FORMS if form != letter.form])
    letter.value = re.sub(rb"(;|^)(\s*)c(\s*)=\s*[^;]*", rb"\1\2c\3=" + other.encode(), letter.value)


@after
def algorithm_changed(letter, rng):
    letter.value = re.sub(rb"(?:rsa|ed25519)-sha256", rng.choice([b"rsa-sha1", b"rsa-md5", b"RSA-SHA256", b"rsa-sha256,ed25519-sha256"]), letter.value)


@after
def version_changed(letter, rng):
    letter.value = re.sub(rb"v(\s*)=\s*1", rb"v\1=" + rng.choice([b"2", b"0.5", b"1.0", b""]), letter.value)


@after
def domain_changed(letter, rng):
    letter.replace(letter.tag(b"d").strip(), rng.choice([b"example.net", b"xample.com", b"example.com.", b"example .com", b""]))


@after
def selector_changed(letter, rng):
    letter.replace(letter.tag(b"s").strip(), rng.choice([b"none", b"s 1", b""]))


@after
def tag_twice(letter, rng):
    name = rng.choice([b"d", b"s", b"a", b"bh", b"h"])
    letter.value = letter.value.rstrip(b"; \r\n\t") + b"; " + name + b"=" + letter.tag(name).strip()


@after
def tag_in_capitals(letter, rng):
    letter.value = re.sub(rb"(;|^)(\s*)(d|s|bh|a)(\s*=)", lambda found: found[1] + found[2] + found[3].upper() + found[4], letter.value, count=1)


@after
def tag_list_broken(letter, rng):
    letter.value = letter.value.rstrip(b"; \r\n\t") + rng.choice([b";;", b"; junk", b"; =x", b"; 1x=y", b"; a b=c", b";;;x=y"])


@after
def signature_folded_anew(letter, rng):
    letter.value = letter.value.replace(b"; ", b";\r\n\t", 1)


@after
def signature_renamed(letter, rng):
    letter.name = rng.choice([b"dkim-signature", b"DKIM-SIGNATURE"])


# The header.

@after
def value_changed(letter, rng):
    letter.field(b"to")[1] = rng.choice([b" eve@example.org", b" sue@example.org,", b" Sue@example.org", b""])


@after
def white_space_changed(letter, rng):
    letter.field(b"subject")[1] = letter.field(b"subject")[1].replace(b" ", rng.choice([b"  ", b"\t", b"\r\n ", b" \r\n\t"]))


@after
def white_space_added_at_the_end(letter, rng):
    letter.field(b"subject")[1] += rng.choice([b" ", b"\t", b"\r\n "])


@after
def white_space_added_within_a_word(letter, rng):
    letter.field(b"to")[1] = b" su e@example.org"


@after
def name_changed_in_case(letter, rng):
    letter.field(b"to")[0] = rng.choice([b"TO", b"to", b"tO"])


@after
def space_put_before_the_colon(letter, rng):
    letter.field(b"to")[0] = rng.choice([b"To ", b"To\t"])


@after
def field_removed(letter, rng):
    letter.fields.remove(letter.field(rng.choice([b"to", b"subject", b"date"])))


@after
def unsigned_field_removed(letter, rng):
    letter.fields.remove(letter.field(b"message-id"))


@after
def unsigned_field_added(letter, rng):
    letter.fields.insert(rng.randrange(len(letter.fields)), [b"X-New", b" 1"])


@after
def signed_field_added_above(letter, rng):
    letter.above.append([rng.choice([b"Subject", b"To", b"Date"]), b" another"])


@after
def signed_field_added_below(letter, rng):
    letter.fields.append([rng.choice([b"Subject", b"To", b"Date"]), b" another"])


@after
def fields_in_another_order(letter, rng):
    rng.shuffle(letter.fields)


@after
def fields_swapped(letter, rng):
    a, b = letter.field(b"to"), letter.field(b"subject")
    a[1], b[1] = b[1], a[1]


@after
def second_from(letter, rng):
    letter.above.append([rng.choice([b"From", b"FROM"]), b" eve@example.net"])


@after
def foreign_signature_above(letter, rng):
    letter.above.append([b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.net; s=none; h=from; bh=%s; b=AAAA"
                         % base64.b64encode(bytes(32))])


@after
def broken_signature_above(letter, rng):
    letter.above.append([b"DKIM-Signature", rng.choice([b" junk", b"", b" v=1", b" v=1; d=example.com; b=", b" \xff"])])


# The body.

@after
def body_line_ends_added(letter, rng):
    letter.body += b"\r\n" * rng.randrange(1, 4)


@after
def body_white_space_added_at_line_ends(letter, rng):
    letter.body = letter.body.replace(b"\r\n", rng.choice([b" \r\n", b"\t\r\n"]))


@after
def body_white_space_widened(letter, rng):
    letter.body = letter.body.replace(b" ", rng.choice([b"  ", b"\t"]), 1)


@after
def body_white_space_put_at_line_starts(letter, rng):
    letter.body = b" " + letter.body


@after
def body_lines_joined(letter, rng):
    letter.body = letter.body.replace(b"\r\n", b" ", 1)


@after
def body_byte_changed(letter, rng):
    at = rng.randrange(len(letter.body)) if letter.body else 0
    letter.body = letter.body[:at] + b"#" + letter.body[at + 1:]


@after
def body_text_added(letter, rng):
    letter.body += rng.choice([b"x", b"x\r\n", b"\r\nPS: pay\r\n"])


@after
def body_cut(letter, rng):
    letter.body = letter.body[:rng.randrange(len(letter.body))] if letter.body else b""


@after
def body_last_line_end_removed(letter, rng):
    if letter.body.endswith(b"\r\n"):
        letter.body = letter.body[:-2]


@after
def body_bare_line_feed_put_in(letter, rng):
    letter.body = letter.body.replace(b" ", b"\n", 1)


@after
def body_line_ends_become_line_feeds(letter, rng):
    letter.body = letter.body.replace(b"\r\n", b"\n")


# The key.

def change_record(letter, change):
    letter.records = [change(record) if "p=" in record else record for record in letter.records]


@after
def key_absent(letter, rng):
    letter.records = []


@after
def key_revoked(letter, rng):
    change_record(letter, lambda record: re.sub("p=.*", "p=", record))


@after
def key_of_another(letter, rng):
    other = RSA_2048 if letter.key is RSA_1024 else RSA_1024
    letter.records = [other.record if letter.key.is_rsa else Key.ed25519().record]


@after
def key_without_version(letter, rng):
    change_record(letter, lambda record: record.replace("v=DKIM1; ", ""))


@after
def key_version_not_first(letter, rng):
    change_record(letter, lambda record: record.replace("v=DKIM1; ", "") + "; v=DKIM1")


@after
def key_of_another_version(letter, rng):
    change_record(letter, lambda record: record.replace("DKIM1", rng.choice(["DKIM2", "dkim1", "DKIM1.0"])))


@after
def key_without_kind(letter, rng):
    change_record(letter, lambda record: re.sub("k=[a-z0-9]*; ", "", record))


@after
def key_of_another_kind(letter, rng):
    change_record(letter, lambda record: re.sub("k=[a-z0-9]*", "k=" + rng.choice(["dsa", "RSA", "rsa1", ""]), record))


@after
def key_kinds_swapped(letter, rng):
    change_record(letter, lambda record: record.replace("k=rsa", "k=x").replace("k=ed25519", "k=rsa").replace("k=x", "k=ed25519"))


@after
def key_with_white_space(letter, rng):
    change_record(letter, lambda record: record.replace("p=", "p= ")[:60] + " " + record.replace("p=", "p= ")[60:])


@after
def key_with_other_tags(letter, rng):
    change_record(letter, lambda record: record.replace("k=", rng.choice(["n=a note; k=", "x=y; k=", "g=*; k=", "t=y; k=", "s=email; k=", "s=*; k="])))


@after
def key_for_other_hashes(letter, rng):
    change_record(letter, lambda record: record.replace("k=", rng.choice(["h=sha1; k=", "h=md5; k="])))


@after
def key_for_these_hashes(letter, rng):
    change_record(letter, lambda record: record.replace("k=", rng.choice(["h=sha256; k=", "h=sha1:sha256; k=", "h=sha1 : sha256; k="])))


@after
def key_for_other_services(letter, rng):
    change_record(letter, lambda record: record.replace("k=", "s=tlsrpt; k="))


@after
def key_for_its_domain_only(letter, rng):
    change_record(letter, lambda record: record.replace("k=", rng.choice(["t=s; k=", "t=y:s; k="])))


@after
def key_with_semicolon(letter, rng):
    change_record(letter, lambda record: record + rng.choice([";", "; "]))


@after
def key_list_broken(letter, rng):
    change_record(letter, lambda record: record + rng.choice([";;", "; junk", "; =x"]))


@after
def key_tag_twice(letter, rng):
    change_record(letter, lambda record: record + "; " + record[record.index("p="):])


@after
def key_tag_in_capitals(letter, rng):
    change_record(letter, lambda record: record.replace("k=", "K="))


@after
def key_with_other_bytes(letter, rng):
    change_record(letter, lambda record: record[:60] + rng.choice(["!", "-", "*"]) + record[60:])


@after
def key_cut_short(letter, rng):
    change_record(letter, lambda record: record[:-8])


@after
def key_bare(letter, rng):
    if letter.key.is_rsa:
        data = letter.key.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        letter.records = ["v=DKIM1; k=rsa; p=" + base64.b64encode(data).decode()]


@after
def key_beside_other_records(letter, rng):
    letter.records = ["v=spf1 -all"] + letter.records


@after
def key_beside_another_key(letter, rng):
    letter.records = letter.records + [(RSA_2048 if letter.key is RSA_1024 else RSA_1024).record if letter.key.is_rsa else Key.ed25519().record]


@before
def weak_key(letter, rng):
    letter.key = RSA_512
    letter.tags["a"] = "rsa-sha256"
    letter.records = [letter.key.record]
