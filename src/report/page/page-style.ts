/** The style of all pages: light and dark, wide and narrow, on paper. */
import { createHash } from 'node:crypto';

/**
 * Each series is told apart from its background by 3:1 at the least, and from each other series also by those who do
 * not see red, green or blue (tests/report/page-colours.test.ts).
 */
export const COLOURS = {
  light: {
    series: [
      '#1450ac',
      '#b34408',
      '#258950',
      '#9553eb',
      '#a6920b',
      '#aa3b70',
      '#00a0c7',
      '#4a3525',
    ],
    heat: [
      '#eef4fc',
      '#d5e4f7',
      '#b3cff0',
      '#8ab4e6',
      '#6097d8',
      '#3d7bc4',
      '#2661a6',
      '#174782',
      '#0c2f5c',
    ],
  },
  dark: {
    series: [
      '#2f86de',
      '#e08a42',
      '#4dfcd0',
      '#d6a8fe',
      '#f4de72',
      '#ff83c6',
      '#a0f1ff',
      '#d3b099',
    ],
    heat: [
      '#1b2530',
      '#1f344c',
      '#234669',
      '#2a5a88',
      '#3671a8',
      '#4c8ac6',
      '#70a6dc',
      '#9cc4ec',
      '#cfe3f8',
    ],
  },
} as const;

function variables({ series, heat }: (typeof COLOURS)['light' | 'dark']): string {
  return [
    ...series.map((colour, i) => `--series-${i + 1}:${colour}`),
    ...heat.map((colour, i) => `--heat-${i + 1}:${colour}`),
  ].join(';');
}

const LIGHT = `color-scheme:light;--paper:#fff;--ink:#1c2530;--quiet:#566270;--edge:#d9dfe6;--band:#f5f7f9;--axis:#8a95a1;--others:#8a95a1;--link:#1d4fa3;${variables(COLOURS.light)}`;
const DARK = `color-scheme:dark;--paper:#12171d;--ink:#e4e9ee;--quiet:#a3adb8;--edge:#313a44;--band:#1a2027;--axis:#76818c;--others:#7d8894;--link:#8ab8ff;${variables(COLOURS.dark)}`;

const STYLE = `
:root{${LIGHT}}
@media (prefers-color-scheme:dark){@media screen{:root{${DARK}}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .4rem}
h2{font-size:1.05rem;margin:2rem 0 .5rem}
p{margin:.4rem 0;max-width:46rem}
a{color:var(--link)}
.quiet{color:var(--quiet);font-size:.875rem}
.facts{display:flex;flex-wrap:wrap;gap:.25rem 2rem;margin:.9rem 0 0;padding:0}
.facts div{display:flex;gap:.45rem;font-size:.875rem}
.facts dt{color:var(--quiet)}
.facts dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
figure{margin:1.6rem 0 0}
figure svg{display:block;width:100%;height:auto;overflow:visible;font-family:inherit;color:var(--quiet)}
figcaption{margin-bottom:.4rem;font-size:.875rem;color:var(--quiet)}
figure .narrow{display:none}
.plot text,.plot tspan{white-space:pre}
.plot [aria-hidden]{shape-rendering:crispEdges}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:0 0 .5rem;padding:0;font-size:.8125rem;color:var(--ink)}
.legend li{display:flex;align-items:center;gap:.4rem}
.legend svg{display:inline-block;width:12px;height:12px;flex:none}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.2rem 1.5rem}
.panels h2{font-size:.9rem;margin:0 0 .2rem;overflow-wrap:anywhere}
.scroll{overflow-x:auto;border:1px solid var(--edge);border-radius:6px;max-height:40rem;overflow-y:auto}
.scroll:focus-visible{outline:2px solid var(--link)}
table{border-collapse:collapse;width:100%;font-size:.8125rem;line-height:1.4}
caption{text-align:left}
th,td{padding:.32rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}
thead th{position:sticky;top:0;background:var(--band);font-weight:600;white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}
wbr{display:none}
td{overflow-wrap:break-word;max-width:28rem}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.t{white-space:nowrap;font-variant-numeric:tabular-nums}
.null::after{content:"null";color:var(--quiet);font-style:italic}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17.5rem),1fr));gap:1rem;list-style:none;margin:1.5rem 0 0;padding:0}
.cards li{border:1px solid var(--edge);border-radius:8px;padding:.9rem 1rem 1rem;display:flex;flex-direction:column;break-inside:avoid}
.cards h2{font-size:1rem;margin:0 0 .2rem}
.cards figure{margin:auto 0 0;padding-top:.7rem}
.cards p{font-size:.8125rem;color:var(--quiet);margin:.2rem 0;display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden}
.cards p.count{color:var(--ink)}
footer{margin-top:2rem}
@media screen and (max-width:40rem){
main{padding:1.2rem 1rem 2rem}
h1{font-size:1.3rem}
figure .wide{display:none}
figure .narrow{display:block}
th,td{padding:.3rem .5rem}
}
@page{margin:14mm}
@page many{size:landscape}
@media print{
main{max-width:none;padding:0}
body{font-size:10.5pt}
.scroll{overflow:visible;max-height:none;border:0}
thead{display:table-header-group}
thead th{position:static}
tr,figure,.panels>div{break-inside:avoid}
h2{break-after:avoid}
table{font-size:8pt}
thead th{white-space:normal}
wbr{display:inline}
th,td{padding:.3em .5em;overflow-wrap:anywhere}
td{max-width:none}
td.n{overflow-wrap:normal}
thead .n,.t{white-space:normal}
.many{page:many}
.many table{font-size:6.5pt}
.many td.n,.many td.t{white-space:normal;overflow-wrap:anywhere}
.crowd th,.crowd td{padding:.2em}
a{color:inherit;text-decoration:none}
.screen{display:none}
.plot,.legend svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`.trim();

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Nothing is loaded, run or sent: the page holds all that it shows. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;

/**
 * @param title as text
 * @param body as HTML
 */
export function wholePage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="edp">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
