BEGIN TRANSACTION;
CREATE TABLE agents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  last_seen_us BIGINT NOT NULL,
  disconnected_us BIGINT,
  PRIMARY KEY (tenant, name)
);
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
INSERT INTO "credentials" VALUES('ep3yiubwxswa','main','local-admin','admin','','f428b68deb8e5f305fa48419cd5bed2130ad58d57a1f53111e9df37f26adc855',1795191798334432);
INSERT INTO "credentials" VALUES('c8dwjxqibzja','main','agent-cluster-1','agent','cluster-1','a160a9e34f9c97df1b30031f1bce9fcdc9589bacf916bec45b694f4630fa831a',1795191798900386);
CREATE TABLE deployment_events (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id, sequence),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_events" VALUES('main','qwmk7bnvg3du',1,'{"sequence":1,"at":"2026-11-20T16:23:19.627960Z","kind":"DEPLOYMENT_STARTED","message":"started by local-admin","actor":"local-admin","deployment_state":"RUNNING","target":"","step":"","target_run":null,"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','qwmk7bnvg3du',2,'{"sequence":2,"at":"2026-11-20T16:23:19.627960Z","kind":"TARGET_CHANGED","message":"started","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":1,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":null,"ready_limit_at":null,"agent_lost_at":null,"warnings":[],"started_at":"2026-11-20T16:23:19.627960Z","ended_at":null},"deployment_message":""}');
INSERT INTO "deployment_events" VALUES('main','qwmk7bnvg3du',3,'{"sequence":3,"at":"2026-11-20T16:23:19.634707Z","kind":"PROGRESS","message":"waits for agent cluster-1: it is not connected","actor":"borealis","deployment_state":"RUNNING","target":"prod","step":"","target_run":{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:23:19.630962Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:53:19.630962Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"agent_lost_at":"2026-11-20T16:23:19.630962Z","warnings":[],"started_at":"2026-11-20T16:23:19.627960Z","ended_at":null},"deployment_message":"prod waits for agent cluster-1: it is not connected"}');
CREATE TABLE deployment_inputs (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
INSERT INTO "deployment_inputs" VALUES('main','qwmk7bnvg3du','{"deploy_file":"version: v1\nkind: kubernetes\napplication: shop\ndescription: from schema 1\ntargets:\n  prod:\n    account: cluster-1\n    namespace: shop\n    strategy: slow\nmanifests:\n  - path: web.yaml\nstrategies:\n  slow:\n    canary:\n      steps:\n        - setWeight: {weight: 25}\n        - pause: {untilApproved: true}\n","objects":{"prod":["{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"web\", \"namespace\": \"shop\"}, \"spec\": {\"replicas\": 4, \"selector\": {\"matchLabels\": {\"app\": \"web\"}}, \"template\": {\"metadata\": {\"labels\": {\"app\": \"web\"}}, \"spec\": {\"containers\": [{\"name\": \"web\", \"image\": \"example.org/web:1\"}]}}}}"]}}');
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
INSERT INTO "deployments" VALUES('main','qwmk7bnvg3du','shop',1795191799627960,0,'a306f9ea-d98b-4317-b969-52f29d17e8e8','{"key":{"tenant":"main","id":"qwmk7bnvg3du"},"application":"shop","targets":[{"name":"prod","account":"cluster-1","namespace":"shop","depends_on":[],"steps":[{"ref":"step-1","kind":"SET_WEIGHT","weight_percent":25,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-2","kind":"PAUSE","weight_percent":0,"duration_s":null,"until_approved":true,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null},{"ref":"step-3","kind":"SET_WEIGHT","weight_percent":100,"duration_s":null,"until_approved":false,"expires_after_s":null,"state":"NOT_STARTED","started_at":null,"ended_at":null,"limit_at":null,"approval":null}],"state":"RUNNING","phase":"PREPARING","revision":2,"message":"","end_reason":null,"rollback":"NONE","workloads":[],"saved":[],"cursor":0,"intent":"","wait":{"what":"agent cluster-1: it is not connected","since":"2026-11-20T16:23:19.630962Z","ended_by":"agent cluster-1, which reconnects by itself","limit_at":"2026-11-20T16:53:19.630962Z","at_limit":"the target fails; nothing was changed"},"ready_limit_at":null,"agent_lost_at":"2026-11-20T16:23:19.630962Z","warnings":[],"started_at":"2026-11-20T16:23:19.627960Z","ended_at":null}],"started_by":"local-admin","started_at":"2026-11-20T16:23:19.627960Z","readiness_timeout_s":1800.0,"description":"from schema 1","state":"RUNNING","message":"prod waits for agent cluster-1: it is not connected","ended_at":null,"sequence":3,"revision":1,"request_id":"a306f9ea-d98b-4317-b969-52f29d17e8e8","digest":"c6e8f41b28e8b426a924469efab82576564067259e0bdcf5d3f4fffa615dd847","decisions":[]}');
CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX credentials_by_agent ON credentials (tenant, agent);
CREATE UNIQUE INDEX deployments_in_progress ON deployments (tenant, application) WHERE is_final = 0;
CREATE INDEX deployments_newest ON deployments (tenant, started_us DESC, id DESC);
CREATE INDEX deployments_newest_of_application ON deployments (tenant, application, started_us DESC, id DESC);
COMMIT;
