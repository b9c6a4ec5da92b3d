{% set years = dbt_utils.get_column_values(ref('stg_loans'), 'year') %}
select
  {% for year in years %}
  sum(case when extract(year from lent_on) = {{ year }} then 1 else 0 end) as y{{ year }},
  {% endfor %}
  count(*) as loans
from {{ ref('stg_loans') }}
