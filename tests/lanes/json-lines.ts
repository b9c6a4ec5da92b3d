/** Lines of JSON for a table: plain, odd or broken. */
import fc from 'fast-check';
import { openForm } from '../../src/formats/jsonl/jsonl-form.js';
import { planRecords } from '../../src/mapping/record-plan.js';
import { withExtraColumn } from '../../src/model/drift.js';
import type { OnNewField } from '../../src/model/load-rules.js';
import { CORRECTABLE } from './corrected-shapes.js';
import { oddDocuments, plainDocuments } from './documents.js';
import { damagedBytes, type Mixture, SomeFile } from './files.js';
import type { Target } from './loading.js';
import { oddJson, plainDrafts, writeJson } from './metrics-json.js';
import { type FieldShape, type Shape, tableOf } from './shapes.js';
import { bytesOf, often, pick, type Text } from './text-parts.js';
import { oddTexts, plainText, VALUES } from './values.js';

/** How a table's lines are read. */
export interface LineShape extends Shape {
  readonly onNew: OnNewField;
  /** By field: its key, where it is not called `f` and its number. */
  readonly names: Readonly<Record<number, string>>;
}

const NAMES = [
  'é',
  'q"',
  'b\\',
  '',
  ' ',
  'n\n',
  '__proto__',
  'a name of more than 32 bytes, of 40',
];
const SIXTEEN = ['twelve_bytes', 'thirteen_byte', 'fourteen_bytes', 'fifteen_bytes__', 'f'];

export function lineShapes(shapes: fc.Arbitrary<Shape>): fc.Arbitrary<LineShape> {
  const names = fc.dictionary(
    fc.nat(7).map(String),
    fc.oneof({ arbitrary: pick(...SIXTEEN), weight: 3 }, pick(...NAMES)),
    { maxKeys: 2 },
  );
  return fc
    .tuple(shapes, fc.constantFrom<OnNewField>('reject', 'reject', 'ignore', 'keep'), names)
    .map(([shape, onNew, given]) => ({ ...shape, onNew, names: distinct(given) }));
}

function distinct(names: Readonly<Record<string, string>>): Record<number, string> {
  const entries = Object.entries(names);
  return Object.fromEntries(
    entries.filter(([, name], i) => entries.findIndex(([, other]) => other === name) === i),
  );
}

const keyOf = ({ names }: LineShape, field: number) => names[field] ?? `f${field}`;

