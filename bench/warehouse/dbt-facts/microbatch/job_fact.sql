{{ config(
  incremental_strategy = 'microbatch', event_time = 'date', batch_size = 'day', begin = '2024-01-01',
  unique_key = ['date', 'team_id', 'machine_id', 'outcome'],
  indexes = [{'columns': ['date']}]
) }}
SELECT ran_at::date AS date, coalesce(team_dim.id, 0) AS team_id, coalesce(machine_dim.id, 0) AS machine_id, outcome,
  count(*) AS jobs, sum(credits) AS credits, max(seconds) AS longest
FROM {{ source('raw', 'raw_jobs') }}
LEFT JOIN {{ ref('team_dim') }} AS team_dim USING (team)
LEFT JOIN {{ ref('machine_dim') }} AS machine_dim USING (class, os)
GROUP BY 1, 2, 3, 4
