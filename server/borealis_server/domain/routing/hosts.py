"""Names of Services as meshes write them: short ones, and with as much of the domain as anybody likes."""

_SERVICE = "svc"
_PARTS = 3


def canonical_host(host: str, namespace: str) -> tuple[str, ...]:
    """The host without the domain of the cluster; a short one belongs to `namespace`.

    `shop`, `shop.ns`, `shop.ns.svc` and `shop.ns.svc.cluster.local` are one.
    """
    parts = tuple(host.rstrip(".").lower().split("."))
    if len(parts) == 1:
        parts = (*parts, namespace)
    if len(parts) == _PARTS - 1:
        parts = (*parts, _SERVICE)
    return parts[:_PARTS] if parts[2] == _SERVICE else parts


def is_same_host(one: str, other: str, namespace: str) -> bool:
    """Whether two hosts, written in one namespace, are the same."""
    return canonical_host(one, namespace) == canonical_host(other, namespace)


def service_of(host: str, namespace: str) -> str:
    """Name of the Service in `namespace` that the host is; empty for a host elsewhere."""
    parts = canonical_host(host, namespace)
    return parts[0] if parts[1:] == (namespace, _SERVICE) else ""
