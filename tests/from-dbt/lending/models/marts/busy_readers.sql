select reader_id, loans from {{ ref('reader_totals') }} where loans >= 2
