/** The source of a trial, its edp.yaml, and what is to be in the warehouse: SQL that is written by hand, and shares nothing with edp. */

/** What changes while writers go on. */
export interface Shape {
  /** Of legacy_accounts; a rename changes it. */
  nameColumn: string;
  /** Whether legacy_accounts has a column `note`, and whether edp.yaml has it. */
  hasNote: boolean;
  isNoteCaptured: boolean;
  /** Partitions that statements may name. */
  readonly partitions: Set<string>;
  /** Tables of the model whose source was changed. */
  readonly changed: Set<string>;
}

export function newShape(): Shape {
  return {
    nameColumn: 'first_name',
    hasNote: false,
    isNoteCaptured: false,
    partitions: new Set(['orders_1', 'orders_2a', 'orders_2b', 'orders_rest']),
    changed: new Set(),
  };
}

/** @param nameColumn as edp.yaml has it, which may be behind the table */
export function projectText({ isNoteCaptured }: Shape, nameColumn: string): string {
  return `
tables:
  accounts:
    version: ${isNoteCaptured ? 4 : 3}
    key: id
    history: true
    timestamps: [made_at, changed_at]
    columns:
      id: uuid
      name: text
      balance: numeric
      region: text
      doc: json
      at: timestamptz
      score: double
      total: numeric
      big: bigint
      due: date
${isNoteCaptured ? '      note: text\n' : ''}  labels: { key: id, columns: { id: bigint, label: text } }
  regions: { key: code, columns: { code: text, name: text } }
  orders: { key: [id, day], columns: { id: int, day: date, state: text } }
  nodes: { key: id, columns: { id: int, parent: int, changes: int } }
  tags: { key: code, columns: { code: text, name: text } }
  tagged: { key: id, soft-delete: false, columns: { id: int, tag: text } }
  journal: { key: id, history: true, columns: { id: bigint, token: text, n: int } }
  seats: { key: id, columns: { id: int, who: text } }
  tallies: { key: id, columns: { id: int, total: numeric } }
capture:
  source: { name: trial, database-url: "\${SOURCE_URL}" }
  tables:
    accounts:
      from: legacy_accounts
      columns:
        id: ref
        name: { sql: "upper(${nameColumn})" }
        region: { from: region_id, reference: regions }
        total: { calculation: "(SELECT coalesce(sum(l.amount), 0) FROM public.lines AS l WHERE l.account_id = legacy_accounts.id)", also-on: { lines: account_id } }
      where: "not is_demo"
    labels: { from: legacy_accounts, columns: { label: ${nameColumn} } }
    regions: {}
    orders: {}
    nodes: {}
    tags: {}
    tagged: {}
    journal: {}
    seats: {}
    tallies: { columns: { total: { calculation: "public.tally_of(tallies.id)", also-on: { marks: tally_id } } } }
`;
}

/** How many keys table `tallies` has, which contenders.ts writes alone. */
export const TALLIES = 30;

