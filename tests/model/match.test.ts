import { describe, expect, it } from 'vitest';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { matchTable } from '../../src/model/match.js';
import { parseModel } from '../../src/model/schema.js';

const columns = { id: 'int' } as const;
const MODEL = parseModel({
  event: { columns },
  events: { columns },
  events_archive: { columns, files: ['*-old.csv', 'archive*'] },
  clicks: { columns, files: 'web-[0-9]*.{csv,tsv}' },
  größen: { columns },
});

describe('the table of a file', () => {
  it.each([
    ['events.csv', 'events'],
    ['data/events.csv', 'events'],
    ['/abs/olute/events.csv', 'events'],
    ['events', 'events'],
    ['events.tsv', 'events'],
    ['events.csv.gz', 'events'],
    ['events-17-3.csv', 'events'],
    ['events_17.csv', 'events'],
    ['events17.csv', 'events'],
    ['events 2024-01.csv', 'events'],
    ['first_dimensions.csv', 'first_dimensions'],
    ['second_dimensions-old.csv', 'second_dimensions'],
  ])('of the built-in model: %s → %s', (file, table) => {
    expect(matchTable(BUILTIN_MODEL, file).name).toBe(table);
  });

  it.each([
    ['event-1.csv', 'event'],
    ['events-1.csv', 'events'],
    ['events_archive-1.csv', 'events_archive'],
    ['events-old.csv', 'events_archive'],
    ['archive.csv', 'events_archive'],
    ['web-7.csv', 'clicks'],
    ['web-77.tsv', 'clicks'],
    ['data/web-1/clicks-1.csv', 'clicks'],
    ['größen-1.csv', 'größen'],
  ])('by pattern first, then by the longest name: %s → %s', (file, table) => {
    expect(matchTable(MODEL, file).name).toBe(table);
  });

  it.each([
    ['eventsource.csv'],
    ['eventsößen.csv'],
    ['my-events.csv'],
    ['Events.csv'],
    ['even.csv'],
    ['web-x.csv'],
    ['.csv'],
    ['-'],
  ])('of %s is none, and the tables are listed', (file) => {
    let error: unknown;
    try {
      matchTable(MODEL, file);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'unknown_table',
      exitStatus: 2,
      place: file,
      hint: expect.stringContaining('event, events, events_archive, clicks, größen'),
    });
  });

  it('is the one that the user names', () => {
    expect(matchTable(MODEL, 'events.csv', 'clicks').name).toBe('clicks');
    expect(() => matchTable(MODEL, 'events.csv', 'no_such')).toThrow(
      expect.objectContaining({
        code: 'unknown_table',
        message: expect.stringContaining('"no_such"'),
        hint: expect.stringContaining('event, events, events_archive, clicks, größen'),
      }),
    );
  });
});
