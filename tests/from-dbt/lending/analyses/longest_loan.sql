select max(due_on) from {{ ref('stg_loans') }}
