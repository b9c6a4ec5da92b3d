/**
 * The generated Ruby in real transactions of ActiveRecord: its events are valid, and realize makes of them what the source has. Ruby and
 * Debian's activerecord and pg run it.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { activerecord } from '../../src/codegen/targets/activerecord/activerecord.js';
import { schemaFiles } from '../../src/codegen/targets/json-schema/json-schema.js';
import { type ReadEvent, readEvents } from '../capture/fold.js';
import { declare, settled } from '../capture/source.js';
import { cleanEnvironment, withDirectory } from '../support/cli.js';
import { findTool } from '../support/tools.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { generate, PROJECTS } from './projects.js';

const ruby = findTool('ruby');
const hasRails =
  ruby !== undefined &&
  spawnSync(ruby, ['-e', 'require "active_record"; require "pg"']).status === 0;
const LACKS = ' (skipped: no ruby with activerecord and pg; .ci/parts installs them)';
const run = promisify(execFile);

const MODEL = `tables:
  accounts: { key: id, columns: { id: bigint, name: text, balance: numeric, score: numeric, seen: timestamptz, label: text, risky: boolean, big: bigint, doc: jsonb } }
  parts: { key: [a, b], columns: { a: int, b: text, n: int, twice: int } }
  plain: { key: id, columns: { id: int, note: text } }
capture:
  tables:
    accounts:
      from: legacy_accounts
      columns:
        score: { method: risk_score, also-on: { ledger_lines: account_id } }
        seen: { method: seen }
        label: { method: label }
        risky: { method: risky? }
        big: { method: big }
        doc: { method: doc }
    parts: { from: src_parts, columns: { twice: { method: twice } } }
    plain: { from: src_plain }
`;
const DECLARED = MODEL.replace(
  'capture:\n',
  'capture:\n  source: { name: shop, database-url: "$' + '{DATABASE_URL}" }\n',
);

const folder = useWarehouseFolder({ 'edp.yaml': DECLARED });
const query = (sql: string) => folder.database.query(sql);

const TABLES = `CREATE TABLE public.legacy_accounts (id bigserial PRIMARY KEY, type text, name text, balance numeric NOT NULL DEFAULT 0, lock_version int NOT NULL DEFAULT 0, updated_at timestamptz, created_at timestamptz);
  CREATE TABLE public.ledger_lines (id serial PRIMARY KEY, account_id bigint REFERENCES public.legacy_accounts ON DELETE CASCADE, amount numeric NOT NULL);
  CREATE TABLE src_parts (a int, b text, n int NOT NULL, PRIMARY KEY (a, b));
  CREATE TABLE src_plain (id serial PRIMARY KEY, note text)`;

const SETUP = String.raw`
require "active_record"
require "json"
ActiveRecord::Base.establish_connection(JSON.parse(ENV.fetch("SOURCE")))
ActiveRecord::Base.logger = nil
Time.zone = "UTC"
class LegacyAccount < ActiveRecord::Base
  has_many :lines, class_name: "LedgerLine", foreign_key: :account_id
  default_scope { where.not(name: "hidden") }
  def risk_score; balance + lines.sum(:amount); end
  def seen; Time.utc(2026, 1, 2, 3, 4, 5, 678901); end
  def label; raise "no label" if name == "bad"; LegacyAccount.connection.execute("SELECT 1/0") if name == "sql"; "#{self.class.name} <#{name}> \u{1f600} '\""; end
  def risky?; balance > 100; end
  def big; 9_007_199_254_740_993 + id; end
  def doc; { "name" => name, "list" => [1, nil, "x"] }; end
end
class VipAccount < LegacyAccount
  def risk_score; super + 1000; end
end
class LedgerLine < ActiveRecord::Base; end
class Part < ActiveRecord::Base
  self.table_name = "src_parts"
  self.primary_key = "a"
  def twice; n * 2; end
end
class Plain < ActiveRecord::Base
  self.table_name = "src_plain"
  def note; super&.upcase; end
end
require File.join(Dir.pwd, "generated/activerecord/edp")
Edp.start
A = LegacyAccount
`;

const CASES = `
one = A.create!(name: "one", balance: 5)
one.update!(balance: "7.50")
one.touch
two = one.dup; two.name = "two"; two.save!
A.transaction do
  A.create!(name: "outer")
  A.transaction(requires_new: true) { A.create!(name: "gone"); one.update!(name: "never"); raise ActiveRecord::Rollback }
  A.transaction(requires_new: true) { A.create!(name: "inner"); VipAccount.create!(name: "vip") }
end
A.transaction { A.create!(name: "lost"); A.update_all("balance = 999"); raise ActiveRecord::Rollback }
begin; A.transaction { A.create!(name: "raised"); raise "x" }; rescue RuntimeError; end
one.reload
stale = A.find(one.id); one.update!(name: "first"); begin; stale.update!(name: "stale"); raise "not stale"; rescue ActiveRecord::StaleObjectError; end
one.update_columns(balance: 11)
A.where(name: "two").update_all("balance = balance + 1")
A.insert_all([{ name: "bulk1", balance: 1 }, { name: "bulk2", balance: 200 }])
A.upsert_all([{ id: one.id, name: "upserted", balance: 3 }])
A.increment_counter(:lock_version, one.id)
A.where(name: "bulk1").delete_all
A.find_by(name: "inner").destroy!
A.find_by(name: "outer").delete
LedgerLine.create!(account_id: one.id, amount: "12.25")
LedgerLine.where(account_id: one.id).update_all(amount: 20)
A.create!(name: "bad"); A.create!(name: "sql"); A.create!(name: "hidden")
A.where(id: two.id).update_all(id: 5000)
A.connection.execute("BEGIN; UPDATE legacy_accounts SET balance = balance + 1 WHERE name = 'vip'; COMMIT")
Part.insert_all([{ a: 1, b: "x'y", n: 1 }, { a: 1, b: "z", n: 2 }], unique_by: %i[a b])
Part.where(b: "z").update_all("n = 50, b = 'w'")
Plain.create!(note: "text")
puts Edp::Outbox.publish_due
`;

const CAMPAIGN = `
random = Random.new(Integer(ARGV.fetch(0)))
step = lambda do
  some = A.unscoped.order(:id).pluck(:id).sample(random: random)
  case random.rand(10)
  when 0, 1 then (random.rand(3).zero? ? VipAccount : A).create!(name: "n#{random.rand(1000)}", balance: random.rand(200))
  when 2 then A.unscoped.find_by(id: some)&.update!(balance: random.rand(200), name: %w[a b c bad].sample(random: random))
  when 3 then A.unscoped.where("id % 3 = #{random.rand(3)}").update_all("balance = balance + 1")
  when 4 then A.insert_all(Array.new(3) { { name: "i#{random.rand(1000)}", balance: random.rand(150) } })
  when 5 then A.unscoped.find_by(id: some)&.destroy!
  when 6 then LedgerLine.create!(account_id: some, amount: random.rand(50)) if some
  when 7 then LedgerLine.where("id % 2 = #{random.rand(2)}").delete_all
  when 8 then A.unscoped.where(id: some).update_all("id = id + 100000") if some && !LedgerLine.exists?(account_id: some)
  when 9 then Part.insert_all([{ a: random.rand(50), b: "b#{random.rand(9)}", n: random.rand(9) }], unique_by: %i[a b])
  end
end
nest = lambda do |depth|
  A.transaction(requires_new: random.rand(3).positive?) do
    (1 + random.rand(3)).times { depth < 3 && random.rand(3).zero? ? nest.call(depth + 1) : step.call }
    raise ActiveRecord::Rollback if random.rand(4).zero?
  end
end
60.times { random.rand(3).zero? ? step.call : nest.call(0) }
`;

/** What the methods say now, as the realized tables have it: by Ruby, of the rows of the source. */
const TRUTH = `
puts JSON.generate(
  accounts: A.unscoped.order(:id).map { |r|
    [r.id.to_s, r.name, r.balance, r.risk_score, (r.label rescue nil), r.risky?, r.big.to_s].map { |v| v.is_a?(BigDecimal) ? v.to_s("F").to_f.to_s : v }
  },
  parts: ActiveRecord::Base.connection.select_rows("SELECT a, b, n, n * 2 FROM src_parts ORDER BY a, b")
)
`;

