'use strict';
// Sorts and searches the overview, and reads a moment of a picture out, by mouse and by keyboard. Without it the page says the
// same: tables, outages and trips are all there.
document.documentElement.classList.add('js');
const $ = (selector, of = document) => [...of.querySelectorAll(selector)];

for (const table of $('table.overview')) {
  const body = table.tBodies[0];
  $('th button', table).forEach((button, column) => button.addEventListener('click', () => {
    const head = button.closest('th');
    const down = head.getAttribute('aria-sort') !== 'descending';
    $('th', table).forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const value = row => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const order = (one, other) => {
      const [a, b] = [value(one), value(other)];
      return isNaN(a) || isNaN(b) ? String(b).localeCompare(String(a)) : b - a;
    };
    body.append(...[...body.rows].sort((one, other) => (down ? 1 : -1) * order(one, other)));
  }));
}

for (const search of $('input.search')) {
  search.addEventListener('input', () => {
    const wanted = search.value.trim().toLowerCase();
    for (const one of $('[data-service]')) one.hidden = !one.dataset.service.toLowerCase().includes(wanted);
  });
}

const [LEFT, RIGHT, WIDTH] = [130, 948, 960];
const NS = 'http://www.w3.org/2000/svg';
const text = milli => new Date(milli).toISOString().replace('T', ' ').replace('Z', '');

for (const figure of $('.figure')) {
  const svg = figure.querySelector('svg'), plot = svg.querySelector('.plot'), said = figure.querySelector('.said');
  const told = JSON.parse(figure.dataset.told);
  let [from, to] = [told.from, told.to];
  let at = null, start = null;
  const cursor = svg.appendChild(document.createElementNS(NS, 'path'));
  cursor.setAttribute('class', 'cursor');
  const band = svg.appendChild(document.createElementNS(NS, 'rect'));
  band.setAttribute('class', 'band');
  const height = svg.viewBox.baseVal.height;
  const x = milli => LEFT + (RIGHT - LEFT) * (milli - from) / Math.max(to - from, 1);
  const milli = place => from + (to - from) * Math.min(Math.max((place - LEFT) / (RIGHT - LEFT), 0), 1);
  const place = event => { const box = svg.getBoundingClientRect(); return (event.clientX - box.left) * WIDTH / box.width; };

  const say = () => {
    if (at === null) return;
    at = Math.min(Math.max(at, from), to);
    cursor.setAttribute('d', `M${x(at).toFixed(2)} 10V${height - 24}`);
    const column = Math.floor((at - told.first) / told.step);
    const [calls, failed] = [told.calls[column] ?? 0, told.failures[column] ?? 0];
    const outage = told.outages.find(([began, ended]) => began <= at && at < (ended ?? Infinity));
    const states = told.lanes.map(({ name, open, half }) => {
      const is = list => list.some(([since, until]) => since <= at && at < (until ?? Infinity));
      return `${name} ${is(half) ? 'half-open' : is(open) ? 'open' : 'closed'}`;
    });
    const when = outage ? `, in the outage from ${text(outage[0])} to ${outage[1] ? text(outage[1]) : 'the end'}` : '';
    said.textContent = `${text(at)} UTC: ${calls} calls, ${failed} failed${when}; ${states.join(', ')}`;
  };
  const zoom = (since, until) => {
    [from, to] = [Math.max(since, told.from), Math.min(until, told.to)];
    const whole = told.to - told.from, scale = whole / (to - from);
    const shift = LEFT - scale * (LEFT + (RIGHT - LEFT) * (from - told.from) / whole);
    plot.setAttribute('transform', `translate(${shift} 0) scale(${scale} 1)`);
    figure.classList.toggle('zoomed', scale > 1);
    figure.querySelector('.range').textContent = scale > 1 ? `${text(from)} to ${text(to)} UTC; Escape shows the whole` : '';
    say();
  };

  svg.addEventListener('pointermove', event => {
    at = milli(place(event));
    say();
    if (start !== null) {
      const [a, b] = [start, x(at)].sort((one, other) => one - other);
      for (const [name, value] of Object.entries({ x: a, y: 10, width: b - a, height: height - 34 })) band.setAttribute(name, value);
    }
  });
  svg.addEventListener('pointerdown', event => {
    if (event.target.closest('a')) return;
    start = Math.min(Math.max(place(event), LEFT), RIGHT);
  });
  addEventListener('pointerup', event => {
    if (start === null) return;
    const end = Math.min(Math.max(place(event), LEFT), RIGHT);
    const [a, b] = [start, end].sort((one, other) => one - other);
    start = null;
    band.setAttribute('width', 0);
    if (b - a > 6) zoom(milli(a), milli(b));
  });
  figure.addEventListener('keydown', event => {
    const step = Math.max(event.shiftKey ? (to - from) / 20 : told.step, 1);
    const middle = at ?? (from + to) / 2;
    const keys = {
      ArrowLeft: () => { at = middle - step; },
      ArrowRight: () => { at = middle + step; },
      Home: () => { at = from; },
      End: () => { at = to; },
      '+': () => zoom(middle - (to - from) / 4, middle + (to - from) / 4),
      '-': () => zoom(middle - (to - from), middle + (to - from)),
      Escape: () => zoom(told.from, told.to),
    };
    if (event.target.closest('a') || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
    say();
  });
}
