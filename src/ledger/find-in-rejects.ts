/** Rejects whose bytes or reason have a text that identifies a subject, as a whole word. */
import type pg from 'pg';
import type { Occurrence, Subject } from './data-port.js';

/** Rejects read at once; a record may have megabytes. */
const BATCH = 200;

export async function findInRejects(client: pg.Client, subject: Subject): Promise<Occurrence[]> {
  const texts = [subject.id, ...(subject.values ?? [])].filter((text) => text !== '');
  const needles = texts.flatMap(encodings);
  const found: Occurrence[] = [];
  for (let load = -1, offset = -1; ; ) {
    // The server sorts out what has the bytes at all; whether they are a whole word is decided here.
    const { rows } = await client.query<{
      load_id: number;
      byte_offset: number;
      line: number | null;
      path: string;
      raw: Buffer;
      reason: string;
    }>(
      `SELECT j.load_id, j.byte_offset, r.first_line + j.line_in_split AS line, l.path, j.raw, j.reason
       FROM edp.rejects j JOIN edp.loads l USING (load_id)
       LEFT JOIN edp.receipts r USING (load_id, start_byte)
       WHERE (j.load_id, j.byte_offset) > ($1, $2) AND EXISTS (
         SELECT FROM unnest($3::bytea[]) AS needle
         WHERE position(needle IN j.raw) > 0 OR position(needle IN convert_to(j.reason, 'UTF8')) > 0)
       ORDER BY j.load_id, j.byte_offset LIMIT ${BATCH}`,
      [load, offset, needles],
    );
    for (const { load_id: loadId, line, byte_offset: at, path, raw, reason } of rows) {
      const bytes = [raw, Buffer.from(reason)];
      const isIn = needles.some((needle) => bytes.some((text) => hasWord(text, needle)));
      if (isIn)
        found.push({ loadId, place: line === null ? `${path} (byte ${at})` : `${path}:${line}` });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return found;
    load = last.load_id;
    offset = last.byte_offset;
  }
}

/** As a file may have the text: UTF-8 or Latin-1, in CSV or in a string of JSON. */
function encodings(text: string): Buffer[] {
  const forms = new Set([text, text.replaceAll('"', '""'), JSON.stringify(text).slice(1, -1)]);
  return [...forms].flatMap((form) => {
    const utf8 = Buffer.from(form);
    const latin1 = Buffer.from(form, 'latin1');
    return latin1.toString('latin1') === form && !latin1.equals(utf8) ? [utf8, latin1] : [utf8];
  });
}

/** Whether the bytes have the needle, and no letter or digit goes on beside it. */
function hasWord(bytes: Buffer, needle: Buffer): boolean {
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
    const end = at + needle.length;
    const startsInside = isWordByte(needle[0]) && isWordByte(bytes[at - 1]);
    const endsInside = isWordByte(needle.at(-1)) && isWordByte(bytes[end]);
    if (!startsInside && !endsInside) return true;
  }
  return false;
}

function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const isDigit = byte >= 0x30 && byte <= 0x39;
  const isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
  return isDigit || isLetter || byte === 0x5f || byte >= 0x80;
}
