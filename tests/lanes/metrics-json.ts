/** The JSON of a field with metrics: plain, and with an oddity or two. */
import fc from 'fast-check';
import type { ColumnType } from '../../src/model/types.js';
import type { FieldShape } from './shapes.js';
import { bytesOf, pick, type Text } from './text-parts.js';
import { plainText, plainUuids, VALUES } from './values.js';

const SPACES = ['', ' ', '  '];
const ODD_SPACES = ['\n', '\t', '\r\n', ' \n ', '\v', '\xa0', ','];
const NUMBERS = ['0', '-0', '12', '-5', '2147483647', '2147483648', '-2147483648', '-2147483649'];
const LARGE = ['32767', '32768', '-32768', '-32769', '999999999999999', '9999999999999999'];
const LARGER = [
  '1000000000000000',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
];
const ODD_NUMBERS = ['01', '-01', '00', '1.0', '1.5', '1e3', '1E-3', '-', '+1', '.5', '1.', '0x1'];
const oddJsonValues = fc.oneof(
  { arbitrary: pick(...NUMBERS, ...LARGE, ...LARGER, ...ODD_NUMBERS), weight: 3 },
  pick('null', 'true', 'false', '"5"', '"-7"', '""', '"x"', '"1e3"', '"\\u0035"', 'nul', 'NaN', ''),
  pick('{}', '[]', '[1]', '{"a":1}', '{"a":{"b":2}}', '"\\ud800"', '"\\u0000"', '"\xff"', '"a""b"'),
);
const escapeFirst = (key: string) =>
  key === '' ? '' : `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`;

/** JSON as the tokens of its object of metrics, between the braces of the path. */
export interface JsonDraft {
  readonly path: readonly string[];
  readonly tokens: readonly string[];
  readonly space: string;
}

export function writeJson({ path, tokens, space }: JsonDraft): string {
  const object = tokens.map((token) => token + space).join('');
  return path.reduceRight(
    (inner, key) => `{${space}${bytesOf(JSON.stringify(key))}:${space}${inner}${space}}`,
    object.trimEnd(),
  );
}

/** A member of a string without escapes. */
const quotedJson = (texts: Text): Text =>
  texts.filter((text) => !/["\\\p{Cc}]/u.test(text)).map((text) => `"${text}"`);
const plainNumbers = pick('0', '7', '-12', '32767', '-32768');
const plainDecimals = fc.oneof(plainNumbers, pick('0.5', '-1.25', '100.000', '12345.678901'));
const PLAIN_METRICS: Readonly<Record<ColumnType, Text>> = {
  smallint: fc.oneof(plainNumbers, quotedJson(plainNumbers)),
  int: fc.oneof(plainNumbers, quotedJson(VALUES.int.plain), pick('12345.0', 'null', '2147483647')),
  bigint: fc.oneof(plainNumbers, quotedJson(VALUES.bigint.plain), pick('12345678901234567')),
  real: fc.oneof(plainDecimals, quotedJson(VALUES.real.plain)),
  double: fc.oneof(plainDecimals, quotedJson(VALUES.double.plain)),
  numeric: fc.oneof(plainDecimals, quotedJson(VALUES.numeric.plain)),
  text: fc.oneof(plainDecimals, quotedJson(plainText), pick('true', 'null', '""')),
  boolean: fc.oneof(pick('true', 'false', '0', '1', 'null'), quotedJson(VALUES.boolean.plain)),
  date: quotedJson(VALUES.date.plain),
  timestamp: quotedJson(VALUES.timestamp.plain),
  timestamptz: quotedJson(VALUES.timestamptz.plain),
  uuid: quotedJson(plainUuids),
  json: pick('null'),
  jsonb: pick('null'),
};

export function plainDrafts({
  path,
  metrics,
}: FieldShape & { kind: 'source' }): fc.Arbitrary<JsonDraft> {
  return fc
    .tuple(
      fc.oneof(fc.shuffledSubarray(metrics.slice()), fc.subarray(metrics.slice())),
      fc.tuple(...metrics.map(({ type }) => PLAIN_METRICS[type])),
      pick(...SPACES),
    )
    .map(([chosen, values, space]) => {
      const members = chosen.flatMap((metric, i) => [
        ...(i === 0 ? [] : [',']),
        bytesOf(JSON.stringify(metric.key)),
        ':',
        values[metrics.indexOf(metric)]!,
      ]);
      return { path, tokens: ['{', ...members, '}'], space };
    });
}

/** Plain JSON with an oddity or two. */
export function oddJson(field: FieldShape & { kind: 'source' }): Text {
  const own = field.metrics.map(({ key }) => key);
  const keys = fc.oneof(
    pick(...own, 'a', 'metrics').map((key) => bytesOf(JSON.stringify(key))),
    pick('other', '', '__proto__', '$rest', ' ').map((key) => JSON.stringify(key)),
    pick(...own, 'a').map((key) => bytesOf(`"${escapeFirst(key)}"`)),
    pick('key', '"', '1', '"\n"', '"\t"', '"\\"', "'a'", '"""', '"\xff"'),
  );
  const values = fc.oneof(
    { arbitrary: oddJsonValues, weight: 4 },
    ...field.metrics.flatMap(({ type }) => [
      VALUES[type].odd,
      VALUES[type].odd.map((text) => `"${text}"`),
    ]),
  );
  const edits = fc.array(fc.tuple(fc.nat(13), fc.nat(), keys, values, pick(...ODD_SPACES)), {
    minLength: 1,
    maxLength: 2,
  });
  const edited = fc.tuple(plainDrafts(field), edits).map(([draft, list]) => {
    let { path } = draft;
    const tokens = [...draft.tokens];
    let [before, after] = ['', ''];
    for (const [how, place, key, value, space] of list) {
      const member = 1 + 4 * (place % Math.max(1, Math.floor(tokens.length / 4)));
      const hasMember = tokens.length > 2;
      const at = place % tokens.length;
      if (how < 4 && hasMember) tokens[member + 2] = value;
      else if (how === 4 && hasMember) tokens[member] = key;
      else if (how === 5) tokens.splice(1, 0, key, ':', value, ...(hasMember ? [','] : []));
      else if (how === 6 && hasMember) tokens.push(',', ...tokens.slice(1, 4), tokens.pop()!);
      else if (how === 7) tokens[at] += space;
      else if (how === 8) tokens.splice(at, 1);
      else if (how === 9) tokens.splice(at, 0, tokens[at]!);
      else if (how === 10) path = place % 2 === 0 ? path.slice(1) : [...path, 'a'];
      else if (how === 11) tokens.splice(0, tokens.length, value);
      else if (how === 12) [before, after] = place % 2 === 0 ? [space, ''] : ['', space];
      else if (path.length > 0) {
        const json = writeJson({ ...draft, path, tokens });
        const sibling = `${key}:${value}`;
        return place % 2 === 0
          ? json.replace('{', `{${sibling},`)
          : json.replace(/\}$/, `,${sibling}}`);
      }
    }
    return before + writeJson({ ...draft, path, tokens }) + after;
  });
  const cut = fc.tuple(edited, fc.nat()).map(([json, at]) => json.slice(0, at % (json.length + 1)));
  return fc.oneof(
    { arbitrary: edited, weight: 18 },
    { arbitrary: cut, weight: 1 },
    { arbitrary: oddJsonValues, weight: 1 },
  );
}
