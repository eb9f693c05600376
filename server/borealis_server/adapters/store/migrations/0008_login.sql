-- What is kept about logins: accounts, browsers, sessions of programs, codes on their way. Records are JSON and hold hashes.

CREATE TABLE login_records (
  kind TEXT NOT NULL,
  record_key TEXT NOT NULL,
  user_id TEXT NOT NULL,
  expires_us BIGINT,
  record TEXT NOT NULL,
  PRIMARY KEY (kind, record_key)
);

CREATE INDEX login_records_of_user ON login_records (user_id, kind) WHERE user_id <> '';

CREATE INDEX login_records_over ON login_records (expires_us) WHERE expires_us IS NOT NULL;
