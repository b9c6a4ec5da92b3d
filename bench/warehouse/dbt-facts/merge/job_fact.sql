{{ config(
  incremental_strategy = 'merge', unique_key = ['date', 'team_id', 'machine_id', 'outcome'],
  indexes = [{'columns': ['date']}]
) }}
SELECT ran_at::date AS date, coalesce(team_dim.id, 0) AS team_id, coalesce(machine_dim.id, 0) AS machine_id, outcome,
  count(*) AS jobs, sum(credits) AS credits, max(seconds) AS longest
FROM {{ source('raw', 'raw_jobs') }}
LEFT JOIN {{ ref('team_dim') }} AS team_dim USING (team)
LEFT JOIN {{ ref('machine_dim') }} AS machine_dim USING (class, os)
{% if is_incremental() %}
WHERE ran_at >= (SELECT max(date) + 1 FROM {{ this }})
{% endif %}
GROUP BY 1, 2, 3, 4
