BEGIN TRANSACTION;
CREATE TABLE agents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  last_seen_us BIGINT NOT NULL,
  disconnected_us BIGINT,
  PRIMARY KEY (tenant, name)
);
CREATE TABLE contents (
  tenant TEXT NOT NULL,
  digest TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (tenant, digest)
);
INSERT INTO "contents" VALUES('main','b006451051a31c92e602c5981a68c40bba23f8c2a7d48840a1739f42b1c28d14','version: v1
kind: kubernetes
application: shop
description: from schema 2
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
INSERT INTO "credentials" VALUES('jyz45893txec','main','local-admin','admin','','ff748b73fcb3a4e4071e0e396b9fdf80b8a4b3f2f947ef04eaffa3a0a792b04a',1795191765364818);
INSERT INTO "credentials" VALUES('qnm7say594ec','main','agent-cluster-1','agent','cluster-1','986f5326ec633e8455d082ecb75dc0fa114a334fb66e68cf749e3afb7fcfd2b2',1795191766564218);
CREATE TABLE deployment_events (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id, sequence),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_events" VALUES('main','ahwmwegm9wi8',1,'{"sequence":1,"at":"2026-11-20T16:22:47.651228Z","kind":"DEPLOYMENT_STARTED","message":"started by local-admin","actor":"local-admin","deployment_state":"RUNNING","target":"","step":"","target_run":null,"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','ahwmwegm9wi8',2,'{"sequence":2,"at":"2026-11-20T16:22:47.651228Z","kind":"TARGET_CHANGED","message":"started","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":1,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":null,"ready_limit_at":null,"agent_lost_at":null,"warnings":[],"started_at":"2026-11-20T16:22:47.651228Z","ended_at":null},"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','ahwmwegm9wi8',3,'{"sequence":3,"at":"2026-11-20T16:22:47.653864Z","kind":"PROGRESS","message":"waits for agent cluster-1: it is not connected","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:22:47.653644Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:52:47.653644Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"agent_lost_at":"2026-11-20T16:22:47.653644Z","warnings":[],"started_at":"2026-11-20T16:22:47.651228Z","ended_at":null},"deployment_message":"prod waits for agent cluster-1: it is not connected"}');
CREATE TABLE deployment_inputs (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  record TEXT NOT NULL, is_addressed SMALLINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, deployment_id),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_inputs" VALUES('main','ahwmwegm9wi8','{"deploy_file":"b006451051a31c92e602c5981a68c40bba23f8c2a7d48840a1739f42b1c28d14","objects":{"prod":["7561805f4204ca551f611b76b70a25887898babfd15275650754108b54c098a3"]}}',1);
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
INSERT INTO "deployments" VALUES('main','ahwmwegm9wi8','shop',1795191767651228,0,'cdc566ad-c54f-45e7-ab40-22720b41e3ab','{"key":{"tenant":"main","id":"ahwmwegm9wi8"},"application":"shop","targets":[{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:22:47.653644Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:52:47.653644Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"agent_lost_at":"2026-11-20T16:22:47.653644Z","warnings":[],"started_at":"2026-11-20T16:22:47.651228Z","ended_at":null}],"started_by":"local-admin","started_at":"2026-11-20T16:22:47.651228Z","readiness_timeout_s":1800.0,"description":"from schema 2","state":"RUNNING","message":"prod waits for agent cluster-1: it is not connected","ended_at":null,"sequence":3,"revision":1,"request_id":"cdc566ad-c54f-45e7-ab40-22720b41e3ab","digest":"e1f595468642993bf2d0cf7d85411730f2fd338fc68bba11a37d22989d611942","decisions":[]}');
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "schema_version" VALUES(1);
INSERT INTO "schema_version" VALUES(2);
CREATE INDEX credentials_by_agent ON credentials (tenant, agent);
CREATE UNIQUE INDEX deployments_in_progress ON deployments (tenant, application) WHERE is_final = 0;
CREATE INDEX deployments_newest ON deployments (tenant, started_us DESC, id DESC);
CREATE INDEX deployments_newest_of_application ON deployments (tenant, application, started_us DESC, id DESC);
COMMIT;
