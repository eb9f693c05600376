-- Beside the one in progress, at most one deployment of an application waits in the queue.

ALTER TABLE deployments ADD COLUMN is_queued SMALLINT NOT NULL DEFAULT 0;

DROP INDEX deployments_in_progress;

CREATE UNIQUE INDEX deployments_in_progress ON deployments (tenant, application) WHERE is_final = 0 AND is_queued = 0;

CREATE UNIQUE INDEX deployments_queued ON deployments (tenant, application) WHERE is_queued = 1;
