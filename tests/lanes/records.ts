/** Records of a table: plain, odd or broken. */
import fc from 'fast-check';
import { CORRECTABLE } from './corrected-shapes.js';
import { oddJson, plainDrafts, writeJson } from './metrics-json.js';
import type { FieldShape, Shape } from './shapes.js';
import { often, pick, type Text } from './text-parts.js';
import { oddTexts, plainText, VALUES } from './values.js';

interface FieldTexts {
  /** Fields as they are written in the file. */
  readonly plain: Text;
  readonly odd: Text;
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

function fieldTexts(field: FieldShape, { delimiter }: Shape): FieldTexts {
  const isTab = delimiter === '\t';
  /** One in `share` is quoted without need. */
  const written = (texts: Text, share: number, hasBareQuotes = false): Text =>
    fc.tuple(texts, fc.nat(share)).map(([text, how]) => {
      const needsQuotes =
        text === '' ||
        text.includes(delimiter) ||
        (hasBareQuotes ? /[\n\r]|^"/ : /[\n\r"]/).test(text);
      return how === 0 || needsQuotes ? quoted(text) : text;
    });
  const raw = (texts: Text): Text =>
    fc.oneof({ arbitrary: written(texts, 2, isTab), weight: 6 }, texts);
  const empty = pick('', '', '""');
  if (field.kind === 'ignored' || field.kind === 'new') {
    return { plain: often(written(plainText, 5), empty), odd: raw(oddTexts) };
  }
  if (field.kind === 'source') {
    const json = oddJson(field);
    return {
      plain: often(written(plainDrafts(field).map(writeJson), isTab ? 3 : 0, isTab), empty, 9),
      odd: fc.oneof({ arbitrary: written(json, 3, isTab), weight: 8 }, raw(oddTexts), json),
    };
  }
  const { plain: own, odd } = VALUES[field.type];
  const plain =
    field.corrections === undefined
      ? own
      : fc.oneof({ arbitrary: own, weight: 3 }, { arbitrary: CORRECTABLE, weight: 1 });
  const oddFields = fc.oneof({ arbitrary: raw(odd), weight: 8 }, raw(oddTexts), empty);
  const values = written(plain, 5);
  if (field.isNullable) return { plain: often(values, empty, 9), odd: oddFields };
  return { plain: field.type === 'text' ? often(values, pick('""'), 9) : values, odd: oddFields };
}

/** Line ends are part of a record's text only inside quotes. */
export interface RecordKinds {
  readonly plain: Text;
  readonly odd: Text;
  readonly broken: Text;
}

export function recordsOf(shape: Shape): RecordKinds {
  const fields = shape.fields.map((field) => fieldTexts(field, shape));
  const plain = fc.tuple(...fields.map((field) => field.plain));
  const odd = fc
    .tuple(plain, fc.nat(), fc.tuple(...fields.map((field) => field.odd)), fc.nat(9))
    .map(([texts, at, oddTexts, how]) =>
      texts.map((text, i) =>
        how === 0 || i === at % texts.length || (how < 3 && i === (at >> 4) % texts.length)
          ? oddTexts[i]!
          : text,
      ),
    );
  const written = (texts: readonly string[]) => texts.join(shape.delimiter);
  const broken = fc.tuple(odd, fc.nat(11), fc.nat()).map(([texts, how, at]) => {
    const text = written(texts);
    const cut = at % (text.length + 1);
    switch (how) {
      case 0:
        return written(texts.slice(1));
      case 1:
        return written([...texts, '']);
      case 2:
        return '';
      case 3:
        return '\r';
      case 4:
        return `${text.slice(0, cut)}"${text.slice(cut)}`;
      case 5:
        return `${text.slice(0, cut)}\r${text.slice(cut)}`;
      case 6:
        return `${text.slice(0, cut)}\n${text.slice(cut)}`;
      case 7:
        return text.slice(0, cut);
      case 8:
        return text.slice(cut);
      case 9:
        return `"${text}`;
      case 10:
        return `${text}"`;
      default:
        return `\n\n${text}\r`;
    }
  });
  return { plain: plain.map(written), odd: odd.map(written), broken };
}
