-- One day, by someone who knows which day it is.
SET work_mem = '64MB';
SET jit = off;

INSERT INTO gold.team_dim (team, country, plan)
SELECT team, country, plan FROM raw_teams WHERE team IS NOT NULL
ON CONFLICT (team) DO UPDATE SET country = excluded.country, plan = excluded.plan
WHERE (team_dim.country, team_dim.plan) IS DISTINCT FROM (excluded.country, excluded.plan);

INSERT INTO gold.machine_dim (class, os)
SELECT DISTINCT class, os FROM raw_jobs
WHERE class IS NOT NULL AND os IS NOT NULL AND ran_at >= :'day'::date AND ran_at < :'day'::date + 1
ON CONFLICT (class, os) DO NOTHING;

BEGIN;
DELETE FROM gold.job_fact WHERE date = :'day';
INSERT INTO gold.job_fact
SELECT ran_at::date, coalesce(team_dim.id, 0), coalesce(machine_dim.id, 0), outcome,
  count(*), sum(credits), max(seconds)
FROM raw_jobs
LEFT JOIN gold.team_dim USING (team)
LEFT JOIN gold.machine_dim USING (class, os)
WHERE ran_at >= :'day'::date AND ran_at < :'day'::date + 1
GROUP BY 1, 2, 3, 4;
COMMIT;
