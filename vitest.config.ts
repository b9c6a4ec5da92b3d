import { defineConfig } from 'vitest/config';
import LongestFirst from './tests/support/longest-first.js';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Most tests start processes of their own; two at a time keep a small machine busy.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './tests/support/progress.ts', './tests/support/closing-line.ts'],
  },
});
