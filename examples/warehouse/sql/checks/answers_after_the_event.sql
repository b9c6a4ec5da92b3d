SELECT r.event_id, r.member_id, r.answered_at, e.starts_at
FROM silver.rsvps r
JOIN silver.events e ON e.event_id = r.event_id
WHERE r.answered_at > e.starts_at
