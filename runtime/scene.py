"""Where builders are looked for and made."""

from __future__ import annotations

from bakec.ir.records import dataclass
from bakec.runtime import builders
from bakec.runtime.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.drivers.base import Driver
    from bakec.runtime.store import StoredBuilder, StoredNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An environment. `seconds` is how long a daemon may take to tell of itself."""

    env: Mapping[str, str]
    config: DockerConfig
    seconds: float = 20.0

    @property
    def builder(self) -> str:
        """The builder to take where none is named; empty for the current one."""
        return self.env.get("BUILDX_BUILDER", "")

    @property
    def store(self) -> Store:
        return Store(self.env, self.config)

    def driver(self, builder: StoredBuilder, node: StoredNode) -> Driver:
        return builders.make_driver(builder, node, self.env, self.config)
