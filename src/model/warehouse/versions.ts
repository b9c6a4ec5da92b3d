/** Tables that keep every version of a key: their columns, and what they can be made from. */
import { ENDED_COLUMN, OFFSET_COLUMN } from '../kept-versions.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from '../validity-columns.js';
import { toList } from './schema-parts.js';
import type { WarehouseInput } from './sections.js';
import type { Ends, Source } from './task.js';
import type { Catalog } from './warehouse-catalog.js';

export { IS_CURRENT, VALID_FROM, VALID_TO };
export const VERSION_COLUMNS = [VALID_FROM, VALID_TO, IS_CURRENT] as const;
/**
 * Where members may end: when the version before ended, which is valid_from unless the member was gone between;
 * NULL for the first version.
 */
export const PREVIOUS_TO = 'previous_to';

/** The columns that edp adds to a table of versions. */
export function versionColumnsOf(ends: Ends | undefined): readonly string[] {
  return ends === undefined ? VERSION_COLUMNS : [...VERSION_COLUMNS, PREVIOUS_TO];
}

/** How the source says that members ended; undefined where none can end. */
export function endsOf(input: WarehouseInput, catalog: Catalog, source: Source): Ends | undefined {
  if (source.versions?.hasEnds === true) return 'rows';
  if (source.statesOf !== undefined) return 'states';
  if (!isHistory(input, source)) return undefined;
  const from = catalog.find(input.silver![source.task!.slice('silver.'.length)]!.from);
  if (typeof from === 'string') return undefined;
  return from.versions?.hasEnds === true || from.statesOf !== undefined ? 'gaps' : undefined;
}

/** Where members end, what identifies them in a table that is no task. */
export function membersOf({ versions, statesOf }: Source): readonly string[] {
  return versions?.key ?? statesOf ?? [];
}

/**
 * Why versions of this key cannot be told apart by the ends of members, with the remedy; undefined where they can.
 *
 * @param columns of the source that the key is made of; undefined for SQL
 */
export function findOtherMembers(
  owner: string,
  members: readonly string[],
  columns: readonly (string | undefined)[],
): string | undefined {
  if (columns.includes(undefined)) return undefined;
  const isSame =
    members.every((name) => columns.includes(name)) &&
    columns.every((name) => members.includes(name!));
  if (isSame) return undefined;
  return `members of ${owner} end, and are known by ${members.join(', ')}; its versions need that key`;
}

/** Columns by which edp tells apart the rows of a table with versions. */
export function placeColumnsOf({ versions }: Source): readonly string[] {
  if (versions === undefined) return [];
  return versions.hasEnds ? [OFFSET_COLUMN, ENDED_COLUMN] : [OFFSET_COLUMN];
}

/** Whether the source is a table of silver with `history:`. */
export function isHistory({ silver = {} }: WarehouseInput, { task }: Source): boolean {
  const name = /^silver\.(.*)$/s.exec(task ?? '')?.[1];
  return name !== undefined && silver[name]?.history !== undefined;
}

/** Whether a table that edp loads keeps a row beside a later one with the same value of `by`, or with any. */
function keepsVersions({ key = [] }: Source, by: string | undefined): boolean {
  return key.length === 0 || key.includes(OFFSET_COLUMN) || (by !== undefined && key.includes(by));
}

/**
 * @param by column that tells versions apart; undefined: the load does
 * @returns why the source has only one version of each key, with the remedy; undefined where it may have several
 */
export function findOverwriting(
  input: WarehouseInput,
  catalog: Catalog,
  source: Source,
  by: string | undefined,
): string | undefined {
  const declared = source.task === undefined ? undefined : catalog.taskOf(source.task);
  if (declared === undefined) {
    // By what its states are ordered, is a matter of their ends.
    if (source.statesOf !== undefined) return undefined;
    if (keepsVersions(source, by)) return undefined;
    const { name } = source.relation;
    const key = source.key!;
    const mend =
      by !== undefined
        ? `add ${by} to its key, or `
        : key.length > 1
          ? 'name the column of its key that says when (changed-at:), or '
          : '';
    return `${name} has one row for each ${key.join(', ')}, so a later record overwrites the one before; ${mend}declare ${name} without a key or with versions: true`;
  }
  const { task, section, name } = declared;
  const silver = section === 'silver' ? input.silver?.[name] : undefined;
  if (silver !== undefined) {
    if (silver.history !== undefined) return undefined;
    return silver['latest-by'] === undefined
      ? `${task} has one row for each key, so a later record overwrites the one before; declare history: there`
      : `${task} keeps only the latest row of each key (latest-by); declare history: there instead`;
  }
  const key = section === 'models' ? toList(input.models?.[name]?.key) : [];
  if (section === 'models' && key.length > 0 && (by === undefined || !key.includes(by))) {
    return `${task} has one row for each ${key.join(', ')}, and so one version; make its key longer`;
  }
  if (section === 'dimensions' || section === 'facts') {
    return `${task} is a ${section === 'facts' ? 'fact' : 'dimension'}, which keeps no versions; read what it is made from`;
  }
  return undefined;
}
