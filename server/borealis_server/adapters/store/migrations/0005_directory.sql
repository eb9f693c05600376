-- Organizations and all that belongs to them. Records are JSON; what must be unique in the installation is a column.

CREATE TABLE organizations (
  id TEXT NOT NULL PRIMARY KEY,
  record TEXT NOT NULL
);

CREATE TABLE tenants (
  id TEXT NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organizations (id),
  record TEXT NOT NULL
);

CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organizations (id),
  email TEXT NOT NULL UNIQUE,
  record TEXT NOT NULL
);

CREATE TABLE invitations (
  id TEXT NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organizations (id),
  token_hash TEXT NOT NULL UNIQUE,
  record TEXT NOT NULL
);

CREATE TABLE roles (
  id TEXT NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organizations (id),
  record TEXT NOT NULL
);

CREATE TABLE target_groups (
  id TEXT NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organizations (id),
  record TEXT NOT NULL
);

CREATE INDEX tenants_by_organization ON tenants (organization);

CREATE INDEX users_by_organization ON users (organization);

CREATE INDEX invitations_by_organization ON invitations (organization);

CREATE INDEX roles_by_organization ON roles (organization);

CREATE INDEX target_groups_by_organization ON target_groups (organization);

-- One row: grows with every change of who may do what, so that a server knows whether it still knows.
CREATE TABLE directory_version (
  id SMALLINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL
);

INSERT INTO directory_version (id, version) VALUES (1, 0);

-- A credential holds several roles: a JSON list of their ids. Those of the system have the words that there were.
ALTER TABLE credentials ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';

UPDATE credentials SET roles = '["' || role || '"]';

ALTER TABLE credentials DROP COLUMN role;
