/** `partition-by:` of a fact → how its table is divided. */
import { rangeFault } from '../partition-schema.js';
import { type FactInput, NO_PARTITIONS } from './fact-schema.js';
import type { Path, Resolving } from './resolving.js';
import { toList } from './schema-parts.js';
import type { FactPartitions } from './task.js';

/** @returns undefined for a table without partitions; there may be a fault then */
export function resolveFactPartitions(
  resolving: Resolving,
  path: Path,
  input: FactInput,
): FactPartitions | undefined {
  const { 'partition-by': every, 'partition-range': range } = input;
  if (every === undefined || every === NO_PARTITIONS) {
    if (range === undefined) return undefined;
    const message = 'the fact has no partition-by: remove partition-range';
    resolving.add({ path: [...path, 'partition-range'], message });
    return undefined;
  }
  const fault = range && rangeFault(range);
  if (fault !== undefined) resolving.add({ path: [...path, 'partition-range'], message: fault });
  checkKey(resolving, path, input);
  const { from, to } = range ?? {};
  return {
    every,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** The server keeps a key unique within a partition: so rows of one key must have one date. */
function checkKey(resolving: Resolving, path: Path, { key, date }: FactInput): void {
  const names = toList(key);
  if (key === undefined || names.includes(date)) return;
  const list = names.join(', ');
  resolving.add({
    path: [...path, 'partition-by'],
    message: `the key (${list}) does not contain "${date}", which gives the date, and PostgreSQL keeps a key unique over partitions only where it does: declare \`key: [${list}, ${date}]\`, or remove partition-by`,
  });
}
