{{ config(severity='warn') }}
select t.reader_id
from {{ ref('reader_totals') }} as t
join {{ ref('stg_loans') }} as l on l.reader_id = t.reader_id
where t.cents > 300
