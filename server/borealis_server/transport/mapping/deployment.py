"""Deployments between their records and their protobuf form. No logic."""

from borealis.deployment.v1 import deployment_pb2 as pb
from borealis.deployment.v1 import deployment_service_pb2 as service_pb
from borealis_server.domain.deployment import (
    Approval,
    Deployment,
    Event,
    RoutedService,
    StepRun,
    TargetRun,
    Wait,
    Workload,
)
from borealis_server.domain.errand import Answered
from borealis_server.domain.live_replicas import LiveReplicas
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.routes import Route
from borealis_server.domain.states import ServiceRole, StepKind
from borealis_server.domain.steps.expose_services import exposure_of
from borealis_server.domain.steps.run_webhook import webhook_of
from borealis_server.domain.webhook import Callback
from borealis_server.domain.why import Explanation
from borealis_server.transport.mapping.analysis import analysis_to_proto, judgement_to_proto
from borealis_server.transport.mapping.moments import timestamp


def to_proto(deployment: Deployment) -> pb.Deployment:
    """A deployment."""
    return pb.Deployment(
        name=str(DeploymentName(deployment.key.tenant, deployment.key.id)),
        application=deployment.application,
        description=deployment.description,
        state=f"STATE_{deployment.state}",
        message=deployment.message,
        targets=[target_to_proto(run) for run in deployment.targets],
        started_by=deployment.started_by,
        start_time=timestamp(deployment.started_at),
        end_time=timestamp(deployment.ended_at),
        sequence=deployment.sequence,
        etag=str(deployment.revision),
        context=deployment.context,
        blocked_by=_name(deployment, deployment.blocked_by),
        replaced_by=_name(deployment, deployment.replaced_by),
        redeploy_of=_name(deployment, deployment.redeploy_of),
    )


def event_to_proto(event: Event) -> pb.DeploymentEvent:
    """An event."""
    return pb.DeploymentEvent(
        sequence=event.sequence,
        time=timestamp(event.at),
        kind=f"KIND_{event.kind}",
        target=event.target,
        step=event.step,
        message=event.message,
        actor=event.actor,
        deployment_state=f"STATE_{event.deployment_state}",
        target_run=target_to_proto(event.target_run) if event.target_run else None,
        deployment_message=event.deployment_message,
        judgement=judgement_to_proto(event.judgement) if event.judgement else None,
    )


def target_to_proto(run: TargetRun) -> pb.TargetRun:
    """The run of a target."""
    reason = f"END_REASON_{run.end_reason}" if run.end_reason else "END_REASON_UNSPECIFIED"
    return pb.TargetRun(
        name=run.name,
        account=run.account,
        namespace=run.namespace,
        depends_on=run.depends_on,
        state=f"STATE_{run.state}",
        message=run.message,
        end_reason=reason,
        rollback=f"ROLLBACK_{run.rollback}",
        steps=[_step_to_proto(step) for step in run.steps],
        workloads=[_workload_to_proto(load) for load in run.workloads],
        wait=_wait_to_proto(run.wait) if run.wait else None,
        start_time=timestamp(run.started_at),
        end_time=timestamp(run.ended_at),
        warnings=run.warnings,
        services=[_service_to_proto(one) for one in run.services if one.role is not ServiceRole.SHARED],
        routes=[_route_to_proto(route) for route in run.routes],
    )


def explanation_to_proto(explanation: Explanation) -> pb.Explanation:
    """Why something is as it is."""
    return pb.Explanation(
        sentence=explanation.sentence,
        target=explanation.target,
        what=explanation.what,
        since_time=timestamp(explanation.since),
        ended_by=explanation.ended_by,
        limit_time=timestamp(explanation.limit_at),
        at_limit=explanation.at_limit,
        advice=explanation.advice,
        actions=[f"ACTION_{action}" for action in explanation.actions],
    )


def live_to_proto(live: LiveReplicas) -> service_pb.LiveReplicas:
    """What is live of a workload."""
    place = live.place
    message = service_pb.LiveReplicas(
        place=service_pb.WorkloadPlace(account=place.account, namespace=place.namespace, name=place.name),
        autoscaler=live.autoscaler,
    )
    if live.unknown:
        message.unknown = live.unknown
    elif live.replicas is None:
        message.is_absent = True
    else:
        message.replicas = live.replicas
    return message


def _name(deployment: Deployment, other: str) -> str:
    """The resource name of another deployment of the tenant, by its id; empty where there is none."""
    return str(DeploymentName(deployment.key.tenant, other)) if other else ""


