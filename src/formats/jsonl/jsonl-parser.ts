/**
 * A line → fields: the values of the wanted keys, in their order. The whole line must be JSON,
 * including the members that are not wanted. A line that is not JSON, or that has a key twice with
 * different values, is a fault.
 *
 * Fields are byte strings of UTF-8: one character for each byte (latin1).
 */
import { isUtf8 } from 'node:buffer';
import { Fault } from '../../model/reject-codes.js';
import { decodeBytes, encodeBytes, show } from '../../values/coerce.js';
import { findRepeatedKey } from '../../values/repeated-key.js';
import type { RecordBatch } from '../text/record-batch.js';
import type { ParsedRecord, RecordParser } from '../text/text-format.js';
import { toUtf8 } from '../text/transcode.js';
import { toBrokenFault } from './broken-object.js';
import { readMembers } from './json-members.js';
import { NO_JSON, readString, readValue } from './json-value.js';
import type { JsonlForm } from './jsonl-form.js';

/** Place of a key that is deliberately ignored. */
const IGNORED = -1;

/** Most keys that the reason of a reject names. */
const MAX_NAMED = 5;

export class JsonlParser implements RecordParser {
  readonly fields: string[];
  readonly #form: JsonlForm;
  /** By key, as a byte string: its place among the fields. */
  readonly #places = new Map<string, number>();
  readonly #asJson: ReadonlySet<number>;
  /** Whether a field behind all others holds the members under other keys. */
  readonly #hasRest: boolean;
  /** For each field, its value in the current record as it is written. */
  #written: (string | undefined)[] = [];

  constructor(form: JsonlForm) {
    this.#form = form;
    this.fields = [...form.keys];
    this.#asJson = new Set(form.asJson.map((key) => form.keys.indexOf(key)));
    this.#hasRest = form.others === 'keep' || form.others === 'ignore';
    for (const key of form.ignored) this.#places.set(encodeBytes(key), IGNORED);
    for (const [place, key] of form.keys.entries()) this.#places.set(encodeBytes(key), place);
  }

  parse(
    bytes: Buffer,
    batch: RecordBatch,
    take: (index: number, record: ParsedRecord) => void,
  ): void {
    for (let i = 0; i < batch.count; i++) {
      take(i, this.#readLine(bytes, batch.start[i]!, batch.end[i]!));
    }
  }

  #readLine(bytes: Buffer, start: number, end: number): ParsedRecord {
    const { encoding } = this.#form;
    if (encoding !== 'utf-8') {
      const text = toUtf8(bytes.toString('latin1', start, end), encoding);
      return this.#readObject(Buffer.from(text, 'latin1'));
    }
    return this.#readObject(bytes.subarray(start, end));
  }

  #readObject(line: Buffer): ParsedRecord {
    const nul = line.indexOf(0);
    if (nul >= 0) return new Fault('nul_byte', `the line has a NUL byte, at byte ${nul}`);
    if (!isUtf8(line)) return new Fault('invalid_utf8', 'the line is not valid UTF-8');
    const others = new OtherMembers(this.#form.others);
    const fields: (string | null)[] = this.fields.map(() => null);
    if (this.#hasRest) fields.push(null);
    this.#written = [];
    const stop = readMembers(line, 0, line.length, (keyFrom, keyTo, valueFrom, valueTo) =>
      this.#takeMember(
        line.toString('latin1', keyFrom, keyTo),
        line.toString('latin1', valueFrom, valueTo),
        fields,
        others,
      ),
    );
    if (stop instanceof Fault) return stop;
    if (stop !== undefined) return toBrokenFault(line, stop);
    if (others.members.size === 0) return fields;
    switch (this.#form.others) {
      case 'reject':
        return others.reject();
      case 'ignore':
        fields[this.fields.length] = others.names();
        return fields;
      case 'keep':
        fields[this.fields.length] = others.asObject();
        return fields;
      case 'add':
        for (const [key, { value }] of others.members) {
          this.#places.set(key, this.fields.push(decodeBytes(key)) - 1);
          fields.push(value);
        }
        return fields;
    }
  }

  /** @returns what is wrong with the member */
  #takeMember(
    quotedKey: string,
    json: string,
    fields: (string | null)[],
    others: OtherMembers,
  ): Fault | undefined {
    const key = readString(quotedKey);
    if (key === NO_JSON) {
      return new Fault('bad_record', `the key ${show(quotedKey)} is not a JSON string`);
    }
    const value = readValue(json);
    if (value === NO_JSON) return fault(key, `${show(json)} is not a JSON value`);
    const place = this.#places.get(key);
    if (place === undefined) {
      return others.take(key, { quotedKey, json, value: this.#toField(value, json) });
    }
    if (place === IGNORED) return undefined;
    const before = this.#written[place];
    if (before !== undefined && before !== json) return repeated(key);
    this.#written[place] = json;
    fields[place] = value !== null && this.#asJson.has(place) ? json : this.#toField(value, json);
    return undefined;
  }

  /**
   * Where the column of a field is not known, a string that contains JSON keeps its quotes; without
   * them it would be taken for JSON.
   */
  #toField(value: string | null, json: string): string | null {
    if (this.#form.others !== 'add' || value === null || !json.startsWith('"')) return value;
    return /^\s*[[{]/.test(value) ? json : value;
  }
}

interface Member {
  /** The key and the value as they are written. */
  readonly quotedKey: string;
  readonly json: string;
  /** The value as a field. */
  readonly value: string | null;
}

const NO_MEMBERS: ReadonlyMap<string, Member> = new Map();

/** The members of one record whose keys have no field. */
class OtherMembers {
  readonly #isKept: boolean;
  #members: Map<string, Member> | undefined;

  constructor(fate: JsonlForm['others']) {
    this.#isKept = fate === 'keep';
  }

  /** By key. */
  get members(): ReadonlyMap<string, Member> {
    return this.#members ?? NO_MEMBERS;
  }

  take(key: string, member: Member): Fault | undefined {
    this.#members ??= new Map();
    const before = this.#members.get(key);
    if (before !== undefined && before.json !== member.json) return repeated(key);
    this.#members.set(key, member);
    if (!this.#isKept || !/^[[{]/.test(member.json)) return undefined;
    // jsonb would keep only the last value of a repeated key.
    const twice = findRepeatedKey(member.json);
    return twice === undefined ? undefined : fault(key, twice);
  }

  names(): string {
    return encodeBytes(JSON.stringify([...this.members.keys()].map(decodeBytes)));
  }

  asObject(): string {
    const members = [...this.members.values()];
    return `{${members.map(({ quotedKey, json }) => `${quotedKey}:${json}`).join(',')}}`;
  }

  reject(): Fault {
    const keys = [...this.members.keys()];
    const named = keys.slice(0, MAX_NAMED).map(show).join(', ');
    const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : '';
    return new Fault(
      'unknown_key',
      `no column is declared for ${named}${more}: declare one, or specify with --on-new-column what to do with new keys`,
      decodeBytes(keys[0]!),
    );
  }
}

function fault(key: string, reason: string): Fault {
  return new Fault('bad_record', reason, decodeBytes(key));
}

function repeated(key: string): Fault {
  return fault(key, `the key ${show(key)} occurs twice, with values that are written differently`);
}
