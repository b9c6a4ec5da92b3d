select loans as decade_loans from {{ ref('loans_by_year') }}
