import { describe, expect, it } from 'vitest';
import { formatSequence, readSchemaPath, schemaPath } from '../../src/events/change-event.js';
import { eventId } from '../../src/events/event-id.js';
import { keyTextOf, subjectOf } from '../../src/events/event-key.js';

describe('eventId', () => {
  it('is a uuid of version 5, always the same for the same event', () => {
    const id = eventId('edp:shop', 'accounts', '42', ['17']);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(eventId('edp:shop', 'accounts', '42', ['17'])).toBe(id);
  });

  it.each([
    ['another source', eventId('edp:other', 'accounts', '42', ['17'])],
    ['another table', eventId('edp:shop', 'orders', '42', ['17'])],
    ['another sequence', eventId('edp:shop', 'accounts', '43', ['17'])],
    ['another key', eventId('edp:shop', 'accounts', '42', ['1', '7'])],
  ])('differs for %s', (_, other) => {
    expect(other).not.toBe(eventId('edp:shop', 'accounts', '42', ['17']));
  });
});

describe('the key of an event', () => {
  it.each([
    [17, '17'],
    ['17', '17'],
    [true, 'true'],
    [{ a: 1 }, '{"a":1}'],
  ])('%j is the text %s', (value, text) => {
    expect(keyTextOf(value)).toBe(text);
  });

  it('is its text as a subject, and a JSON array of several texts', () => {
    expect(subjectOf(['a"b'])).toBe('a"b');
    expect(subjectOf(['a', '2'])).toBe('["a","2"]');
  });
});

describe('the schema of an event', () => {
  it('has a path that tells table and version', () => {
    expect(readSchemaPath(schemaPath('sales.orders', 3))).toEqual({
      table: 'sales.orders',
      version: 3,
    });
    expect(readSchemaPath('schemas/x/realized/v1.json')).toBeUndefined();
  });

  it('sorts by its sequence as text', () => {
    expect(formatSequence(42n)).toBe('00000000000000000042');
  });
});
