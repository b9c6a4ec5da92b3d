/** `type-2:` of a dimension: what keeps its history, and by which moment versions are ordered. */
import { isSurelyNoDate } from './column-types.js';
import type { DimensionInput } from './dimension-schema.js';
import { checkColumns, meant, type Path, type Resolving } from './resolving.js';
import { toList } from './schema-parts.js';
import type { Ends, Source, Type2 } from './task.js';
import {
  endsOf,
  findOtherMembers,
  findOverwriting,
  isHistory,
  membersOf,
  VALID_FROM,
} from './versions.js';
import { describeSource } from './warehouse-catalog.js';

/** @param attributes undefined where they are not known */
export function resolveType2(
  resolving: Resolving,
  path: Path,
  input: DimensionInput,
  source: Source,
  attributes: readonly string[] | undefined,
): Type2 {
  const columns = toList(input['type-2']);
  checkAttributes(resolving, [...path, 'type-2'], input['type-2']!, attributes);
  const changedAt =
    input['changed-at'] ??
    (isHistory(resolving.input, source) || source.statesOf !== undefined ? VALID_FROM : undefined);
  checkMoment(resolving, path, input['changed-at'], source);
  const overwriting = findOverwriting(resolving.input, resolving.catalog, source, changedAt);
  if (overwriting !== undefined) {
    resolving.add({
      path: [...path, 'type-2'],
      message: `type-2 needs versions, and ${overwriting}`,
    });
  } else if (changedAt === undefined && source.lineageColumn === undefined) {
    const message = `edp does not know when a row of ${describeSource(source)} came; name the column that says it (changed-at:)`;
    resolving.add({ path: [...path, 'type-2'], message });
  }
  const ends = endsOf(resolving.input, resolving.catalog, source);
  if (ends !== undefined) checkMembers(resolving, path, input, source, ends);
  return {
    columns,
    ...(changedAt === undefined ? {} : { changedAt }),
    ...(ends === undefined ? {} : { ends }),
  };
}

/** Where members end, versions are those of the members, and ends are told by the same moments. */
function checkMembers(
  { add, input: { silver } }: Resolving,
  path: Path,
  input: DimensionInput,
  source: Source,
  ends: Ends,
): void {
  const owner = describeSource(source);
  const members =
    ends === 'gaps'
      ? toList(silver![source.task!.slice('silver.'.length)]!.key)
      : membersOf(source);
  const message = findOtherMembers(owner, members, toList(input['natural-key']));
  if (message !== undefined) add({ path: [...path, 'natural-key'], message });
  if (ends === 'rows' || (input['changed-at'] ?? VALID_FROM) === VALID_FROM) return;
  add({
    path: [...path, 'changed-at'],
    message: `members of ${owner} end at moments of ${VALID_FROM}; remove changed-at:${ends === 'gaps' ? `, or name ${input['changed-at']} in its history (by:)` : ''}`,
  });
}

function checkAttributes(
  { add }: Resolving,
  path: Path,
  written: string | readonly string[],
  attributes: readonly string[] | undefined,
): void {
  toList(written).forEach((column, i, all) => {
    const at = typeof written === 'string' ? path : [...path, i];
    if (all.indexOf(column) !== i) add({ path: at, message: `"${column}" is named twice` });
    else if (attributes !== undefined && !attributes.includes(column)) {
      const message = `"${column}" is no attribute of the dimension${meant(column, attributes)}`;
      add({ path: at, message });
    }
  });
}

function checkMoment(
  resolving: Resolving,
  path: Path,
  changedAt: string | undefined,
  source: Source,
): void {
  if (changedAt === undefined) return;
  const at = [...path, 'changed-at'];
  const known = resolving.columns.of(source);
  checkColumns(resolving, changedAt, known, at, describeSource(source));
  const type = known?.get(changedAt);
  if (type === undefined || !isSurelyNoDate(type)) return;
  const message = `"${changedAt}" is ${type}, which is no time; cast it in silver (type: timestamp), and read that`;
  resolving.add({ path: at, message });
}
