"""Traffic management: the Services and mesh objects by which traffic is moved."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.shapes import Choice, Field, ListOf, Shape, Text
from borealis_deployfile.language.targets import LAMBDA_ADVICE

KUBERNETES: Final = Shape(
    what="a kubernetes entry",
    summary="The Services of a blue/green deployment; one entry for each Deployment of the target.",
    fields=(
        Field(
            name="activeService",
            type=Text(),
            summary="Service that gives users the live version; it is switched.",
            example="shop",
            is_required=True,
        ),
        Field(
            name="previewService",
            type=Text(),
            summary="Service that leads to the new version before the switch; another one than the active Service.",
            example="shop-next",
        ),
    ),
)

SMI: Final = Shape(
    what="an smi entry",
    summary="A Service whose traffic an SMI TrafficSplit divides.",
    fields=(
        Field(
            name="rootServiceName",
            type=Text(),
            summary="Service that users call.",
            example="shop",
            is_required=True,
        ),
        Field(
            name="canaryServiceName",
            type=Text(),
            summary="Existing Service for the new version.",
            example="shop-canary",
            default="made for the deployment, named `<root>-canary`",
        ),
        Field(
            name="trafficSplitName",
            type=Text(),
            summary="Name of the TrafficSplit.",
            example="shop-split",
            default="the name of the root Service",
        ),
    ),
)

VIRTUAL_SERVICE: Final = Shape(
    what="virtualService",
    summary="The Istio VirtualService whose weights are moved.",
    fields=(
        Field(name="name", type=Text(), summary="Name of the VirtualService.", example="shop", is_required=True),
        Field(
            name="httpRouteName",
            type=Text(),
            summary="Name of the http route.",
            example="primary",
            default="the only http route",
        ),
    ),
)

DESTINATION_RULE: Final = Shape(
    what="destinationRule",
    summary="The Istio DestinationRule that holds the subsets.",
    fields=(
        Field(
            name="name",
            type=Text(),
            summary="Name of the DestinationRule.",
            example="shop",
            default="the only one for the host of the route",
        ),
        Field(
            name="activeSubsetName",
            type=Text(),
            summary="Subset of the live version.",
            example="stable",
            default="the only subset",
        ),
        Field(
            name="canarySubsetName",
            type=Text(),
            summary="Subset of the new version.",
            example="trial",
            default="`<active>-canary`",
        ),
    ),
)

ISTIO: Final = Shape(
    what="an istio entry",
    summary="The Istio objects that divide traffic.",
    fields=(
        Field(
            name="virtualService",
            type=VIRTUAL_SERVICE,
            summary="The VirtualService whose weights are moved.",
            is_required=True,
        ),
        Field(
            name="destinationRule",
            type=DESTINATION_RULE,
            summary="The DestinationRule that holds the subsets.",
            example={"name": "shop"},
            default="the only one for the host of the route",
        ),
    ),
)

ROUTE_KINDS: Final = Choice(words=("HTTPRoute", "GRPCRoute"))

ROUTE: Final = Shape(
    what="route",
    summary="The route of the Gateway API whose weights are moved.",
    fields=(
        Field(name="name", type=Text(), summary="Name of the route.", example="shop", is_required=True),
        Field(
            name="kind",
            type=ROUTE_KINDS,
            summary="Kind of the route.",
            example="HTTPRoute",
            default="HTTPRoute",
        ),
        Field(
            name="ruleName",
            type=Text(),
            summary="Name of the rule, where only one is to be moved.",
            example="checkout",
            default="every rule that leads to the root Service",
        ),
    ),
)

GATEWAY_API: Final = Shape(
    what="a gatewayApi entry",
    summary="A route of the Gateway API that divides traffic.",
    fields=(
        Field(name="route", type=ROUTE, summary="The route whose weights are moved.", is_required=True),
        Field(
            name="rootServiceName",
            type=Text(),
            summary="Service that the route leads to.",
            example="shop",
            default="the only Service that it leads to",
        ),
        Field(
            name="canaryServiceName",
            type=Text(),
            summary="Existing Service for the new version.",
            example="shop-canary",
            default="made for the deployment, named `<root>-canary`",
        ),
    ),
)

TRAFFIC: Final = Shape(
    what="a trafficManagement entry",
    summary="How traffic is moved for some targets.",
    fields=(
        Field(
            name="targets",
            type=ListOf(item=Text(), least=1),
            summary="Targets that this entry is for.",
            example=["live"],
            default="all targets",
            needs=("kubernetes",),
        ),
        Field(
            name="kubernetes",
            type=ListOf(item=KUBERNETES, least=1),
            summary="Services of a blue/green deployment.",
            needs=("targets",),
        ),
        Field(
            name="smi",
            type=ListOf(item=SMI, least=1),
            summary="Services that an SMI mesh splits, for a canary. A target has one of `smi`, `istio`, `gatewayApi`.",
            example=[{"rootServiceName": "shop"}],
            needs=("targets",),
        ),
        Field(
            name="istio",
            type=ListOf(item=ISTIO, least=1),
            summary="Istio objects that split traffic, for a canary.",
            example=[{"virtualService": {"name": "shop"}}],
            needs=("targets",),
        ),
        Field(
            name="gatewayApi",
            type=ListOf(item=GATEWAY_API, least=1),
            summary="Routes of the Gateway API that split traffic, for a canary.",
            example=[{"route": {"name": "shop"}}],
            needs=("targets",),
        ),
    ),
    hints={"alias": LAMBDA_ADVICE},
)
