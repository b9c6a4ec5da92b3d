select
    loan_id,
    {{ cents_to_euro('cents') }} as euro
from {{ ref('late_fees') }}
