"""Style and script of the page of cells."""

STYLE = """
:root { --red: 240, 82, 62; --blue: 52, 128, 246; --strong: .82; }
@media (prefers-color-scheme: dark) { :root { --red: 214, 58, 44; --blue: 46, 104, 228; --strong: .9; } }
body { max-width: 90rem; }
.bar { position: sticky; top: 0; z-index: 2; background: var(--back); border-bottom: 1px solid var(--line);
  padding: .5rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; }
.bar label, .field { display: grid; font-size: .75rem; color: var(--soft); }
select, input, button { font: inherit; font-size: .95rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .5rem; min-height: 2.3rem; max-width: 100%; }
button { cursor: pointer; touch-action: manipulation; }
button:hover { border-color: var(--mark); }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
.unit { display: flex; gap: .25rem; }
.unit button { padding: .3rem .6rem; }
.unit input { width: 5.2rem; color: var(--ink); text-align: center; font-variant-numeric: tabular-nums; }
.legend { display: grid; font-size: .75rem; color: var(--soft); min-width: 9rem; flex: 0 1 12rem; }
.legend i { display: block; height: .8rem; border-radius: .4rem; border: 1px solid var(--line); background:
  linear-gradient(90deg, rgba(var(--blue), var(--strong)), rgba(var(--blue), 0) 50%, rgba(var(--red), 0) 50%,
  rgba(var(--red), var(--strong))); }
.legend span { display: flex; justify-content: space-between; }
.told { flex: 1 1 16rem; margin: 0; font-size: .9rem; min-height: 2.7em; align-self: center; }
.both { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 1.25rem; align-items: start;
  margin-top: .75rem; }
.text { position: relative; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.text canvas { position: absolute; left: 0; top: 0; pointer-events: none; }
.words { position: relative; padding: .8rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4;
  border-radius: .6rem;
  font: .88rem/1.75 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.words::selection { background: rgba(128, 128, 128, .38); }
.side { position: sticky; top: 5.5rem; max-height: calc(100vh - 6.5rem); overflow-y: auto; display: grid; gap: 1rem; }
.side h2 { margin: 0 0 .3rem; font-size: .95rem; }
.side p { margin: 0 0 .4rem; font-size: .8rem; color: var(--soft); }
.side ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .25rem; }
.side li button { width: 100%; display: flex; align-items: baseline; justify-content: space-between; gap: .6rem;
  font-size: .85rem; font-variant-numeric: tabular-nums; }
.side li button.on { border-color: var(--mark); box-shadow: inset .25rem 0 0 var(--mark); }
.side li small { color: var(--soft); white-space: nowrap; }
@media (max-width: 52rem) {
  .both { grid-template-columns: minmax(0, 1fr); }
  .side { position: static; max-height: none; order: -1; }
  .side ol { display: flex; overflow-x: auto; padding-bottom: .3rem; }
  .side li { flex: none; }
  .side p { display: none; }
  .side section + section:not(.some) { display: none; }
  h1 { font-size: 1.15rem; }
  .bar { gap: .2rem .5rem; padding: .3rem 0; }
  .bar label, .field { font-size: .65rem; }
  .bar select, .bar input, .bar button { min-height: 2rem; padding: .1rem .35rem; font-size: .85rem; }
  .unit input { width: 3.6rem; }
  .unit button { min-width: 2.4rem; }
  .told { flex-basis: 100%; min-height: 1.5em; font-size: .8rem; white-space: nowrap; overflow: hidden;
    text-overflow: ellipsis; }
  .legend { display: none; }
  .words { padding: .6rem; font-size: .82rem; }
}
"""

