/** The generated page, as Chromium shows it: what it says, how one finds things, and how long that takes at 420 tables. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { docs } from '../../src/codegen/targets/docs/docs.js';
import { toModel } from '../../src/model/schema.js';
import { parseProject } from '../../src/project/parse.js';
import { type ChromiumPage, HAS_CHROMIUM, withChromium } from '../support/chromium.js';
import { edp, makeDirectory } from '../support/cli.js';
import { makeProject } from '../support/scratch.js';

const LACKS = HAS_CHROMIUM ? '' : ' (skipped: no chromium; .ci/parts installs it)';

function pageOf(yaml: string): string {
  const { tables = {}, capture } = parseProject(yaml);
  const [file] = [...docs.generate(toCatalogue(toModel(tables), capture))];
  return file!.text;
}

async function withPage<T>(text: string, work: (page: ChromiumPage, url: string) => Promise<T>) {
  const file = path.join(await makeDirectory(), 'tables.html');
  await writeFile(file, text);
  return withChromium(async (page) => {
    const url = pathToFileURL(file).href;
    await page.open(url);
    const result = await work(page, url);
    expect(page.complaints).toEqual([]);
    return result;
  });
}

/** Names of the tables that are shown, and those of the list. */
const SHOWN = `[...document.querySelectorAll('section.t:not([hidden]) > h2 > a')].map((a) => a.textContent)`;
const LISTED = `[...document.querySelectorAll('#_nav > li:not([hidden]) > a')].map((a) => a.textContent)`;

const SHOP = `
capture:
  source: { name: shop, database-url: postgresql:///shop }
  tables:
    regions: {}
    accounts:
      from: legacy_accounts
      where: not is_demo
      columns:
        balance: { calculation: app.balance(id), also-on: { ledger_lines: account_id } }
        full_name: { sql: "first || ' ' || last" }
        region: { from: region_code, reference: regions }
tables:
  regions: { key: code, description: parts of the country, owner: maps, columns: { code: text } }
  accounts:
    description: who pays
    owner: billing
    key: id
    version: 3
    history: true
    migrations: { 3: { rename: { name: full_name } } }
    columns:
      id: bigint
      full_name: { type: text, description: as it is written, tags: pii }
      balance: numeric
      region: { type: text, references: regions }
      risk: { type: text, values: { low: [L], high: [H] }, trim: true }
      parent: { type: bigint, references: accounts }
  payments: { key: id, columns: { id: bigint, account: { type: bigint, references: accounts }, balance_after: numeric } }
  log: { columns: { line: text } }
`;

