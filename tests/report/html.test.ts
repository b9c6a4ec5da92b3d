/** Pages: nothing in them runs or loads, they say what they are, and their CSV is that of the report. */
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { htmlWriter } from '../../src/report/format/report-html.js';
import { escapeHtml } from '../../src/report/page/escape-html.js';
import { indexPage } from '../../src/report/page/index-page.js';
import { parseReport } from '../../src/report/report.js';
import { ODD_REPORT, parseCsv, writeBytes } from './odd-values.js';
import { SLOW, startProject, type TestProject } from './setup.js';

let project: TestProject;
beforeAll(async () => {
  project = await startProject();
}, SLOW);
afterAll(() => project.stop(), SLOW);

function own(sql: string, header = '') {
  return parseReport(`-- title: Own\n${header}\n${sql}`, 'own', 'sql/reports/own.sql');
}

async function pageOf(report: ReturnType<typeof own>) {
  const html = (await writeBytes(project.client, report, 'html')).toString();
  const { document } = parseHTML(html);
  const texts = (selector: string) =>
    [...document.querySelectorAll(selector)].map((element) => element.textContent ?? '');
  return { html, document, texts };
}

/** What a page must never have, whatever the values are. */
function expectHarmless(html: string): void {
  const { document } = parseHTML(html);
  expect(
    document.querySelectorAll('script, img, iframe, object, embed, link, base, form, b, i'),
  ).toHaveLength(0);
  for (const element of document.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^on|^style$|^src|srcdoc/);
      if (name === 'href')
        expect(value).toMatch(/^(data:text\/csv;charset=utf-8;base64,|[\w%.()*'-]+$)/);
    }
  }
  expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org\/)/);
}

describe('a database that edp never loaded into', () => {
  it('has pages and workbooks, too', { timeout: SLOW }, async () => {
    await project.session.query('CREATE DATABASE never_loaded');
    const client = { ...project.client, database: 'never_loaded' };
    const report = own('SELECT 1 AS a');
    expect((await writeBytes(client, report, 'html')).toString()).toContain('All rows');
    expect((await writeBytes(client, report, 'xlsx')).length).toBeGreaterThan(1000);
  });
});

describe('a page of odd values', () => {
  it(
    'runs nothing and loads nothing',
    async () => {
      const { html, document } = await pageOf(ODD_REPORT);
      expectHarmless(html);
      const policy = document.querySelector('meta[http-equiv]')?.getAttribute('content');
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'$/,
      );
    },
    SLOW,
  );

  it('shows them as they are', async () => {
    const { document, texts } = await pageOf(ODD_REPORT);
    expect(texts('h1')).toEqual(['Odd <values> & "quotes"']);
    expect(texts('header p')).toEqual(["</title><script>alert('description')</script>"]);
    expect(texts('.facts dd')).toEqual(['19', '2026-01-02 03:04:05 UTC', '<b>note</b>']);
    const shown = texts('tbody td');
    expect(shown).toContain('"><img src=x onerror=alert(1)>');
    expect(shown).toContain('-9,223,372,036,854,775,808');
    expect(document.querySelectorAll('thead th[scope=col]').length).toBeGreaterThan(20);
    expect(document.querySelector('html')?.getAttribute('lang')).toBe('en');
  });

  it('holds the CSV of the report, byte for byte', async () => {
    const { document } = await pageOf(ODD_REPORT);
    const link = document.querySelector('a[download]');
    expect(link?.getAttribute('download')).toBe('odd.csv');
    const csv = Buffer.from(link!.getAttribute('href')!.split('base64,')[1]!, 'base64');
    expect(csv).toEqual(await writeBytes(project.client, ODD_REPORT, 'csv'));
    expect(parseCsv(csv)).toHaveLength(20);
  });
});

describe('a page of many rows', () => {
  it('has a table of the first ones, and says so', async () => {
    const { texts, html } = await pageOf(
      own("SELECT 'name ' || n AS name, n FROM generate_series(1, 15808) AS n"),
    );
    expect(texts('h2')).toContain('The first 300 of 15,808 rows');
    expect(texts('tbody tr')).toHaveLength(300);
    expect(texts('a[download]')).toEqual(['Save all 15,808 rows as CSV']);
    expect(html.length).toBeLessThan(1_000_000);
  });

  it('fits on paper: names of columns may break, and many columns are printed across', async () => {
    const columns = (count: number) =>
      own(`SELECT ${Array.from({ length: count }, (_, i) => `${i} AS rows_of_${i}`).join(', ')}`);
    const few = await pageOf(columns(9));
    expect(few.document.querySelector('section.many')).toBeNull();
    expect(few.html).toContain('>rows_<wbr>of_<wbr>8</th>');
    const many = await pageOf(columns(10));
    expect(many.document.querySelector('section.many h2 ~ .scroll')).not.toBeNull();
    expect(many.html).toContain('@page many{size:landscape}');
  });

  it('says where even the CSV in it ends', async () => {
    const writer = htmlWriter([{ name: 'body', typeOid: 25 }], { safeCells: false });
    const batch = Array.from({ length: 1000 }, () => ['x'.repeat(1000)]);
    for (let i = 0; i < 20; i++) writer.rows(batch);
    const page = String(await writer.tail(0, []));
    expect(page).toContain('Save the first 15,000 rows as CSV</a>: the page holds no more;');
    expect(page.length).toBeLessThan(25_000_000);
  });

  it('without rows has neither chart nor table', async () => {
    const { document, html } = await pageOf(own("SELECT 'x' AS name, 1 AS n WHERE false"));
    expect(html).toContain('The report has no rows.');
    expect(document.querySelector('figure, .scroll')).toBeNull();
  });
});