export const SCHEMA = `
CREATE TABLE regions (id serial PRIMARY KEY, code text NOT NULL UNIQUE, name text);
CREATE TABLE legacy_accounts (id bigserial PRIMARY KEY, ref uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), first_name text,
  balance numeric, region_id int REFERENCES regions ON DELETE SET NULL, doc json, at timestamptz, score double precision, big bigint, due date,
  is_demo boolean NOT NULL DEFAULT false);
CREATE TABLE lines (id bigserial PRIMARY KEY, account_id bigint REFERENCES legacy_accounts ON DELETE CASCADE ON UPDATE CASCADE, amount numeric);
CREATE INDEX ON lines (account_id);
CREATE TABLE orders (id int, day date, state text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY RANGE (day);
CREATE TABLE orders_2a PARTITION OF orders_2 FOR VALUES FROM ('2026-02-01') TO ('2026-02-15');
CREATE TABLE orders_2b PARTITION OF orders_2 DEFAULT;
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes ON DELETE CASCADE, changes int NOT NULL DEFAULT 0);
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() = 1 THEN UPDATE nodes SET changes = changes + 1 WHERE id = NEW.id; END IF;
  RETURN NULL;
END$$;
CREATE TRIGGER count_change AFTER INSERT OR UPDATE ON nodes FOR EACH ROW EXECUTE FUNCTION count_change();
CREATE TABLE tags (code text PRIMARY KEY, name text);
CREATE TABLE tagged (id int PRIMARY KEY, tag text REFERENCES tags ON UPDATE CASCADE ON DELETE SET NULL);
CREATE TABLE journal (id bigint PRIMARY KEY, token text NOT NULL, n int NOT NULL DEFAULT 0);
CREATE TABLE seats (id int PRIMARY KEY, who text);
CREATE TABLE tallies (id int PRIMARY KEY);
CREATE TABLE marks (id bigserial PRIMARY KEY, tally_id int REFERENCES tallies, amount numeric);
-- It takes its time at the end of a transaction, so that others come to theirs meanwhile.
CREATE FUNCTION tally_of(tally int) RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
  total numeric := (SELECT coalesce(sum(amount), 0) FROM public.marks WHERE tally_id = tally);
BEGIN
  IF pg_trigger_depth() > 0 THEN PERFORM pg_sleep(0.02); END IF;
  RETURN total;
END$$;
INSERT INTO regions (code, name) SELECT 'r' || i, 'region ' || i FROM generate_series(1, 5) AS i;
INSERT INTO legacy_accounts (first_name, balance, region_id, due) SELECT 'first ' || i, i, 1 + i % 5, date '2026-06-01' + i FROM generate_series(1, 40) AS i;
INSERT INTO lines (account_id, amount) SELECT 1 + i % 40, i FROM generate_series(1, 60) AS i;
INSERT INTO orders SELECT i, date '2026-01-20' + i, 'new' FROM generate_series(1, 30) AS i;
INSERT INTO nodes (id, parent) SELECT i, nullif(i / 2, 0) FROM generate_series(1, 30) AS i;
INSERT INTO tags SELECT 't' || i, 'tag ' || i FROM generate_series(1, 12) AS i;
INSERT INTO tagged SELECT i, 't' || (1 + i % 12) FROM generate_series(1, 40) AS i;
INSERT INTO journal SELECT i, 'first-' || i FROM generate_series(1, 60) AS i;
INSERT INTO seats SELECT i, 'who ' || i FROM generate_series(1, 60) AS i;
INSERT INTO tallies SELECT i FROM generate_series(1, ${TALLIES}) AS i;
`;

export interface Oracle {
  /** Rows that must be there: the key and the attributes, as events write them. */
  readonly events: string;
  /** The same as the warehouse has them, of the source. */
  readonly source: string;
  /** What is there: of the realized table, or of its history. */
  readonly realized: (relation: string) => string;
  readonly hasHistory?: true;
  /** Whether deleted rows go. */
  readonly losesDeleted?: true;
}

const TOTAL = '(SELECT coalesce(sum(l.amount), 0) FROM lines AS l WHERE l.account_id = a.id)';
const MARKS = '(SELECT coalesce(sum(m.amount), 0) FROM marks AS m WHERE m.tally_id = t.id)';
const REGION = '(SELECT r.code FROM regions AS r WHERE r.id = a.region_id)';

