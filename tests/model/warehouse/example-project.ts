/** The example of the design: members, groups and RSVPs, jobs of a build service. */
import type { Files } from '../../support/warehouse-project.js';

export const SECTIONS: Readonly<Record<string, string>> = {
  layers: `
layers: { bronze: public, silver: silver, gold: gold }
`,
  tables: `
tables:
  raw_members:
    columns: { id: bigint, joined: timestamp, born: date, country: text, plan: text, is_test: boolean }
    key: id
  raw_groups:
    columns: { id: bigint, name: text, admin: bigint, updated: timestamptz }
  event_rsvps:
    columns: { event_id: bigint, member_id: bigint, response: text, updated: timestamptz }
    key: [event_id, member_id]
  raw_jobs:
    columns: { user: uuid, ran: timestamptz, class: text, os: text, executor: text, outcome: text, jobs: int, credits: numeric, seconds: double }
`,
  silver: `
silver:
  members:
    from: raw_members
    key: member_id
    columns:
      member_id: id
      joined_at: { from: joined, timezone: Europe/Amsterdam, truncate: minute }
      birth_year: { from: born, truncate: year }
      country_code: { sql: "upper(country)", type: text }
      plan: { from: plan, values: { pro: [Pro, PRO] }, on-error: null }
    where: "not is_test"
  groups:
    from: raw_groups
    key: group_id
    latest-by: updated
    columns: { group_id: id, name: name, admin_id: admin }
  rsvps:
    from: event_rsvps
    key: [event_id, member_id]
    columns: { event_id: event_id, member_id: member_id, response: response, answered_at: { from: updated, truncate: minute } }
  jobs:
    from: raw_jobs
    key: [user_analytics_id, ran_at]
    columns: { user_analytics_id: user, ran_at: ran, resource_class: class, operating_system: os, executor: executor, outcome: outcome, jobs: jobs, credits: credits, seconds: seconds }
`,
  dimensions: `
dimensions:
  member_dim:
    from: silver.members
    natural-key: member_id
    attributes: [country_code, plan]
    id: bigint
  user_dim: { from: crm.users, natural-key: analytics_id, id: uuid }
  resource_dim: { from: silver.jobs, natural-key: [resource_class, operating_system, executor], attributes: [] }
  date_dim: { calendar: { from: 2015-01-01, to: 2040-12-31 } }
`,
  facts: `
facts:
  job_ran_fact:
    from: silver.jobs
    date: ran_at
    slice: day
    dimensions:
      user_id: { dimension: user_dim, by: { analytics_id: user_analytics_id } }
      resource_id: { dimension: resource_dim, by: [resource_class, operating_system, executor] }
    columns: [outcome]
    measures: { jobs_ran: sum(jobs), credits_used: sum(credits), longest: max(seconds) }
  signup_fact: { from: silver.rsvps, key: [event_id, member_id], date: answered_at, columns: [response] }
`,
  models: `
models:
  team_activity: { key: [team_id, date], date: date }
`,
  views: `
views:
  signup_rate: { materialized: true, unique: [event_id], indexes: [[event_id]] }
`,
  checks: `
checks:
  silver.rsvps:
    - unique: [event_id, member_id]
    - not_null: [member_id, answered_at]
    - accepted_values: { column: response, values: [yes, no, waitlist] }
    - relationships: { column: member_id, to: silver.members.member_id }
    - fresh: { column: answered_at, within: 2 days }
    - row_count: { min: 1, change: 50% }
    - sql: groups_without_admins
      severity: warn
  raw_members:
    - range: { column: id, min: 0, max: 130 }
    - matches: { column: country, pattern: "^[^@]+@[^@]+$" }
`,
};

export const SQL_FILES: Files = {
  'sql/models/team_activity.sql': `
WITH jobs AS (SELECT * FROM gold.job_ran_fact)
SELECT 1 AS team_id, date, sum(jobs_ran) AS jobs_ran FROM jobs GROUP BY date
`,
  'sql/views/signup_rate.sql': `-- title: Signups by event
-- question: What part of those who were asked
--   came?
SELECT event_id, count(*) FROM gold.signup_fact JOIN silver.members USING (member_id) GROUP BY 1
`,
  'sql/checks/groups_without_admins.sql': `
SELECT * FROM silver.groups WHERE admin_id IS NULL
`,
};

export const EXAMPLE: Files = { ...SQL_FILES, 'edp.yaml': Object.values(SECTIONS).join('') };
