select
    payload:kind::string as kind
from {{ ref('stg_visits') }}
