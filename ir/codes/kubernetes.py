"""BK78: what can go wrong between a plan and a builder in a Kubernetes cluster."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule

LACKS_LIBRARY = Rule(
    "BK780",
    "the kubernetes driver needs the Python package `kubernetes_asyncio`, which is not installed",
    explain="The client of the Kubernetes API is not installed along with bakec, because only this driver uses it.",
    hint="pip install 'bakec[kubernetes]'",
    exit=Exit.DRIVER,
)
NO_ACCESS = Rule(
    "BK781",
    "kubernetes driver requires kubernetes API access: {reason}",
    explain="The address and credentials of the cluster come from the kubeconfig file that the builder's endpoint "
    "names, else from KUBECONFIG or ~/.kube/config, else from the pod that the program runs in. None of them could be "
    "used.",
    hint="check that `kubectl version` reaches the cluster",
    exit=Exit.DRIVER,
)
API_FAILED = Rule(
    "BK782",
    "{place}: cannot {action}: {reason}",
    explain="The Kubernetes API server did not answer, or refused a request that the driver has to make.",
    exit=Exit.DRIVER,
)
DENIED = Rule(
    "BK783",
    "{place}: not allowed to {action}: {reason}",
    explain="The Kubernetes API server knows the user and does not let it do this, or does not know it (401). The page "
    "of the driver lists the rights that it needs.",
    hint="`kubectl auth can-i` tells what a user may do; docs/drivers/kubernetes.md lists what the driver needs",
    exit=Exit.DRIVER,
)
NOT_READY = Rule(
    "BK784",
    "{place}: expected {wanted} replicas to be ready, got {ready}{reasons}",
    explain="The pods of the builder did not become ready in the time that its option `timeout` gives (120 seconds "
    "unless it is set). What the cluster says about them follows.",
    hint="`kubectl describe pod -l app={name}` shows all that happened to them",
    exit=Exit.DRIVER,
)
NO_PODS = Rule(
    "BK785",
    "{place}: no running buildkit pods found{reasons}",
    explain="The builder's workload is there, and none of its pods runs: it was scaled to zero, or its pods are being"
    " replaced.",
    exit=Exit.DRIVER,
)
NO_STREAM = Rule(
    "BK786",
    "{place}: failed to connect to pod {pod}: {reason}",
    explain="The driver talks to the builder through `buildctl dial-stdio`, which it runs in the pod as `kubectl exec`"
    " does. That could not be started.",
    exit=Exit.DRIVER,
)
