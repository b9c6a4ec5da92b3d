{{ config(materialized='view') }}
select * from {{ ref('busy_readers') }}
union all
select * from {{ ref('busy_readers') }}
