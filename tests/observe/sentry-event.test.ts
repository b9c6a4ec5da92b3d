import { expect, it } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { edpVersion } from '../../src/base/package-files.js';
import { toSentryEvent } from '../../src/observe/sentry/sentry-event.js';

const OF = { command: 'ingest', runId: 12, loadId: undefined };

function throwDeep(message: string): Error {
  return new TypeError(message);
}

it('an error inside edp is reported with its class and stack, and without its message', () => {
  const error = throwDeep(
    'cannot read secret-1\n    at secret2 (node:fs:1:1)\n    at secret3 (/a/b.js:2:3)',
  );
  const event = toSentryEvent({ ...OF, code: 'internal', error });
  expect(event).toMatchObject({
    level: 'fatal',
    release: `edp@${edpVersion()}`,
    tags: { command: 'ingest', code: 'internal' },
    contexts: { edp: { run_id: 12 } },
  });
  const [exception] = event.exception!.values!;
  expect(exception).toMatchObject({
    type: 'TypeError',
    value: 'An error inside edp (TypeError).',
  });
  expect(exception!.stacktrace!.frames!.at(-1)).toMatchObject({
    function: 'throwDeep',
    filename: expect.stringMatching(/^app:\/{3}tests\/observe\/sentry-event/),
    lineno: expect.any(Number),
  });
  expect(JSON.stringify(event)).not.toMatch(/secret|file:|\/a\/b/);
  expect(event).not.toHaveProperty('server_name');
});

it('a message that was changed after the throw leaves nothing behind, either', () => {
  const error = throwDeep('secret-1\n    at secret2 (/x.js:1:1)\nsecret-3');
  error.message = 'other';
  const event = toSentryEvent({ ...OF, code: 'internal', error });
  expect(event.exception!.values![0]!.stacktrace!.frames!.at(-1)!.function).toBe('throwDeep');
  expect(JSON.stringify(event)).not.toMatch(/secret/);
});

it('what the server says is reported by its code', () => {
  const cause = Object.assign(new Error('invalid input syntax for type integer: "secret-1"'), {
    code: '22P02',
    detail: 'Key (id)=(secret-2) exists',
  });
  const error = new EdpError('report_failed', 'bad value: secret-3', {
    hint: 'secret-4',
    place: 'secret-5',
    cause,
  });
  const event = toSentryEvent({ ...OF, code: 'report_failed', error });
  expect(event.exception!.values).toMatchObject([
    { type: 'Error', value: 'The server refused a statement (SQLSTATE 22P02).' },
    { type: 'report_failed', value: expect.stringContaining('SQL of a report') },
  ]);
  expect(JSON.stringify(event)).not.toMatch(/secret/);
});

it.each<[string, unknown]>([
  ['a text', 'secret'],
  ['undefined', undefined],
  ['an object', { secret: 'secret' }],
  ['an error with a name that is none', Object.assign(new Error('secret'), { name: 'the secret' })],
  ['an error with a code that is none', Object.assign(new Error('secret'), { code: 'a secret' })],
])('%s that was thrown says nothing of itself', (_, error) => {
  const { code = 'internal' } = (error ?? {}) as { code?: string };
  const event = toSentryEvent({ ...OF, code, error });
  expect(event.exception!.values).toHaveLength(1);
  expect(event.tags!.code).toBe('internal');
  expect(JSON.stringify(event)).not.toMatch(/secret(?!\.)/);
});
