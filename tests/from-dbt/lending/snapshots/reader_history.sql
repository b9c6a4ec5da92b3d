{% snapshot reader_history %}
{{ config(target_schema='history', strategy='timestamp', unique_key='reader_id', updated_at='joined') }}
select * from {{ ref('readers') }}
{% endsnapshot %}
