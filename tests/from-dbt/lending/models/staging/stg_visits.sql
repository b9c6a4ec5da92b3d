select visit_id, branch, cast(at as date) as day
from {{ source('desk', 'visits') }}
