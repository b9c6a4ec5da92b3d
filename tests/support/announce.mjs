/** First lines of `npm test`: how long it takes, and what it does. */
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Of the whole suite on two cores of a machine that does nothing else, measured. */
const MINUTES = 15;

const tests = path.join(import.meta.dirname, '..');
const files = readdirSync(tests, { recursive: true }).filter((name) => name.endsWith('.test.ts'));

process.stdout.write(
  `The whole suite takes about ${MINUTES} minutes on 2 cores. It builds, starts a PostgreSQL of its own, and runs\n` +
    `${files.length} files of tests, two at a time. Some of them alone: npx vitest run tests/values tests/model\n\n`,
);
