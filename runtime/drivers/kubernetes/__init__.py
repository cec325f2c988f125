"""The kubernetes driver: BuildKit daemons in the pods of one Deployment or StatefulSet.

`options` reads the driver options, `manifests` turns them into what the cluster is given, `api` speaks with its API
server, `streams` carries bytes to a command in a pod, `pods` chooses one and tells what is wrong with the others, and
`driver` puts them together.
"""

from __future__ import annotations

from bakec.runtime.drivers.kubernetes.driver import KubernetesDriver

__all__ = ["KubernetesDriver"]
