SELECT g.group_id, g.name
FROM silver.groups g
WHERE g.admin_id IS NULL OR NOT EXISTS (SELECT FROM silver.members m WHERE m.member_id = g.admin_id)
