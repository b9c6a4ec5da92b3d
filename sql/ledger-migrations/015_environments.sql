-- Environments: their tables take the place of production's.

ALTER TABLE edp.tasks
  ADD promoted_run bigint;                   -- the run that put the table there: what it entered in edp.changes is known
