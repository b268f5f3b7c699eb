# SPDX-License-Identifier: BSD-2-Clause
"""pyspf as an oracle for the SPF evaluator: over a zone in memory, and with its known departures from RFC 7208 undone.

The module spf is used as it is installed. A second copy of its source gets the changes below; each is switched on by
the name of its class, so that a difference can be put down to the smallest set of classes that makes it vanish.
"""
import importlib.util
import re
import sys
import types

# Class -> what pyspf does, and what RFC 7208 says.
CLASSES = {
    "self-include": "include of the domain itself is an error while parsing; 4.6.4: it is found by counting, when reached",
    "mx-order": "all MX hosts are looked up before one is compared; 5.4: in order of preference, a match ends the term",
    "ptr-error": "a failing lookup for ptr or %{p} gives temperror; 5.5, 7.3: no match, the name is skipped, \"unknown\"",
    "early-names": "names are built, with the lookups of %{p}, before any term is evaluated; 4.6: terms go left to right",
    "empty-name": "a name that is empty once it is built gives permerror; 4.8 leaves it open, here it matches nothing",
    "domain-again": "an implied domain is taken for a domain-spec, checked and expanded; 4.8: it is the <domain> as it is",
    "exists-alone": "exists with a qualifier is taken without a domain; 5.7: it needs one",
    "redirect-count": "redirect= is counted although it is not used; 4.6.4, 6.1: it is looked at when nothing matched",
    "modifier-case": "names of modifiers are compared with case; RFC 5234 2.3: literals have no case",
    "modifier-twice": "an unknown modifier given twice gives permerror; 6: unknown ones are ignored however often they occur",
    "modifier-value": "the values of default= and op= are not checked; 6: they are unknown modifiers, with macro-strings",
    "macro-grammar": "macros outside the grammar are taken: 7.1 has the delimiters, digits and braces",
    "macro-reverse": "%{dR} does not reverse; RFC 5234 2.3: literals have no case",
    "macro-join": "parts of all but l and s are joined with the delimiter found; 7.3: with dots",
    "macro-truncate": "a long name loses one label only; 7.3: as many as needed",
    "macro-p": "%{p} is kept for other domains and compared with case; 7.3: it depends on <domain>",
    "macro-s": "%{s} has no local-part if the sender had none; 4.3: it is \"postmaster\"",
    "bytes": "a term may hold bytes that are not visible ASCII; 7.1, 12: it may not",
    "impossible": "a domain-spec without macros that is no DNS name matches nothing; 4.8 leaves it open, here permerror",
    "impossible-ptr": "ptr looks names up although its target is no DNS name; 4.8 leaves it open, here it matches nothing",
    "void-lookups": "void lookups are counted one by one; 4.6.4: terms that have some are counted",
    "one-label": "a target of one label is looked up; 4.3: that gives \"none\"",
}

