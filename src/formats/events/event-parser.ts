/**
 * A line → the fields of a row of `change_events`, or a fault. An event is lifted to today's version, then corrected, then
 * held against its schema: a correction mends what the schema would refuse.
 */
import { isUtf8 } from 'node:buffer';
import { isObject } from '../../base/is-object.js';
import { eventId } from '../../events/event-id.js';
import { canonicalKeyText, keyTextOf, subjectOf } from '../../events/event-key.js';
import { EVENT_LOG_FIELDS, NO_KEY } from '../../events/event-log.js';
import { Fault } from '../../model/reject-codes.js';
import { encodeBytes, show } from '../../values/coerce.js';
import { findRepeatedKey } from '../../values/repeated-key.js';
import { findBroken, toBrokenFault } from '../jsonl/broken-object.js';
import type { RecordBatch } from '../text/record-batch.js';
import type { ActedCorrection, ParsedRecord, RecordParser } from '../text/text-format.js';
import { toUtf8 } from '../text/transcode.js';
import type { CatalogTable, EventCatalog } from './event-catalog.js';
import { readCatalog } from './event-catalog.js';
import type { EventForm } from './event-form.js';
import { toEventValue } from './event-values.js';
import { lift, nameIn } from './lift-event.js';
import type { RawChange } from './raw-change.js';
import { readCloudEvent } from './read-cloudevent.js';
import { readDebezium } from './read-debezium.js';
import { keepDigits, mayDiffer, writtenMembers } from './written-json.js';

type Attributes = Record<string, unknown>;

interface Data {
  readonly key?: Attributes;
  readonly after?: Attributes;
  readonly before?: Attributes;
  readonly transaction?: string;
  readonly errors?: Attributes;
}

const NOTHING_NOTED: readonly ActedCorrection[] = [];

export class EventParser implements RecordParser {
  readonly fields = EVENT_LOG_FIELDS;
  readonly writesJson = true;
  corrected: readonly ActedCorrection[] = NOTHING_NOTED;
  readonly #form: EventForm;
  readonly #catalog: EventCatalog;

  constructor(form: EventForm) {
    this.#form = form;
    this.#catalog = readCatalog(form.catalog);
  }

  parse(
    bytes: Buffer,
    batch: RecordBatch,
    take: (index: number, record: ParsedRecord) => void,
  ): void {
    for (let i = 0; i < batch.count; i++) {
      this.corrected = NOTHING_NOTED;
      take(i, this.#readLine(bytes.subarray(batch.start[i]!, batch.end[i]!)));
    }
  }

  #readLine(line: Buffer): ParsedRecord {
    try {
      return this.#readEvent(line);
    } catch (error) {
      // What writes JSON calls itself for every level: the stack may end.
      if (error instanceof RangeError) return TOO_DEEP;
      throw error;
    }
  }

  #readEvent(line: Buffer): ParsedRecord {
    const text =
      this.#form.encoding === 'utf-8'
        ? line.toString('utf8')
        : Buffer.from(toUtf8(line.toString('latin1'), this.#form.encoding), 'latin1').toString();
    const isSound = () => this.#form.encoding !== 'utf-8' || isUtf8(line);
    const event = parseLine(text);
    if (event instanceof Fault) return isSound() ? event : NOT_UTF8;
    // A replacement character may have been in the file.
    if (text.includes('\ufffd') && !isSound()) return NOT_UTF8;
    const twice = mayRepeatKeys(text, event) ? findRepeatedKey(encodeBytes(text)) : undefined;
    if (twice !== undefined) return new Fault('bad_record', twice);
    const change =
      this.#form.format === 'debezium'
        ? readDebezium(event, text, this.#catalog)
        : readCloudEvent(event, this.#catalog);
    return change instanceof Fault ? change : this.#toFields(change, text);
  }

  #toFields(change: RawChange, line: string): ParsedRecord {
    const { table, op, version, sequence, source, time } = change;
    const isOld = version < table.declared.version;
    const data = (isOld ? lift(change) : change.data) as Data;
    passOver(data, table);
    const spelled = change.subject === undefined ? undefined : spelledSubject(data.key, table);
    this.#correct(data, change);
    const texts = table.check(data) ?? table.findUnstorable(data) ?? keyTexts(data.key, table);
    if (texts instanceof Fault) return texts;
    const contradiction =
      findOtherSubject(change, spelled, texts) ??
      findOtherKey(data, 'after', texts, table) ??
      findOtherKey(data, 'before', texts, table);
    if (contradiction !== undefined) return contradiction;
    const key = op === 'truncate' ? NO_KEY : JSON.stringify(texts);
    const id = change.id ?? eventId(source, table.declared.name, sequence, texts);
    const { transaction = null, errors } = data;
    for (const [name, text] of Object.entries({ source, id, transaction })) {
      if (text !== null && UNSTORABLE.test(text)) return unstorable(name);
    }
    const writeJson = this.#jsonWriter(change, data, line);
    return [
      encodeBytes(table.declared.name),
      encodeBytes(key),
      sequence,
      encodeBytes(source),
      encodeBytes(id),
      op,
      String(table.declared.version),
      time,
      transaction === null ? null : encodeBytes(transaction),
      writeJson('after'),
      writeJson('before'),
      errors === undefined ? null : encodeBytes(JSON.stringify(errors)),
    ];
  }

  /** @returns what writes the attributes, those that hold JSON with the digits that the line has */
  #jsonWriter(
    { table, version, within }: RawChange,
    data: Data,
    line: string,
  ): (part: 'after' | 'before') => string | null {
    const { jsonColumns, declared } = table;
    const isDebezium = this.#form.format === 'debezium';
    const isPlain = jsonColumns.length === 0 || !mayDiffer(line, isDebezium);
    return (part) => {
      const attributes = data[part];
      if (attributes === undefined) return null;
      if (isPlain || !jsonColumns.some((name) => Object.hasOwn(attributes, name))) {
        return encodeBytes(JSON.stringify(attributes));
      }
      const written = writtenMembers(Buffer.from(line), [...within, part]);
      const members = Object.entries(attributes).map(([name, value]) => {
        const isJson = jsonColumns.includes(name);
        const own = isDebezium ? table.fieldOf(name) : nameIn(declared, name, version);
        const json =
          isJson && own !== undefined ? keepDigits(value, written.get(own)) : JSON.stringify(value);
        return `${JSON.stringify(name)}:${json}`;
      });
      return encodeBytes(`{${members.join(',')}}`);
    };
  }

  #correct({ key, after, before }: Data, { op, table }: RawChange): void {
    const { corrections } = table;
    if (corrections === undefined) return;
    const noted: ActedCorrection[] = [];
    if (isObject(after)) corrections.correct(after, op === 'create' || op === 'read', noted);
    this.corrected = noted;
    // The same values again, mostly.
    if (isObject(key)) corrections.correct(key, false, []);
    if (isObject(before)) corrections.correct(before, false, []);
  }
}

