/** How the page looks: on paper by day, quiet by night, in one column on a phone. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f5f3ee; --card: #fffdf9; --ink: #1c2126; --soft: #59626b; --line: #dcd7cb;
  --good: #17633f; --good-wash: #e2efe5; --warn: #7f4600; --warn-wash: #faecd2;
  --bad: #9c1f19; --bad-wash: #fae3e0; --quiet: #465463; --quiet-wash: #e6eaee;
  --good-lamp: #2c8a5b; --warn-lamp: #d27d0d; --bad-lamp: #c93a31; --quiet-lamp: #8493a2;
  --plot: #35618c; --plot-wash: #35618c33;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #13161a; --card: #1a1e24; --ink: #e7e5df; --soft: #a3acb6; --line: #2f353d;
    --good: #70ca9e; --good-wash: #14271d; --warn: #ecb663; --warn-wash: #2d2312;
    --bad: #f4938a; --bad-wash: #351b19; --quiet: #adbbc9; --quiet-wash: #1f262d;
    --good-lamp: #4fae80; --warn-lamp: #e0a345; --bad-lamp: #e06a60; --quiet-lamp: #6c7c8c;
    --plot: #84b5e2; --plot-wash: #84b5e233;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0; }
body {
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 72rem; overflow-wrap: anywhere; padding: 1.25rem clamp(1rem, 3vw, 2.5rem);
}
header, footer { align-items: baseline; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; }
h1 { font-size: 1.125rem; font-weight: 600; }
h2 { font-size: 1rem; font-weight: 600; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; font-weight: 600; }
a { color: inherit; text-underline-offset: .2em; }
a:focus-visible { outline: 3px solid var(--plot); outline-offset: 3px; }
ol { list-style: none; }
.soft, figcaption, dt { color: var(--soft); font-size: .875rem; }
.unseen { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; white-space: nowrap; width: 1px; }
.live, [data-link] noscript { display: none; }
[data-link=live] .live { display: inline; }
[data-link=lost] main { filter: grayscale(1); }
#lost { background: var(--bad-wash); border-left: .5rem solid var(--bad); margin: 1rem 0; padding: .75rem 1rem; }

.state {
  border-left: .5rem solid; display: grid; gap: 0 1.25rem; grid-template-columns: auto 1fr auto;
  margin-top: 1rem; padding: 1.5rem clamp(1rem, 3vw, 2rem);
}
.state > div { display: grid; gap: .5rem; max-width: 70ch; }
.state p { color: var(--ink); }
.state .since { color: var(--soft); text-align: right; }
.state .title {
  color: inherit; font: 500 clamp(1.75rem, 5vw, 2.5rem)/1.15 ui-serif, "Iowan Old Style", Palatino, Georgia, serif;
  margin-bottom: .375rem;
}
.state .reason { font-weight: 600; margin-bottom: .375rem; }
.lamp { fill: currentColor; height: 3rem; width: 3rem; }
.state.good { background: var(--good-wash); border-color: var(--good-lamp); color: var(--good); }
.state.warn { background: var(--warn-wash); border-color: var(--warn-lamp); color: var(--warn); }
.state.bad { background: var(--bad-wash); border-color: var(--bad-lamp); color: var(--bad); }
.state.quiet { background: var(--quiet-wash); border-color: var(--quiet-lamp); color: var(--quiet); }
.hint { border-left: 3px solid var(--line); padding-left: .75rem; }
.state .hint { border-color: currentColor; }

.strip svg { background: var(--line); display: block; height: .625rem; margin-top: 2px; width: 100%; }
.strip rect.good { fill: var(--good-lamp); }
.strip rect.warn { fill: var(--warn-lamp); }
.strip rect.bad { fill: var(--bad-lamp); }
.strip rect.quiet { fill: var(--quiet-lamp); }
.strip figcaption { margin-top: .25rem; }

.tiles { display: grid; gap: 1rem; grid-template-columns: repeat(4, 1fr); margin-top: 1.25rem; }
.tile, .station, .failure, table, dl { background: var(--card); border: 1px solid var(--line); }
.tile { display: flex; flex-direction: column; gap: .75rem; justify-content: space-between; padding: 1rem; }
.figure.warn .value { color: var(--warn); }
.figure.bad .value { color: var(--bad); }
.figure p.soft { min-height: 2.625rem; }
.value { font-size: 1.75rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
.unit { color: var(--soft); font-size: 1rem; }
.chart svg { border-bottom: 1px solid var(--line); display: block; height: 3.5rem; overflow: hidden; width: 100%; }
.chart path { fill: var(--plot-wash); stroke: var(--plot); stroke-width: 1.5; }
.chart > p { text-align: right; }
#headroom > p { text-align: left; }
.chart figcaption { display: flex; font-variant-numeric: tabular-nums; gap: .5rem; justify-content: space-between; padding-top: .25rem; }
#headroom svg { border: 0; height: .625rem; }
#headroom rect { fill: var(--plot); }
#headroom rect.rest { fill: var(--plot-wash); }
.exact { font: .6875rem/1.5 ui-monospace, monospace; }

.way { display: grid; gap: 2.5rem; grid-template-columns: repeat(3, 1fr); }
.station { padding: .75rem 1rem; position: relative; }
.station + .station::before {
  color: var(--soft); content: "→"; font-size: 1.5rem; left: -2.5rem; line-height: 1; position: absolute; text-align: center;
  top: calc(50% - .75rem); width: 2.5rem;
}
.apart + .station::before, .station + .apart::before { color: var(--warn); content: "✕"; }
.idle + .station::before { opacity: .4; }
.bond { font-weight: 600; }
.joined .bond { color: var(--good); }
.apart .bond { color: var(--warn); }
.idle .bond { color: var(--quiet); }
.whole { display: inline-block; max-width: 100%; }

#failures { display: grid; gap: .75rem; }
.failure { display: grid; gap: .25rem; padding: .75rem 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .375rem 1rem; text-align: right; }
th { font-weight: 400; }
td { white-space: nowrap; }
thead th { border: 0; color: var(--soft); font-size: .875rem; vertical-align: bottom; }
th:first-child { text-align: left; }
dl { border-top: 0; padding: .375rem 0; }
dl div { display: grid; gap: 0 1rem; grid-template-columns: 7rem 1fr; padding: .125rem 1rem; }
.records { display: grid; gap: 0 1rem; }
@media (min-width: 62rem) { .records { grid-template-columns: 3fr 2fr; } }
@media (max-width: 62rem) { .tiles { grid-template-columns: repeat(2, 1fr); } }
footer { border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; margin-top: 2rem; padding-top: .75rem; }
nav { display: flex; gap: 1rem; }

@media (max-width: 44rem) {
  .tiles, .way { grid-template-columns: 1fr; }
  .station + .station::before { content: "↓"; left: 0; top: -2rem; }
  .state { gap: .5rem .75rem; grid-template-columns: auto 1fr; padding-block: 1rem; }
  .state .since { grid-column: 2; text-align: left; }
  .since br { display: none; }
  .lamp { height: 2rem; width: 2rem; }
  .figure p.soft { min-height: 0; }
  dl div { grid-template-columns: 1fr; }
  th, td { padding: .375rem .5rem; }
}
`;