async function rubyIn(script: string, ...args: string[]): Promise<string> {
  await writeFile(path.join(folder.directory, 'script.rb'), SETUP + script);
  const { host, database, user } = folder.database.config;
  const { stdout } = await run(ruby!, ['script.rb', ...args], {
    cwd: folder.directory,
    env: {
      ...cleanEnvironment(),
      SOURCE: JSON.stringify({ adapter: 'postgresql', host, database, username: user }),
    },
  });
  return stdout;
}

/** Sends and folds, holds each event to its schema, and the realized tables to what Ruby says. */
async function followed(): Promise<ReadEvent[]> {
  await settled(query);
  const { status, stderr } = await folder.edp('capture', 'run', '--to', 'events', '--once');
  expect([0, 3], stderr).toContain(status);
  const events = [...readEvents(path.join(folder.directory, 'events')).values()].flat();
  const { capture, model } = declare(MODEL);
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
  const schemas = new Map(
    toCatalogue(model, capture).tables.map((table) => [
      table.name,
      ajv.compile(
        JSON.parse(schemaFiles(table).find((one) => one.path.includes('/change/'))!.text),
      ),
    ]),
  );
  for (const event of events) {
    const isValid = schemas.get(event.type.slice(0, event.type.lastIndexOf('.')))!;
    expect(isValid(event.data), JSON.stringify([event, isValid.errors])).toBe(true);
  }
  const realized = await folder.edp('realize', 'events');
  expect(realized.status, realized.stderr).toBe(0);
  const truth = JSON.parse(await rubyIn(TRUTH)) as { accounts: unknown[][]; parts: unknown[][] };
  const score = (value: unknown) => (value === null ? null : String(Number(value)));
  const rows = await query(
    'SELECT id::text, name, balance, score, label, risky, big::text FROM accounts WHERE deleted_at IS NULL ORDER BY accounts.id',
  );
  expect(
    rows.map(([id, name, balance, value, ...rest]) => [
      id,
      name,
      score(balance),
      score(value),
      ...rest,
    ]),
  ).toEqual(
    truth.accounts.map(([id, name, balance, value, ...rest]) =>
      name === 'sql'
        ? [id, name, score(balance), null, null, null, null]
        : [id, name, score(balance), score(value), ...rest],
    ),
  );
  expect(
    await query('SELECT a, b, n, twice FROM parts WHERE deleted_at IS NULL ORDER BY a, b'),
  ).toEqual(truth.parts);
  return events;
}

