/** A dimension with `type-2:`: a row for each version of a member, by when its values changed. */
import { VALID_FROM } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  column,
  type From,
  type Join,
  number,
  type Output,
  type Select,
} from '../../relational/tree.js';
import { SOURCE, type Within } from './blueprint.js';
import { endedRows, gappedRows, rowsOfStates } from './ended-versions.js';
import { hasKey, isAffected } from './key-conditions.js';
import { isSameWhereEqual, wholeOrder } from './relation-shape.js';
import { isThere, isVersion } from './standing-rows.js';
import { isChange, shownValue, type Versioned } from './version-changes.js';
import { validity } from './version-columns.js';

const LOADS = 'loads';
const RANK = 'edp_rank';
const CHANGES = 'edp_changes';

/** Rows of the source, with the moment from which each is valid, called `dated`. */
export function datedRows({ task, type2, attributes, load }: Versioned): From {
  const { source, naturalKey } = task;
  const names = [...naturalKey, ...attributes, ...(load === undefined ? [] : [load])];
  const outputs = [...new Set(names)].map((name) => ({ of: column(name, SOURCE), as: name }));
  const moment =
    type2.changedAt === undefined ? column('effective_at', LOADS) : column(type2.changedAt, SOURCE);
  const loads: Join[] =
    type2.changedAt !== undefined
      ? []
      : [
          {
            kind: 'left',
            from: { kind: 'table', schema: 'edp', name: 'loads', as: LOADS },
            on: binary(column('load_id', LOADS), '=', column(load!, SOURCE)),
          },
        ];
  const where = [...isVersion(source), ...isThere(source)];
  const query: Select = {
    columns: [...outputs, { of: moment, as: VALID_FROM }],
    from: { kind: 'table', ...source.relation, as: SOURCE },
    joins: loads,
    ...(where.length === 0 ? {} : { where: all(where) }),
  };
  return { kind: 'query', query, as: 'dated' };
}

/** The rows of the table, those of affected keys or all. */
export function rowsOfVersions(versioned: Versioned, within: Within): Select {
  switch (versioned.type2.ends) {
    case 'rows':
      return endedRows(versioned, within);
    case 'gaps':
      return gappedRows(versioned, within);
    case 'states':
      return rowsOfStates(versioned, within);
    default:
      return versionRows(versioned, within);
  }
}

/** Of equal moments the last row counts, and of equal neighbours the first. */
function versionRows(versioned: Versioned, within: Within): Select {
  const { task, attributes } = versioned;
  const { naturalKey } = task;
  const outputs = (of: string): Output[] =>
    [...naturalKey, ...attributes, VALID_FROM].map((name) => ({ of: column(name, of), as: name }));
  const compared: Select = {
    columns: [
      ...naturalKey.map((name) => ({ of: column(name, 'ranked'), as: name })),
      ...attributes.map((name) => ({ of: shownValue(versioned, name), as: name })),
      { of: column(VALID_FROM, 'ranked'), as: VALID_FROM },
      { of: isChange(versioned), as: CHANGES },
    ],
    from: { kind: 'query', query: rankedRows(versioned, within), as: 'ranked' },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
  return {
    columns: [...outputs('compared'), ...validity(naturalKey, 'compared')],
    from: { kind: 'query', query: compared, as: 'compared' },
    where: column(CHANGES, 'compared'),
  };
}

function rankedRows(versioned: Versioned, within: Within): Select {
  const { task, attributes, load, shape } = versioned;
  const { naturalKey } = task;
  const names = [...naturalKey, ...attributes, VALID_FROM];
  const dated = (name: string) => column(name, 'dated');
  const isPlain = (name: string) => isSameWhereEqual(shape.get(name) ?? '');
  const written = [...attributes, ...naturalKey.filter((name) => !isPlain(name))];
  const orderBy = [
    ...(load === undefined ? [] : [dated(load)]),
    ...written.flatMap((name) => wholeOrder(dated(name), shape.get(name) ?? '')),
  ].map((of) => ({ of, isDescending: true, nulls: 'last' as const }));
  const partitionBy = [...naturalKey, VALID_FROM].map(dated);
  return {
    columns: [
      ...names.map((name) => ({ of: dated(name), as: name })),
      { of: { kind: 'row-number', partitionBy, orderBy }, as: RANK },
    ],
    from: datedRows(versioned),
    where: all([
      ...hasKey([...naturalKey, VALID_FROM], 'dated'),
      ...(within === 'keys' ? [isAffected(naturalKey, 'dated')] : []),
    ]),
  };
}
