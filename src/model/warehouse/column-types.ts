/** Which types of SQL are times, and which surely are none. */

const DATES = /^(?:date|timestamp|timestamptz)\b/;
const NO_DATES =
  /^(?:smallint|int|int2|int4|int8|integer|bigint|real|float|float4|float8|double|double precision|numeric|decimal|money|text|varchar|char|character|boolean|bool|uuid|jsonb?|bytea|time|timetz|interval)\b|\[\]$/;
const NO_NUMBERS =
  /^(?:text|varchar|char|character|boolean|bool|uuid|jsonb?|bytea|date|timestamp|timestamptz)\b|\[\]$/;

function normalize(type: string): string {
  return type.trim().toLowerCase();
}

export function isText(type: string): boolean {
  return /^(?:text|varchar|char|character)\b/.test(normalize(type)) && !type.endsWith('[]');
}

/** A type that edp does not know may be one. */
export function isSurelyNoDate(type: string): boolean {
  return NO_DATES.test(normalize(type)) && !(DATES.test(normalize(type)) && !type.endsWith('[]'));
}

export function isSurelyNoNumber(type: string): boolean {
  return NO_NUMBERS.test(normalize(type));
}

type Family = 'number' | 'text' | 'time' | 'uuid' | 'boolean';

const FAMILIES: readonly (readonly [Family, RegExp])[] = [
  [
    'number',
    /^(?:smallint|int|int2|int4|int8|integer|bigint|real|float|float4|float8|double|double precision|numeric|decimal)\b/,
  ],
  ['text', /^(?:text|varchar|char|character)\b/],
  ['time', /^(?:date|timestamp|timestamptz)\b/],
  ['uuid', /^uuid$/],
  ['boolean', /^(?:boolean|bool)$/],
];

/** Types of two families cannot be compared. @returns undefined for a type that edp does not know */
export function familyOf(type: string): Family | undefined {
  if (type.endsWith('[]')) return undefined;
  return FAMILIES.find(([, pattern]) => pattern.test(normalize(type)))?.[0];
}

/** It has a day and no time of day. */
export function isDay(type: string): boolean {
  return normalize(type) === 'date';
}
