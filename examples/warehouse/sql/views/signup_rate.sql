-- title: Signup rate by event
-- question: How many of the members who answered an invitation said yes?
SELECT e.event_id, e.title, count(*) AS answers,
  count(*) FILTER (WHERE f.response = 'yes') AS signups,
  round(100.0 * count(*) FILTER (WHERE f.response = 'yes') / count(*), 1) AS percent
FROM gold.rsvp_fact f
JOIN silver.events e ON e.event_id = f.event_id
GROUP BY e.event_id, e.title
ORDER BY percent DESC, e.event_id