# The colours lie on a canvas behind the text: to change the unit, ten thousand rectangles are filled and nothing of the
# page is laid out again. Where each token stands is asked of the browser once, and again when the width changes.
SCRIPT = r"""
'use strict';
const {tokens, layers, probes, probability} = JSON.parse(document.getElementById('data').textContent);
const N = tokens.length, AROUND = 20, LISTED = 12, LARGEST = 16e6;
const at = name => document.querySelector('.' + name);
const bytes = text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
const words = at('words'), canvas = at('text').querySelector('canvas'), told = at('told');
const layerOf = at('layer'), stateOf = at('state'), number = at('number'), probeOf = at('probe');
const starts = new Uint32Array(N + 1);
tokens.forEach((token, i) => { starts[i + 1] = starts[i] + token.length; });
words.textContent = tokens.join('');
const node = words.firstChild;
let state, unit = 0, boxes, colors, mark, caret = -1;

const read = one => one.bytes ??= new Int8Array(bytes(one.values).buffer);
const part = (one, u) => read(one).subarray(u * N, (u + 1) * N);
const row = u => state.of ? state.rows[u] ??= squashed(state.of, u) : part(state, u);
const value = (u, i) => row(u)[i] * state.scales[u] / 127;
layers.forEach(({states}) => states.filter(one => one.name === 'cell').forEach(cell => states.push(
  {name: 'tanh of cell', units: cell.units, scales: cell.scales.map(() => 1), of: cell, rows: []})));

function squashed(cell, u) {
  const table = Int8Array.from({length: 255}, (_, k) => Math.round(127 * Math.tanh((k - 127) * cell.scales[u] / 127)));
  return part(cell, u).map(byte => table[byte + 127]);
}

const signed = v => (v < 0 ? '−' : '+') + Math.abs(v).toFixed(2);
const probe = () => probes[probeOf.value];
probes.forEach(one => { one.bytes = bytes(one.values); });
const chances = probability && bytes(probability);

function options(select, names) {
  select.replaceChildren(...names.map((name, i) => new Option(name, i)));
  select.closest('label').hidden = !names.length;
}

function theme() {
  const style = getComputedStyle(document.documentElement), of = name => style.getPropertyValue(name).trim();
  const strong = Number(of('--strong'));
  colors = Array.from({length: 255}, (_, k) => {
    const share = Math.abs(k - 127) / 127;
    return `rgba(${of(k < 127 ? '--blue' : '--red')}, ${(strong * share).toFixed(3)})`;
  });
  mark = of('--mark');
}

// The rectangles of all tokens, one after the other: x, y, width, height, token.
function measure() {
  const from = words.getBoundingClientRect(), range = document.createRange(), found = [];
  const {clientWidth: w, clientHeight: h} = words;
  const fine = Math.min(window.devicePixelRatio || 1, Math.sqrt(LARGEST / (w * h)), 32000 / h);
  const whole = x => Math.round(x * fine) / fine;
  let line = -1, end = -1, edge = -1;  // of the box before: neighbours in a line share an edge, or there is a seam
  for (let i = 0; i < N; i++) {
    if (starts[i] === starts[i + 1]) continue;
    range.setStart(node, starts[i]);
    range.setEnd(node, starts[i + 1]);
    for (const box of range.getClientRects()) {
      const left = box.top === line && Math.abs(box.left - end) < .1 ? edge : whole(box.left - from.left);
      const right = whole(Math.max(box.right, box.left + 4) - from.left);
      [line, end, edge] = [box.top, box.right, right];
      found.push(left, box.top - from.top, right - left, box.height, i);
    }
  }
  boxes = Float32Array.from(found);
  canvas.style.width = `${w}px`; canvas.style.height = `${h}px`;
  canvas.width = Math.floor(w * fine); canvas.height = Math.floor(h * fine);
  canvas.getContext('2d').setTransform(canvas.width / w, 0, 0, canvas.height / h, 0, 0);
}

function paint() {
  const context = canvas.getContext('2d'), values = row(unit), shown = probe();
  context.clearRect(0, 0, words.clientWidth, words.clientHeight);
  for (let k = 0; k < boxes.length; k += 5) {
    const color = values[boxes[k + 4]];
    if (!color) continue;
    context.fillStyle = colors[color + 127];
    context.fillRect(boxes[k], boxes[k + 1] - 2, boxes[k + 2], boxes[k + 3] + 3);
  }
  if (shown) {
    context.fillStyle = mark;
    for (let k = 0; k < boxes.length; k += 5) {
      const share = shown.bytes[boxes[k + 4]] / 255;
      if (!share) continue;
      context.globalAlpha = share;
      context.fillRect(boxes[k], boxes[k + 1] + boxes[k + 3] + .5, boxes[k + 2], 2.5);
    }
    context.globalAlpha = 1;
  }
  if (caret < 0) return;
  for (let k = 0; k < boxes.length; k += 5) if (boxes[k + 4] === caret) {
    context.strokeStyle = mark;
    context.lineWidth = 2;
    context.strokeRect(boxes[k], boxes[k + 1] - 2, boxes[k + 2], boxes[k + 3] + 3);
  }
}

function correlation(a, b) {
  let sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (let i = 0; i < N; i++) {
    const x = a[i], y = b[i];
    sa += x; sb += y; saa += x * x; sbb += y * y; sab += x * y;
  }
  const spread = (saa - sa * sa / N) * (sbb - sb * sb / N);
  return spread > 0 ? (sab - sa * sb / N) / Math.sqrt(spread) : 0;
}

function tell(i) {
  const name = `${layers[layerOf.value].name}, ${state.name}, unit ${unit}`;
  const r = probe() && signed(correlation(row(unit), probe().bytes));
  const shown = probe() ? `; r = ${r} with ${probe().name}, in this text` : '';
  const here = i < 0 ? '' : ` ${JSON.stringify(tokens[i])} ${signed(value(unit, i))}` +
    (chances && i ? `, expected with ${Math.round(chances[i] / 2.55)} %` : '');
  told.replaceChildren(Object.assign(document.createElement('b'), {textContent: name}), `${shown}.${here}`);
}

// A list of buttons [{layer, state, unit, title, note}], each of which shows its unit.
function list(into, entries) {
  into.replaceChildren(...entries.map(entry => {
    const button = document.createElement('button'), item = document.createElement('li');
    button.type = 'button';
    button.append(entry.title, Object.assign(document.createElement('small'), {textContent: entry.note}));
    button.addEventListener('click', () => show(entry.layer, entry.state, entry.unit));
    button.entry = entry;
    item.append(button);
    return item;
  }));
  highlight();
}

function highlight() {
  document.querySelectorAll('.side li button').forEach(({classList, entry}) => classList.toggle('on',
    entry.layer === Number(layerOf.value) && entry.state === Number(stateOf.value) && entry.unit === unit));
}

const here = () => ({layer: Number(layerOf.value), state: Number(stateOf.value)});

function rank() {
  const shown = probe();
  at('ranked').hidden = !shown;
  if (!shown) return;
  at('ranked').querySelector('h2').textContent = `Units for ${shown.name}`;
  at('ranked').querySelector('p').textContent = shown.cells.length
    ? `score on held-out text; in brackets the best that a moved probe reaches`
    : 'of this layer and state, by correlation in this text';
  if (shown.cells.length) {
    return list(at('ranked').querySelector('ol'), shown.cells.map(cell => ({...cell,
      title: `${layers[cell.layer].name} ${layers[cell.layer].states[cell.state].name} ${cell.unit}`,
      note: `${signed(cell.held_out)} (${cell.control.toFixed(2)})`})));
  }
  const found = Array.from({length: state.units}, (_, u) => [u, correlation(row(u), shown.bytes)]);
  found.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  list(at('ranked').querySelector('ol'), found.slice(0, LISTED).map(([u, r]) =>
    ({...here(), unit: u, title: `unit ${u}`, note: `r = ${signed(r)}`})));
}

const tokenAt = place => {
  let low = 0, high = N;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle + 1] > place) high = middle; else low = middle + 1;
  }
  return low;
};

function selected() {
  const range = getSelection();
  if (!range.rangeCount || range.isCollapsed || range.anchorNode !== node || range.focusNode !== node) return null;
  const [a, b] = [range.anchorOffset, range.focusOffset].sort((x, y) => x - y);
  return [tokenAt(a), Math.min(N, tokenAt(b - 1) + 1)];
}

// A unit is on over the span if nine tenths of it are above nine tenths of what is around it, with either sign.
function margins([first, last]) {
  const length = last - first, low = Math.max(0, first - AROUND), high = Math.min(N, last + AROUND);
  const rank = (sorted, share) => sorted[Math.round(share * (sorted.length - 1))];
  return Array.from({length: state.units}, (_, u) => {
    const values = row(u), inside = values.slice(first, last).sort();
    const around = new Int8Array(high - low - length);
    around.set(values.subarray(low, first)); around.set(values.subarray(last, high), first - low);
    around.sort();
    const up = rank(inside, .1) - rank(around, .9), down = rank(around, .1) - rank(inside, .9);
    return {u, margin: Math.max(up, down), on: rank(inside, .5), off: rank(around, .5)};
  });
}

function search() {
  const span = selected(), section = at('searched');
  section.classList.toggle('some', Boolean(span));
  const hint = section.querySelector('p'), into = section.querySelector('ol');
  if (!span || span[1] - span[0] >= N) {
    hint.textContent = 'Select a stretch of the text: here are the units that stay on over it, and off around it.';
    return list(into, []);
  }
  const found = margins(span).filter(({margin}) => margin > 0).sort((a, b) => b.margin - a.margin).slice(0, LISTED);
  const size = u => state.scales[u] / 127;
  hint.textContent = found.length ? `${span[1] - span[0]} tokens: the middle value over them, and around them`
    : 'No unit of this layer and state is on over these tokens and off around them.';
  list(into, found.map(({u, on, off}) =>
    ({...here(), unit: u, title: `unit ${u}`, note: `${signed(on * size(u))} / ${signed(off * size(u))}`})));
}

function show(layer, kind, u) {
  const before = state;
  if (Number(layerOf.value) !== layer || !stateOf.options.length) {
    layerOf.value = layer;
    options(stateOf, layers[layer].states.map(one => one.name));
  }
  stateOf.value = kind;
  state = layers[layer].states[kind];
  unit = Math.min(Math.max(u, 0), state.units - 1);
  number.max = state.units - 1;
  number.value = unit;
  paint();
  tell(caret);
  if (state !== before) { search(); if (probe() && !probe().cells.length) rank(); }
  highlight();
}

const step = by => show(Number(layerOf.value), Number(stateOf.value), (unit + by + state.units) % state.units);
const look = i => { if (i === caret) return; caret = i; paint(); tell(i); };

options(layerOf, layers.map(layer => layer.name));
options(probeOf, probes.map(one => one.name));
if (probes.length) probeOf.append(new Option('none', -1));
theme();
measure();
const best = probes.length && probes[0].cells[0];
best ? show(best.layer, best.state, best.unit) : show(0, 0, 0);
rank();
search();

layerOf.addEventListener('change', () => {
  const name = state.name, layer = Number(layerOf.value);
  options(stateOf, layers[layer].states.map(one => one.name));
  show(layer, Math.max(0, layers[layer].states.findIndex(one => one.name === name)), unit);
});
stateOf.addEventListener('change', () => show(Number(layerOf.value), Number(stateOf.value), unit));
number.addEventListener('input', () => { if (number.checkValidity() && number.value !== '')
  show(Number(layerOf.value), Number(stateOf.value), Number(number.value)); });
probeOf.addEventListener('change', () => { paint(); tell(caret); rank(); });
at('less').addEventListener('click', () => step(-1));
at('more').addEventListener('click', () => step(1));
document.addEventListener('selectionchange', search);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { theme(); paint(); });

let width = words.clientWidth;
new ResizeObserver(() => {
  if (words.clientWidth === width) return;
  width = words.clientWidth;
  measure();
  paint();
}).observe(words);

words.addEventListener('pointermove', event => {
  if (event.pointerType !== 'mouse') return;
  const place = document.caretPositionFromPoint ? document.caretPositionFromPoint(event.clientX, event.clientY)
    : document.caretRangeFromPoint(event.clientX, event.clientY);
  const [where, offset] = place ? [place.offsetNode ?? place.startContainer, place.offset ?? place.startOffset] : [];
  if (where === node) look(Math.min(N - 1, tokenAt(offset)));
});
words.addEventListener('pointerleave', () => look(-1));

words.addEventListener('keydown', event => {
  const ways = {ArrowLeft: ['backward', 'character'], ArrowRight: ['forward', 'character'],
    ArrowUp: ['backward', 'line'], ArrowDown: ['forward', 'line'], Home: ['backward', 'lineboundary'],
    End: ['forward', 'lineboundary']};
  const selection = getSelection(), way = ways[event.key];
  if (event.key === 'Escape') { selection.collapse(node, starts[Math.max(caret, 0)]); return; }
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (selection.focusNode !== node) selection.collapse(node, starts[Math.max(caret, 0)]);
  selection.modify(event.shiftKey ? 'extend' : 'move', ...way);
  if (selection.focusNode !== node) selection.collapse(node, 0);
  look(Math.min(N - 1, tokenAt(Math.max(0, selection.focusOffset - (event.shiftKey && way[0] === 'forward' ? 1 : 0)))));
  const box = selection.getRangeAt(0).getBoundingClientRect();
  if (box.bottom > innerHeight - 40 || box.top < 120) scrollBy(0, box.top - innerHeight / 2);
});
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('select')) return;
  if (event.key === '[' || event.key === ']') { event.preventDefault(); step(event.key === ']' ? 1 : -1); }
});
"""
