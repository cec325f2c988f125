"""What a Kubernetes API server says of a manifest, by the schema of the API that the client library was generated from
and by the rules that the schema cannot say."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubernetes_asyncio import client

MODELS = {"configmaps": "V1ConfigMap", "deployments": "V1Deployment", "statefulsets": "V1StatefulSet"}
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
QUANTITY = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(([eE][-+]?[0-9]+)|[numkMGTPE]|[KMGTPE]i)?")
PLAIN = {"str": str, "int": int, "bool": bool, "float": float, "object": object, "datetime": str}


def problems(kind: str, body: object) -> list[str]:
    """Why an object is refused; empty for a good one."""
    found = [*by_schema(MODELS[kind], body, kind)]
    return found or [*by_rules(kind, body)]  # type: ignore[arg-type]


def by_schema(type_name: str, value: object, path: str) -> Iterator[str]:
    if match := re.fullmatch(r"list\[(.+)]", type_name):
        if not isinstance(value, list):
            yield f"{path}: expected a list"
            return
        for index, item in enumerate(value):
            yield from by_schema(match[1], item, f"{path}[{index}]")
    elif match := re.fullmatch(r"dict[(\[]str, (.+)[)\]]", type_name):
        if not isinstance(value, Mapping):
            yield f"{path}: expected a mapping"
            return
        for key, item in value.items():
            yield from by_schema(match[1], item, f"{path}.{key}")
    elif type_name in PLAIN:
        is_number_for_bool = type_name == "int" and isinstance(value, bool)
        if not isinstance(value, PLAIN[type_name]) or is_number_for_bool:
            yield f"{path}: expected {type_name}, got {value!r}"
    else:
        yield from _by_model(getattr(client, type_name), value, path)


def _by_model(model: Any, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: expected an object"
        return
    fields = {json_name: name for name, json_name in model.attribute_map.items()}
    if unknown := value.keys() - fields.keys():
        yield f"{path}: unknown field {', '.join(sorted(unknown))}"
        return
    try:
        model(**{fields[key]: item for key, item in value.items()})
    except ValueError as error:
        yield f"{path}: {error}"
    for key, item in value.items():
        yield from by_schema(model.openapi_types[fields[key]], item, f"{path}.{key}")


def by_rules(kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    meta = body["metadata"]
    if not NAME.fullmatch(meta.get("name", "")) or len(meta["name"]) > 253:
        yield f"metadata.name: {meta.get('name')!r} is no name"
    if kind == "configmaps":
        return
    spec, template = body["spec"], body["spec"]["template"]
    labels = template.get("metadata", {}).get("labels", {})
    for key, value in spec["selector"].get("matchLabels", {}).items():
        if labels.get(key) != value:
            yield "spec.selector: does not match the labels of the template"
        if not LABEL.fullmatch(value):
            yield f"spec.selector: {value!r} is no value of a label"
    if spec.get("replicas", 1) < 0:
        yield "spec.replicas: must be greater than or equal to 0"
    claims = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())}
    yield from _of_pod(template["spec"], claims)


def _of_pod(pod: Mapping[str, Any], claims: set[str]) -> Iterator[str]:
    volumes = [volume["name"] for volume in pod.get("volumes", ())]
    if len(volumes) != len(set(volumes)):
        yield "spec.volumes: a name is used twice"
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        where = f"container {container['name']}"
        mounts = container.get("volumeMounts", ())
        paths = [mount["mountPath"] for mount in mounts]
        if len(paths) != len(set(paths)):
            yield f"{where}: volumeMounts: a path is used twice"
        for mount in mounts:
            if mount["name"] not in {*volumes, *claims}:
                yield f"{where}: volumeMounts: no volume {mount['name']}"
        if not container.get("image"):
            yield f"{where}: image: is required"
        for group in container.get("resources", {}).values():
            yield from (
                f"{where}: {amount!r} is no quantity" for amount in group.values() if not QUANTITY.fullmatch(amount)
            )