# (class or classes, text as it stands, text instead). FIX is the set of classes that are undone.
CHANGES = [
    # Names are built when a term is evaluated; parsing only checks them.
    ("            arg = self.expand_domain(arg)\n            if not arg:\n                raise PermError('empty domain:',mech)\n",
     "            implied = 'domain-again' in FIX and ':' not in mech\n"
     "            raw = arg\n"
     "            if not implied:\n"
     "                fix_literal(self, arg, mech)\n"
     "                self.parsing = 'early-names' in FIX\n"
     "                arg = self.expand_domain(arg)\n"
     "                self.parsing = False\n"
     "            if not raw or not arg and 'empty-name' not in FIX:\n"
     "                raise PermError('empty domain:',mech)\n"
     "            self.raws[mech] = self.d if implied else raw\n"),
    ("                if arg == self.d:\n", "                if arg == self.d and ('self-include' not in FIX or ':' not in mech):\n"),
    ("        for mech, m, arg, cidrlength, result in mechs:\n",
     "        for mech, m, arg, cidrlength, result in mechs:\n"
     "            self.void_term = False\n"
     "            if m in ('a', 'mx', 'ptr', 'exists', 'include') and 'early-names' in FIX:\n"
     "                implied = 'domain-again' in FIX and ':' not in mech\n"
     "                arg = self.d if implied else self.later(m, parse_mechanism(mech, self.d)[1])\n"
     "                if not arg and m != 'include': self.check_lookups(); continue\n"
     "            elif not arg and m in ('a', 'mx', 'ptr', 'exists'): self.check_lookups(); continue\n"),
    # Modifiers.
    ("            mod,arg = m\n", "            mod,arg = m\n            if 'modifier-case' in FIX: mod = mod.lower()\n"),
    ("            if mod in modifiers:\n", "            if mod in modifiers and ('modifier-twice' not in FIX or mod in ('exp', 'redirect')):\n"),
    ("                arg = self.expand_domain(arg)\n                if arg:\n                    try:\n",
     "                fix_literal(self, arg, mech)\n"
     "                self.parsing = 'early-names' in FIX\n"
     "                arg = self.expand_domain(arg)\n"
     "                self.parsing = False\n"
     "                if arg and 'early-names' not in FIX:\n                    try:\n"),
    ("                self.check_lookups()\n                redirect = self.expand_domain(arg)\n"
     "                if not redirect:\n                    raise PermError('redirect has empty domain:',arg)\n",
     "                if 'redirect-count' not in FIX: self.check_lookups()\n"
     "                if not arg: raise PermError('redirect has empty domain:',arg)\n"
     "                fix_literal(self, arg, mech)\n"
     "                self.parsing = 'early-names' in FIX\n"
     "                redirect = self.expand_domain(arg)\n"
     "                self.parsing = False\n"
     "                if not redirect and 'early-names' not in FIX:\n"
     "                    raise PermError('redirect has empty domain:',arg)\n"
     "                has_redirect, raw_redirect = True, arg\n"),
    ("            if redirect:\n",
     "            if has_redirect:\n"
     "                self.void_term = False\n"
     "                if 'redirect-count' in FIX: self.check_lookups()\n"
     "                if 'early-names' in FIX: redirect = self.expand_domain(raw_redirect)\n"),
    ("        redirect = None\n", "        redirect = None\n        has_redirect = False\n        fix_bytes(''.join(spf))\n"),
    ("            elif mod == 'default':\n", "            elif mod == 'default' and 'modifier-value' not in FIX:\n"),
    ("            elif mod == 'op':\n", "            elif mod == 'op' and 'modifier-value' not in FIX:\n"),
    ("                self.expand(m[1])       # syntax error on invalid macro\n",
     "                self.parsing = 'early-names' in FIX\n                self.expand(m[1])\n                self.parsing = False\n"),
    ("        if str == 'exists': d = None\n",
     "        if str == 'exists' or 'exists-alone' in FIX and str.lstrip('+-?~') == 'exists': d = None\n"),
    # Macros.
    ("        # Check for invalid macro syntax\n", "        fix_grammar(s)\n"),
    ("                e = expand_one(expansion, macro[3:-1], JOINERS.get(letter))\n",
     "                    e = expand_one(expansion, macro[3:-1], '.' if 'macro-join' in FIX else JOINERS.get(letter))\n"[4:]),
    ("    ln, reverse, delimiters = RE_ARGS.split(str)[1:4]\n",
     "    ln, reverse, delimiters = (RE_ARGS_R if 'macro-reverse' in FIX else RE_ARGS).split(str)[1:4]\n"),
    ("            if len(result) > 253:\n", "            while len(result) > 253 and '.' in result:\n"),
    ("                result = result[(result.index('.')+1):]\n",
     "                result = result[(result.index('.')+1):]\n                if 'macro-truncate' not in FIX: break\n"),
    ("        if not self.p:\n            p = self.validated_ptrs()\n",
     "        if self.parsing: self.p = self.p or 'unknown'; return self.p\n"
     "        if not self.p or self.p == 'unknown' and 'early-names' in FIX and not self.asked:\n"
     "            self.asked = True\n"
     "            p = self.validated_ptrs()\n"),
    ("            elif self.d in p:\n                self.p = self.d\n            else:\n                sfx = '.' + self.d\n",
     "            elif self.d in p:\n                self.p = self.d\n"
     "            elif 'macro-p' in FIX and self.d.lower() in [n.lower() for n in p]:\n                self.p = self.d\n"
     "            else:\n                sfx = '.' + (self.d.lower() if 'macro-p' in FIX else self.d)\n"),
    ("        self.l, self.o = split_email(s, h)\n        self.t =",
     "        self.l, self.o = split_email(s, h)\n"
     "        if 'macro-s' in FIX: self.s = self.l + '@' + self.o\n"
     "        self.parsing = self.asked = self.void_term = False\n        self.raws = {}\n        self.t ="),
    ("        return self.expand(arg)\n", "        if 'macro-p' in FIX: self.p = None\n        return self.expand(arg)\n"),
    # Lookups.
    ("        return [a for mx in mxnames[:max] for a in self.dns_a(mx[1],self.A)]\n",
     "        hosts = (a for mx in mxnames[:max] for a in self.dns_a(mx[1],self.A))\n"
     "        return hosts if 'mx-order' in FIX else list(hosts)\n"),
    ("                for netwrk in [ipaddress.ip_network(ip) for ip in ipaddrs]:\n",
     "                for netwrk in (ipaddress.ip_network(ip) for ip in ipaddrs):\n"),
    ("        return [p for p in self.dns_ptr(self.i)[:max]\n            if self.cidrmatch(self.dns_a(p,self.A),cidrlength)]\n",
     "        return fix_ptrs(self, max, cidrlength)\n"),
    ("                if domainmatch(self.validated_ptrs(), arg):\n",
     "                if 'impossible-ptr' in FIX and not possible(arg): continue\n"
     "                if domainmatch(self.validated_ptrs(), arg):\n"),
    ("            self.void_lookups += 1\n",
     "            if self.void_term and 'void-lookups' in FIX: return result\n"
     "            self.void_term = True\n            self.void_lookups += 1\n"),
    ("        for label in domain.split('.'):\n          if not label or len(label) > 63:\n            return None\n",
     "        for label in domain.split('.'):\n          if not label or len(label) > 63:\n            return None\n"
     "        if 'one-label' in FIX and '.' not in domain: return None\n"),
]

