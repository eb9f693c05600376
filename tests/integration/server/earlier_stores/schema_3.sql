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
INSERT INTO "contents" VALUES('main','3f973312827401a2c250bfbdadac186c8c18df0e35a69ba8d7a97714cf0c5674','version: v1
kind: kubernetes
application: shop
description: from schema 3
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
INSERT INTO "credentials" VALUES('m2pecmys7veb','main','local-admin','admin','','2439e174b6c04df9127322e0158b0600f89380ff1f3cb26c54ed337cbc102c09',1795191771812274);
INSERT INTO "credentials" VALUES('ibw7f6yb26aa','main','agent-cluster-1','agent','cluster-1','606d09f88e1a2f135038e9287428bca04fc3a2da91a76627d2c49fa71775fded',1795191772879874);
CREATE TABLE deployment_events (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id, sequence),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_events" VALUES('main','feauc56qw76z',1,'{"sequence":1,"at":"2026-11-20T16:22:54.399949Z","kind":"DEPLOYMENT_STARTED","message":"started by local-admin","actor":"local-admin","deployment_state":"RUNNING","target":"","step":"","target_run":null,"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','feauc56qw76z',2,'{"sequence":2,"at":"2026-11-20T16:22:54.399949Z","kind":"TARGET_CHANGED","message":"started","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":1,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":null,"ready_limit_at":null,"agent_lost_at":null,"warnings":[],"started_at":"2026-11-20T16:22:54.399949Z","ended_at":null},"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','feauc56qw76z',3,'{"sequence":3,"at":"2026-11-20T16:22:54.407375Z","kind":"PROGRESS","message":"waits for agent cluster-1: it is not connected","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:22:54.407121Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:52:54.407121Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"agent_lost_at":"2026-11-20T16:22:54.407121Z","warnings":[],"started_at":"2026-11-20T16:22:54.399949Z","ended_at":null},"deployment_message":"prod waits for agent cluster-1: it is not connected"}');
CREATE TABLE deployment_inputs (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  record TEXT NOT NULL, is_addressed SMALLINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, deployment_id),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_inputs" VALUES('main','feauc56qw76z','{"deploy_file":"3f973312827401a2c250bfbdadac186c8c18df0e35a69ba8d7a97714cf0c5674","objects":{"prod":["7561805f4204ca551f611b76b70a25887898babfd15275650754108b54c098a3"]}}',1);
CREATE TABLE deployments (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  application TEXT NOT NULL,
  started_us BIGINT NOT NULL,
  is_final SMALLINT NOT NULL,
  request_id TEXT,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, request_id)
);
INSERT INTO "deployments" VALUES('main','feauc56qw76z','shop',1795191774399949,0,'70101ced-dd98-41fa-8ca1-eca3fffa88f7','{"key":{"tenant":"main","id":"feauc56qw76z"},"application":"shop","targets":[{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:22:54.407121Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:52:54.407121Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"agent_lost_at":"2026-11-20T16:22:54.407121Z","warnings":[],"started_at":"2026-11-20T16:22:54.399949Z","ended_at":null}],"started_by":"local-admin","started_at":"2026-11-20T16:22:54.399949Z","readiness_timeout_s":1800.0,"description":"from schema 3","state":"RUNNING","message":"prod waits for agent cluster-1: it is not connected","ended_at":null,"sequence":3,"revision":1,"request_id":"70101ced-dd98-41fa-8ca1-eca3fffa88f7","digest":"f9af140c7da3973a364d090280c3fdc07097337741149f1b74675492363bdc20","decisions":[]}');
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "schema_version" VALUES(1);
INSERT INTO "schema_version" VALUES(2);
INSERT INTO "schema_version" VALUES(3);
CREATE INDEX credentials_by_agent ON credentials (tenant, agent);
CREATE UNIQUE INDEX deployments_in_progress ON deployments (tenant, application) WHERE is_final = 0;
CREATE INDEX deployments_newest ON deployments (tenant, started_us DESC, id DESC);
CREATE INDEX deployments_newest_of_application ON deployments (tenant, application, started_us DESC, id DESC);
CREATE INDEX audit_newest ON audit_entries (tenant, at_us DESC, sequence DESC) WHERE is_end = 0;
CREATE INDEX audit_newest_of_agent ON audit_entries (tenant, agent, at_us DESC, sequence DESC) WHERE is_end = 0;
CREATE INDEX audit_newest_of_actor ON audit_entries (tenant, actor, at_us DESC, sequence DESC) WHERE is_end = 0;
CREATE INDEX audit_ends ON audit_entries (call_id) WHERE is_end = 1;
CREATE INDEX audit_oldest ON audit_entries (at_us);
COMMIT;