export function lineTargetOf(shape: LineShape): Target {
  const { table: known, references } = tableOf(shape, (field) => keyOf(shape, field));
  const table = shape.onNew === 'keep' ? withExtraColumn(known) : known;
  const layout = { recordForm: openForm(shape.encoding), fields: [] };
  return {
    ...planRecords(table, layout, 'memory.jsonl', shape.onNew),
    loadId: shape.loadId,
    references,
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const asUnit = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;

/** A byte string as JSON writes it, bytes that are no characters included. */
function quote(text: string): string {
  const escaped = text.replace(/["\\\p{Cc}]/gu, (character) =>
    character >= '\x7f' ? character : (ESCAPES[character] ?? asUnit(character.charCodeAt(0))),
  );
  return `"${escaped}"`;
}

/** The same, with escapes in place of other characters, too. */
function quoteOddly(text: string, places: readonly number[]): string {
  const characters = [...Buffer.from(text, 'latin1').toString('utf8')];
  const units = characters.map((character, i) => {
    if (!places.includes(i % 7)) return quote(bytesOf(character)).slice(1, -1);
    if (character === '/') return '\\/';
    return [...Array(character.length).keys()]
      .map((k) => asUnit(character.charCodeAt(k)))
      .join('')
      .replace(/[a-f](?=[^u]*$)/, (digit) => digit.toUpperCase());
  });
  return `"${units.join('')}"`;
}

const inQuotes = (texts: Text): Text => texts.map(quote);
const inOddQuotes = (texts: Text): Text =>
  fc.tuple(texts, fc.subarray([0, 1, 2, 3, 4, 5, 6])).map(([text, at]) => quoteOddly(text, at));

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
/** Numbers and words bare, as producers write them. */
const bareOr = (texts: Text): Text =>
  fc
    .tuple(texts, fc.nat(3))
    .map(([text, how]) =>
      how > 0 && (NUMBER.test(text) || text === 'true' || text === 'false') ? text : quote(text),
    );

const LITERALS = pick(
  ...['0', '-0', '12', '-5', '01', '-', '+1', '.5', '1.', '1.0', '1.5', '1e3', '-1E-3', '1e400'],
  ...['2147483648', '-32769', '9223372036854775807', '99999999999999999999', '0x1', '1_0', 'NaN'],
  ...['true', 'false', 'null', 'True', 'nul', 'nullx', 'tru', 'falsey', '', 'undefined', "'a'"],
);
const NESTED = pick(
  ...['{}', '[]', '[ 1 ,\t"x" ]', '{"a":{"b":[]}}', '{"a":1,"a":2}', '[1,]', '{"a"}', '{"a":}'],
  ...['[', '{', ']', '[1}', '{"metrics": {}}', '{"\\u0000": 1}', '["\\ud800"]', '{"é": "é"}'],
);
const STRINGS = pick(
  ...[
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\udc00\\udc00"',
    '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00x"',
  ],
  ...['"\\ud83dx"', '"\\u00e9\\u20AC"', '"\\x"', '"\\"', '"\\u12"', '"a', '"\t"', '"a"b"', '"\\/"'],
  ...['"\\n\\t\\r\\b\\f\\\\\\""', '"\xff"', '"\xed\xa0\x80"', '"{\\"metrics\\": {\\"a\\": 1}}"'],
);

/** Such as stand in a line. */
const documents = plainDocuments.map((text) => text.replaceAll('\n', ' '));

interface FieldValues {
  readonly plain: Text;
  readonly odd: Text;
}

function fieldValues(field: FieldShape): FieldValues {
  const odd = fc.oneof(
    { arbitrary: LITERALS, weight: 4 },
    NESTED,
    STRINGS,
    inQuotes(oddTexts),
    inOddQuotes(plainText),
    oddDocuments,
  );
  if (field.kind === 'ignored' || field.kind === 'new') {
    return { plain: fc.oneof(documents, inQuotes(plainText)), odd };
  }
  if (field.kind === 'source') {
    const json = plainDrafts(field).map(writeJson);
    const some = oddJson(field);
    return {
      plain: fc.oneof({ arbitrary: json, weight: 3 }, inQuotes(json)),
      odd: fc.oneof({ arbitrary: some, weight: 4 }, { arbitrary: inQuotes(some), weight: 4 }, odd),
    };
  }
  const { type, corrections } = field;
  const own = VALUES[type];
  if (type === 'json' || type === 'jsonb') {
    return {
      plain: fc.oneof(documents, inQuotes(plainText)),
      odd: fc.oneof(own.plain, own.odd, inQuotes(own.odd), inQuotes(own.plain), odd),
    };
  }
  const texts = corrections === undefined ? own.plain : fc.oneof(own.plain, CORRECTABLE);
  const plain =
    type === 'text'
      ? fc.oneof({ arbitrary: inQuotes(texts), weight: 5 }, documents, inOddQuotes(texts))
      : bareOr(texts);
  return {
    plain,
    odd: fc.oneof(
      { arbitrary: bareOr(own.odd), weight: 4 },
      { arbitrary: own.odd, weight: 2 },
      inOddQuotes(texts),
      odd,
    ),
  };
}

interface Member {
  /** As it is written, with its quotes. */
  readonly key: string;
  readonly value: string;
}

/** Undefined for a key that is not there. */
type Members = readonly (Member | undefined)[];

interface Spaces {
  readonly around: string;
  readonly colon: string;
  readonly comma: string;
}

const PLAIN_SPACES = fc.constantFrom<Spaces>(
  { around: '', colon: '', comma: '' },
  { around: '', colon: ' ', comma: ' ' },
  { around: ' ', colon: '\t', comma: '\r' },
);
const ODD_SPACE = pick('', ' ', '\t \r', '\v', '\xa0', ',', '\0', '\x1f');

function write(members: Members, { around, colon, comma }: Spaces): string {
  const texts = members
    .filter((member) => member !== undefined)
    .map(({ key, value }) => `${key}${around}:${colon}${value}${around}`);
  return `${around}{${comma}${texts.join(`,${comma}`)}}${around}`;
}

interface LineKinds {
  readonly plain: Text;
  readonly odd: Text;
  readonly broken: Text;
}

function linesOf(shape: LineShape): LineKinds {
  const fields = shape.fields.map(fieldValues);
  const keys = shape.fields.map((_, i) => quote(bytesOf(keyOf(shape, i))));
  const mayBeMissing = shape.fields.map(
    (field) => field.kind !== 'column' || field.isNullable || field.corrections !== undefined,
  );
  const plainMembers: fc.Arbitrary<Members> = fc.tuple(
    ...fields.map(({ plain }, i) => {
      const some = fc.option(mayBeMissing[i] ? often(plain, pick('null'), 9) : plain, {
        freq: mayBeMissing[i] ? 9 : 1e9,
        nil: undefined,
      });
      return some.map((value) => (value === undefined ? undefined : { key: keys[i]!, value }));
    }),
  );
  const order = fc.oneof(
    { arbitrary: fc.constant(keys.map((_, i) => i)), weight: 3 },
    fc.constant(keys.map((_, i) => keys.length - 1 - i)),
    fc.shuffledSubarray([...keys.keys()], { minLength: keys.length }),
  );
  const others = fc.array(
    fc.tuple(
      fc.nat(),
      pick('"new"', '"other"', '"é"').map(bytesOf),
      fc.oneof(pick('1', '"x"', 'null', '1e3', '[1]', '{"a":1}'), inQuotes(plainText)),
    ),
    { maxLength: shape.onNew === 'reject' ? 0 : 2 },
  );
  const ordered = fc.tuple(plainMembers, order, others).map(([given, at, more]) => {
    const members = at.map((i) => given[i]);
    for (const [place, key, value] of more) {
      members.splice(place % (members.length + 1), 0, { key, value });
    }
    return members;
  });
  const changes = fc.array(
    fc.tuple(
      fc.nat(9),
      fc.nat(),
      fc.tuple(...fields.map(({ odd }) => odd)),
      fc.oneof(
        { arbitrary: pick(...keys), weight: 2 },
        pick(
          '"new"',
          '"f9"',
          '"\\u0066\\u0030"',
          '"x',
          'f0',
          '"f0\\"',
          '"f0 "',
          '"a\\u0000"',
          '""',
        ),
      ),
      ODD_SPACE,
    ),
    { minLength: 1, maxLength: 3 },
  );
  const odd = fc.tuple(ordered, changes, PLAIN_SPACES).map(([given, list, plainSpaces]) => {
    const members = [...given];
    let spaces = plainSpaces;
    for (const [how, place, values, key, space] of list) {
      const at = place % members.length;
      const field = Math.max(0, keys.indexOf(members[at]?.key ?? keys[at % keys.length]!));
      const value = values[field % values.length]!;
      if (how < 5) members[at] = { key: members[at]?.key ?? keys[field]!, value };
      else if (how === 5) members.splice(at, 0, { key, value });
      else if (how === 6) members[at] = { key, value: members[at]?.value ?? value };
      else if (how === 7) members.splice(at, 0, members[at]);
      else if (how === 8) spaces = { ...spaces, colon: space };
      else members.push(members.shift());
    }
    return write(members, spaces);
  });
  const plain = fc.tuple(ordered, PLAIN_SPACES).map(([members, spaces]) => write(members, spaces));
  const broken = fc.tuple(odd, fc.nat(9), fc.nat()).map(([text, how, place]) => {
    const at = place % (text.length + 1);
    const [head, tail] = [text.slice(0, at), text.slice(at)];
    switch (how) {
      case 0:
        return '';
      case 1:
        return ' \t\r';
      case 2:
        return head;
      case 3:
        return tail;
      case 4:
        return `${head}\n${tail}`;
      case 5:
        return `${head}"${tail}`;
      case 6:
        return `${text}${text}`;
      case 7:
        return `\xef\xbb\xbf${text}`;
      case 8:
        return `[${text}]`;
      default:
        return `${head}\0${tail}`;
    }
  });
  return { plain, odd, broken };
}

export class SomeLines extends SomeFile<LineShape> {}

export function lineFilesOf(
  someShapes: fc.Arbitrary<LineShape>,
  mixture: Mixture,
): fc.Arbitrary<SomeLines> {
  return someShapes.chain((shape) => {
    const kinds = linesOf(shape);
    const line = fc.oneof(
      { arbitrary: kinds.plain, weight: mixture.plain },
      { arbitrary: kinds.odd, weight: mixture.odd },
      { arbitrary: kinds.broken, weight: mixture.broken },
    );
    const lines = fc.array(line, { minLength: 1, maxLength: mixture.maxRecords, size: 'max' });
    return fc.tuple(lines, fc.nat(3)).map(([texts, end]) => {
      const text = texts.join(shape.lineEnd) + (end === 0 ? '' : shape.lineEnd);
      return new SomeLines(shape, Buffer.from(text, 'latin1'));
    });
  });
}

/** This many plain lines, for a table. */
export function plainLines(shape: LineShape, count: number): string[] {
  return fc.sample(linesOf(shape).plain, { numRuns: count });
}

const MEANT = [...Buffer.from('"\\{}[]:,\n\r\t 0-.eEtn'), 0];

export function damagedLines(files: fc.Arbitrary<SomeLines>): fc.Arbitrary<SomeLines> {
  return files.chain(({ shape, bytes }) =>
    damagedBytes(bytes, MEANT).map((changed) => new SomeLines(shape, changed)),
  );
}
