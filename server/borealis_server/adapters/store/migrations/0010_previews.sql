-- Temporary addresses of Services, and what tenants allow of them. Bytes are in base64.

CREATE TABLE previews (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  token TEXT NOT NULL UNIQUE,
  deployment TEXT NOT NULL,
  target TEXT NOT NULL,
  step TEXT NOT NULL,
  agent TEXT NOT NULL,
  namespace TEXT NOT NULL,
  service TEXT NOT NULL,
  port INTEGER NOT NULL,
  requires_login INTEGER NOT NULL,
  signing_key TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  expires_us BIGINT NOT NULL,
  revoked_us BIGINT,
  revoked_why TEXT NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, deployment, target, step, service)
);

CREATE INDEX previews_by_age ON previews (tenant, created_us, id);
CREATE INDEX previews_by_end ON previews (expires_us);

CREATE TABLE preview_rules (
  tenant TEXT PRIMARY KEY,
  rule TEXT NOT NULL
);