# What the changes call.
HELPERS = r'''
FIX = frozenset()
RE_ARGS_R = re.compile(r'([0-9]*)([rR]?)([^0-9a-zA-Z]*)')
RE_GRAMMAR = re.compile(r'(?:[^%]|%%|%_|%-|%\{[slodiphcrtvSLODIPHCRTV](?:|0*[1-9][0-9]*)[rR]?[.\-+,/_=]*\})*\Z')

def fix_grammar(s):
    if 'macro-grammar' in FIX and not RE_GRAMMAR.match(s): raise PermError('macro grammar', s)

def fix_bytes(s):
    if 'bytes' in FIX and not all(' ' <= c <= '~' for c in s): raise PermError('bytes', s)

def possible(name):
    return all(0 < len(label) < 64 for label in name.split('.'))

def fix_literal(q, arg, mech):
    macro = any(found.group().startswith('%{') for found in RE_CHAR.finditer(arg))
    if 'impossible' in FIX and not macro and not possible(q.expand_domain(arg)): raise PermError('impossible', mech)

def fix_ptrs(q, most, bits):
    try:
        names = q.dns_ptr(q.i)[:most]
    except TempError:
        if 'ptr-error' not in FIX: raise
        return []
    found = []
    for name in names:
        try:
            if q.cidrmatch(q.dns_a(name, q.A), bits): found.append(name)
        except TempError:
            if 'ptr-error' not in FIX: raise
    return found

def later(q, m, arg):
    return q.expand_domain(arg)
query.later = later
'''


def source_path():
    return importlib.util.find_spec("spf").origin


def changed_module():
    """The copy of pyspf with switches. An error when a text to change is not found exactly once."""
    with open(source_path(), encoding="utf-8") as file:
        source = file.read()
    for old, new in CHANGES:
        if source.count(old) != 1:
            raise RuntimeError(f"this version of pyspf is not known: {source.count(old)} times {old!r}")
        source = source.replace(old, new)
    source = source.replace("\ndef _test():\n", HELPERS + "\ndef _test():\n")
    module = types.ModuleType("spf_changed")
    sys.modules["spf_changed"] = module
    exec(compile(source, "spf_changed", "exec"), module.__dict__)
    return module


class Oracle:
    """Evaluates checks with pyspf, as it is or with classes of departures undone."""

    def __init__(self, lookup):
        import spf
        self.plain = spf
        self.changed = changed_module()
        for module in (self.plain, self.changed):
            def answer(name, kind, strict=True, timeout=20, module=module):
                return lookup(module.TempError, name, kind)
            module.DNSLookup = answer

    @staticmethod
    def run(module, address, sender, helo):
        query = module.query(i=address, s=sender, h=helo)
        result = query.check()[0]
        mechanism = query.mechanism if result not in ("permerror", "temperror", "none") else None
        return result, mechanism or "-"

    def stock(self, address, sender, helo):
        return self.run(self.plain, address, sender, helo)

    def without(self, classes, address, sender, helo):
        self.changed.FIX = frozenset(classes)
        return self.run(self.changed, address, sender, helo)

    def explain(self, wanted, *check):
        """The classes without which pyspf gives what is wanted, as few as removing one by one leaves; None: no set does."""
        classes = set(CLASSES)
        if self.without(classes, *check) != wanted:
            return None
        for name in sorted(CLASSES):
            if self.without(classes - {name}, *check) == wanted:
                classes.discard(name)
        return tuple(sorted(classes))


def hidden(text):
    """A record as it can be printed."""
    return re.sub(r"[^ -~]", lambda match: f"\\x{ord(match.group()):02x}", text)
