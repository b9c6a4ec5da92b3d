-- title: Answers by plan
-- question: Which plan did members have when they answered, and how many of them said yes?
SELECT coalesce(d.plan, 'not known yet') AS plan, count(*) AS answers,
  count(*) FILTER (WHERE f.response = 'yes') AS signups
FROM gold.rsvp_fact f
JOIN gold.member_dim d ON d.id = f.member
GROUP BY 1
ORDER BY answers DESC, plan
