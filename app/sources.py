"""Where a value came from: the command line, or which file."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from app.compose import Job, override_key


def with_source(message: str, job: Job) -> str:
    """Add a line to an error that starts with a key, saying where the value of that key was given."""
    match = re.match(r"([A-Za-z_][\w.]*)[=: ]", message)
    source = source_of(match[1], job) if match else None
    return f"{message}\n  given by {source}" if source else message


def source_of(key: str, job: Job) -> str | None:
    """Return what set a dotted key last, an override or a file; None if nothing did."""
    for override in reversed(job.overrides):
        given = override_key(override)
        if key == given or key.startswith(f"{given}.") and given not in job.choices:
            return f"the command line: {override.lstrip('+')}"
    for source, text, prefix in _files(job):
        if _sets(text, key.removeprefix(prefix)):
            return source
    return None


def _files(job: Job) -> Iterator[tuple[str, str, str]]:
    """Yield the chosen files, strongest first: path, text, and the prefix that its keys stand under."""
    under = {"overlay": "", "hardware": "", "train": "train.", "task": "task."}
    for group, prefix in under.items():
        if group == "train" and job.train_file is not None:
            yield str(job.train_file.source), job.train_file.text, prefix
        elif job.choices.get(group):
            yield from _found(job, f"{group}/{job.choices[group]}", prefix)
    yield from _found(job, "config", "")


def _found(job: Job, name: str, prefix: str) -> Iterator[tuple[str, str, str]]:
    for directory in job.config_dirs:
        path = directory / f"{name}.yaml"
        if path.is_file():
            yield str(path), path.read_text(), prefix


def _sets(text: str, key: str) -> bool:
    node = yaml.safe_load(text)
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True
