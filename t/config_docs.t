#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The option table, the manual page, the sample and the schema name the same options, types, defaults and choices."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

SRC = os.environ.get("SRCDIR", ".")
BUILD = os.environ.get("BUILDDIR", ".")
PROBE = os.path.join(BUILD, "t", "config_probe")
PAGE = os.path.join(SRC, "conf", "sfdc-milter.yaml.5")
SAMPLE = os.path.join(SRC, "conf", "sfdc-milter.yaml")
SCHEMA = os.path.join(SRC, "conf", "sfdc-milter.schema.json")
sys.path.insert(0, os.path.join(SRC, "t"))
from lab.tap import Tap  # noqa: E402

SCHEMA_TYPES = {
    "text": "string", "file": "string", "sentence": "string", "number": "integer", "octal number": "string",
    "list": "array", "list of domains": "array", "list of networks": "array", "list of files": "array",
    "list of choices": "array", "map": "object", "limit": "string", "store": "string",
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def table():
    """(scope, key): what the program knows of an option."""
    rows = {}
    for line in subprocess.check_output([PROBE, "--options"], text=True).splitlines():
        scope, key, kind, default, choices, least, most, help_text = line.split("\t")
        rows[scope, key] = {"type": kind, "default": None if default == "-" else default,
                            "choices": choices.split(",") if choices else [], "min": int(least), "max": int(most),
                            "help": help_text}
    return rows


def scalars(text):
    """YAML with every scalar as the text it is."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def manual():
    """(scope, key): (type, default, text) of every entry of the manual page."""
    entries = {}
    for heading, scope in (("TOP LEVEL", "top"), ("ORGANIZATIONS", "org")):
        section = re.search(r"^\.Sh %s\n(.*?)^\.Sh " % heading, read(PAGE), re.MULTILINE | re.DOTALL)[1]
        for entry in re.split(r"^\.It ", section, flags=re.MULTILINE)[1:]:
            head, body = entry.split("\n", 1)
            key, kind = re.fullmatch(r"Ic (\S+) : Ar (.*)", head).groups()
            default = re.search(r"^Default:\n\.Ql (.*)$", body, re.MULTILINE)
            entries[scope, key] = (kind, default[1].replace("\\(dq", '"') if default else None, body)
    return entries


def schema_properties(schema):
    """(scope, key): property."""
    found = {}

    def walk(scope, prefix, holder):
        for name, prop in holder["properties"].items():
            if "properties" in prop:
                walk(scope, name + ".", prop)
            else:
                found[scope, prefix + name] = prop

    walk("top", "", schema)
    walk("org", "", schema["definitions"]["organization"])
    return found


def dotted(tree, keys, prefix=""):
    """The values of a map of options, by their full key."""
    values = {}
    for key, value in tree.items():
        if prefix + key in keys:
            values[prefix + key] = value
        else:
            values.update(dotted(value, keys, prefix + key + "."))
    return values


def check_manual(tap, rows):
    entries = manual()
    tap.equal(list(entries), list(rows), "the manual page has the options of the table, in its order")
    for name, row in rows.items():
        kind, default, body = entries.get(name, ("", "", ""))
        tap.equal(kind, row["type"], "manual: type of %s %s" % name)
        tap.equal(default, row["default"], "manual: default of %s %s" % name)
        missing = [choice for choice in row["choices"] if not re.search(r"^\.Li %s( [.,])?$" % re.escape(choice), body,
                                                                       re.MULTILINE)]
        tap.equal(missing, [], "manual: choices of %s %s" % name)
        if row["type"] == "number":
            tap.contains(body, "From %d to %d." % (row["min"], row["max"]), "manual: limits of %s %s" % name)
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True)
        tap.equal(lint.stdout + lint.stderr, "", "mandoc finds no fault in the manual page")


def check_schema(tap, rows, schema):
    properties = schema_properties(schema)
    tap.equal(sorted(properties), sorted(rows), "the schema has the options of the table")
    for name, row in rows.items():
        prop = properties.get(name, {})
        what = "schema: %s %s" % name
        if row["type"] == "choice":
            tap.equal([c for c in prop["enum"] if isinstance(c, str)], row["choices"], what + " has its choices")
        elif row["type"] == "list of choices":
            tap.equal(prop["items"]["enum"], row["choices"], what + " has its choices")
        elif row["type"] == "yes or no":
            tap.ok({True, False} <= set(prop["enum"]), what + " is a boolean")
        elif row["type"] == "duration":
            tap.ok(re.fullmatch(prop["pattern"], row["default"]), what + " is a duration")
        elif row["type"] == "list of durations":
            tap.ok(all(re.fullmatch(prop["items"]["pattern"], item) for item in yaml.safe_load(row["default"])),
                   what + " holds durations")
        elif name != ("top", "defaults"):
            tap.equal(prop["type"], SCHEMA_TYPES[row["type"]], what + " has its type")
        if row["type"] == "number":
            tap.equal((prop["minimum"], prop["maximum"]), (row["min"], row["max"]), what + " has its limits")
        if row["type"] != "map":
            default = yaml.safe_load(row["default"]) if row["default"] else None
            tap.equal(prop.get("default"), default, what + " has its default")
        tap.equal(prop["description"].lower(), row["help"].lower() + ".", what + " has its help")


def check_sample(tap, rows, schema):
    text = read(SAMPLE)
    full = re.sub(r"^( *)#(?=[a-z])", r"\1", text, flags=re.MULTILINE)
    tree = scalars(full)
    values = {("top", key): value for key, value in dotted(tree, {key for scope, key in rows if scope == "top"}).items()}
    keys = {key for scope, key in rows if scope == "org"}
    values.update({("org", key): value for key, value in dotted(tree["defaults"], keys).items()})
    tap.equal(sorted(values), sorted(rows), "the sample has the options of the table")
    tap.equal(values["top", "mode"], "monitor", "the sample only watches")
    for name, row in rows.items():
        if row["default"] is not None and row["type"] != "map":
            tap.equal(values.get(name), scalars(row["default"]), "sample: default of %s %s" % name)
    plain = subprocess.run([PROBE, SAMPLE], capture_output=True, text=True)
    tap.equal(plain.returncode, 0, "the sample loads", output=plain.stdout)
    tap.ok(not re.search("^(warning|error) ", plain.stdout, re.MULTILINE), "without a warning")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(full)
        file.flush()
        whole = subprocess.run([PROBE, file.name], capture_output=True, text=True)
    tap.equal(whole.stdout, plain.stdout, "with every default written out the values are the same")
    try:
        import jsonschema
    except ImportError:
        tap.note("without python3-jsonschema the sample is not checked against the schema")
        return
    jsonschema.Draft7Validator.check_schema(schema)
    for which, content in (("the sample", text), ("the sample with all defaults", full)):
        errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(yaml.safe_load(content))]
        tap.equal(errors, [], which + " follows the schema")
    broken = yaml.safe_load(full)
    broken["defaults"]["tls"]["min_versoin"] = "1.2"
    tap.ok(list(jsonschema.Draft7Validator(schema).iter_errors(broken)), "an unknown key does not")


def check_regenerated(tap):
    """What is in the tree is what the table makes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(SRC, "conf", "regenerate"), PROBE, folder], check=True)
        for path in (SAMPLE, SCHEMA):
            tap.equal(read(path), read(os.path.join(folder, os.path.basename(path))),
                      "%s is as make regenerate leaves it" % os.path.basename(path))


