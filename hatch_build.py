"""Build hook: the knowledge files parsed once, so that an installed `fivefifty` starts without reading TOML."""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KnowledgeHook(BuildHookInterface):  # type: ignore[misc]
    """Writes `knowledge/_compiled.bin`, for wheels and editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the files.

        A later change of a knowledge file makes another digest, and the program then goes by the files again.
        """
        if self.target_name != "wheel":
            return
        sys.path.insert(0, str(Path(self.root) / "src"))
        try:
            from fivefifty import knowledge

            knowledge.compile_shipped()
            knowledge.COMPILED.chmod(0o644)  # the wheel keeps the mode, and every user of the machine reads it
        finally:
            sys.path.pop(0)
