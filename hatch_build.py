"""Builds the web client when a wheel is built, so that the wheel carries it."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebClientHook(BuildHookInterface):  # type: ignore[misc, type-arg, unused-ignore]
    """Called by hatchling, see `[tool.hatch.build.targets.wheel.hooks.custom]`."""

    def dependencies(self) -> list[str]:
        """Return what the build needs besides: a Node.js, where there is none."""
        return self._script().requirements_of_build()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what the wheel will hold. Editable installs are served from the source tree."""
        if version != "editable":
            self._script().build()

    def _script(self) -> Any:
        script = Path(self.root) / "scripts" / "build_web.py"
        spec = importlib.util.spec_from_file_location("build_web", script)
        assert spec is not None and spec.loader is not None  # noqa: S101, PT018
        build_web = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(build_web)
        return build_web
