"""The one table from providers of routes to what they do."""

from collections.abc import Mapping

from borealis_server.domain.routes import RouteProvider
from borealis_server.domain.routing import gateway_api, istio, smi
from borealis_server.domain.routing.provider import Provider

PROVIDERS: Mapping[RouteProvider, Provider] = {
    RouteProvider.ISTIO: istio.PROVIDER,
    RouteProvider.SMI: smi.PROVIDER,
    RouteProvider.GATEWAY_API: gateway_api.PROVIDER,
}
"""Has every provider."""
