/**
 * The tables of a run: created if missing, locked against changes of their model, looked up once.
 */
import type pg from 'pg';
import { failpoint } from '../base/failpoints.js';
import { safeText } from '../base/safe-text.js';
import { recordDefinition } from '../ledger/changes.js';
import { type FormerLoads, markGone, settleFormerLoads } from '../ledger/former-tables.js';
import { holdModel } from '../ledger/model-lock.js';
import { addPromotedColumns, listPromotions, unknownPromotions } from '../ledger/promotions.js';
import type { OnConflict } from '../model/load-rules.js';
import type { Model, Table } from '../model/model.js';
import { formatTableName, type TablePlace } from '../model/table-name.js';
import {
  LOOKED_UP,
  readCopied,
  type SharedValues,
  shareValues,
} from '../postgres/copied-values.js';
import { type LocatedTable, locateTable } from '../postgres/locate-table.js';
import type { Session } from '../postgres/session.js';
import { inspectTable, type TableInCatalog } from '../postgres/table-in-catalog.js';
import { type DefinitionLog, ensureExtraColumn, ensureTable } from '../postgres/tables.js';

export class TargetTables {
  readonly #session: Session;
  readonly #model: Model;
  readonly #onConflict: OnConflict;
  readonly #note: (text: string) => void;
  readonly #located = new Map<string, Promise<LocatedTable>>();
  readonly #found = new Map<string, Promise<TableInCatalog>>();
  #sharedCount = 0;

  /** @param note takes messages for the user during the run */
  constructor(
    session: Session,
    model: Model,
    onConflict: OnConflict,
    note: (text: string) => void,
  ) {
    this.#session = session;
    this.#model = model;
    this.#onConflict = onConflict;
    this.#note = note;
  }

  /** Where a table is, or will be; creates nothing. */
  locate({ name }: Table): Promise<LocatedTable> {
    let located = this.#located.get(name);
    if (located === undefined) {
      located = this.#session.run((client) => locateTable(client, name));
      this.#located.set(name, located);
    }
    return located;
  }

  prepare(table: Table): Promise<TableInCatalog> {
    let found = this.#found.get(table.name);
    if (found === undefined) {
      found = this.locate(table).then(({ place }) =>
        this.#session.run((client) => this.#prepare(client, table, place)),
      );
      this.#found.set(table.name, found);
    }
    return found;
  }

  async #prepare(client: pg.Client, table: Table, place: TablePlace): Promise<TableInCatalog> {
    const log: DefinitionLog = async (session, name, isNew) => {
      await recordDefinition(session, name);
      if (!isNew) return;
      const count = await markGone(session, name);
      if (count > 0) this.#note(describeFormer(name, { verdict: 'gone', count }));
      await addPromotedColumns(session, name);
    };
    await ensureTable(client, this.#model, table, log);
    await ensureExtraColumn(client, table, log);
    await failpoint('run.table', client);
    await holdModel(client, place, table, this.#onConflict);
    await failpoint('run.model_held', client);
    await this.#warnOfPromotions(client, table, place);
    const note = describeRule(table, this.#onConflict);
    if (note !== undefined) this.#note(note);
    const name = formatTableName(place);
    const inspected = await inspectTable(client, table, this.#onConflict, name);
    const found = { ...inspected, ...(await this.#readCopied(client, table, inspected)) };
    const former = await settleFormerLoads(client, place, table.lineageColumn);
    if (former !== undefined) this.#note(describeFormer(name, former));
    return found;
  }

  /** Reads what columns copy from other tables, where that can be kept in memory. */
  async #readCopied(
    client: pg.Client,
    { columns }: Table,
    { others }: TableInCatalog,
  ): Promise<Pick<TableInCatalog, 'copied'>> {
    const copied = new Map<string, SharedValues>();
    for (const { name, type, origin } of columns) {
      if (origin?.kind !== 'copy') continue;
      const byType = columns.find((column) => column.name === origin.by)!.type;
      if (!LOOKED_UP.has(byType) || others.has(origin.by) || others.has(name)) return {};
      const values = await readCopied(client, { name, type, byType, ...origin });
      if (values === undefined) return {};
      copied.set(name, shareValues(++this.#sharedCount, values));
    }
    return copied.size === 0 ? {} : { copied };
  }

  /**
   * Checked after the model is locked: a promotion either waits for this run, or this run sees it.
   */
  async #warnOfPromotions(client: pg.Client, table: Table, place: TablePlace): Promise<void> {
    const promotions = await listPromotions(client, place);
    for (const { metric, column } of unknownPromotions(table, promotions)) {
      this.#note(
        `warning: metric ${safeText(JSON.stringify(metric))} of "${safeText(table.name)}" was promoted to column "${safeText(column)}", which this model does not declare: it is kept beside the rows. Declare it in edp.yaml; edp promote moves what is kept`,
      );
    }
  }
}

/** What to tell of a rule for conflicts that has nothing to decide; undefined where it has, or is the default. */
export function describeRule({ name, hasVersions }: Table, rule: OnConflict): string | undefined {
  if (hasVersions !== true || rule === 'reject') return undefined;
  return `--on-conflict ${rule} has nothing to decide for table "${safeText(name)}", which keeps versions: a record with other values is a row of its own`;
}

/** What to tell of the loads of a table that has another one's name. */
export function describeFormer(table: string, { verdict, count }: FormerLoads): string {
  const name = safeText(table);
  const loads = count === 1 ? 'one load' : `${count} loads`;
  return verdict === 'gone'
    ? `table ${name} is a new one: the rows of ${loads} went with the former one, so files loaded before are loaded again`
    : `warning: table ${name} is another one than that of ${loads} before, and nothing shows whether their rows are in it; files that were loaded are skipped, and --force loads them again`;
}
