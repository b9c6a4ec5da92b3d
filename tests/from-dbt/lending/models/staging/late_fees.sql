{{ config(materialized='ephemeral') }}

select
    loan_id,
    reader_id,
    (coalesce(returned_on, date '2024-06-01') - due_on) * {{ var('fee_cents', 10) }} as cents
from {{ ref('stg_loans') }}
where is_late
  and coalesce(returned_on, date '2024-06-01') > due_on
