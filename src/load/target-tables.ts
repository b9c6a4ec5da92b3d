/**
 * The tables of a run: created if missing, locked against changes of their model, looked up once.
 */
import type pg from 'pg';
import { failpoint } from '../base/failpoints.js';
import { safeText } from '../base/safe-text.js';
import { recordDefinition } from '../ledger/changes.js';
import { holdModel } from '../ledger/model-lock.js';
import { listPromotions, unknownPromotions } from '../ledger/promotions.js';
import type { OnConflict } from '../model/load-rules.js';
import type { Model, Table } from '../model/model.js';
import type { Session } from '../postgres/session.js';
import { inspectTable, type TableInCatalog } from '../postgres/table-in-catalog.js';
import { ensureExtraColumn, ensureTable } from '../postgres/tables.js';

export class TargetTables {
  readonly #session: Session;
  readonly #model: Model;
  readonly #onConflict: OnConflict;
  readonly #note: (text: string) => void;
  readonly #found = new Map<string, Promise<TableInCatalog>>();

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

  prepare(table: Table): Promise<TableInCatalog> {
    let found = this.#found.get(table.name);
    if (found === undefined) {
      found = this.#session.run(async (client) => {
        await ensureTable(client, this.#model, table, recordDefinition);
        await ensureExtraColumn(client, table, recordDefinition);
        await failpoint('run.table', client);
        await holdModel(client, table, this.#onConflict);
        await failpoint('run.model_held', client);
        await this.#warnOfPromotions(client, table);
        return inspectTable(client, table, this.#onConflict);
      });
      this.#found.set(table.name, found);
    }
    return found;
  }

  /**
   * Checked after the model is locked: a promotion either waits for this run, or this run sees it.
   */
  async #warnOfPromotions(client: pg.Client, table: Table): Promise<void> {
    const promotions = await listPromotions(client, table.name);
    for (const { metric, column } of unknownPromotions(table, promotions)) {
      this.#note(
        `warning: metric ${safeText(JSON.stringify(metric))} of "${safeText(table.name)}" was promoted to column "${safeText(column)}", which this model does not declare: it is kept beside the rows. Declare it in edp.yaml; edp promote moves what is kept`,
      );
    }
  }
}
