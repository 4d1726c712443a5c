"""The Python that a page of the documentation shows."""

import re
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[1] / "docs"


def code_of(page: str) -> str:
    """Return the Python blocks of a page, one after the other."""
    return "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL))


def module_of(page: str) -> ModuleType:
    """Run the Python blocks of a page as a module."""
    module = ModuleType(f"docs_{Path(page).stem.replace('.', '_')}")
    exec(compile(code_of(page), str(DOCS / page), "exec"), module.__dict__)
    return module
