{{ config(alias='visits_by_day', indexes=[{'columns': ['day']}]) }}
select branch, day, count(*) as visits
from {{ ref('stg_visits') }}
group by 1, 2
