"""The nodes of a builder in one run: which of them builds what, and the connections to those that do."""

from __future__ import annotations

from bakec.ir.codes.run import LOST
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.platforms import Platform
from bakec.ir.records import dataclass, field
from bakec.runtime.buildkit.channel import connect
from bakec.runtime.buildkit.control import Control
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.errors import explain
from bakec.runtime.placement import Share, check_links, place_able, place_configured
from bakec.runtime.progress.step import BootStep
from bakec.runtime.site import ANSWER_SECONDS
from bakec.runtime.together import together

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from contextlib import AsyncExitStack

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.plan import Job
    from bakec.runtime.builders import Builder
    from bakec.runtime.buildkit.channel import Connection
    from bakec.runtime.placement import Shares
    from bakec.runtime.progress.step import Watcher


@dataclass(slots=True)
class Fleet:
    """A builder with its open connections, by node; `stack` ends them. `watch` takes what there is to tell of daemons
    that have to be made ready first."""

    builder: Builder
    stack: AsyncExitStack
    watch: Watcher
    connections: dict[int, Connection] = field(default_factory=dict)
    warnings: list[Diagnostic] = field(default_factory=list)

    async def place(self, jobs: Collection[Job]) -> Shares:
        """Decide who builds what, and connect to those nodes. Raises `Failed`, and what drivers raise."""
        nodes = self.builder.nodes
        if len(nodes) == 1:
            shares: Shares | None = {job.id: (Share(0, job.platforms),) for job in jobs}
        else:
            shares = place_configured(jobs, [node.platforms for node in nodes])
        if shares is None:
            await self._reach(range(len(nodes)))
            able = await together(self._platforms(index) for index in range(len(nodes)))
            shares = place_able(jobs, able)
        check_links(jobs, shares)
        await self._reach({share.node for each in shares.values() for share in each})
        return shares

    async def _reach(self, nodes: Iterable[int]) -> None:
        await together(self._connect(node) for node in nodes if node not in self.connections)

    async def _connect(self, node: int) -> None:
        boot = BootStep(self.watch)
        try:
            opened = connect(self.builder.nodes[node].driver, boot)
            self.connections[node] = await self.stack.enter_async_context(opened)
        except Failed as failure:
            boot.end(str(failure))
            raise
        boot.end()
        self.warnings.extend(boot.warnings)

    async def _platforms(self, node: int) -> tuple[Platform, ...]:
        """What a node is configured for, and what its workers say."""
        connection = self.connections[node]
        control = Control(connection.channel)
        try:
            workers = await control.workers(seconds=ANSWER_SECONDS)
        except RpcError as error:
            reason = await explain(error, control)
            raise fail(LOST.at(None, endpoint=connection.driver.place, reason=connection.trouble or reason)) from error
        found = (platform for worker in workers for platform in worker.platforms)
        told = (Platform(os=one.OS, architecture=one.Architecture, variant=one.Variant) for one in found)
        return (*self.builder.nodes[node].platforms, *told)
