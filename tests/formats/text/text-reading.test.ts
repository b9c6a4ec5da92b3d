/** Whether a load reads its file as it was begun. */
import { describe, expect, it } from 'vitest';
import { readsAlike, type TextReading } from '../../../src/formats/text/text-reading.js';

const READING: TextReading = { encoding: 'utf-8', dataStart: 0, dataLine: 1, specified: {} };
const drift = { new: ['a'], missing: [], isReordered: false };

describe('two readings', () => {
  it.each<[string, object, object, boolean]>([
    ['of one format', { format: 'jsonl' }, { format: 'jsonl' }, true],
    ['of CSV, one by an edp that knew no other format', {}, { format: 'csv' }, true],
    ['of two formats', { format: 'csv' }, { format: 'jsonl' }, false],
    ['of an edp that knew CSV alone, and of another format', {}, { format: 'jsonl' }, false],
    ['that were said differently', { specified: { encoding: 'utf-8' } }, {}, true],
    ['with and without what is undefined', { dataEnd: undefined }, {}, true],
    ['of other places', { dataStart: 3 }, {}, false],
    ['with other rules for new fields', { drift: { ...drift, onNew: 'keep' } }, { drift }, false],
    ['that miss other fields', { drift: { ...drift, missing: ['x'] } }, { drift }, true],
  ])('%s', (_, a, b, areAlike) => {
    expect(readsAlike({ ...READING, ...a }, { ...READING, ...b })).toBe(areAlike);
    expect(readsAlike({ ...READING, ...b }, { ...READING, ...a })).toBe(areAlike);
  });
});