describe.skipIf(!HAS_CHROMIUM)(`the page in Chromium${LACKS}`, () => {
  it('shows names and comments as they are, and runs none of them', {
    timeout: 60_000,
  }, async () => {
    const names = [
      '<script>alert(1)</script>',
      '</title></style></script><img src=x onerror=alert(1)>',
      '"><svg onload=alert(1)>',
      "it's & &amp; <b>",
      'a/b#c?d%20',
      'größe',
      '日本',
      '\u202eevil',
      '_map',
      'Accounts',
      'accounts',
    ];
    const text = pageOf(
      `tables:\n${names
        .map(
          (name) =>
            `  ${JSON.stringify(name)}: { key: id, owner: ${JSON.stringify(name)}, description: ${JSON.stringify(`${name}\n--> <!-- ${name}`)}, columns: { id: { type: int, values: { ${JSON.stringify(name)}: [${JSON.stringify(name)}] } }, ${JSON.stringify(`${name}.`)}: text, ${JSON.stringify(`${name}:`)}: { type: int, references: ${JSON.stringify(names[0] === name ? 'none' : names[0])} } } }\n`,
        )
        .join('')}`.replaceAll(', references: "none"', ''),
    );
    await withPage(text, async (page) => {
      expect(await page.evaluate(SHOWN)).toEqual(names);
      expect(await page.evaluate(LISTED)).toEqual(names);
      expect(
        await page.evaluate(
          `[...document.querySelectorAll('script,img,[onload],[onerror]')].length`,
        ),
      ).toBe(1);
      expect(await page.evaluate(`document.querySelectorAll('section.t .about').length`)).toBe(
        names.length,
      );
      for (const [i, name] of names.entries()) {
        expect(
          await page.evaluate(`document.querySelectorAll('section.t .about')[${i}].textContent`),
        ).toBe(`${name}--> <!-- ${name}`);
      }
      await page.evaluate(`document.querySelectorAll('button[data-q]')[0].click()`);
      expect(await page.evaluate<string[]>(SHOWN)).not.toHaveLength(0);
    });
  });

  it('leads each link to its place', { timeout: 60_000 }, async () => {
    await withPage(pageOf(SHOP), async (page, url) => {
      expect(
        await page.evaluate(
          `[...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href')).filter((href) => !href.startsWith('#') || document.getElementById(href.slice(1)) === null)`,
        ),
      ).toEqual([]);
      expect(
        await page.evaluate(
          `(() => { const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id); return ids.length - new Set(ids).size; })()`,
        ),
      ).toBe(0);
      await page.open(`${url}?again#payments.balance-after`);
      const place = `(() => { const { top, bottom } = document.getElementById('payments.balance-after').getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; })()`;
      expect(await page.evaluate(place)).toBe(true);
      expect(await page.evaluate(`document.querySelector('[aria-current]').textContent`)).toBe(
        'payments',
      );
      // What a search has hidden is shown to who follows a link to it.
      await page.press('/');
      await page.type('parts of the country');
      expect(await page.evaluate(SHOWN)).toEqual(['regions']);
      await page.evaluate(
        `(location.hash = 'accounts.risk', new Promise((done) => setTimeout(done, 100)))`,
      );
      expect(await page.evaluate(SHOWN)).toEqual(['regions', 'accounts', 'payments']);
    });
  });

  it('finds tables, columns, comments and owners by the keyboard', {
    timeout: 60_000,
  }, async () => {
    await withPage(pageOf(SHOP), async (page) => {
      await page.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).toBe('skip');
      const search = async (text: string) => {
        await page.press('/');
        await page.press('Escape');
        await page.type(text);
        return page.evaluate<string[]>(LISTED);
      };
      expect(await search('balance')).toEqual(['accounts', 'payments']);
      expect(
        await page.evaluate(
          `[...document.querySelectorAll('#_nav li li a')].map((a) => a.textContent)`,
        ),
      ).toEqual(['balance', 'balance_after']);
      expect(
        await page.evaluate(
          `[...document.querySelectorAll('tr.hit th a')].map((a) => a.textContent)`,
        ),
      ).toEqual(['balance', 'balance_after']);
      await page.press('Enter');
      expect(await page.evaluate('location.hash')).toBe('#accounts.balance');
      // The table itself before those that refer to it.
      expect(await search('accounts')).toEqual(['accounts', 'regions', 'payments']);
      expect(await search('AS IT written')).toEqual(['accounts']);
      expect(await search('legacy_accounts.id')).toEqual(['accounts']);
      expect(await search('owner: maps')).toEqual(['regions']);
      expect(await search('no such thing')).toEqual([]);
      expect(await page.evaluate(`document.getElementById('_found').textContent`)).toBe(
        'nothing found',
      );
      await page.press('Escape');
      expect(await page.evaluate(LISTED)).toEqual(['regions', 'accounts', 'payments']);
      expect(await page.evaluate(SHOWN)).toEqual(['regions', 'accounts', 'payments']);
    });
  });

  it('shows the references of the table that is pointed at', { timeout: 60_000 }, async () => {
    await withPage(pageOf(SHOP), async (page) => {
      const pick = (name: string) =>
        page.evaluate(
          `(() => { [...document.querySelectorAll('.map a')].find((a) => a.textContent.startsWith('${name}')).focus(); return [document.querySelectorAll('.map a.on').length, document.querySelectorAll('.map path.on').length]; })()`,
        );
      expect(await pick('accounts')).toEqual([3, 2]);
      expect(await pick('regions')).toEqual([2, 1]);
    });
  });

  it('is light or dark as the user prefers, and as the button says', {
    timeout: 60_000,
  }, async () => {
    await withPage(pageOf(SHOP), async (page) => {
      const paper = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      await page.prefer('light');
      expect(await paper()).toBe('rgb(255, 255, 255)');
      await page.prefer('dark');
      expect(await paper()).toBe('rgb(18, 23, 29)');
      await page.evaluate(`document.getElementById('_theme').click()`);
      expect(await paper()).toBe('rgb(255, 255, 255)');
    });
  });

  it('opens and searches 420 tables without a wait', { timeout: 120_000 }, async () => {
    const columns = Array.from(
      { length: 18 },
      (_, i) => `c${i}: { type: text, description: "what it says" }`,
    );
    const yaml = `tables:\n${Array.from({ length: 420 }, (_, i) => {
      const references = [1, 2, 3]
        .filter((step) => i - step * 7 >= 0)
        .map((step) => `r${step}: { type: int, references: some_table_${i - step * 7} }`);
      return `  some_table_${i}: { key: id, columns: { id: int, ${[...columns, ...references].join(', ')} } }\n`;
    }).join('')}`;
    const { tables = {} } = parseProject(yaml);
    const catalogue = toCatalogue(toModel(tables));
    const began = performance.now();
    const [file] = [...docs.generate(catalogue)];
    expect(performance.now() - began).toBeLessThan(5000);
    const { text } = file!;
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
    await withPage(text, async (page, url) => {
      const start = performance.now();
      await page.open(`${url}?again`);
      expect(await page.evaluate<string[]>(SHOWN)).toHaveLength(420);
      expect(performance.now() - start).toBeLessThan(10_000);
      const seconds = await page.evaluate<number>(
        `(() => { const start = performance.now(); const q = document.getElementById('_q'); q.value = 'some_table_77 c5'; q.dispatchEvent(new Event('input')); document.body.getBoundingClientRect(); return performance.now() - start; })()`,
      );
      expect(seconds).toBeLessThan(5000);
      expect((await page.evaluate<string[]>(LISTED))[0]).toBe('some_table_77');
      await page.open(`${url}?last#some-table-419.r3`);
      expect(
        await page.evaluate(
          `(() => { const { top, bottom } = document.getElementById('some-table-419.r3').getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; })()`,
        ),
      ).toBe(true);
    });
  });
});

