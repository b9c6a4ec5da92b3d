import { defineConfig } from 'vitest/config';
export default defineConfig({ root: '/work/wt/inspect', test: { include: ['tests/**/*.test.ts'], testTimeout: 120_000 } });
