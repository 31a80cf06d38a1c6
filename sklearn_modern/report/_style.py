"""The style sheet: one accent, light and dark, screen and paper.

All rules of ``STYLE`` are bound to the class ``smr``: in a notebook they change nothing else.
"""

__all__ = ["PAGE_STYLE", "STYLE"]

_LIGHT = """
  --ink: #1b1f24; --soft: #57606a; --line: #e3e6ea; --faint: #eef0f3; --paper: #ffffff;
  --wash: #f6f7f9; --accent: #1d5fa8; --tint: #d7e5f5; --leak: #a4202f; --leak-wash: #fcf1f2;
  --warning: #8a5300; --warning-wash: #fdf6ea;
"""

_DARK = """
  --ink: #e4e7eb; --soft: #a3acb7; --line: #323941; --faint: #262c33; --paper: #14171b;
  --wash: #1c2026; --accent: #7fb6f2; --tint: #22405f; --leak: #ff9aa5; --leak-wash: #2a1a1d;
  --warning: #efbd6c; --warning-wash: #282117;
"""

STYLE = f"""
.smr {{ color-scheme: light; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ .smr {{ color-scheme: dark; {_DARK} }} }}
[data-jp-theme-light=true] .smr, .vscode-light .smr, [data-theme=light] .smr
  {{ color-scheme: light; {_LIGHT} }}
[data-jp-theme-light=false] .smr, .vscode-dark .smr, [data-theme=dark] .smr
  {{ color-scheme: dark; {_DARK} }}
.smr {{
  color: var(--ink); background: var(--paper); padding: 1px 0;
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",
    "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums; text-size-adjust: 100%;
}}
.smr *, .smr *::before {{ box-sizing: border-box; }}
.smr p {{ margin: 0 0 1rem; max-width: 44rem; overflow-wrap: anywhere; }}
.smr p.smr-answer {{
  font-size: 1.35rem; line-height: 1.45; font-weight: 500; letter-spacing: -0.006em;
  margin-bottom: 1.5rem; text-wrap: pretty;
}}
.smr code, .smr pre {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: 0.875em; background: none; color: inherit;
}}
.smr code {{ overflow-wrap: anywhere; }}
.smr :focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }}

.smr .smr-facts {{
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(12rem, 42%), 1fr));
  gap: 0.9rem 1.5rem; margin: 0 0 1.5rem; padding: 0;
}}
.smr .smr-facts dt {{ font-size: 0.8125rem; font-weight: 400; color: var(--soft); margin: 0; }}
.smr .smr-facts dd {{ margin: 0; overflow-wrap: anywhere; }}

.smr .smr-findings {{ list-style: none; margin: 0 0 1.5rem; padding: 0; }}
.smr .smr-findings > li {{
  border-left: 3px solid var(--warning); background: var(--warning-wash);
  border-radius: 0 6px 6px 0; padding: 0.9rem 1.2rem; margin: 0 0 0.75rem; max-width: 46rem;
  break-inside: avoid;
}}
.smr .smr-findings > li.leak {{ border-color: var(--leak); background: var(--leak-wash); }}
.smr .smr-findings p {{ margin: 0 0 0.4rem; }}
.smr .smr-findings > li > :last-child {{ margin-bottom: 0; }}
.smr .smr-kind strong {{ color: var(--warning); }}
.smr .leak .smr-kind strong {{ color: var(--leak); }}

.smr .smr-scroll {{ overflow: auto; max-width: 100%; margin: 0 0 1.75rem; }}
.smr .smr-scroll.tall {{ max-height: 32rem; }}
.smr table {{
  border-collapse: collapse; border: 0; margin: 0; font-size: 0.9375rem; line-height: 1.45;
  min-width: min(100%, 38rem); color: inherit;
}}
.smr caption {{
  caption-side: top; text-align: left; color: var(--soft); font-size: 0.875rem;
  padding: 0 0 0.5rem; max-width: min(44rem, 100vw - 2rem);
}}
.smr tr, .smr tbody tr:nth-child(odd), .smr tbody tr:hover {{ background: none; }}
.smr th, .smr td {{
  text-align: left; vertical-align: top; padding: 0.45rem 1.25rem 0.45rem 0; border: 0;
  border-bottom: 1px solid var(--faint); font-weight: 400; white-space: nowrap; max-width: none;
}}
.smr th:last-child, .smr td:last-child {{ padding-right: 2px; }}
.smr thead th {{
  color: var(--soft); font-size: 0.8125rem; border-bottom: 1px solid var(--line);
  vertical-align: bottom; background: var(--paper);
}}
.smr .tall thead th {{ position: sticky; top: 0; z-index: 1; }}
.smr tbody th {{ min-width: 8rem; max-width: 22rem; white-space: normal; overflow-wrap: anywhere; }}
.smr tbody th, .smr thead th:first-child {{ position: sticky; left: 0; background: var(--paper); }}
.smr .tall thead th:first-child {{ z-index: 2; }}
.smr .number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.smr td.prose {{ white-space: normal; min-width: 16rem; overflow-wrap: anywhere; }}
.smr tr.best > * {{ font-weight: 600; }}
.smr .smr-tag {{
  font-size: 0.75rem; font-weight: 400; color: var(--soft); border: 1px solid var(--line);
  border-radius: 1em; padding: 0.05em 0.6em; margin-left: 0.3em; white-space: nowrap;
}}
.smr tr.best .smr-tag:first-of-type {{ color: var(--accent); border-color: currentColor; }}
.smr .smr-meter {{
  display: inline-block; width: 3.5rem; height: 0.4rem; margin-right: 0.6rem; border-radius: 2px;
  vertical-align: 0.1em; print-color-adjust: exact;
  background: linear-gradient(var(--accent), var(--accent)) no-repeat var(--faint);
  background-size: calc(100% * var(--share)) 100%;
}}
.smr .number .smr-metered {{ display: inline-block; min-width: 4.2em; }}
.smr .smr-confusion table {{ min-width: 0; }}
.smr .smr-confusion td {{
  min-width: 3.4rem; padding: 0.55rem 0.7rem; border: 2px solid var(--paper);
  background: color-mix(in srgb, var(--accent) calc(42% * var(--share, 0)), var(--wash));
  print-color-adjust: exact;
}}
.smr .smr-confusion td.hit {{ box-shadow: inset 0 0 0 1.5px var(--accent); font-weight: 600; }}
.smr .smr-confusion thead th:not(:first-child) {{ text-align: right; padding-right: 0.8rem; }}
.smr .smr-confusion tbody th {{ min-width: 4rem; vertical-align: middle; }}
.smr .smr-confusion th {{ border-bottom-color: transparent; max-width: 14rem; }}

.smr figure {{ margin: 1rem 0 2rem; max-width: 52rem; break-inside: avoid; }}
.smr figcaption, .smr p.smr-note {{
  color: var(--soft); font-size: 0.875rem; line-height: 1.55; max-width: 44rem;
}}
.smr figcaption {{ margin-top: 0.75rem; }}
.smr .smr-title {{ font-weight: 600; font-size: 0.9375rem; margin: 0; }}
.smr .smr-small {{
  display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0 2.5rem;
}}
.smr .smr-small figure, .smr .smr-two figure {{ margin: 0 0 1rem; }}
.smr .smr-two {{ display: grid; grid-template-columns: 3fr 2fr; gap: 0 3rem; align-items: end; }}

.smr .smr-plot svg {{ display: block; width: 100%; overflow: visible; font-size: 13px; }}
.smr .smr-plot.rows {{ padding: 0 7.5rem 0 10.5rem; }}
.smr .smr-plot.free, .smr .smr-plot.square {{ padding: 2rem 0.75rem 3rem 3.4rem; }}
.smr .smr-plot.square {{ max-width: 20rem; }}
.smr .smr-plot text {{ fill: var(--ink); font-variant-numeric: tabular-nums; }}
.smr .smr-plot .middle {{ text-anchor: middle; }}
.smr .smr-plot .end {{ text-anchor: end; }}
.smr .smr-plot .tick, .smr .smr-plot .axis, .smr .smr-plot .note
  {{ fill: var(--soft); font-size: 12px; }}
.smr .rows .label {{ text-anchor: end; transform: translateX(-16px); }}
.smr .rows .value {{ transform: translateX(16px); }}
.smr .smr-plot text.best {{ font-weight: 600; }}
.smr .smr-plot text.baseline {{ fill: var(--soft); }}
.smr .grid {{ stroke: var(--faint); }}
.smr .ground {{ stroke: var(--line); }}
.smr .reference {{ stroke: var(--soft); stroke-dasharray: 4 3; }}
.smr .bar {{ fill: var(--tint); }}
.smr .bar.bars {{ fill: var(--accent); opacity: 0.8; }}
.smr .bar.column {{ stroke: var(--paper); stroke-width: 1; }}
.smr .interval {{ stroke: var(--accent); stroke-width: 2.5; stroke-linecap: round; }}
.smr .single {{ stroke: var(--soft); stroke-width: 1; opacity: 0.75; }}
.smr .dot {{ fill: var(--accent); stroke: var(--paper); stroke-width: 1.5; }}
.smr .dot.baseline {{ fill: var(--paper); stroke: var(--soft); }}
.smr .interval.baseline {{ stroke: var(--soft); }}
.smr .dot.sized {{ fill-opacity: 0.85; }}
.smr .curve {{ fill: none; stroke: var(--accent); stroke-width: 1.5; }}
.smr .points {{
  stroke: var(--accent); stroke-width: 5; stroke-linecap: round; stroke-opacity: 0.4; fill: none;
}}
.smr .smr-plot .beyond {{ fill: var(--accent); }}

.smr details {{ margin: 0 0 1.5rem; }}
.smr summary {{ cursor: pointer; color: var(--accent); padding: 0.25rem 0; width: fit-content; }}
.smr details[open] > summary {{ margin-bottom: 0.75rem; }}
.smr pre.smr-scroll {{
  background: var(--wash); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.9rem 1.1rem; line-height: 1.5; white-space: pre;
}}
.smr pre code {{ font-size: inherit; overflow-wrap: normal; }}

@media screen and (max-width: 44rem) {{
  .smr .smr-plot.rows {{ padding: 0 0.75rem 0 0.5rem; }}
  .smr .rows .label {{ text-anchor: start; transform: translate(-0.4rem, -15px); }}
  .smr .rows .value {{ text-anchor: end; transform: translate(0.6rem, -15px); }}
  .smr .rows .label, .smr .rows .value
    {{ paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }}
  .smr .smr-two {{ grid-template-columns: 1fr; }}
  .smr tbody th {{ max-width: 10rem; }}
  .smr p.smr-answer {{ font-size: 1.2rem; }}
}}
@media print {{
  .smr {{ color-scheme: light; {_LIGHT} font-size: 10.5pt; }}
  .smr .smr-scroll, .smr .smr-scroll.tall {{ overflow: visible; max-height: none; }}
  .smr pre.smr-scroll {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
  .smr td:not(.number), .smr th, .smr details td {{ white-space: normal; }}
  .smr caption, .smr thead {{ break-after: avoid; }}
  .smr .smr-small {{ grid-template-columns: repeat(3, 1fr); gap: 0 1rem; }}
  .smr td.prose {{ min-width: 12rem; }}
  .smr tbody th {{ min-width: 5.5rem; }}
  .smr pre, .smr .smr-facts, .smr .smr-note {{ break-inside: avoid; }}
  .smr tr {{ break-inside: avoid; }}
  .smr svg * {{ print-color-adjust: exact; }}
}}
"""

