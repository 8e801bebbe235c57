"""Makes the inputs that fuzzing begins with, and the words it may put in: from examples, tests and schemas."""

import glob
import hashlib
import json
import os
import re
import shutil

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CORPUS = os.path.join(ROOT, "fuzz", "corpus")

# Signs of the languages that no schema lists.
SIGNS = [
    "---\n", "\n- ", ": ", "? ", "&a ", "*a", "<<: *a", "!!str ", "|\n  ", ">-\n  ", "\ufeff", "\r\n", "\t", " # ", "''", '\\"',
    "\\u00e9", "failback: ignore[", "FB606", "] why", " && ", " || ", " ? ", ".all(m, ", ".exists(m, ", ".filter(m, ", ".map(m, ",
    "has(", ".size()", ".matches(", ".startsWith(", "duration(", "timestamp(", "now", "null", "true", " in ", '"}}', "{{ ", "90m",
    "1h30m", "GiB", " MiB", "*/5", "MON#1", "L", "yes", "0o17", "22:00",
]


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", newline="") as file:
        return file.read()


def files(pattern):
    return sorted(os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, pattern)))


def literals(path):
    """The texts in quotes of a Rust file, and of the folder of its name, roughly: each is an input like any other."""
    escapes = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
    folder = path.removesuffix(".rs") + "/**/*.rs"
    code = "".join(text(found) for found in files(path) + sorted(glob.glob(os.path.join(ROOT, folder), recursive=True)))
    for written in re.findall(r'"((?:[^"\\]|\\.)*)"', code, re.DOTALL):
        joined = re.sub(r"\\\n\s*", "", written)
        yield re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), joined)


def save(target, inputs):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    for number, path in enumerate(files(f"tests/fuzzed/{target}/*")):
        shutil.copy(os.path.join(ROOT, path), os.path.join(folder, f"kept-{number}"))
    for seed in inputs:
        data = seed.encode("utf-8", "ignore")
        with open(os.path.join(folder, "seed-" + hashlib.sha1(data).hexdigest()), "wb") as file:
            file.write(data)


def words(schema):
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from (word for word in schema.get("enum", []) if isinstance(word, str))
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from words(part)


documents = [text(path) for path in files("plans/**/*.yaml") + files("plans/*.yaml") + files("tests/worlds/*.yaml")]
worlds = ["---\n".join(text(f"tests/worlds/{world}.{kind}.yaml") for kind in ("plan", "inventory")) for world in ("classic", "modernized")]
suite = ["documents", "yaml", "fix", "values", "waivers", "validator", "policy", "slots", "consistency", "conflict", "graph"]
written = [seed for test in suite for seed in literals(f"tests/suite/{test}.rs") if ":" in seed]
headed = [f"kind: {kind}\nversion: 1\nname: p\n{seed}" for seed in written if "kind:" not in seed for kind in ("RecoveryPlan", "Inventory")]
save("document", documents + worlds + written + headed)

quantities = [*literals("src/quantity.rs"), *literals("tests/suite/values.rs")]
save("quantity", [seed for seed in quantities if len(seed) < 30])
save("cron", [seed for seed in literals("src/syntax/cron.rs") if seed.count(" ") == 4])

example = text("plans/policies/example.policy.yaml")
expressions = [line.split(": ", 1)[1].strip("'") for line in example.splitlines() if ": " in line]
save("policy", [example, *expressions, *(seed for seed in literals("tests/suite/policy.rs") if "\n" not in seed)])

comments = [seed for seed in literals("tests/suite/waivers.rs") if "ignore" in seed or "FB" in seed]
save("remark", comments + [seed.split("failback:", 1)[-1].strip() for seed in comments] + documents[-4:])

with open(os.path.join(CORPUS, "words.dict"), "w", encoding="ascii") as dictionary:
    known = {word for path in files("schemas/*.json") for word in words(json.loads(text(path)))}
    for word in sorted(known | set(SIGNS)):
        dictionary.write('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n')
