-- Deploy files and manifests are kept once, however many deployments and targets use them.

CREATE TABLE contents (
  tenant TEXT NOT NULL,
  digest TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (tenant, digest)
);

-- Whether the record names its texts by digest; older ones hold them.
ALTER TABLE deployment_inputs ADD COLUMN is_addressed SMALLINT NOT NULL DEFAULT 0;
