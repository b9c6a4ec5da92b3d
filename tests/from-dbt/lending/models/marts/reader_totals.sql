select
    readers.reader_id,
    readers.name,
    count(distinct loans.loan_id) as loans,
    coalesce(sum(fees.cents), 0) as cents
from {{ ref('lending', 'readers') }} as readers
left join {{ ref('stg_loans') }} as loans on loans.reader_id = readers.reader_id
left join {{ ref('late_fees') }} as fees on fees.loan_id = loans.loan_id
group by readers.reader_id, readers.name
