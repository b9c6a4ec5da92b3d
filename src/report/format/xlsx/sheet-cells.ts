/**
 * A value, as the server prints it → a cell. What a cell would change stays text: numbers of more than 15 digits,
 * NaN, infinity, dates that Excel does not have. Moments are kept to the millisecond, rounded down, which is all
 * that Excel shows.
 */
import { toMilliseconds } from '../../chart/column-kinds.js';
import { STYLES } from './workbook-parts.js';

/** A cell holds no more, in UTF-16 units. */
export const MAX_CELL_CHARACTERS = 32_767;

/** bool; int8, int2, int4, oid; float4, float8; numeric; date; timestamp; timestamptz */
const BOOL = 16;
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23, 26]);
const FLOATS: ReadonlySet<number> = new Set([700, 701]);
const NUMERIC = 1700;
const DATE = 1082;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const DIGITS_OF_EXCEL = 15;

/** Day 0 of Excel's calendar, which has a 29th of February 1900; days before March are not the same there. */
const DAY_ZERO_MS = Date.UTC(1899, 11, 30);
const FIRST_DAY_MS = Date.UTC(1900, 2, 1);
const BEYOND_MS = Date.UTC(10_000, 0, 1);
const DAY_MS = 86_400_000;

type MakeCell = (place: string, value: string) => string;

export function cellMaker(typeOid: number): MakeCell {
  if (typeOid === BOOL)
    return (place, value) => `<c r="${place}" t="b"><v>${value === 't' ? 1 : 0}</v></c>`;
  if (INTEGERS.has(typeOid)) return numberCell(STYLES.whole, true);
  if (typeOid === NUMERIC) return numberCell(STYLES.plain, true);
  if (FLOATS.has(typeOid)) return numberCell(STYLES.plain, false);
  if (typeOid === DATE) return momentCell(STYLES.date, STYLES.date);
  if (typeOid === TIMESTAMP) return momentCell(STYLES.timestamp, STYLES.timestampMs);
  if (typeOid === TIMESTAMPTZ) return momentCell(STYLES.utc, STYLES.utcMs);
  return textCell;
}

/** @param hasLimit whether more than 15 digits are more than the cell keeps; a float is kept as it is */
function numberCell(style: number, hasLimit: boolean): MakeCell {
  return (place, value) => {
    const isKept = NUMBER.test(value) && !(hasLimit && countDigits(value) > DIGITS_OF_EXCEL);
    return isKept ? `<c r="${place}" s="${style}"><v>${value}</v></c>` : textCell(place, value);
  };
}

function countDigits(value: string): number {
  return value.replace(/^-?0*\.?0*|\./g, '').length;
}

function momentCell(style: number, styleMs: number): MakeCell {
  return (place, value) => {
    const time = toMilliseconds(value);
    if (time === undefined || time < FIRST_DAY_MS || time >= BEYOND_MS)
      return textCell(place, value);
    const hasFraction = value.includes('.');
    const days = (time - DAY_ZERO_MS) / DAY_MS;
    return `<c r="${place}" s="${hasFraction ? styleMs : style}"><v>${days}</v></c>`;
  };
}

export function textCell(place: string, value: string): string {
  const isFormula = /^[=+\-@]/.test(value);
  return `<c r="${place}"${isFormula ? ` s="${STYLES.quoted}"` : ''} t="inlineStr"><is>${textElement(value)}</is></c>`;
}

export function headerCell(place: string, value: string): string {
  return `<c r="${place}" s="${STYLES.header}" t="inlineStr"><is>${textElement(value)}</is></c>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** What XML cannot hold is written `_x0001_`, and text that looks so already is escaped itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ODD = /_x(?=[0-9A-Fa-f]{4}_)|[\0-\x08\x0b-\x1f\ufffe\uffff]/g;

function textElement(value: string): string {
  const text = value
    .replace(ODD, (odd) =>
      odd === '_x'
        ? '_x005F_x'
        : `_x${odd.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
    )
    .replace(/[&<>]/g, (sign) => ENTITIES[sign]!);
  return /^\s|\s$|\n/.test(text) ? `<t xml:space="preserve">${text}</t>` : `<t>${text}</t>`;
}
