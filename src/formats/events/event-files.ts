/** Files of change events, as all who read files see them. */
import { EdpError } from '../../base/errors.js';
import { isObject } from '../../base/is-object.js';
import { EVENT_LOG_FIELDS } from '../../events/event-log.js';
import type { EventFormat, TextSettings } from '../../model/file-settings.js';
import { describeJsonl, describeJsonlSample } from '../jsonl/describe-jsonl.js';
import { LineScanner } from '../jsonl/line-scanner.js';
import { type DescribedText, listTextOddities } from '../text/described-text.js';
import type { InputFormat } from '../text/input-format.js';
import { RecordBatch } from '../text/record-batch.js';
import type { Sample } from '../text/sample.js';
import type { TextReading } from '../text/text-reading.js';
import { fieldEncodingOf } from '../text/transcode.js';
import { type EventForm, eventForm } from './event-form.js';
import { eventFormat } from './event-format.js';

export interface EventDescription extends DescribedText {
  readonly format: EventFormat;
  readonly recordForm: EventForm;
}

export interface EventReading extends TextReading {
  readonly format: EventFormat;
  readonly specified: TextSettings;
}

type Files = InputFormat<TextSettings, EventForm, EventDescription, EventReading>;

/** @param isLike whether an object is an event of the format */
function eventFiles(
  format: EventFormat,
  isLike: (line: Readonly<Record<string, unknown>>) => boolean,
  why: string,
) {
  const toDescription = (lines: ReturnType<typeof describeJsonlSample>): EventDescription => {
    const { sampledLines: _, sampledObjects: __, ...text } = lines;
    return {
      ...text,
      format,
      recordForm: eventForm(format, lines.recordForm.encoding),
      fields: EVENT_LOG_FIELDS,
      mayHaveMoreFields: false,
    };
  };
  return {
    suffixes: [] as string[],
    content: { isLike: (sample) => isFirstLine(sample, isLike), why },
    describe: async (file, name, table, settings) =>
      toDescription(
        await describeJsonl(file, name, table !== undefined, settings).catch(refuseOtherLines),
      ),
    describeSample: (sample, name) => toDescription(describeJsonlSample(sample, name)),
    summarize: ({ form, recordForm }) => ({
      lineEnd: eventFormat(recordForm).lineEnd,
      encoding: form.encoding,
      byteOrderMark: form.markBytes > 0,
      compression: form.compression,
    }),
    listOddities: ({ form }) => listTextOddities(form),
    readingOf: ({ recordForm, dataStart, dataLine }, specified, drift): EventReading => ({
      format,
      encoding: recordForm.encoding,
      dataStart,
      dataLine,
      specified,
      drift,
    }),
    formOf: ({ encoding }) => eventForm(format, fieldEncodingOf(encoding)),
    fieldsOf: () => EVENT_LOG_FIELDS,
    settingsOf: ({ specified }) => specified,
    footerLinesOf: () => 0,
  } satisfies Files;
}

function refuseOtherLines(error: unknown): never {
  if (!(error instanceof EdpError) || error.code !== 'wrong_format') throw error;
  throw new EdpError('wrong_format', error.message, {
    place: error.place,
    hint: 'each line must be a change event, as a JSON object; docs/realize.md',
  });
}

/** @returns undefined where the sample holds no line */
function isFirstLine(
  { parts: { head, start, isWhole } }: Sample,
  isLike: (line: Readonly<Record<string, unknown>>) => boolean,
): boolean | undefined {
  const batch = new RecordBatch(1);
  const scanner = new LineScanner();
  scanner.reset(start);
  scanner.scan(head, head.length, head.length, isWhole, batch);
  if (batch.count === 0) return undefined;
  try {
    const value: unknown = JSON.parse(head.toString('utf8', batch.start[0], batch.end[0]));
    return isObject(value) && isLike(value);
  } catch {
    return false;
  }
}

export const cloudeventFiles = eventFiles(
  'cloudevents',
  (line) => 'specversion' in line,
  'its first line has "specversion"',
);

export const debeziumFiles = eventFiles(
  'debezium',
  (line) => isEnvelope(line) || (isObject(line.payload) && isEnvelope(line.payload)),
  'its first line has "op" and "source"',
);

function isEnvelope(value: Readonly<Record<string, unknown>>): boolean {
  return typeof value.op === 'string' && isObject(value.source);
}