describe('sources', () => {
  it('are what the report read, with the load that changed them last', async () => {
    await project.session.query(`
      CREATE VIEW seen AS SELECT * FROM events;
      CREATE TABLE "Odd <b>" (x int);
      INSERT INTO edp.changes (relation, kind, load_id, rows) VALUES
        ('public.events', 'inserted', 1, 3), ('public.events', 'definition', 2, NULL)`);
    try {
      const { texts, html } = await pageOf(
        own(
          'SELECT count(*) AS n FROM seen, "Odd <b>" AS o, edp.loads WHERE EXISTS (SELECT FROM first_dimensions)',
        ),
      );
      expectHarmless(html);
      const rows = texts('h2 + .scroll tbody tr').filter((text) => /table|view/.test(text));
      expect(rows).toEqual([
        'edp.loadstableedp itself',
        'public."Odd <b>"tablenot known',
        'public.eventstableload 1: data/events-1.csv2024-02-01 00:00:02+00',
        'public.first_dimensionstablenot known',
        'public.seenviewnot known',
      ]);
    } finally {
      await project.session.query('DROP VIEW seen; DROP TABLE "Odd <b>"; DELETE FROM edp.changes');
    }
  });
});

describe('a chart', () => {
  it('stands before the table, is an image with a name, and has a caption', async () => {
    const { document, html } = await pageOf(
      own(
        "SELECT '2024-01-01'::date + n AS day, n AS events FROM generate_series(1, 40) AS n",
        '-- chart: line x=day y=events',
      ),
    );
    expect(html.indexOf('<figure>')).toBeLessThan(html.indexOf('<table>'));
    expect(document.querySelector('figcaption')?.textContent).toBe('events by day');
    const images = [...document.querySelectorAll('figure svg[role=img]')];
    expect(images.map((image) => image.getAttribute('aria-label'))).toEqual(
      Array(2).fill('Line chart: events by day, from 1 to 40. The table below has the values.'),
    );
  });

  it('in panels has headings one step below the title', async () => {
    const { texts, document } = await pageOf(
      own(
        "SELECT 'p' || n % 2 AS p, n AS x, n AS y FROM generate_series(1, 9) AS n",
        '-- chart: dot x=x y=y panels=p',
      ),
    );
    expect(texts('.panels h2')).toEqual(['p1', 'p0']);
    expect(document.querySelector('h3')).toBeNull();
  });

  it('of a column that is not there is reported with its line, in every format', async () => {
    const report = own('SELECT 1 AS n', '-- chart: histogram x=m');
    for (const format of ['html', 'csv', 'json', 'xlsx', 'parquet', 'table'] as const) {
      await expect(writeBytes(project.client, report, format)).rejects.toMatchObject({
        code: 'report_failed',
        place: 'sql/reports/own.sql:2',
        message: expect.stringContaining('"m"'),
      });
    }
  });
});

describe('the index', () => {
  it('leads to each report, and tells which are not there', () => {
    const html = indexPage({
      madeAt: new Date('2026-11-29T10:00:00Z'),
      written: [
        {
          title: '<b>A</b>',
          description: '"d"',
          file: 'a b#?.html',
          rows: 1,
          chart: '<svg></svg>',
        },
        { title: 'B', description: '', file: 'b.html', rows: 15_808, chart: undefined },
      ],
      skipped: [{ title: 'C', reason: 'relation "<i>x</i>" does not exist' }],
      failed: [],
    });
    expectHarmless(html);
    const { document } = parseHTML(html);
    const links = [...document.querySelectorAll('a')].map((link) => link.getAttribute('href'));
    expect(links).toEqual(['a%20b%23%3F.html', 'b.html']);
    expect(html).toContain('15,808 rows');
    expect([...document.querySelectorAll('h2')].map((h) => h.textContent)).toEqual([
      '<b>A</b>',
      'B',
      'Not written',
    ]);
  });
});

it.each([
  [`<a href="x" y='z'>&amp;`, '&lt;a href=&quot;x&quot; y=&#39;z&#39;&gt;&amp;amp;'],
  ['\u0000\u001b[2J\u0085', '\ufffd\ufffd[2J\ufffd'],
  ['line\n\ttab 😀', 'line\n\ttab 😀'],
])('%j is escaped', (text, expected) => {
  expect(escapeHtml(text)).toBe(expected);
});
