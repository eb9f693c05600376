BEGIN TRANSACTION;
CREATE TABLE agents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  last_seen_us BIGINT NOT NULL,
  disconnected_us BIGINT,
  PRIMARY KEY (tenant, name)
);
CREATE TABLE audit_entries (
  sequence BIGINT NOT NULL PRIMARY KEY,
  tenant TEXT NOT NULL,
  call_id TEXT NOT NULL,
  is_end SMALLINT NOT NULL,
  at_us BIGINT NOT NULL,
  agent TEXT NOT NULL,
  actor TEXT NOT NULL,
  record TEXT NOT NULL
);
CREATE TABLE contents (
  tenant TEXT NOT NULL,
  digest TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (tenant, digest)
);
INSERT INTO "contents" VALUES('main','594cfe39931e04a6fd75591c727d699e63a33216389b536415426ccf81031be5','version: v1
kind: kubernetes
application: shop
description: from schema 4
targets:
  prod:
    account: cluster-1
    namespace: shop
    strategy: slow
manifests:
  - path: web.yaml
strategies:
  slow:
    canary:
      steps:
        - setWeight: {weight: 25}
        - pause: {untilApproved: true}
');
INSERT INTO "contents" VALUES('main','7561805f4204ca551f611b76b70a25887898babfd15275650754108b54c098a3','{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "example.org/web:1"}]}}}}');
INSERT INTO "contents" VALUES('main','04ff58bab255006317c9542119b7b638624869757edffaba8e0786deca0af9e2','apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.org/web:1"}]}
');
CREATE TABLE credentials (
  client_id TEXT NOT NULL PRIMARY KEY,
  tenant TEXT NOT NULL,
  display_name TEXT NOT NULL,
  role TEXT NOT NULL,
  agent TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  UNIQUE (tenant, display_name)
);
INSERT INTO "credentials" VALUES('kw9js7fzy5s2','main','local-admin','admin','','ef6b8b60f830659198fe7e87c38cee9c14e31d991d21b4b599e79c06af495ba6',1795191802403422);
INSERT INTO "credentials" VALUES('cqaziqwkxetf','main','agent-cluster-1','agent','cluster-1','c3bdab96a022398b973cdcc2b19a4efacc976de71855d468f48a0ca395cb7389',1795191803055174);
CREATE TABLE deployment_events (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id, sequence),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_events" VALUES('main','cpcnyrj6awaa',1,'{"sequence":1,"at":"2026-11-20T16:23:23.776710Z","kind":"DEPLOYMENT_STARTED","message":"started by local-admin","actor":"local-admin","deployment_state":"RUNNING","target":"","step":"","target_run":null,"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','cpcnyrj6awaa',2,'{"sequence":2,"at":"2026-11-20T16:23:23.776710Z","kind":"TARGET_CHANGED","message":"started","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","part":"STRATEGY","stage":1,"weight_percent":25,"duration_s":null,"until_approved":false,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null},{"ref":"step-2","kind":"PAUSE","part":"STRATEGY","stage":2,"weight_percent":0,"duration_s":null,"until_approved":true,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null},{"ref":"step-3","kind":"SET_WEIGHT","part":"STRATEGY","stage":3,"weight_percent":100,"duration_s":null,"until_approved":false,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null}],"state":"RUNNING","phase":"PREPARING","revision":1,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"autoscalers":[],"service_pairs":[],"services":[],"cursor":0,"settled":0,"has_taken_over":false,"intent":"","intent_limit_at":null,"late_limit_at":null,"wait":null,"ready_limit_at":null,"effect_limit_at":null,"refused_since":null,"agent_lost_at":null,"warnings":[],"started_at":"2026-11-20T16:23:23.776710Z","ended_at":null},"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','cpcnyrj6awaa',3,'{"sequence":3,"at":"2026-11-20T16:23:23.784083Z","kind":"PROGRESS","message":"waits for agent cluster-1: it is not connected","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","part":"STRATEGY","stage":1,"weight_percent":25,"duration_s":null,"until_approved":false,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null},{"ref":"step-2","kind":"PAUSE","part":"STRATEGY","stage":2,"weight_percent":0,"duration_s":null,"until_approved":true,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null},{"ref":"step-3","kind":"SET_WEIGHT","part":"STRATEGY","stage":3,"weight_percent":100,"duration_s":null,"until_approved":false,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"autoscalers":[],"service_pairs":[],"services":[],"cursor":0,"settled":0,"has_taken_over":false,"intent":"","intent_limit_at":null,"late_limit_at":null,"wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:23:23.783819Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:25:23.783819Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"effect_limit_at":null,"refused_since":null,"agent_lost_at":"2026-11-20T16:23:23.783819Z","warnings":[],"started_at":"2026-11-20T16:23:23.776710Z","ended_at":null},"deployment_message":"prod waits for agent cluster-1: it is not connected"}');
CREATE TABLE deployment_inputs (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  record TEXT NOT NULL, is_addressed SMALLINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, deployment_id),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_inputs" VALUES('main','cpcnyrj6awaa','{"deploy_file":"594cfe39931e04a6fd75591c727d699e63a33216389b536415426ccf81031be5","objects":{"prod":["7561805f4204ca551f611b76b70a25887898babfd15275650754108b54c098a3"]},"file_name":"deploy.yaml","files":{"web.yaml":[{"name":"web.yaml","content":"04ff58bab255006317c9542119b7b638624869757edffaba8e0786deca0af9e2"}]},"application":"","account":"","targets":[],"context":{}}',1);
CREATE TABLE deployments (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  application TEXT NOT NULL,
  started_us BIGINT NOT NULL,
  is_final SMALLINT NOT NULL,
  request_id TEXT,
  record TEXT NOT NULL, is_queued SMALLINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, request_id)
);
INSERT INTO "deployments" VALUES('main','cpcnyrj6awaa','shop',1795191803776710,0,'dfea7772-9292-4ba4-a5a3-9058b7b09307','{"key":{"tenant":"main","id":"cpcnyrj6awaa"},"application":"shop","targets":[{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","part":"STRATEGY","stage":1,"weight_percent":25,"duration_s":null,"until_approved":false,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null},{"ref":"step-2","kind":"PAUSE","part":"STRATEGY","stage":2,"weight_percent":0,"duration_s":null,"until_approved":true,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null},{"ref":"step-3","kind":"SET_WEIGHT","part":"STRATEGY","stage":3,"weight_percent":100,"duration_s":null,"until_approved":false,"requires_roles":[],"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"wait":null,"approval":null,"skip":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"autoscalers":[],"service_pairs":[],"services":[],"cursor":0,"settled":0,"has_taken_over":false,"intent":"","intent_limit_at":null,"late_limit_at":null,"wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:23:23.783819Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:25:23.783819Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"effect_limit_at":null,"refused_since":null,"agent_lost_at":"2026-11-20T16:23:23.783819Z","warnings":[],"started_at":"2026-11-20T16:23:23.776710Z","ended_at":null}],"started_by":"local-admin","started_at":"2026-11-20T16:23:23.776710Z","readiness_timeout_s":1800.0,"keeps_deployment_object":false,"description":"from schema 4","state":"RUNNING","message":"prod waits for agent cluster-1: it is not connected","ended_at":null,"sequence":3,"revision":1,"request_id":"dfea7772-9292-4ba4-a5a3-9058b7b09307","digest":"aa26f0cac4c1c8ed427bfc458e5369ce4090c085785b0c698419456451a7c3c5","decisions":[],"context":{},"blocked_by":"","replaced_by":"","redeploy_of":""}',0);
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "schema_version" VALUES(1);
INSERT INTO "schema_version" VALUES(2);
INSERT INTO "schema_version" VALUES(3);
INSERT INTO "schema_version" VALUES(4);
CREATE INDEX credentials_by_agent ON credentials (tenant, agent);
CREATE INDEX deployments_newest ON deployments (tenant, started_us DESC, id DESC);
CREATE INDEX deployments_newest_of_application ON deployments (tenant, application, started_us DESC, id DESC);
CREATE INDEX audit_newest ON audit_entries (tenant, at_us DESC, sequence DESC) WHERE is_end = 0;
CREATE INDEX audit_newest_of_agent ON audit_entries (tenant, agent, at_us DESC, sequence DESC) WHERE is_end = 0;
CREATE INDEX audit_newest_of_actor ON audit_entries (tenant, actor, at_us DESC, sequence DESC) WHERE is_end = 0;
CREATE INDEX audit_ends ON audit_entries (call_id) WHERE is_end = 1;
CREATE INDEX audit_oldest ON audit_entries (at_us);
CREATE UNIQUE INDEX deployments_in_progress ON deployments (tenant, application) WHERE is_final = 0 AND is_queued = 0;
CREATE UNIQUE INDEX deployments_queued ON deployments (tenant, application) WHERE is_queued = 1;
COMMIT;