def _step_to_proto(step: StepRun) -> pb.StepRun:
    run = pb.StepRun(
        ref=step.ref,
        state=f"STATE_{step.state}",
        start_time=timestamp(step.started_at),
        end_time=timestamp(step.ended_at),
        part=f"PART_{step.part}",
        stage=step.stage,
        wait=_wait_to_proto(step.wait) if step.wait else None,
    )
    match step.kind:
        case StepKind.SET_WEIGHT:
            run.set_weight.weight_percent = step.weight_percent
        case StepKind.PAUSE:
            run.pause.CopyFrom(_pause_to_proto(step))
        case StepKind.ANALYSIS if step.analysis:
            run.analysis.CopyFrom(analysis_to_proto(step.analysis))
        case StepKind.DEPLOY_NEW_VERSION:
            run.deploy_new_version.SetInParent()
        case StepKind.REDIRECT_TRAFFIC:
            run.redirect_traffic.SetInParent()
        case StepKind.SHUT_DOWN_OLD_VERSION:
            run.shut_down_old_version.SetInParent()
        case StepKind.RUN_WEBHOOK:
            run.run_webhook.CopyFrom(_webhook_to_proto(step))
        case StepKind.EXPOSE_SERVICES:
            run.expose_services.CopyFrom(_exposure_to_proto(step))
    return run


def _exposure_to_proto(step: StepRun) -> pb.ExposeServices:
    exposure = exposure_of(step)
    links = [
        pb.PreviewLink(service=link.service, url=link.url, expire_time=timestamp(link.expires_at))
        for link in exposure.links
    ]
    return pb.ExposeServices(
        services=exposure.services,
        ttl_s=exposure.ttl_s,
        requires_login=exposure.requires_login,
        links=links,
        failure=exposure.failure,
    )


def _webhook_to_proto(step: StepRun) -> pb.RunWebhook:
    webhook = webhook_of(step)
    answer, said = webhook.answer, webhook.callback
    return pb.RunWebhook(
        webhook=webhook.name,
        agent=webhook.agent,
        tries=webhook.tries,
        tried=webhook.tried,
        next_try_time=timestamp(step.errand.due_at if step.errand else None),
        answer=_answer_to_proto(answer) if answer else None,
        failure=webhook.failure,
        accept_time=timestamp(webhook.answered_at),
        has_callback=webhook.has_callback,
        callback_limit_s=webhook.callback_limit_s,
        callback=_callback_to_proto(said) if said else None,
    )


def _answer_to_proto(answer: Answered) -> pb.WebhookAnswer:
    return pb.WebhookAnswer(
        status=answer.status,
        reason=answer.reason,
        content_type=answer.content_type,
        body=answer.body,
        is_cut=answer.is_cut,
        request=answer.request,
    )


def _callback_to_proto(said: Callback) -> pb.WebhookCallback:
    return pb.WebhookCallback(
        is_success=said.is_success, message=said.message, reported_by=said.by, report_time=timestamp(said.at)
    )


def _pause_to_proto(step: StepRun) -> pb.Pause:
    if not step.until_approved:
        skip = _skip_to_proto(step.skip) if step.skip else None
        return pb.Pause(duration_s=step.duration_s or 0, resume_time=timestamp(step.limit_at), skip=skip)
    given = step.approval
    approval = pb.Approval(
        decided_by=given.by if given else "",
        decide_time=timestamp(given.at) if given else None,
        comment=given.comment if given else "",
        expire_time=timestamp(step.limit_at),
        requires_roles=step.requires_roles,
    )
    return pb.Pause(approval=approval)


def _skip_to_proto(skip: Approval) -> pb.Skip:
    return pb.Skip(decided_by=skip.by, decide_time=timestamp(skip.at), comment=skip.comment)


def _wait_to_proto(wait: Wait) -> pb.Wait:
    return pb.Wait(
        what=wait.what,
        since_time=timestamp(wait.since),
        ended_by=wait.ended_by,
        limit_time=timestamp(wait.limit_at),
        at_limit=wait.at_limit,
    )


def _service_to_proto(service: RoutedService) -> pb.RoutedService:
    return pb.RoutedService(
        name=service.name, namespace=service.namespace, role=f"ROLE_{service.role}", workload=service.workload
    )


def _route_to_proto(route: Route) -> pb.TrafficRoute:
    return pb.TrafficRoute(
        provider=f"PROVIDER_{route.spec.provider}",
        kind=route.spec.kind,
        name=route.spec.name,
        rule=route.spec.rule,
        namespace=route.namespace,
        workload=route.workload,
        asked_weight_percent=route.asked_percent,
        actual_weight_percent=route.real_percent,
    )


def _share(load: Workload) -> int:
    if load.traffic_percent is not None:
        return load.traffic_percent
    available = load.new_available + load.old_available
    return round(100 * load.new_available / available) if available else 0


def _workload_to_proto(load: Workload) -> pb.Workload:
    return pb.Workload(
        name=load.name,
        namespace=load.namespace,
        replicas=load.replicas,
        new_replica_set=load.new_name,
        old_replica_set=load.old_name,
        new_pods=load.new_pods,
        old_pods=load.old_pods,
        new_available=load.new_available,
        old_available=load.old_available,
        asked_weight_percent=load.asked_weight_percent,
        actual_weight_percent=_share(load),
    )
