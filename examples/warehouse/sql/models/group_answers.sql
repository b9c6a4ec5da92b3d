SELECT e.group_id, count(*) AS answers, max(f.date) AS last_answer
FROM gold.rsvp_fact f
JOIN silver.events e ON e.event_id = f.event_id
GROUP BY e.group_id
