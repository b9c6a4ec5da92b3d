-- title: Signup rate by event and day
-- question: At the end of each day, how many of the members who had answered an invitation had said yes?
SELECT e.event_id, e.title, d.date, count(*) AS answers,
  count(*) FILTER (WHERE r.response = 'yes') AS signups,
  round(100.0 * count(*) FILTER (WHERE r.response = 'yes') / count(*), 1) AS percent
FROM silver.rsvps r
JOIN silver.events e ON e.event_id = r.event_id
JOIN gold.date_dim d ON d.date IN (SELECT CAST(valid_from AS date) FROM silver.rsvps)
  -- The answer that counted when the day was over.
  AND r.valid_from < d.date + 1 AND (r.is_current OR r.valid_to >= d.date + 1)
GROUP BY e.event_id, e.title, d.date
ORDER BY e.event_id, d.date
