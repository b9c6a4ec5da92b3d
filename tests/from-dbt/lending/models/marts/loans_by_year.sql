{% set years = [2024, 2025] %}
select
  {% for year in years %}
  sum(case when extract(year from lent_on) = {{ year }} then 1 else 0 end) as y{{ year }},
  {% endfor %}
  count(*) as loans
from {{ ref('stg_loans') }}
