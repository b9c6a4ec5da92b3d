/**
 * What holds for files of any format: the byte lane followed by the other one gives the same as the other one alone,
 * wherever reads and splits cut the file.
 *
 * A short run is part of the suite. To run a million cases:
 *
 *     LANES_CASES=1000000 npx vitest run tests/lanes
 *
 * Each property gets its share of them. Runs differ; a failure prints its seed and path, and LANES_SEED repeats a run.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WINDOW_BYTES } from '../../src/lanes/assembly/layout.js';
import type { Mixture } from './files.js';
import { BY_CSV, BY_LANE, load, type Manner, type Target } from './loading.js';

const CASES = Number(process.env.LANES_CASES ?? 1500);
export const SEED =
  process.env.LANES_SEED === undefined ? {} : { seed: Number(process.env.LANES_SEED) };
/** A case takes a few milliseconds; a slow machine is allowed ten times that. */
const TIMEOUT_MS = 120_000 + CASES * 50;

export const MOSTLY_PLAIN: Mixture = { plain: 16, odd: 4, broken: 1, maxRecords: 12 };
export const MOSTLY_ODD: Mixture = { plain: 2, odd: 6, broken: 1, maxRecords: 6 };
export const BROKEN: Mixture = { plain: 4, odd: 2, broken: 4, maxRecords: 8 };

/** Many ways of reading a file, which must all give the same outcome. */
const mannersWith = (litter: readonly string[]): fc.Arbitrary<Manner> =>
  fc.record({
    usesByteLane: fc.constant(true),
    wantsOrdinals: fc.boolean(),
    writeBatchSize: fc.constantFrom(1, 2, 3, 1000, 100_000),
    windowBytes: fc.constantFrom(WINDOW_BYTES, WINDOW_BYTES, WINDOW_BYTES, 1, 50, 200),
    readBytes: fc.oneof(
      fc.constant([WINDOW_BYTES]),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 })), {
        minLength: 1,
        maxLength: 5,
      }),
    ),
    litter: fc.constantFrom(...litter),
    recycles: fc.boolean(),
    untils: fc.constant([]),
  });

interface LaneFile<S> {
  readonly shape: S;
  readonly bytes: Buffer;
}

type ExpectSame<S> = (file: LaneFile<S>, ways: readonly Manner[]) => Promise<void>;

/** Loads a file by the other lane alone, and then in each of these ways. */
export function expectSameBy<S>(targetOf: (shape: S) => Target): ExpectSame<S> {
  return async ({ shape, bytes }, ways) => {
    const target = targetOf(shape);
    const { outcome: expected } = await load(bytes, target, BY_CSV);
    for (const manner of ways) {
      const { outcome } = await load(bytes, target, manner);
      // References are collected only where rows have no ordinals.
      const comparable = manner.wantsOrdinals ? { ...expected, references: [] } : expected;
      if (JSON.stringify(outcome) !== JSON.stringify(comparable)) {
        expect(outcome).toEqual(comparable);
      }
    }
  };
}

/** Keeps the shares of the properties readable. */
function cases(share: number): { numRuns: number } {
  return { numRuns: Math.max(1, Math.round(CASES * share)), ...SEED };
}

/** Up to here, all reads are of the same size. */
const MOST_SIZES = 80;

export interface LaneProperties<S> {
  readonly expectSame: ExpectSame<S>;
  /** What may stand behind the end of a window. */
  readonly litter: readonly string[];
  readonly properties: readonly (readonly [
    name: string,
    share: number,
    fc.Arbitrary<LaneFile<S>>,
  ])[];
  /** Files for splits and reads that end anywhere. */
  readonly forSplits: fc.Arbitrary<LaneFile<S>>;
  readonly forReads: fc.Arbitrary<LaneFile<S>>;
  /** The end of a read, and so of a window, moves over each byte up to here; default: over all. */
  readonly mostCuts?: number;
}

export function describeBothLanes<S>({
  expectSame,
  litter,
  properties,
  forSplits,
  forReads,
  mostCuts = Number.POSITIVE_INFINITY,
}: LaneProperties<S>): void {
  const manners = mannersWith(litter);
  describe('both lanes give the same', () => {
    it.each(properties)(
      '%s',
      async (_, share, files) => {
        await fc.assert(
          fc.asyncProperty(files, manners, (file, manner) => expectSame(file, [BY_LANE, manner])),
          cases(share),
        );
      },
      TIMEOUT_MS,
    );

    it(
      'wherever splits end',
      async () => {
        const ends = fc.array(fc.nat(), { minLength: 1, maxLength: 4 });
        await fc.assert(
          fc.asyncProperty(forSplits, manners, ends, (file, manner, places) => {
            const length = file.bytes.length + 1;
            const untils = places.map((place) => place % length).sort((a, b) => a - b);
            return expectSame(file, [
              { ...BY_CSV, untils },
              { ...manner, untils },
            ]);
          }),
          cases(0.08),
        );
      },
      TIMEOUT_MS,
    );

    it(
      'wherever reads end',
      async () => {
        await fc.assert(
          fc.asyncProperty(forReads, fc.constantFrom(...litter), async (file, behind) => {
            const count = Math.min(mostCuts, file.bytes.length);
            const ways = Array.from({ length: count }, (_, i) => ({
              ...BY_LANE,
              readBytes: i < MOST_SIZES ? [i + 1] : [i + 1, WINDOW_BYTES],
              litter: behind,
            }));
            await expectSame(file, ways);
          }),
          cases(0.02),
        );
      },
      TIMEOUT_MS,
    );
  });
}
