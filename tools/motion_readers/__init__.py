"""Readers of other systems' motion files; each module has `read(path, character) -> Motion`."""
