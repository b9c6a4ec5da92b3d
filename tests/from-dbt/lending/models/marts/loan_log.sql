{{
  config(
    materialized = 'incremental',
    unique_key = 'loan_id',
    tags = ["daily"],
    post_hook = "grant select on {{ this }} to reporting",
  )
}}

select loan_id, book_id, lent_on
from {{ ref('stg_loans') }}
{% if is_incremental() %}
where lent_on > (select max(lent_on) from {{ this }})
{% endif %}