PAGE_STYLE = """
html { scroll-behavior: smooth; }
body.page {
  margin: 0 auto; padding: 3.5rem 1.5rem 4rem; max-width: 56rem;
}
.page .skip { position: absolute; left: -100vw; }
.page .skip:focus { left: 1rem; top: 0.5rem; background: var(--paper); padding: 0.25rem 0.5rem; }
.page a { color: var(--accent); text-underline-offset: 0.2em; }
.page .eyebrow { color: var(--soft); font-size: 0.875rem; margin: 0 0 0.25rem; }
.page h1 {
  font-size: 2.1rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; margin: 0;
  overflow-wrap: anywhere;
}
.page .source { color: var(--soft); margin: 0.25rem 0 0; }
.page > nav { padding-top: 1.5rem; }
.page nav ul {
  list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.35rem 1.25rem;
  font-size: 0.875rem;
}
.page nav a { color: var(--soft); text-decoration: none; }
.page nav a:hover { color: var(--accent); text-decoration: underline; }
.page section { padding-top: 3.25rem; }
.page h2 {
  font-size: 1.3rem; font-weight: 650; letter-spacing: -0.01em; line-height: 1.3;
  margin: 0 0 1rem; break-after: avoid;
}
.page h3 { font-size: 1rem; font-weight: 600; margin: 1.75rem 0 0.75rem; break-after: avoid; }
.page h3, .page caption { overflow-wrap: anywhere; }
.page footer {
  margin-top: 4rem; border-top: 1px solid var(--line); padding-top: 1rem;
  color: var(--soft); font-size: 0.875rem;
}
#answer { padding-top: 2.25rem; }
#answer > h2 { color: var(--soft); font-size: 0.875rem; font-weight: 400; margin-bottom: 0.4rem; }
@media (min-width: 76rem) {
  body.page {
    max-width: 72rem; display: grid; grid-template-columns: 12rem minmax(0, 1fr);
    column-gap: 4rem; grid-template-areas: "head head" "nav main" "foot foot";
  }
  .page > header { grid-area: head; padding-left: 16rem; }
  .page > main { grid-area: main; }
  .page > footer { grid-area: foot; margin-left: 16rem; }
  .page > nav {
    grid-area: nav; position: sticky; top: 0; align-self: start; padding-top: 2.25rem;
  }
  .page nav ul { display: block; line-height: 2.1; }
}
@media screen and (max-width: 44rem) {
  body.page { padding: 1.75rem 1rem 3rem; }
  .page h1 { font-size: 1.65rem; }
  .page section { padding-top: 2.5rem; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  body.page { padding: 0; max-width: none; display: block; }
  .page > nav, .page .skip, .page details:not([open]) { display: none; }
  .page > header, .page > footer { padding-left: 0; margin-left: 0; }
  .page section { padding-top: 1.5rem; }
  .page h2 + p { break-after: avoid; break-inside: avoid; }
  .page footer { margin-top: 1.5rem; }
}
"""
