/** The style of the page: light and dark, wide and narrow, on paper. */

const LIGHT =
  'color-scheme:light;--paper:#fff;--ink:#1c2530;--quiet:#566270;--edge:#d9dfe6;--band:#f5f7f9;--line:#8a95a1;--link:#1d4fa3;--own:#e3edfb;--hit:#fff3c4';
const DARK =
  'color-scheme:dark;--paper:#12171d;--ink:#e4e9ee;--quiet:#a3adb8;--edge:#313a44;--band:#1a2027;--line:#76818c;--link:#8ab8ff;--own:#1f344c;--hit:#4a3f14';

export const PAGE_STYLE = `
:root{${LIGHT}}
@media (prefers-color-scheme:dark){@media screen{:root:not([data-theme=light]){${DARK}}}}
@media screen{:root[data-theme=dark]{${DARK}}}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;display:grid;grid-template-columns:17rem minmax(0,1fr)}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:2px}
code{font:.86em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
code,th,td,dd,h2 a,li>a,text{unicode-bidi:isolate}
:focus-visible{outline:2px solid var(--link);outline-offset:1px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:.5rem;top:.5rem;background:var(--paper);padding:.3rem .6rem;z-index:2}
.quiet{color:var(--quiet);font-size:.85rem}
.mark{display:inline-block;font:500 .72rem/1.5 system-ui,sans-serif;color:var(--quiet);border:1px solid var(--edge);border-radius:4px;padding:0 .35rem;background:var(--paper);vertical-align:.08em;max-width:100%;overflow-wrap:anywhere}
.mark.key{color:var(--link);border-color:var(--link)}
button{font:inherit;font-size:.8rem;color:var(--ink);background:var(--paper);border:1px solid var(--edge);border-radius:5px;padding:.1rem .55rem;cursor:pointer}
button.mark{cursor:pointer;font-size:.78rem;padding:.05rem .5rem}
button:hover{border-color:var(--link)}
aside{position:sticky;top:0;height:100vh;display:flex;flex-direction:column;border-right:1px solid var(--edge);background:var(--band);padding:1rem 0 0}
aside header{display:flex;justify-content:space-between;align-items:center;padding:0 1rem .6rem}
#_search{padding:0 1rem .6rem}
#_q{width:100%;font:inherit;font-size:.9rem;padding:.35rem .6rem;color:var(--ink);background:var(--paper);border:1px solid var(--edge);border-radius:6px}
#_found{display:block;min-height:1.3rem;margin-top:.3rem;font-size:.78rem;color:var(--quiet)}
nav{overflow-y:auto;flex:1;padding:0 .5rem 1rem}
nav ul{list-style:none;margin:0;padding:0}
nav li>a{display:block;padding:.14rem .5rem;border-radius:4px;font-size:.86rem;color:var(--ink);text-decoration:none;overflow-wrap:anywhere}
nav li>a:hover{background:var(--own)}
nav li>a[aria-current]{background:var(--own);color:var(--link);font-weight:600}
nav li li>a{padding-left:1.4rem;font-size:.78rem;color:var(--quiet)}
main{padding:1.6rem 2rem 4rem;min-width:0}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .2rem}
h2{font-size:1.2rem;margin:0 0 .3rem;overflow-wrap:anywhere}
h2 a{color:inherit;text-decoration:none}
h2 a:hover{text-decoration:underline}
p{margin:.3rem 0}
.about{max-width:46rem}
section{padding:1.6rem 0;border-bottom:1px solid var(--edge)}
section.t{content-visibility:auto;contain-intrinsic-size:auto 900px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:.3rem 1.5rem;margin:.7rem 0 1rem;font-size:.86rem}
dl div{display:flex;gap:.6rem;min-width:0}
dt{color:var(--quiet);flex:none;min-width:6.2rem}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
dd ul{margin:.1rem 0 0;padding-left:1rem}
.scroll,.pic{overflow:auto;border:1px solid var(--edge);border-radius:7px}
.pic{padding:.9rem;margin:0 0 1rem;background:var(--band)}
.map{max-height:34rem}
svg{display:block;font:12px/1 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
svg rect{fill:var(--paper);stroke:var(--edge)}
svg text{fill:var(--ink);font-weight:500}
svg text.q{fill:var(--quiet);font-weight:400;font-size:11px}
svg path{fill:none;stroke:var(--line);stroke-width:1.3}
svg .own rect{fill:var(--own);stroke:var(--link)}
svg .off rect{stroke-dasharray:4 3}
svg a{cursor:pointer}
svg a:hover rect,svg a:focus rect,svg a.on rect{stroke:var(--link);stroke-width:1.6}
svg a:focus{outline:none}
.edges path{opacity:.3}
.map svg.picked .edges path{opacity:.07}
.map svg.picked .edges path.on{opacity:1;stroke:var(--link);stroke-width:1.8}
.map svg.picked a:not(.on){opacity:.4}
table{border-collapse:collapse;width:100%;font-size:.84rem;line-height:1.45}
th,td{padding:.35rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}
thead th{background:var(--band);font-weight:600;white-space:nowrap;font-size:.78rem;color:var(--quiet)}
tbody th{font-weight:600;min-width:9rem;max-width:18rem;overflow-wrap:anywhere}
tbody th a{color:inherit;text-decoration:none}
tbody th a:hover{text-decoration:underline}
tbody tr:last-child>*{border-bottom:0}
td{max-width:26rem;overflow-wrap:anywhere}
td p{margin:0 0 .15rem}
td:nth-child(2){white-space:nowrap}
td:nth-child(3){min-width:13rem}
tr.added{color:var(--quiet)}
tr.added th{font-weight:400}
tr.hit>*,tr:target>*{background:var(--hit)}
section:target>h2{text-decoration:underline;text-decoration-color:var(--link);text-underline-offset:4px}
.values{margin:0 0 .2rem;padding-left:1.1rem}
@media (max-width:50rem){
body{display:block}
aside{position:static;height:auto;border-right:0;border-bottom:1px solid var(--edge)}
nav{max-height:14rem}
main{padding:1rem}
}
@media print{
body{display:block;font-size:10pt}
aside,.map,.skip{display:none}
main{padding:0}
section.t{content-visibility:visible;break-inside:auto}
.scroll,.pic{overflow:visible}
svg{max-width:100%;height:auto}
tr{break-inside:avoid}
a{color:inherit}
}
`.trim();
