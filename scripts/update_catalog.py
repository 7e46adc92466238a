#!/usr/bin/env python3
"""Creates crates/endpoint/data/catalog.json from the data in the `litellm` package of PyPI.

    python3 scripts/update_catalog.py             # the newest litellm
    python3 scripts/update_catalog.py --version 1.109.1
    python3 scripts/update_catalog.py --wheel FILE

Downloads the package's wheel with pip into a temporary folder (nothing is installed), reads its list
of models, keeps the chat models of the supported providers, and writes one line per
model, sorted, so that a new version shows as a readable diff. Needs Python 3.9 and pip, nothing else.
"""

import argparse
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

TARGET = pathlib.Path(__file__).resolve().parent.parent / "crates" / "endpoint" / "data" / "catalog.json"
SOURCE_FILE = "litellm/model_prices_and_context_window_backup.json"

# litellm's provider -> key of our ProviderKind, and litellm's prefixes of the id.
PROVIDERS = {
    "openai": ("openai", []),
    "anthropic": ("anthropic", []),
    "gemini": ("gemini", ["gemini/"]),
    "cohere": ("cohere", ["cohere/"]),
    "cohere_chat": ("cohere", ["cohere_chat/", "cohere/"]),
    "mistral": ("mistral", ["mistral/"]),
    "deepseek": ("deepseek", ["deepseek/"]),
    "xai": ("xai", ["xai/"]),
    "groq": ("groq", ["groq/"]),
    "openrouter": ("openrouter", ["openrouter/"]),
    "together_ai": ("together", ["together_ai/"]),
}

# Capabilities as letters, in this order.
CAPABILITIES = [
    ("a", "supports_audio_input"),
    ("c", "supports_prompt_caching"),
    ("d", "supports_pdf_input"),
    ("j", "supports_response_schema"),
    ("r", "supports_reasoning"),
    ("t", "supports_function_calling"),
    ("v", "supports_vision"),
]

# Entries that are not models: price classes by size, billing items.
NOT_A_MODEL = re.compile(r"^(together-ai-|openai/container$)")

# Models listed as chat that make music, speech or images.
NOT_CHAT = re.compile(r"lyria|tts|imagen|live|realtime|image")

LICENCE = (
    "Facts (prices, limits, capabilities) collected by the LiteLLM project (BerriAI), "
    "MIT licence, https://github.com/BerriAI/litellm"
)


def download(version, folder):
    """Downloads the wheel of litellm with pip, without dependencies."""
    package = f"litellm=={version}" if version else "litellm"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", folder, package], check=True)
    return next(pathlib.Path(folder).glob("litellm-*.whl"))


def read(wheel):
    """Returns the version of a wheel and its list of models."""
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as archive:
        return version, json.loads(archive.read(SOURCE_FILE))


def per_mtok(cost):
    """Returns US dollars per million tokens, rounded."""
    if not isinstance(cost, (int, float)) or isinstance(cost, bool) or not math.isfinite(cost) or cost < 0:
        return None
    return tidy(float(f"{cost * 1e6:.6g}"))


def tidy(number):
    return int(number) if number == int(number) else number


def prices(fact):
    """Input, cached input, output; all None where the price is not known for certain.

    A list price of 0 means a trial or an incomplete entry. Where reasoning is
    charged apart from other output, or the price depends on the time of day, one price would be
    wrong.
    """
    given = per_mtok(fact.get("input_cost_per_token"))
    output = per_mtok(fact.get("output_cost_per_token"))
    reasoning = per_mtok(fact.get("output_cost_per_reasoning_token"))
    filled_in = given is not None and output is not None and given + output > 0
    if not filled_in or reasoning not in (None, output) or "off_peak_pricing" in fact:
        return [None, None, None]
    return [given, per_mtok(fact.get("cache_read_input_token_cost")), output]


def dearer_above(fact):
    """Returns the number of input tokens above which another price applies, if any."""
    marks = (re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", name) for name in fact)
    return min((int(mark[1]) * 1000 for mark in marks if mark), default=None)


def tokens(value):
    return value if isinstance(value, int) and value > 0 else None


def entry(fact):
    letters = "".join(letter for letter, name in CAPABILITIES if fact.get(name) is True)
    limits = [tokens(fact.get("max_input_tokens")), tokens(fact.get("max_output_tokens"))]
    above = dearer_above(fact)
    return [*prices(fact), *limits, letters, *([above] if above else [])]


def own_id(name, prefixes):
    for prefix in prefixes:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def is_chat(name, fact):
    return fact.get("mode") == "chat" and not NOT_A_MODEL.search(name) and not NOT_CHAT.search(name)


def select(facts):
    """Provider key -> model id -> entry. An entry named with its provider wins over one without."""
    chosen = {}
    for name in sorted(facts, key=lambda name: ("/" in name, name)):
        fact = facts[name]
        if fact.get("litellm_provider") not in PROVIDERS or not is_chat(name, fact):
            continue
        key, prefixes = PROVIDERS[fact["litellm_provider"]]
        chosen.setdefault(key, {})[own_id(name, prefixes)] = entry(fact)
    return chosen


def compact(row):
    return json.dumps(row, separators=(",", ":"))


def render(version, models):
    """Formats one model per line."""
    head = {
        "source": f"litellm {version}",
        "licence": LICENCE,
        "columns": "input, cached input, output (USD per million tokens), context window (the limit of input "
        "where a provider counts output apart), maximum output (tokens), capabilities, and where there is one: input tokens above which other prices hold",
        "capabilities": {letter: name.removeprefix("supports_") for letter, name in CAPABILITIES},
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    groups = []
    for key in sorted(models):
        rows = [f"{json.dumps(id_)}: {compact(row)}" for id_, row in sorted(models[key].items())]
        groups.append(f"{json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n}")
    lines.append('"models": {\n' + ",\n".join(groups) + "\n}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--version", help="a version of litellm; the newest if not given")
    arguments.add_argument("--wheel", type=pathlib.Path, help="a wheel file to use instead of downloading")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        version, facts = read(options.wheel or download(options.version, folder))
    models = select(facts)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render(version, models))
    count = sum(len(group) for group in models.values())
    print(f"{TARGET}: {count} models of {len(models)} providers from litellm {version}")


if __name__ == "__main__":
    main()
