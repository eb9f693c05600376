-- Secrets of tenants, encrypted. Bytes are in base64.

CREATE TABLE secrets (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  key_id TEXT NOT NULL,
  wrapped_key TEXT NOT NULL,
  ciphertext TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE INDEX secrets_by_key ON secrets (key_id);
