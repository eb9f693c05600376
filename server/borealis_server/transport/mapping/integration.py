"""Integrations between their records and their protobuf form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.integration.v1 import integration_pb2 as pb
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.integration import DatadogSettings, NewRelicSettings, PrometheusSettings
from borealis_server.services.integrations import Draft
from borealis_server.transport.mapping.moments import timestamp

if TYPE_CHECKING:
    from borealis_server.domain.integration import Integration, ProviderSettings


def integration_to_proto(integration: Integration) -> pb.Integration:
    """The message of an integration."""
    message = pb.Integration(
        name=str(integration.name),
        url=integration.url,
        agent=integration.agent,
        create_time=timestamp(integration.created_at),
        update_time=timestamp(integration.updated_at),
        updated_by=integration.updated_by,
        etag=str(integration.revision),
    )
    match integration.settings:
        case PrometheusSettings() as one:
            message.prometheus.CopyFrom(pb.Prometheus(username=one.username, password=one.password, token=one.token))
        case DatadogSettings() as one:
            message.datadog.CopyFrom(pb.Datadog(api_key=one.api_key, application_key=one.application_key))
        case NewRelicSettings() as one:
            message.new_relic.CopyFrom(pb.NewRelic(user_key=one.user_key, account_id=one.account_id))
    return message


def draft_from_proto(message: pb.Integration) -> Draft:
    """What somebody wants an integration to be. Errors: InvalidArgument when it names no provider."""
    return Draft(url=message.url, settings=_settings(message), agent=message.agent, etag=message.etag)


def _settings(message: pb.Integration) -> ProviderSettings:
    match message.WhichOneof("provider"):
        case "prometheus":
            prometheus = message.prometheus
            return PrometheusSettings(
                username=prometheus.username, password=prometheus.password, token=prometheus.token
            )
        case "datadog":
            return DatadogSettings(api_key=message.datadog.api_key, application_key=message.datadog.application_key)
        case "new_relic":
            return NewRelicSettings(user_key=message.new_relic.user_key, account_id=message.new_relic.account_id)
        case _:
            raise InvalidArgument.of("integration.provider", "say which provider it is")
