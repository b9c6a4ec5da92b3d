/**
 * JSON Schema of one value of an event, by the type of its column. Patterns and no `format`, since validators
 * differ in which formats they know, and infinity and years before Christ are in none of them.
 */
import type { Corrections } from '../model/corrections.js';
import type { ColumnType } from '../model/types.js';

export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

const MONTH_DAY = '(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
/** edp writes six decimals, always; others may write fewer. */
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?';
const HEX = '[0-9A-Fa-f]';

/** @param year digits that it may have */
const momentPattern = (year: string, rest: string) =>
  `^([0-9]{${year}}-${MONTH_DAY}${rest}( BC)?|-?infinity)$`;

const VALUES: Readonly<Record<ColumnType, Readonly<Record<string, unknown>>>> = {
  smallint: { type: 'integer', minimum: -32_768, maximum: 32_767 },
  int: { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 },
  bigint: { type: 'string', pattern: '^(0|-?[1-9][0-9]{0,18})$' },
  real: {},
  double: {},
  numeric: { type: 'string', pattern: '^(-?(0|[1-9][0-9]*)(\\.[0-9]+)?|NaN|-?Infinity)$' },
  text: { type: 'string' },
  boolean: { type: 'boolean' },
  date: { type: 'string', pattern: momentPattern('4,7', '') },
  timestamp: { type: 'string', pattern: momentPattern('4,6', `T${TIME}`) },
  timestamptz: { type: 'string', pattern: momentPattern('4,6', `T${TIME}Z`) },
  uuid: {
    type: 'string',
    pattern: `^${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}$`,
  },
  json: {},
  jsonb: {},
};

const EXAMPLES: Readonly<Partial<Record<ColumnType, string>>> = {
  bigint: 'a bigint is digits in a string, such as "17"',
  numeric: 'a numeric is a decimal number in a string, such as "12.50"',
  date: 'a date is written "2026-11-29"',
  timestamp: 'a timestamp is written "2026-11-29T10:00:00.123456"',
  timestamptz: 'a timestamptz is written "2026-11-29T10:00:00.123456Z", in UTC',
  uuid: 'a uuid is written "6bfa2a1e-9c3b-5d0c-8a51-3f0d2a1b7c11"',
};

/** What a value must look like, for people. @param pattern of a value's schema */
export function explainPattern(pattern: string): string | undefined {
  const types = Object.keys(EXAMPLES) as ColumnType[];
  const type = types.find((one) => VALUES[one].pattern === pattern);
  return type && EXAMPLES[type];
}

/** JSON has no such numbers. */
const NOT_FINITE = ['NaN', 'Infinity', '-Infinity'];

/** Values that are as events write them when these are declared, too. */
const KEEP_NOTATION: readonly (keyof Corrections)[] = ['default', 'truncate'];

/** @param corrections of a value that is still to be put right */
export function valueSchema(
  type: ColumnType,
  isNullable: boolean,
  corrections: Corrections = {},
): Readonly<Record<string, unknown>> {
  const names = Object.keys(corrections) as (keyof Corrections)[];
  if (type !== 'text' && names.some((name) => !KEEP_NOTATION.includes(name))) {
    return type === 'json' || type === 'jsonb' ? {} : scalarSchema(isNullable);
  }
  if (type === 'real' || type === 'double') {
    return {
      anyOf: [{ type: 'number' }, { enum: [...NOT_FINITE, ...(isNullable ? [null] : [])] }],
    };
  }
  const { type: jsonType, ...rest } = VALUES[type];
  if (jsonType === undefined) return {};
  return { type: isNullable ? [jsonType, 'null'] : jsonType, ...rest };
}

function scalarSchema(isNullable: boolean): Readonly<Record<string, unknown>> {
  const types = ['string', 'number', 'boolean', ...(isNullable ? ['null'] : [])];
  return { anyOf: types.map((type) => ({ type })) };
}