it('says where each column comes from, and which tasks read it', async () => {
  const cwd = await makeProject(
    `${SHOP}silver:\n  accounts: { from: accounts, key: id, columns: { id: id, risk_class: risk, half: { sql: balance / 2 } } }\n`,
  );
  const run = await edp(['codegen', 'docs', '--json'], { cwd, env: {} });
  expect(run.status, run.stderr).toBe(0);
  const text = await readFile(path.join(cwd, 'generated/docs/tables.html'), 'utf8');
  const rowOf = (anchor: string) =>
    new RegExp(`<tr id="${anchor}">.*`)
      .exec(text)![0]
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/ +/g, ' ');
  expect(rowOf('accounts.id')).toContain('legacy_accounts.id silver.accounts.id');
  expect(rowOf('accounts.balance')).toContain(
    'calculated app.balance(id) also on ledger_lines.account_id silver.accounts.half',
  );
  expect(rowOf('accounts.full-name')).toContain('first || &#39; &#39; || last');
  expect(rowOf('accounts.region')).toContain('key of regions by legacy_accounts.region_code');
  expect(rowOf('accounts.risk')).toContain('low also written L');
  expect(rowOf('accounts.risk')).toContain('silver.accounts.risk_class');
  expect(text).toContain('<code>silver.accounts</code> (silver)');
  expect(text).toContain('<code>name</code> becomes <code>full_name</code>');
  expect(text).toContain('<code>log</code>: it has no key');
});
