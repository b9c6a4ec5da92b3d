/**
 * Two lanes, one meaning, for change events: the byte lane followed by the reader of events gives the same rows of the log,
 * and the same rejects, as the reader alone, wherever reads and splits cut the file.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  damagedEvents,
  eventFilesOf,
  eventTargetOf,
  LANE_SHAPE,
  ODD,
  PLAIN,
} from './event-lines.js';
import { describeBothLanes, expectSameBy } from './lane-properties.js';
import { BY_LANE, load } from './loading.js';

describeBothLanes({
  expectSame: expectSameBy(eventTargetOf),
  litter: ['', '"', '\n', '9', '"}}\n', ',"partial":true}}\n', '}', ' ', 'ull', '\\"', '\xc3'],
  properties: [
    ['for events as edp writes them', 0.3, eventFilesOf(PLAIN)],
    ['for odd events', 0.4, eventFilesOf(ODD)],
    ['for damaged events', 0.3, damagedEvents(eventFilesOf(PLAIN))],
  ],
  forSplits: fc.oneof(eventFilesOf(PLAIN), damagedEvents(eventFilesOf(PLAIN))),
  forReads: eventFilesOf({ ...PLAIN, maxRecords: 2 }),
  mostCuts: 600,
});

it('the byte lane takes the events that edp writes', async () => {
  const files = eventFilesOf({ values: 0, members: 0, maxRecords: 30 }, [LANE_SHAPE]);
  let rows = 0;
  let byLane = 0;
  for (const { bytes, shape } of fc.sample(files, { numRuns: 30, seed: 1 })) {
    const { outcome, laneRows } = await load(
      Buffer.concat([bytes, Buffer.from('\n')]),
      eventTargetOf(shape),
      BY_LANE,
    );
    rows += outcome.rows.length;
    byLane += laneRows;
  }
  expect(rows).toBeGreaterThan(100);
  expect(byLane).toBe(rows);
});
