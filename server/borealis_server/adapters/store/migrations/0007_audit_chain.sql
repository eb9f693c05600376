-- Entries are chained, each tenant's by themselves. Those from before have neither number nor hash.

ALTER TABLE audit_entries ADD COLUMN kind TEXT NOT NULL DEFAULT 'call';

ALTER TABLE audit_entries ADD COLUMN number BIGINT NOT NULL DEFAULT 0;

ALTER TABLE audit_entries ADD COLUMN previous_hash TEXT NOT NULL DEFAULT '';

ALTER TABLE audit_entries ADD COLUMN hash TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX audit_links ON audit_entries (tenant, number) WHERE number > 0;

CREATE INDEX audit_newest_action ON audit_entries (tenant, at_us DESC, sequence DESC) WHERE is_end = 0 AND kind = 'action';

-- Where each chain begins and ends; `before_hash` is that of the entry before the first one that is kept.
CREATE TABLE audit_heads (
  tenant TEXT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL,
  hash TEXT NOT NULL,
  first_number BIGINT NOT NULL,
  before_hash TEXT NOT NULL
);
