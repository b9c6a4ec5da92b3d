-- title: Answers by country
-- question: Where do members come from who answer, and how many of them are not known yet?
SELECT coalesce(d.country_code, 'not known yet') AS country, count(*) AS answers
FROM gold.rsvp_fact f
JOIN gold.member_dim d ON d.id = f.member
GROUP BY 1
ORDER BY answers DESC, country
