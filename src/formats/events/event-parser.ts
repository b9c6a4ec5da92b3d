/**
 * A line → the fields of a row of `change_events`, or a fault. An event is lifted to today's version, then corrected, then
 * held against its schema: a correction mends what the schema would refuse.
 */
import { isUtf8 } from 'node:buffer';
import { eventId } from '../../events/event-id.js';
import { EVENT_LOG_FIELDS, NO_KEY } from '../../events/event-log.js';
import { Fault } from '../../model/reject-codes.js';
import { encodeBytes, show } from '../../values/coerce.js';
import type { RecordBatch } from '../text/record-batch.js';
import type { ActedCorrection, ParsedRecord, RecordParser } from '../text/text-format.js';
import { toUtf8 } from '../text/transcode.js';
import type { CatalogTable, EventCatalog } from './event-catalog.js';
import { readCatalog } from './event-catalog.js';
import type { EventForm } from './event-form.js';
import { keyText } from './event-values.js';
import { keepJson } from './keep-json.js';
import { lift } from './lift-event.js';
import { isObject, type RawChange } from './raw-change.js';
import { readCloudEvent } from './read-cloudevent.js';
import { readDebezium } from './read-debezium.js';

type Attributes = Record<string, unknown>;

interface Data {
  readonly key?: Attributes;
  readonly after?: Attributes;
  readonly before?: Attributes;
  readonly transaction?: string;
}

const NOTHING_NOTED: readonly ActedCorrection[] = [];

export class EventParser implements RecordParser {
  readonly fields = EVENT_LOG_FIELDS;
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
      take(i, this.#readLine(bytes, batch.start[i]!, batch.end[i]!));
    }
  }

  #readLine(bytes: Buffer, start: number, end: number): ParsedRecord {
    const line = bytes.subarray(start, end);
    const text =
      this.#form.encoding === 'utf-8'
        ? line.toString('utf8')
        : Buffer.from(toUtf8(line.toString('latin1'), this.#form.encoding), 'latin1').toString();
    const event = parseLine(text);
    if (event instanceof Fault) return isUtf8(line) ? event : NOT_UTF8;
    // A replacement character may have been in the file.
    if (text.includes('\ufffd') && this.#form.encoding === 'utf-8' && !isUtf8(line))
      return NOT_UTF8;
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
    this.#correct(data, change);
    const fault = table.check(data) ?? table.findUnstorable(data);
    if (fault !== undefined) return fault;
    const texts = data.key === undefined ? [] : keyTexts(data.key, table);
    const key = op === 'truncate' ? NO_KEY : JSON.stringify(texts);
    return [
      encodeBytes(table.declared.name),
      encodeBytes(key),
      sequence,
      encodeBytes(source),
      encodeBytes(change.id ?? eventId(source, table.declared.name, sequence, texts)),
      op,
      String(version),
      time,
      data.transaction === undefined ? null : encodeBytes(data.transaction),
      writeAttributes(data.after, table, line),
      writeAttributes(data.before, table, line),
    ];
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

const NOT_UTF8 = new Fault('invalid_utf8', 'the line is not valid UTF-8');

function parseLine(text: string): Readonly<Record<string, unknown>> | Fault {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const nul = text.indexOf('\0');
    if (nul >= 0) return new Fault('nul_byte', `the line has a NUL byte, at character ${nul}`);
    return new Fault(
      'bad_record',
      `the line is not JSON: ${show(encodeBytes(text.slice(0, 100)))}`,
    );
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

function keyTexts(key: Attributes, { declared, keyTypes }: CatalogTable): string[] {
  return declared.key.map((name, i) => keyText(keyTypes[i]!, key[name]));
}

function writeAttributes(
  attributes: Attributes | undefined,
  table: CatalogTable,
  line: string,
): string | null {
  if (attributes === undefined) return null;
  const text = JSON.stringify(attributes);
  for (const name of table.jsonColumns) {
    const value = attributes[name];
    if (typeof value === 'object' || typeof value === 'number') {
      if (value !== null && !line.includes(JSON.stringify(value))) {
        return encodeBytes(keepJson(attributes, table.jsonColumns, line));
      }
    }
  }
  return encodeBytes(text);
}
