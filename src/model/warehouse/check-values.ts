/** What a check compares a column with, against the type of the column. */
import { familyOf, isSurelyNoDate } from './column-types.js';
import type { Path, Resolving } from './resolving.js';

interface Compared {
  readonly column: string;
  readonly values?: readonly string[];
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly within?: string;
}

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$|^\s*(?:nan|[-+]?inf(?:inity)?)\s*$/i;
/** Words such as today are times, too. */
const TIME = /\d|infinity|epoch|now|today|tomorrow|yesterday/i;

/** Adds a fault for each value that is none of the type, and for limits that nothing is between. */
export function checkValues(
  resolving: Resolving,
  path: Path,
  type: string | undefined,
  { column, values = [], min, max, within }: Compared,
): void {
  const add = (part: string, message: string) => resolving.add({ path: [...path, part], message });
  if (type !== undefined && within !== undefined && isSurelyNoDate(type)) {
    add('column', `"${column}" is ${type}, which is no time`);
  }
  const family = type === undefined ? undefined : familyOf(type);
  const isOf = family === 'number' ? NUMBER : family === 'time' ? TIME : undefined;
  const check = (part: string, wanted: readonly string[]) => {
    // Of a list, some may be meant for a column of another type.
    if (isOf === undefined || wanted.length === 0 || wanted.some((one) => isOf.test(one))) return;
    add(part, `"${wanted[0]}" is no ${family}, and ${column} is ${type}`);
  };
  check('values', values);
  if (min !== undefined) check('min', [min]);
  if (max !== undefined) check('max', [max]);
  if (min !== undefined && max !== undefined && isAbove(min, max, family)) {
    add('min', `no value is from ${min} to ${max}; min is above max`);
  }
}

function isAbove(min: string, max: string, family: string | undefined): boolean {
  if (family === 'number') return Number(min) > Number(max);
  const isDay = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text);
  return family === 'time' && isDay(min) && isDay(max) && min > max;
}
