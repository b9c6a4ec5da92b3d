/** Whatever ranges are read, and wherever transfers break off: the bytes are those of the file. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

vi.hoisted(() => {
  process.env.EDP_FAILPOINTS = 'http.retry_ms:=0,http.idle_ms:=2000';
});

import { discoverFiles } from '../../src/source/discover.js';
import type { FileIdentity } from '../../src/source/file-identity.js';
import { withFile } from '../../src/source/open-file.js';
import { versionOf } from '../../src/source/sources.js';
import { FileServer, type Misdeed } from '../support/http-server.js';

const SIZE = 700_000;
const BYTES = Buffer.from(
  Array.from({ length: SIZE / 4 }, (_, i) => i.toString(36).padStart(4)).join(''),
);

const server = new FileServer();
let version: FileIdentity;
/** Misdeeds of the transfers to come, one for each. */
let misdeeds: Misdeed[] = [];
/** Right answers in a row: tries are bounded, and a server that never does right is another test. */
let good = 0;
beforeAll(async () => {
  await server.start();
  const url = server.serve('/file', {
    bytes: BYTES,
    misdeed() {
      if (++good % 4 === 0) return undefined;
      return misdeeds.shift();
    },
  });
  const [file] = await discoverFiles([url], '/');
  version = await versionOf(file!);
});
afterAll(() => server.stop());

const place = fc.oneof(fc.integer({ min: 0, max: SIZE }), fc.constantFrom(0, 65_535, 65_536, SIZE));
const length = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 400_000 }));
const at = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 300_000 }));

const misdeed: fc.Arbitrary<Misdeed> = fc.oneof(
  at.map((bytes) => ({ resetAfter: bytes })),
  at.map((bytes) => ({ endAfter: bytes })),
  at.map((bytes) => ({ endAfter: bytes, isChunked: true })),
  fc.constant({ status: 503 }),
  fc.constant({}),
);

/** What a reader does with an open file. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), place, length }),
  fc.record({ kind: fc.constant('readInOrder' as const), place, length }),
  fc.record({ kind: fc.constant('stream' as const), place, length }),
);

it('random ranges, random disconnects', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.array(misdeed, { maxLength: 12 }),
      async (steps, faults) => {
        misdeeds = [...faults];
        await withFile(version, async (file) => {
          for (const { kind, place: from, length: count } of steps) {
            const until = Math.min(SIZE, from + count);
            const chunks: Buffer[] = [];
            if (kind === 'stream') {
              for await (const chunk of file.stream(from, until)) chunks.push(chunk);
            } else {
              if (kind === 'readInOrder') file.willRead!(from, until);
              for (let position = from; position < until; ) {
                const part = Buffer.alloc(Math.min(50_000, until - position) + 2, 'x');
                const { bytesRead } = await file.read(part, 1, part.length - 2, position);
                expect(bytesRead).toBeGreaterThan(0);
                expect([part[0], part.at(-1)]).toEqual([0x78, 0x78]);
                chunks.push(part.subarray(1, 1 + bytesRead));
                position += bytesRead;
              }
            }
            const same = Buffer.concat(chunks).equals(BYTES.subarray(from, Math.max(from, until)));
            expect(same, `${kind} [${from}, ${until})`).toBe(true);
          }
          const { bytesRead } = await file.read(Buffer.alloc(10), 0, 10, SIZE);
          expect(bytesRead).toBe(0);
        });
      },
    ),
    { numRuns: 150 },
  );
});