export function oracles({ nameColumn, isNoteCaptured }: Shape): Readonly<Record<string, Oracle>> {
  const note = (from: string) => (isNoteCaptured ? `, 'note', ${from}note` : '');
  return {
    accounts: {
      events: `SELECT json_build_object('id', a.ref), json_build_object('id', a.ref, 'name', upper(a.${nameColumn}), 'balance', a.balance::text,
          'region', ${REGION}, 'doc', a.doc, 'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'score', a.score,
          'total', ${TOTAL}::text, 'big', a.big::text, 'due', a.due::date${note('a.')})
        FROM legacy_accounts AS a WHERE NOT is_demo`,
      source: `SELECT jsonb_build_array(a.ref)::text, jsonb_build_object('name', upper(a.${nameColumn}), 'balance', a.balance, 'region', ${REGION},
          'doc', a.doc::jsonb, 'at', a.at, 'score', a.score, 'total', ${TOTAL}, 'big', a.big, 'due', a.due::date${note('a.')})::text
        FROM legacy_accounts AS a WHERE NOT is_demo`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('name', name, 'balance', balance, 'region', region, 'doc', doc::jsonb, 'at', at,
          'score', score, 'total', total, 'big', big, 'due', due${note('')})::text FROM ${relation}`,
      hasHistory: true,
    },
    labels: {
      events: `SELECT json_build_object('id', id::text), json_build_object('id', id::text, 'label', ${nameColumn}) FROM legacy_accounts`,
      source: `SELECT jsonb_build_array(id)::text, jsonb_build_object('label', ${nameColumn})::text FROM legacy_accounts`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('label', label)::text FROM ${relation}`,
    },
    regions: {
      events: `SELECT json_build_object('code', code), json_build_object('code', code, 'name', name) FROM regions`,
      source: `SELECT jsonb_build_array(code)::text, jsonb_build_object('name', name)::text FROM regions`,
      realized: (relation) =>
        `SELECT jsonb_build_array(code)::text, jsonb_build_object('name', name)::text FROM ${relation}`,
    },
    orders: {
      events: `SELECT json_build_object('id', id, 'day', day), json_build_object('id', id, 'day', day, 'state', state) FROM orders`,
      source: `SELECT jsonb_build_array(id, day)::text, jsonb_build_object('state', state)::text FROM orders`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id, day)::text, jsonb_build_object('state', state)::text FROM ${relation}`,
    },
    nodes: {
      events: `SELECT json_build_object('id', id), json_build_object('id', id, 'parent', parent, 'changes', changes) FROM nodes`,
      source: `SELECT jsonb_build_array(id)::text, jsonb_build_object('parent', parent, 'changes', changes)::text FROM nodes`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('parent', parent, 'changes', changes)::text FROM ${relation}`,
    },
    tags: {
      events: `SELECT json_build_object('code', code), json_build_object('code', code, 'name', name) FROM tags`,
      source: `SELECT jsonb_build_array(code)::text, jsonb_build_object('name', name)::text FROM tags`,
      realized: (relation) =>
        `SELECT jsonb_build_array(code)::text, jsonb_build_object('name', name)::text FROM ${relation}`,
    },
    tagged: {
      events: `SELECT json_build_object('id', id), json_build_object('id', id, 'tag', tag) FROM tagged`,
      source: `SELECT jsonb_build_array(id)::text, jsonb_build_object('tag', tag)::text FROM tagged`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('tag', tag)::text FROM ${relation}`,
      losesDeleted: true,
    },
    journal: {
      events: `SELECT json_build_object('id', id::text), json_build_object('id', id::text, 'token', token, 'n', n) FROM journal`,
      source: `SELECT jsonb_build_array(id)::text, jsonb_build_object('token', token, 'n', n)::text FROM journal`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('token', token, 'n', n)::text FROM ${relation}`,
      hasHistory: true,
    },
    seats: {
      events: `SELECT json_build_object('id', id), json_build_object('id', id, 'who', who) FROM seats`,
      source: `SELECT jsonb_build_array(id)::text, jsonb_build_object('who', who)::text FROM seats`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('who', who)::text FROM ${relation}`,
    },
    tallies: {
      events: `SELECT json_build_object('id', t.id), json_build_object('id', t.id, 'total', ${MARKS}::text) FROM tallies AS t`,
      source: `SELECT jsonb_build_array(t.id)::text, jsonb_build_object('total', ${MARKS})::text FROM tallies AS t`,
      realized: (relation) =>
        `SELECT jsonb_build_array(id)::text, jsonb_build_object('total', total)::text FROM ${relation}`,
    },
  };
}

/** Notes the number of each snapshot, behind an install. */
export const NOTE_SNAPSHOTS = `CREATE TABLE snapshot_numbers (number bigint);
CREATE FUNCTION note_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.snapshot_numbers VALUES (NEW.sequence);
  RETURN NULL;
END$$;
CREATE TRIGGER note_snapshot AFTER INSERT OR UPDATE OF sequence ON edp_capture.snapshots FOR EACH ROW EXECUTE FUNCTION note_snapshot();`;

export const SNAPSHOT_NUMBERS = 'SELECT number::text FROM snapshot_numbers';