const TOO_DEEP = new Fault('bad_json', 'the line is nested too deep');
const NOT_UTF8 = new Fault('invalid_utf8', 'the line is not valid UTF-8');

function parseLine(text: string): Readonly<Record<string, unknown>> | Fault {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const line = Buffer.from(text);
    const nul = line.indexOf(0);
    if (nul >= 0) return new Fault('nul_byte', `the line has a NUL byte, at byte ${nul}`);
    return toBrokenFault(line, findBroken(line) ?? { at: 0, expected: 'JSON' });
  }
  return isObject(value) ? value : new Fault('bad_record', 'the line is not a JSON object');
}

/** Takes out what the table is declared to ignore. */
function passOver({ after, before }: Data, { ignored }: CatalogTable): void {
  if (ignored.size === 0) return;
  for (const name of ignored) {
    if (isObject(after)) delete after[name];
    if (isObject(before)) delete before[name];
  }
}

/** What PostgreSQL cannot hold as text, nor read in JSON: NUL, and half of a pair of surrogates. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

function unstorable(attribute: string): Fault {
  return new Fault('bad_json', 'it has NUL or half of a pair of surrogates', attribute);
}

function keyTexts(key: Attributes | undefined, { declared, keyTypes }: CatalogTable) {
  const texts: string[] = [];
  if (key === undefined) return texts;
  for (const [i, name] of declared.key.entries()) {
    const text = canonicalKeyText(keyTypes[i]!, key[name]);
    if (UNSTORABLE.test(text)) return unstorable(name);
    texts.push(text);
  }
  return texts;
}

/** The subject that an event with this key has; the key may be no object yet. */
function spelledSubject(key: unknown, { declared }: CatalogTable): string | undefined {
  if (!isObject(key)) return undefined;
  return subjectOf(declared.key.map((name) => keyTextOf(key[name])));
}

/** The fault of a subject that is another key, however it is spelled. */
function findOtherSubject(
  { subject, op, table }: RawChange,
  spelled: string | undefined,
  texts: readonly string[],
): Fault | undefined {
  if (subject === undefined || subject === spelled) return undefined;
  if (op === 'truncate') return new Fault('bad_schema', 'a truncate has no subject');
  const parts = readSubject(subject, texts.length);
  const isSame = parts?.every((part, i) => {
    const type = table.keyTypes[i]!;
    return canonicalKeyText(type, toEventValue(type, encodeBytes(part))) === texts[i];
  });
  if (isSame === true) return undefined;
  return new Fault(
    'bad_schema',
    `the subject ${show(encodeBytes(subject))} is not the key ${show(encodeBytes(subjectOf(texts)))}`,
  );
}

/** @returns undefined where it is not of so many texts */
function readSubject(subject: string, count: number): string[] | undefined {
  if (count === 1) return [subject];
  try {
    const parts: unknown = JSON.parse(subject);
    return Array.isArray(parts) && parts.length === count ? parts.map(keyTextOf) : undefined;
  } catch {
    return undefined;
  }
}

/** The fault of attributes that have another value for a column of the key than the key itself. */
function findOtherKey(
  data: Data,
  part: 'after' | 'before',
  texts: readonly string[],
  { declared, keyTypes }: CatalogTable,
): Fault | undefined {
  const { key, [part]: attributes } = data;
  if (attributes === undefined || key === undefined) return undefined;
  for (const [i, name] of declared.key.entries()) {
    if (!Object.hasOwn(attributes, name) || attributes[name] === key[name]) continue;
    if (canonicalKeyText(keyTypes[i]!, attributes[name]) === texts[i]) continue;
    return new Fault('bad_schema', `${part} has another value than the key`, name);
  }
  return undefined;
}

/** A member in the text of JSON; within strings it may look like one. */
const MEMBER = /"\s*:/g;

/** Whether a line may have an object with a key twice: it has more of what looks like members than what was read of it. */
function mayRepeatKeys(text: string, event: unknown): boolean {
  return (text.match(MEMBER)?.length ?? 0) !== countMembers(event);
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const one of value) count += countMembers(one);
    return count;
  }
  for (const name in value) count += 1 + countMembers((value as Attributes)[name]);
  return count;
}
