-- title: Answers by day
-- question: On which days of the week do members answer?
SELECT f.date, d.day_name, count(*) AS answers
FROM gold.rsvp_fact f
JOIN gold.date_dim d ON d.date = f.date
GROUP BY f.date, d.day_name
ORDER BY f.date
