import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Chunk, type ChunkSettings, prepareChunks } from '../../src/generate/chunk.js';
import type { Dimensions } from '../../src/generate/dimensions.js';
import { DIRT } from '../../src/generate/dirt.js';
import { formatRecord, parseFields } from '../../src/generate/draft.js';
import { Random } from '../../src/generate/random.js';
import { expectLoad, parseRecords, rejectCodeOf, toReported } from './expectation.js';

const DIMENSIONS: Dimensions = {
  firstIds: [1, 2, -3],
  second: [
    { id: 10, firstId: 1 },
    { id: 11, firstId: 2 },
    { id: 2_000_000_012, firstId: -3 },
    { id: 13, firstId: 1 },
  ],
  noFirstId: 900_001,
  noSecondId: 900_002,
};

function settings(changes: Partial<ChunkSettings> = {}): ChunkSettings {
  return { seed: 17, dirtyShare: 0, unknownShare: 0, dimensions: DIMENSIONS, ...changes };
}

function chunk(changes: Partial<Chunk> = {}): Chunk {
  return { number: 0, firstId: 1, records: 2000, ...changes };
}

function make(changed: Partial<ChunkSettings> = {}, which: Partial<Chunk> = {}) {
  const { bytes, tally } = prepareChunks(settings(changed))(chunk(which));
  return { text: Buffer.from(bytes).toString('latin1'), tally };
}

describe('same seed, same bytes', () => {
  it('holds whatever the same worker made before', () => {
    const writeChunk = prepareChunks(settings({ dirtyShare: 0.2, unknownShare: 0.2 }));
    writeChunk(chunk({ number: 5 }));
    const again = writeChunk(chunk());
    expect(Buffer.from(again.bytes).toString('latin1')).toBe(
      make({ dirtyShare: 0.2, unknownShare: 0.2 }).text,
    );
  });

  it.each([
    ['clean', {}, 'f675dfe53f218fdf9a52fa37696a1b146441e94334b39ca328904fac3665b5da'],
    [
      'dirty',
      { dirtyShare: 0.3, unknownShare: 0.3 },
      '7f005cadb5f0796b707d2c7c4bf2d3fea53a592fed92d9e676e81083a72db68c',
    ],
  ])('holds between versions of edp: %s', (_, changed, digest) => {
    const { text } = make(changed);
    expect(createHash('sha256').update(text).digest('hex')).toBe(digest);
  });

  it('gives other records for another seed and for another chunk', () => {
    const texts = [make(), make({ seed: 18 }), make({}, { number: 1 })].map(({ text }) => text);
    expect(new Set(texts).size).toBe(3);
  });
});

describe('clean records', () => {
  const { text, tally } = make({}, { records: 5000, firstId: 999_990 });
  const records = parseRecords(text).map(({ fields }) => fields);

  it('have consecutive ids and realistic values', () => {
    expect(records).toHaveLength(5000);
    const parents = new Map(DIMENSIONS.second.map(({ id, firstId }) => [id, firstId]));
    const months = new Set<string>();
    records.forEach((fields, index) => {
      const [id, recorded, created, first, second, json] = fields as string[];
      expect(id).toBe(String(999_990 + index));
      expect(recorded).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?$/);
      expect(created! > recorded!).toBe(true);
      expect(parents.get(Number(second))).toBe(Number(first));
      months.add(recorded!.slice(0, 7));
      const { metric_one, metric_two, metric_n } = JSON.parse(json!).metrics;
      expect(json).toBe(
        `{"metrics": {"metric_one": ${metric_one}, "metric_two": ${metric_two}, "metric_n": ${metric_n}}}`,
      );
      expect(metric_one).toBeLessThan(100);
      expect(metric_two).toBeLessThan(10_000);
      expect(metric_n).toBeLessThan(100_000);
    });
    expect(months.size).toBe(1);
  });

  it('prefer the first dimension members, and now and then have a fraction of a second', () => {
    const of = (id: string) => records.filter((fields) => fields[4] === id).length;
    expect(of('10')).toBeGreaterThan(of('13') * 3);
    const withFraction = records.filter((fields) => fields[1]?.includes('.')).length;
    expect(withFraction).toBeGreaterThan(400);
    expect(withFraction).toBeLessThan(900);
  });

  it('are counted exactly', () => {
    expect(tally).toEqual({ ...toReported(expectLoad([text], DIMENSIONS)), dirt: {} });
    expect(tally.expected.loaded).toBe(5000);
  });

  it.each([0, 9, 999_999_999, 2 ** 31 - 2, 2 ** 32 - 1, 10 ** 12 - 1, 2 ** 53 - 10])(
    'write ids that cross %d',
    (firstId) => {
      const ids = parseRecords(make({}, { firstId, records: 4 }).text).map(
        ({ fields }) => fields[0],
      );
      expect(ids).toEqual([0, 1, 2, 3].map((index) => String(firstId + index)));
    },
  );
});