describe.skipIf(!hasRails)(`a mapping${hasRails ? '' : LACKS}`, () => {
  beforeAll(async () => {
    await query(TABLES);
    for (const args of [
      ['capture', 'install'],
      ['codegen', 'activerecord'],
    ] as const) {
      const { status, stderr } = await folder.edp(...args);
      expect(status, stderr).toBe(0);
    }
  });

  it('publishes what each kind of write has changed, and nothing that was rolled back', {
    timeout: 120_000,
  }, async () => {
    // Written by SQL of the application's own, which ends its transaction past ActiveRecord: one row was due.
    expect((await rubyIn(CASES)).trim()).toBe('1');
    const events = await followed();
    const text = JSON.stringify(events);
    for (const name of ['gone', 'never', 'lost', 'raised', 'stale']) {
      expect(text).not.toContain(`"${name}"`);
    }
    const messages = events.flatMap(({ data: { errors = {} } }) => Object.values(errors));
    expect(messages).toEqual(
      expect.arrayContaining([
        'RuntimeError: no label',
        expect.stringContaining('division by zero'),
      ]),
    );
    const updates = events.filter(({ data: { after = {} } }) => 'score' in after);
    expect(updates.length).toBeGreaterThan(10);
    for (const { data } of updates) expect([data.op, data.before]).toEqual(['update', undefined]);
  });

  it.each([1, 2, 3])(
    'follows nested transactions with rollbacks, seed %i',
    { timeout: 180_000 },
    async (seed) => {
      await rubyIn(CAMPAIGN, String(seed));
      await followed();
      expect(await query('SELECT count(*)::int FROM edp_capture.method_rows')).toEqual([[0]]);
    },
  );

  it('publishes rows that a snapshot has read, by its task', { timeout: 120_000 }, async () => {
    const { status, stderr } = await folder.edp('capture', 'snapshot');
    expect(status, stderr).toBe(0);
    expect((await folder.edp('capture', 'status')).json).toMatchObject({
      dueMethods: [
        { table: 'accounts', rows: null },
        { table: 'parts', rows: null },
      ],
    });
    expect(Number(await rubyIn('puts Edp::Outbox.publish_due'))).toBeGreaterThan(0);
    await followed();
  });

  it('lists readers that say something else than the column', { timeout: 60_000 }, async () => {
    const out = await rubyIn('puts Edp::Readers.compare.flatten');
    expect(out.trim().split('\n')).toEqual([
      expect.stringMatching(/^plain\.note: Plain#note is overridden by Plain/),
    ]);
  });
});

describe.skipIf(ruby === undefined)(`Ruby${ruby === undefined ? LACKS : ''}`, () => {
  const check = async (files: ReadonlyMap<string, string>) =>
    withDirectory(async (directory) => {
      for (const [name, text] of files) {
        const file = path.join(directory, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
        const { stdout, stderr } = await run(ruby!, ['-wc', file]);
        expect([name, stdout, stderr]).toEqual([name, 'Syntax OK\n', '']);
      }
    });

  it.each(PROJECTS)('takes the files of %s without a warning', { timeout: 60_000 }, (project) =>
    check(generate('activerecord', project)),
  );

  it('takes names that need care', { timeout: 60_000 }, async () => {
    const names = ['#{exit}', 'a"b', 'größe', '#$0 #@x', 'end', "it's", '注文', 'x'.repeat(63)];
    const yaml = `tables:\n${names.map((name) => `  ${JSON.stringify(name)}: { key: id, columns: { id: int, ${names.map((one) => `${JSON.stringify(one)}: text`).join(', ')} } }\n`).join('')}capture:\n  tables:\n${names.map((name) => `    ${JSON.stringify(name)}: {}\n`).join('')}`;
    const { capture, model } = declare(yaml);
    const files = new Map(
      [...activerecord.generate(toCatalogue(model, capture))].map(({ path: name, text }) => [
        name,
        text,
      ]),
    );
    await check(files);
    const tables = files.get('activerecord/edp/tables.rb')!;
    const { stdout } = await run(ruby!, [
      ...['-rjson', '-e', `${tables}\nputs JSON.generate(Edp::TABLES)`],
    ]);
    const read = JSON.parse(stdout) as { table: string; attributes: object }[];
    expect(read.map(({ table }) => table)).toEqual(names);
    expect(Object.keys(read[0]!.attributes)).toEqual(['id', ...names]);
  });
});
