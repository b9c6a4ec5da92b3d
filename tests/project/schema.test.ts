/** The published JSON Schema is the one that edp checks by. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

it('docs/edp.schema.json is up to date (npm run schema)', () => {
  const printed = execFileSync(process.execPath, [file('dist/dev/print-schema.js')], {
    encoding: 'utf8',
  });
  expect(readFileSync(file('docs/edp.schema.json'), 'utf8')).toBe(printed);
});
