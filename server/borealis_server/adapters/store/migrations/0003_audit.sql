-- Append-only. A call has one entry when it opens and, unless it ended before that was written, another one for its end.
-- `sequence` is the order of writing, without gaps.

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

CREATE INDEX audit_newest ON audit_entries (tenant, at_us DESC, sequence DESC) WHERE is_end = 0;

CREATE INDEX audit_newest_of_agent ON audit_entries (tenant, agent, at_us DESC, sequence DESC) WHERE is_end = 0;

CREATE INDEX audit_newest_of_actor ON audit_entries (tenant, actor, at_us DESC, sequence DESC) WHERE is_end = 0;

CREATE INDEX audit_ends ON audit_entries (call_id) WHERE is_end = 1;

CREATE INDEX audit_oldest ON audit_entries (at_us);
