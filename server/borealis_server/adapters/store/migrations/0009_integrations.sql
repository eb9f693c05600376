-- Metric providers of tenants. Records are JSON and name secrets; they hold none.

CREATE TABLE integrations (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
