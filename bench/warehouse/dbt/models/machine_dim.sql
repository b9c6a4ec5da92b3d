{{ config(
  incremental_strategy = 'merge', unique_key = ['class', 'os'],
  indexes = [{'columns': ['id'], 'unique': true}, {'columns': ['class', 'os'], 'unique': true}]
) }}
SELECT hashtextextended(class || ' ' || os, 0) AS id, class, os, max(load_id) AS load_id
FROM {{ source('raw', 'raw_jobs') }}
{% if is_incremental() %}
WHERE load_id > (SELECT max(load_id) FROM {{ this }})
{% endif %}
GROUP BY class, os
