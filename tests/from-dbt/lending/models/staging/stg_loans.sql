with loans as (
    select * from {{ ref("loans") }}
)
select
    loan_id, book_id, reader_id, lent_on, returned_on, branch,
    lent_on + {{ var('days_to_keep') }} as due_on,
    {%- if is_incremental() %}
    now() as seen_at,
    {%- endif %}
    coalesce(returned_on > lent_on + {{ var('days_to_keep') }}, true) as is_late
from loans
