"""Style and script of the attention page."""

STYLE = """
.picture { position: relative; border-radius: .3rem; overflow: hidden; }
.picture canvas { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; transition: opacity .12s; }
.picture canvas.on { opacity: 1; }
.words { display: flex; flex-wrap: wrap; gap: .15rem; font-size: 1.15rem; }
.words button { font: inherit; color: inherit; background: none; border: 0; border-bottom: 2px solid var(--line);
  border-radius: .3rem .3rem 0 0; padding: .2rem .35rem; min-height: 2.4rem; cursor: pointer;
  touch-action: manipulation; max-width: 100%; }
.words button.on { background: var(--mark); color: var(--mark-ink); border-color: var(--mark); }
.words button:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
.told { min-height: 1.4em; }
@media (max-width: 30rem) { .picture { position: sticky; top: 0; z-index: 1; } }
@media (prefers-reduced-motion: reduce) { .picture canvas { transition: none; } }
"""

# A map is painted as a veil of as many pixels as it has places, dark where the weight is small; the browser enlarges it
# smoothly. Enlarging it four times by cubic steps first avoids the edges that straight lines between places would show.
SCRIPT = """
'use strict';
const all = JSON.parse(document.getElementById('data').textContent);
const DARK = 0.8, FINE = 4;

function cubic(row, x) {
  const i = Math.floor(x), t = x - i;
  const at = k => row(i + k);
  const [a, b, c, d] = [at(-1), at(0), at(1), at(2)];
  return b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) / 2;
}

function fine(map, h, w) {
  const H = h * FINE, W = w * FINE, wide = new Float32Array(h * W), large = new Float32Array(H * W);
  const within = (i, n) => Math.min(Math.max(i, 0), n - 1);
  for (let y = 0; y < h; y++) for (let X = 0; X < W; X++)
    wide[y * W + X] = cubic(i => map[y * w + within(i, w)], (X + 0.5) / FINE - 0.5);
  for (let Y = 0; Y < H; Y++) for (let X = 0; X < W; X++)
    large[Y * W + X] = cubic(i => wide[within(i, h) * W + X], (Y + 0.5) / FINE - 0.5);
  return large;
}

function paint(canvas, map, h, w) {
  canvas.width = w * FINE; canvas.height = h * FINE;
  const context = canvas.getContext('2d'), veil = context.createImageData(canvas.width, canvas.height);
  fine(map, h, w).forEach((value, i) => {
    veil.data[4 * i + 3] = Math.round(255 * DARK * (1 - Math.min(Math.max(value / 255, 0), 1)));
  });
  context.putImageData(veil, 0, 0);
}

document.querySelectorAll('article').forEach((article, number) => {
  const {h, w, peaks, maps} = all[number];
  const bytes = Uint8Array.from(atob(maps), character => character.charCodeAt(0));
  const canvas = article.querySelector('canvas'), told = article.querySelector('.told');
  const buttons = [...article.querySelectorAll('.words button')];
  let kept = -1;

  function show(i) {
    buttons.forEach((button, k) => button.classList.toggle('on', k === i));
    canvas.classList.toggle('on', i >= 0);
    told.textContent = '';
    if (i < 0) return;
    paint(canvas, bytes.subarray(i * h * w, (i + 1) * h * w), h, w);
    told.textContent = `largest weight ${peaks[i]}, of ${h} × ${w} places`;
  }

  function keep(i) {
    kept = i;
    buttons.forEach((button, k) => {
      button.setAttribute('aria-pressed', k === i);
      button.tabIndex = k === Math.max(i, 0) ? 0 : -1;
    });
    show(i);
  }

  buttons.forEach((button, i) => {
    button.addEventListener('pointerenter', event => { if (event.pointerType === 'mouse') show(i); });
    button.addEventListener('pointerleave', event => { if (event.pointerType === 'mouse') show(kept); });
    button.addEventListener('focus', () => { if (button.matches(':focus-visible')) keep(i); });
    button.addEventListener('click', () => keep(kept === i ? -1 : i));
    button.addEventListener('keydown', event => {
      const last = buttons.length - 1;
      const to = {ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: last}[event.key];
      if (event.key === 'Escape') keep(-1);
      if (to === undefined) return;
      event.preventDefault();
      const next = Math.min(Math.max(to, 0), last);
      keep(next);
      buttons[next].focus();
    });
  });
});
"""
