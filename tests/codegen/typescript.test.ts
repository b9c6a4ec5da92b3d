/** The generated TypeScript: tsc takes it, its types tell events apart, its reader takes and refuses what it should. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { withDirectory } from '../support/cli.js';
import { buildTypescript } from './build-typescript.js';
import { generate } from './projects.js';

/** Each line behind @ts-expect-error must be an error, or tsc fails. */
const USER = `import { type ChangeEvent, readEvent } from './typescript/read-event.js';
import type { AccountsRow } from './typescript/tables/accounts.js';

export function describe(line: string): string {
  const event: ChangeEvent = readEvent(line);
  switch (event.type) {
    case 'accounts.created':
    case 'accounts.read': {
      const risk: string | null = event.data.after.risk;
      const balance: string | null | undefined = event.data.after.balance;
      // @ts-expect-error what is calculated may follow later
      const surely: string | null = event.data.after.balance;
      return [event.data.key.id.toFixed(), risk, balance, surely].join();
    }
    case 'accounts.updated':
      // @ts-expect-error it has what changed
      return event.data.after.risk.toLowerCase();
    case 'accounts.deleted':
      // @ts-expect-error it has nothing after it
      return [event.data.after, event.data.before?.risk].join();
    case 'accounts.truncated':
      // @ts-expect-error it is about no single row
      return String(event.data.key);
  }
}

export const row: AccountsRow = { id: 1, balance: null, limit: '1.5', risk: null, deleted_at: null, change_sequence: '1' };
// @ts-expect-error a decimal number is a text
export const wrong: AccountsRow = { ...row, balance: 1.5 };
`;

interface Reader {
  readEvent(input: string | object): unknown;
  InvalidEvent: new () => Error & { reason: string; problems: string[] };
}

const EVENT = {
  specversion: '1.0',
  id: '1',
  source: 'edp:shop',
  type: 'accounts.created',
  subject: '1',
  time: '2026-11-29T10:00:00.123456Z',
  datacontenttype: 'application/json',
  dataschema: 'schemas/accounts/change/v1.json',
  sequence: '00000000000000000001',
  data: { op: 'create', key: { id: 1 }, after: { id: 1, limit: '€ 1,50', risk: 'low' } },
};

it('of names and types of all kinds compiles', { timeout: 60_000 }, () =>
  withDirectory(async (directory) => {
    await buildTypescript(directory, generate('typescript', 'all-types'));
  }),
);

describe('the reader', () => {
  let reader: Reader;
  beforeAll(
    () =>
      withDirectory(async (directory) => {
        const files = generate('typescript', 'captured').set('user.ts', USER);
        const built = await buildTypescript(directory, files);
        reader = (await import(
          pathToFileURL(path.join(built, 'typescript/read-event.js')).href
        )) as Reader;
      }),
    60_000,
  );

  it('takes an event, as a line or as an object', () => {
    expect(reader.readEvent(JSON.stringify(EVENT))).toEqual(EVENT);
    expect(reader.readEvent(EVENT)).toBe(EVENT);
    const { dataschema: _, subject: __, ...first } = EVENT;
    expect(reader.readEvent(first)).toBe(first);
  });

  const { data } = EVENT;
  it.each([
    ['json', '{', /JSON/],
    ['envelope', [], /no JSON object/],
    ['envelope', { ...EVENT, specversion: '0.3' }, /specversion/],
    ['envelope', { ...EVENT, id: '' }, /^id is not a text$/],
    ['envelope', { ...EVENT, sequence: '-1' }, /sequence is not a text of digits/],
    ['envelope', { ...EVENT, data: null }, /data is no object/],
    ['envelope', { ...EVENT, type: 'accounts.deleted' }, /does not end in "created"/],
    ['envelope', { ...EVENT, dataschema: 'schemas/others/change/v1.json' }, /not the schema/],
    ['unknown-table', { ...EVENT, type: 'others.created' }, /others.created/],
    ['unknown-table', { ...EVENT, type: 'accounts' }, /no known table/],
    ['other-version', { ...EVENT, dataschema: 'schemas/accounts/change/v2.json' }, /version 2/],
    ['schema', { ...EVENT, data: { ...data, key: { id: '1' } } }, /^data\/key\/id must be integer/],
    ['schema', { ...EVENT, data: { op: 'create', key: { id: 1 } } }, /after/],
    ['schema', { ...EVENT, data: { ...data, after: { ...data.after, more: 1 } } }, /more/],
  ])('says %s of %j', (reason, input, message) => {
    let thrown: unknown;
    try {
      reader.readEvent(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(reader.InvalidEvent);
    expect(thrown).toMatchObject({ reason, message: expect.stringMatching(message) });
  });
});
