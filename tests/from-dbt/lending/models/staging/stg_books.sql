-- Books with their size.
{# This comment is Jinja,
   and has two lines. #}
with books as (

    select * from {{ ref('books') }}

)

select
    book_id,
    title,
    pages,
    case when pages > 200 then 'long' else 'short' end as size -- not {{ unknown_macro() }}
from books
