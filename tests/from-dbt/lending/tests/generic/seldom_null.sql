{% test seldom_null(model, column_name, share) %}
select 1 from {{ model }} having avg(({{ column_name }} is null)::int) > {{ share }}
{% endtest %}
