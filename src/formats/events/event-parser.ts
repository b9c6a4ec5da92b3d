/**
 * A line → the fields of a row of `change_events`, or a fault. An event is lifted to today's version, then corrected, then
 * held against its schema: a correction mends what the schema would refuse.
 */
import { isUtf8 } from 'node:buffer';
import { isObject } from '../../base/is-object.js';
import { eventId } from '../../events/event-id.js';
import { canonicalKeyText } from '../../events/event-key.js';
import { EVENT_LOG_FIELDS, NO_KEY } from '../../events/event-log.js';
import { Fault } from '../../model/reject-codes.js';
import { encodeBytes } from '../../values/coerce.js';
import { findBroken, toBrokenFault } from '../jsonl/broken-object.js';
import type { RecordBatch } from '../text/record-batch.js';
import type { ActedCorrection, ParsedRecord, RecordParser } from '../text/text-format.js';
import type { CatalogTable, EventCatalog } from './event-catalog.js';
import { readCatalog } from './event-catalog.js';
import { type EventForm, lineText } from './event-form.js';
import { findOtherKey, findOtherSubject, spelledSubject } from './find-contradiction.js';
import { lift, nameIn } from './lift-event.js';
import type { RawChange } from './raw-change.js';
import { readCloudEvent } from './read-cloudevent.js';
import { readDebezium } from './read-debezium.js';
import { findRepeatedMember } from './repeated-members.js';
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
  readonly #isDebezium: boolean;

  constructor(form: EventForm) {
    this.#form = form;
    this.#catalog = readCatalog(form.catalog);
    this.#isDebezium = form.format === 'debezium';
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
    const text = lineText(line, this.#form);
    const event = parseLine(text);
    if (event instanceof Fault) return this.#isSound(line) ? event : NOT_UTF8;
    // A replacement character may have been in the file.
    if (text.includes('\ufffd') && !this.#isSound(line)) return NOT_UTF8;
    const twice = findRepeatedMember(text, event);
    if (twice !== undefined) return new Fault('bad_record', twice);
    const change = this.#isDebezium
      ? readDebezium(event, text, this.#catalog)
      : readCloudEvent(event, this.#catalog);
    return change instanceof Fault ? change : this.#toFields(change, text);
  }

  #isSound(line: Buffer): boolean {
    return this.#form.encoding !== 'utf-8' || isUtf8(line);
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
    if (UNSTORABLE.test(source)) return unstorable('source');
    if (UNSTORABLE.test(id)) return unstorable('id');
    if (transaction !== null && UNSTORABLE.test(transaction)) return unstorable('transaction');
    const isPlain = table.jsonColumns.length === 0 || !mayDiffer(line, this.#isDebezium);
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
      isPlain ? writePlain(data.after) : this.#writeExact(change, data, 'after', line),
      isPlain ? writePlain(data.before) : this.#writeExact(change, data, 'before', line),
      writePlain(errors),
    ];
  }

  /** Writes attributes, those that hold JSON with the digits that the line has. */
  #writeExact(
    { table, version, within }: RawChange,
    data: Data,
    part: 'after' | 'before',
    line: string,
  ): string | null {
    const attributes = data[part];
    if (attributes === undefined) return null;
    const { jsonColumns, declared } = table;
    if (!jsonColumns.some((name) => Object.hasOwn(attributes, name))) return writePlain(attributes);
    const written = writtenMembers(Buffer.from(line), [...within, part]);
    const members = Object.entries(attributes).map(([name, value]) => {
      if (!jsonColumns.includes(name)) return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
      const own = this.#isDebezium ? table.fieldOf(name) : nameIn(declared, name, version);
      const json = keepDigits(value, own === undefined ? undefined : written.get(own));
      return `${JSON.stringify(name)}:${json}`;
    });
    return encodeBytes(`{${members.join(',')}}`);
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

function writePlain(attributes: Attributes | undefined): string | null {
  return attributes === undefined ? null : encodeBytes(JSON.stringify(attributes));
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
