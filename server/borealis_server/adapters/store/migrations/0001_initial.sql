-- Times are microseconds since 1970 in UTC. Records are JSON. Booleans are 0 or 1.

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

CREATE INDEX credentials_by_agent ON credentials (tenant, agent);

CREATE TABLE agents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  last_seen_us BIGINT NOT NULL,
  disconnected_us BIGINT,
  PRIMARY KEY (tenant, name)
);

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

-- At most one deployment of an application is in progress.
CREATE UNIQUE INDEX deployments_in_progress ON deployments (tenant, application) WHERE is_final = 0;

CREATE INDEX deployments_newest ON deployments (tenant, started_us DESC, id DESC);

CREATE INDEX deployments_newest_of_application ON deployments (tenant, application, started_us DESC, id DESC);

CREATE TABLE deployment_inputs (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);

CREATE TABLE deployment_events (
  tenant TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, deployment_id, sequence),
  FOREIGN KEY (tenant, deployment_id) REFERENCES deployments (tenant, id)
);
