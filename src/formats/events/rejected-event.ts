/** A line that was rejected → what it says of its event, as far as it can be read: which row it is of, and the value in question. */
import { isObject } from '../../base/is-object.js';
import { canonicalKeyText } from '../../events/event-key.js';
import { NO_KEY } from '../../events/event-log.js';
import { type CatalogTable, readCatalog } from './event-catalog.js';
import { type EventForm, lineText } from './event-form.js';
import { lift } from './lift-event.js';
import type { RawChange } from './raw-change.js';
import { readCloudEvent } from './read-cloudevent.js';
import { readDebezium } from './read-debezium.js';

type Json = Readonly<Record<string, unknown>>;

/** By what the log knows an event. */
export interface EventPlace {
  readonly table: string;
  /** As in the log. */
  readonly key: string;
  readonly sequence: string;
  readonly source: string;
}

export interface RejectedEvent {
  readonly id?: string;
  readonly table?: string;
  readonly op?: string;
  readonly key?: Json;
  readonly sequence?: string;
  readonly source?: string;
  /** Of the attribute in question; undefined where there is none. */
  readonly value?: unknown;
  /** Undefined where the line does not tell. */
  readonly place?: EventPlace;
}

/**
 * @param form with the tables that events may be about
 * @param attribute that the fault names
 * @returns undefined for a line that is no JSON object
 */
export function readRejectedEvent(
  raw: Buffer,
  form: EventForm,
  attribute: string | null,
): RejectedEvent | undefined {
  const text = lineText(raw, form);
  const event = parseObject(text);
  if (event === undefined) return undefined;
  const isDebezium = form.format === 'debezium';
  const catalog = readCatalog(form.catalog);
  const change = isDebezium ? readDebezium(event, text, catalog) : readCloudEvent(event, catalog);
  if ('table' in change) return ofChange(change, attribute);
  return isDebezium ? ofEnvelope(event) : ofCloudEvent(event, attribute);
}

function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function ofChange(change: RawChange, attribute: string | null): RejectedEvent {
  const { table, op, id, sequence, source } = change;
  const data = change.version < table.declared.version ? lift(change) : change.data;
  const key = objectOf(data.key);
  const keyText = op === 'truncate' ? NO_KEY : keyInLog(key, table);
  const name = table.declared.name;
  return {
    ...(id === undefined ? {} : { id }),
    table: name,
    op,
    ...(key === undefined ? {} : { key }),
    sequence,
    source,
    ...valueIn(data, attribute),
    ...(keyText === undefined ? {} : { place: { table: name, key: keyText, sequence, source } }),
  };
}

function keyInLog(key: Json | undefined, table: CatalogTable): string | undefined {
  const corrected = { ...key };
  table.corrections?.correct(corrected, false, []);
  const texts = table.declared.key.map((name, i) => {
    const value = corrected[name];
    return typeof value === 'object' || value === undefined
      ? undefined
      : canonicalKeyText(table.keyTypes[i]!, value);
  });
  return texts.includes(undefined) ? undefined : JSON.stringify(texts);
}

/** One whose table or version the model does not have, or that is damaged. */
function ofCloudEvent(event: Json, attribute: string | null): RejectedEvent {
  const { id, type, sequence, source, data } = event;
  const { op, key, ...parts } = objectOf(data) ?? {};
  const table = typeof type === 'string' ? type.replace(/\.[^.]*$/, '') : undefined;
  return {
    ...texts({ id, table, op, sequence, source }),
    ...(isObject(key) ? { key } : {}),
    ...valueIn({ key, ...parts }, attribute),
  };
}

function ofEnvelope(event: Json): RejectedEvent {
  const { op, source } = objectOf(event.payload) ?? event;
  const { schema, table } = objectOf(source) ?? {};
  const name = typeof schema === 'string' ? `${schema}.${String(table)}` : table;
  return texts({ table: name, op });
}

function texts(values: Json): RejectedEvent {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => typeof value === 'string'),
  );
}

function valueIn(data: Json, attribute: string | null): Pick<RejectedEvent, 'value'> {
  if (attribute === null) return {};
  const part = [data.after, data.key, data.before].find(
    (one) => isObject(one) && Object.hasOwn(one, attribute),
  );
  return part === undefined ? {} : { value: (part as Json)[attribute] };
}

function objectOf(value: unknown): Json | undefined {
  return isObject(value) ? value : undefined;
}