describe('damaged records', () => {
  it.each([0.01, 0.3, 0.9, 1])('give exactly what is announced, at a share of %d', (dirtyShare) => {
    const { text, tally } = make({ dirtyShare, unknownShare: 0.2 }, { records: 20_000 });
    const { dirt, ...announced } = tally;
    expect(announced).toEqual(toReported(expectLoad([text], DIMENSIONS)));
    const damaged = Object.values(dirt).reduce((sum, count) => sum + count, 0);
    expect(Math.abs(damaged / 20_000 - dirtyShare)).toBeLessThan(0.02);
  });

  it('are of every kind', () => {
    const { tally } = make({ dirtyShare: 0.2 }, { records: 10_000 });
    expect(Object.keys(tally.dirt).sort()).toEqual(DIRT.map(({ name }) => name).sort());
  });

  it('never repeat an earlier record where there is none', () => {
    const { tally } = make({ dirtyShare: 1 });
    expect(tally.dirt).not.toHaveProperty('conflict');
    expect(tally.dirt).not.toHaveProperty('duplicate');
    expect(Object.values(tally.dirt).reduce((sum, count) => sum + count, 0)).toBe(2000);
  });

  it('leave all others byte for byte as they are in the clean file', () => {
    const dirty = make({ dirtyShare: 0.1 });
    const clean = new Set(parseRecords(make().text).map(({ raw }) => raw));
    const damaged = Object.entries(dirty.tally.dirt)
      // Duplicates are copies of clean records and look like them.
      .filter(([kind]) => kind !== 'duplicate')
      .reduce((sum, [, count]) => sum + count, 0);
    const same = parseRecords(dirty.text).filter(({ raw }) => clean.has(raw)).length;
    // A shuffle may leave the order unchanged.
    expect(same).toBeGreaterThanOrEqual(2000 - damaged);
    expect(same).toBeLessThanOrEqual(2000 - damaged + (dirty.tally.dirt.shuffled_metrics ?? 0));
  });
});

describe.each(DIRT)('damage of kind $name', (kind) => {
  const [record = '', earlier = ''] = make({}, { records: 2 }).text.split(/(?<=\n)/);

  function damage(seed: number) {
    const fields = parseFields(record);
    const draft = {
      fields,
      metrics: Object.entries(JSON.parse(fields[5] as string).metrics) as [
        'metric_one' | 'metric_two' | 'metric_n',
        number,
      ][],
      earlier: parseFields(earlier),
      dimensions: DIMENSIONS,
      isQuoted: false,
    };
    kind.damage(draft, new Random(seed));
    return formatRecord(draft);
  }

  it(`is ${kind.outcome} in every variant`, () => {
    for (let seed = 0; seed < 200; seed++) {
      const text = damage(seed);
      const [parsed, ...others] = parseRecords(text);
      expect(others).toEqual([]);
      const code = rejectCodeOf(parsed!.fields, DIMENSIONS);
      switch (kind.outcome) {
        case 'duplicate':
          expect(text).toBe(earlier);
          break;
        case 'conflict':
          expect(code).toBeUndefined();
          expect(parsed!.fields[0]).toBe(parseFields(earlier)[0]);
          expect(text).not.toBe(earlier);
          break;
        default:
          expect([text, code]).toEqual([
            text,
            kind.outcome === 'loaded' ? undefined : kind.outcome,
          ]);
      }
    }
  });
});

describe('timestamps with a zone', () => {
  it('mean the same instant as in the clean file', () => {
    const instants = (text: string) =>
      new Map(
        parseRecords(text).map(({ fields }) => {
          const time = fields[1] as string;
          const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(time);
          return [fields[0], Date.parse(hasZone ? time : `${time.replace(' ', 'T')}Z`)];
        }),
      );
    const clean = instants(make().text);
    const { text } = make({ dirtyShare: 1 });
    const zoned = parseRecords(text).filter(({ fields }) =>
      /T.*(Z|[+-]\d\d:\d\d)$/.test(fields[1]!),
    );
    expect(zoned.length).toBeGreaterThan(20);
    for (const [id, instant] of instants(zoned.map(({ raw }) => raw).join(''))) {
      expect(instant).toBe(clean.get(id));
    }
  });
});

describe('unknown metrics', () => {
  const { text, tally } = make({ unknownShare: 0.5 }, { records: 4000 });

  it('are announced by name', () => {
    expect(Object.keys(tally.unknownMetrics).sort()).toEqual([
      'latency_ms',
      'metric_x',
      'metric_y',
    ]);
    expect({ ...tally, dirt: undefined }).toEqual({
      ...toReported(expectLoad([text], DIMENSIONS)),
      dirt: undefined,
    });
  });

  it('now and then are what a double would change', () => {
    const values = [...text.matchAll(/""(?:metric_[xy]|latency_ms)"": ([^}]+)}/g)].map(
      ([, value]) => value as string,
    );
    expect(values.length).toBeGreaterThan(1800);
    const large = values.filter((value) => /^\d+$/.test(value) && Number(value) > 2 ** 53);
    expect(large.some((value) => String(Number(value)) !== value)).toBe(true);
    expect(values.some((value) => /\.\d0$/.test(value))).toBe(true);
  });

  it('leave declared metrics and all else as in the clean file', () => {
    const without = text.replace(/, ""(?:metric_[xy]|latency_ms)"": [^}]+}/g, '}');
    expect(without).toBe(make({}, { records: 4000 }).text);
  });
});
