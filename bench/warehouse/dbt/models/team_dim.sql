{{ config(
  incremental_strategy = 'merge', unique_key = 'team',
  indexes = [{'columns': ['id'], 'unique': true}, {'columns': ['team'], 'unique': true}]
) }}
SELECT hashtextextended(team, 0) AS id, team, country, plan, load_id FROM {{ source('raw', 'raw_teams') }}
{% if is_incremental() %}
WHERE load_id > (SELECT max(load_id) FROM {{ this }})
{% endif %}
