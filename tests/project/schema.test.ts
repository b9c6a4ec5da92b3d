/** The published schemas, and the page of codes, are made of what edp uses itself. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

it.each(['edp.schema.json', 'json.schema.json', 'notice.schema.json', 'codes.md', 'doctor.md'])(
  'docs/%s is up to date (npm run schema)',
  (name) => {
    const printed = execFileSync(process.execPath, [file('dist/dev/print-schema.js'), name], {
      encoding: 'utf8',
    });
    expect(readFileSync(file(`docs/${name}`), 'utf8')).toBe(printed);
  },
);
