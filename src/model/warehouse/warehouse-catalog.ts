/** What the names in the warehouse's sections mean: tasks, declared tables, anything else in the database. */
import { nearest } from '../../base/nearest.js';
import { physicalKey } from '../kept-versions.js';
import { findTable, type Model, physicalColumns, type Table } from '../model.js';
import { formatTableName, parseTableName, splitName } from '../table-name.js';
import type { WarehouseInput } from './sections.js';
import { type Layers, type Relation, type Source, USUAL_LAYERS } from './task.js';

export type TaskSection = 'silver' | 'dimensions' | 'facts' | 'models' | 'views';
export const TASK_SECTIONS: readonly TaskSection[] = [
  'silver',
  'dimensions',
  'facts',
  'models',
  'views',
];

/** A task, by its declaration. */
export interface Declared {
  /** `silver.members` */
  readonly task: string;
  readonly section: TaskSection;
  /** Its key in that section. */
  readonly name: string;
  readonly relation: Relation;
}

/** Column → its type as in SQL, where that is known. */
export type KnownColumns = ReadonlyMap<string, string | undefined>;

export interface Declarations {
  /** Sections, entries that are valid only. */
  readonly input: WarehouseInput;
  /** Names of the entries of each section, also of those that are not valid. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly model: Model;
  /** Whether the columns of a table, or the type of a column, are not known for faults of their own. */
  readonly isUnsure: (table: string, column?: string) => boolean;
}

export const LAYER_NAMES = ['bronze', 'silver', 'gold'] as const;
const FORMS =
  'a source is written table (of bronze), schema.table, silver.name or gold.name; a name with a dot in it stands in double quotes';

export class Catalog {
  readonly layers: Layers;
  readonly declared: readonly Declared[];
  readonly #byTask: ReadonlyMap<string, Declared>;
  readonly #byRelation: ReadonlyMap<string, Declared>;
  readonly #model: Model;
  readonly #isUnsure: Declarations['isUnsure'];

  constructor({ input, names, model, isUnsure }: Declarations) {
    const { bronze, silver, gold } = USUAL_LAYERS;
    this.layers = { bronze, silver, gold, ...input.layers };
    this.declared = TASK_SECTIONS.flatMap((section) =>
      (names.get(section) ?? []).map((name) => {
        const layer = section === 'silver' ? 'silver' : 'gold';
        return {
          task: `${layer}.${name}`,
          section,
          name,
          relation: { schema: this.layers[layer], name },
        };
      }),
    );
    // Of two with one name, the first: the other is a fault.
    const reversed = [...this.declared].reverse();
    this.#byTask = new Map(reversed.map((one) => [one.task, one]));
    this.#byRelation = new Map(reversed.map((one) => [formatTableName(one.relation), one]));
    this.#model = model;
    this.#isUnsure = isUnsure;
  }

  taskOf(name: string): Declared | undefined {
    return this.#byTask.get(name);
  }

  taskAt(relation: Relation): Declared | undefined {
    return this.#byRelation.get(formatTableName(relation));
  }

  /** @returns what the name means, or why it means nothing */
  find(text: string): Source | string {
    const parts = splitName(text);
    if (parts === undefined || parts.length > 2) return FORMS;
    const { schema: written, name } = parseTableName(text);
    const layer = LAYER_NAMES.find((one) => one === written);
    const schema = layer === undefined ? (written ?? this.layers.bronze) : this.layers[layer];
    return this.findAt({ schema, name });
  }

  /** @returns what is there, or why there is nothing */
  findAt(relation: Relation): Source | string {
    const table = this.tableAt(relation);
    const task = this.taskAt(relation);
    // Of a task and a table with one name, the table: that they have one name is a fault.
    if (task !== undefined && table === undefined)
      return { task: task.task, relation: task.relation };
    const { bronze, silver, gold } = this.layers;
    const { schema, name } = relation;
    if (schema !== bronze && (schema === silver || schema === gold)) {
      return `there is no task ${schema === silver ? 'silver' : 'gold'}.${name}${this.meant(name)}`;
    }
    if (table === undefined) return { relation };
    return {
      relation,
      ...(table.lineageColumn === undefined ? {} : { lineageColumn: table.lineageColumn }),
      ...(table.key.length === 0 ? {} : { key: physicalKey(table) }),
      ...(table.hasVersions === true
        ? { versions: { key: table.key, hasEnds: table.snapshot !== undefined } }
        : {}),
      ...(table.realized === undefined ? {} : { isRealized: true }),
      ...(table.realized?.kind === 'states' ? { statesOf: table.realized.key } : {}),
      ...(table.realized?.goneBy === undefined ? {} : { goneBy: table.realized.goneBy }),
    };
  }

  /** Whether that layer has a task, or a declared table, of this name. */
  isOfLayer(layer: (typeof LAYER_NAMES)[number], name: string): boolean {
    if (layer === 'bronze') return this.tableAt({ schema: this.layers.bronze, name }) !== undefined;
    return this.#byTask.has(`${layer}.${name}`);
  }

  /** Why a name without a schema, which means a table of bronze, likely means a task. */
  mistakenFor({ task, relation }: Source): string | undefined {
    if (task !== undefined || this.tableAt(relation) !== undefined) return undefined;
    const { schema, name } = relation;
    const meant = this.declared.find((one) => one.name === name);
    if (meant === undefined) return undefined;
    const full = formatTableName(meant.relation);
    return `${name} alone is a table of schema ${schema}, and edp.yaml declares none; write ${full} for the task, or ${formatTableName(relation)} for a table that edp does not load`;
  }

  /**
   * Why a table of bronze that nothing declares or reads is none. @param text as it is written: with a schema, it
   * may be any table
   */
  unknownBronze(text: string, { task, relation }: Source): string | undefined {
    const { schema: written, name } = parseTableName(text);
    const isOfBronze = written === undefined || written === 'bronze';
    if (task !== undefined || !isOfBronze || this.tableAt(relation) !== undefined) return undefined;
    return `edp.yaml declares no table ${name}${this.meant(name)}${this.meant(name) === '' ? '; a table that edp does not load is written with its schema' : ''}`;
  }

  /** The declaration of a table that edp loads. */
  tableAt(relation: Relation): Table | undefined {
    const qualified = findTable(this.#model, formatTableName(relation));
    if (qualified !== undefined || relation.schema !== this.layers.bronze) return qualified;
    return findTable(this.#model, formatTableName({ name: relation.name }));
  }

  /** Where a declared table is. */
  placeOf(table: Table): Relation {
    const { schema = this.layers.bronze, name } = parseTableName(table.name);
    return { schema, name };
  }

  /** Columns of a declared table; undefined where they are not known. */
  columnsOfTable(relation: Relation): KnownColumns | undefined {
    const table = this.tableAt(relation);
    if (table === undefined || this.#isUnsure(table.name)) return undefined;
    return new Map(
      physicalColumns(table).map(({ name, type }) => [
        name,
        this.#isUnsure(table.name, name) ? undefined : type,
      ]),
    );
  }

  /** The end of a message about a name that means nothing. */
  meant(name: string): string {
    const tasks = this.declared.map((one) => one.task);
    const tables = this.#model.tables.map((table) => table.name);
    const all = [...tasks, ...tables];
    const bare = (text: string) => parseTableName(text).name;
    const found = all.find((one) => bare(one) === name) ?? nearest(name, all.map(bare));
    const full = all.find((one) => one === found || bare(one) === found);
    return full === undefined ? '' : `; did you mean ${full}?`;
  }
}

export function describeSource({ task, relation }: Source): string {
  return task ?? formatTableName(relation);
}
