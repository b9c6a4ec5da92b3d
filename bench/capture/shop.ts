/** Tables of an application, with 19 columns and with 5; statements on them; and what keeps their changes. */

export const ROWS = 100_000;
/** Statements of one row, each a transaction. */
export const SINGLES = 1000;

const WIDE = {
  id: 'bigint',
  ref: 'uuid',
  customer: 'text',
  email: 'text',
  street: 'text',
  city: 'text',
  note: 'text',
  quantity: 'int',
  region: 'int',
  priority: 'smallint',
  warehouse: 'int',
  total_cents: 'bigint',
  weight: 'bigint',
  price: 'numeric',
  discount: 'numeric',
  tax: 'numeric',
  placed_on: 'date',
  is_paid: 'boolean',
  changed_at: 'timestamptz',
} as const;

type Column = keyof typeof WIDE;

const NARROW: readonly Column[] = ['id', 'customer', 'quantity', 'price', 'changed_at'];

/** Value of a row of generate_series(…) AS i. */
const VALUES: Readonly<Record<Column, string>> = {
  id: 'i',
  ref: "md5('order ' || i)::uuid",
  customer: "'customer number ' || i",
  email: "'customer' || i || '@example.com'",
  street: "i % 300 || ' Long Street'",
  city: "'city ' || i % 1000",
  note: `CASE WHEN i % 3 = 0 THEN 'please ring "twice"' END`,
  quantity: 'i % 50',
  region: 'i % 20',
  priority: '(i % 5)::smallint',
  warehouse: 'i % 40',
  total_cents: 'i * 13',
  weight: 'i * 7',
  price: 'i % 100000 / 100.0',
  discount: 'i % 100 / 100.0',
  tax: '0.19',
  placed_on: "date '2026-01-01' + i % 300",
  is_paid: 'i % 2 = 0',
  changed_at: "timestamptz '2026-01-01Z' + i * interval '1 second'",
};

/** Another value of the same column. */
const CHANGES: Readonly<Record<string, (column: string) => string>> = {
  bigint: (column) => `${column} + 1`,
  int: (column) => `${column} + 1`,
  smallint: (column) => `(${column} + 1) % 1000`,
  numeric: (column) => `${column} + 1`,
  text: (column) => `coalesce(${column}, '') || 'x'`,
  uuid: (column) => `md5(${column}::text)::uuid`,
  date: (column) => `${column} + 1`,
  boolean: (column) => `NOT ${column}`,
  timestamptz: (column) => `${column} + interval '1 second'`,
};

export const SHOP_TABLES = ['wide', 'narrow'] as const;
export type ShopTable = (typeof SHOP_TABLES)[number];

export const STATEMENTS = ['update', 'update of all', 'insert', 'delete'] as const;
export type Statement = (typeof STATEMENTS)[number];

function columnsOf(table: ShopTable): readonly Column[] {
  return table === 'wide' ? (Object.keys(WIDE) as Column[]) : NARROW;
}

/** Rows with ids from 1. */
export function createTable(table: ShopTable): string {
  const columns = columnsOf(table);
  const types = columns.map(
    (name) => `${name} ${WIDE[name]}${name === 'id' ? ' PRIMARY KEY' : ''}`,
  );
  return `CREATE TABLE ${table} (${types.join(', ')});
INSERT INTO ${table} SELECT ${columns.map((name) => VALUES[name]).join(', ')} FROM generate_series(1, ${ROWS}) AS i;`;
}

/** @param where SQL, for some of the rows; an insert makes them beyond those that are there */
export function statementSql(table: ShopTable, statement: Statement, where: string): string {
  const columns = columnsOf(table);
  const others = columns.filter((name) => name !== 'id');
  const changed = statement === 'update' ? ['quantity', 'changed_at'] : others;
  switch (statement) {
    case 'update':
    case 'update of all':
      return `UPDATE ${table} SET ${others
        .filter((name) => changed.includes(name))
        .map((name) => `${name} = ${CHANGES[WIDE[name]]!(name)}`)
        .join(', ')} WHERE ${where}`;
    case 'insert':
      return `INSERT INTO ${table} SELECT id + ${ROWS}, ${others.join(', ')} FROM ${table} WHERE ${where}`;
    case 'delete':
      return `DELETE FROM ${table} WHERE ${where}`;
  }
}

/** What a warehouse says of them. */
export const SHOP_MODEL = `tables:
${SHOP_TABLES.map((table) => {
  const columns = columnsOf(table).map((name) => `${name}: ${WIDE[name]}`);
  return `  ${table}:\n    key: id\n    columns: { ${columns.join(', ')} }`;
}).join('\n')}
`;

export const SHOP_PROJECT = `${SHOP_MODEL}capture:
  source: { name: shop, database-url: "\${SOURCE_URL}" }
  tables: { ${SHOP_TABLES.map((table) => `${table}: {}`).join(', ')} }
`;

/** A trigger as one finds it in manuals: both rows whole, as jsonb, with a key of its own, the time and the transaction. */
export const AUDIT = `CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
  table_name text NOT NULL,
  op text NOT NULL,
  old_row jsonb,
  new_row jsonb
);
CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_log (table_name, op, old_row, new_row)
  VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
  RETURN NULL;
END$$;
${SHOP_TABLES.map(
  (table) =>
    `CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION audit_row();`,
).join('\n')}`;

/** SQL of the number of changes that were kept. */
export const KEPT_CHANGES = {
  bare: undefined,
  capture:
    'SELECT (SELECT count(*) FROM edp_capture.outbox_0) + (SELECT count(*) FROM edp_capture.outbox_1) AS count',
  audit: 'SELECT count(*) AS count FROM audit_log',
} as const;

export type Keeper = keyof typeof KEPT_CHANGES;