def check_examples(tap):
    """The examples of the manual page are configurations without a fault, and prove the customer."""
    text = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", read(PAGE), re.MULTILINE | re.DOTALL)[1]
    examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.MULTILINE | re.DOTALL)
    files = {name: body for name, body in zip(re.findall(r"^\.Pa (\S+) :$", text, re.MULTILINE),
                                              re.findall(r"^\.Pa \S+ :\n\.Bd.*?\n(.*?)^\.Ed", text, re.MULTILINE | re.DOTALL))}
    configurations = [body for body in examples if body not in files.values()]
    for subject in ("auth:", "networks_file:", "quarantine_unless:"):
        tap.ok(any(subject in body for body in configurations), "examples: there is one for " + subject)
    with tempfile.TemporaryDirectory() as folder:
        for name, body in files.items():
            write(os.path.join(folder, name), body)
        path = os.path.join(folder, "sfdc-milter.yaml")
        for body in configurations:
            write(path, "user: nobody\nsocket_group: postfix\n" + body)
            done = subprocess.run([os.path.join(BUILD, "sfdc-relayctl"), "check-config", "-c", path], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            tap.ok(done.returncode == 0 and "error" not in done.stdout and "WEAK" not in done.stdout
                   and "warning" not in done.stdout, "examples: " + body.splitlines()[-1].strip(), output=done.stdout)


def main():
    with Tap(needs_root=False) as tap:
        rows = table()
        schema = json.loads(read(SCHEMA))
        tap.ok(len(rows) > 50, "the table has its rows")
        tap.case(check_manual, rows)
        tap.case(check_schema, rows, schema)
        tap.case(check_sample, rows, schema)
        tap.case(check_examples)
        tap.case(check_regenerated)


main()
