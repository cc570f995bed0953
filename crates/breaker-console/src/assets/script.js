'use strict';
// What the server wrote is put in place of what was there: from a stream of events, or by asking again where there is none.
(() => {
  const mode = document.documentElement.dataset.live, live = () => document.getElementById('live');
  if (!mode || !live()) return;
  let stream, timer, since = performance.now();

  const short = s => s < 60 ? `${s}s` : s < 3600 ? `${s / 60 | 0}m ${s % 60}s`
    : s < 86400 ? `${s / 3600 | 0}h ${(s / 60 | 0) % 60}m` : `${s / 86400 | 0}d ${(s / 3600 | 0) % 24}h`;

  // Spans go on by themselves: each remembers when it came.
  const tick = () => {
    const now = performance.now();
    for (const time of document.querySelectorAll('#live time')) {
      time.from ??= since;
      const past = Math.round((now - time.from) / 1000), { age, left } = time.dataset;
      const text = short(age === undefined ? Math.max(0, left - past) : +age + past);
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // Puts a new part in the place of the old one. What had the focus has it again.
  const swap = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : '';
    old.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  const take = (fresh, whole) => {
    if (!fresh) return;
    since = performance.now();
    const { title, icon, summary } = fresh.dataset, said = document.getElementById('summary');
    document.title = title;
    const link = document.querySelector('link[rel=icon]');
    if (link.getAttribute('href') !== icon) link.setAttribute('href', icon);
    if (said.textContent !== summary) said.textContent = summary;
    if (whole) swap(live(), fresh);
    else for (const part of [...fresh.querySelectorAll('tr[id],div[id]')]) {
      const old = document.getElementById(part.id);
      if (old) swap(old, part);
    }
    document.documentElement.classList.remove('off');
    tick();
  };

  const parsed = text => new DOMParser().parseFromString(text, 'text/html').getElementById('live');

  const ask = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (!answer.ok) throw 0;
      take(parsed(await answer.text()), true);
    } catch { document.documentElement.classList.add('off'); }
  };

  const poll = times => {
    timer = setTimeout(async () => {
      await ask();
      if (!timer) return;
      // After a while there may be room for a stream again.
      if (mode === 'events' && times > 14) begin(); else poll(times + 1);
    }, mode === 'events' ? 2000 : 1000);
  };

  const begin = () => {
    end();
    if (mode !== 'events') return poll(0);
    stream = new EventSource('?events=');
    stream.addEventListener('all', event => take(parsed(event.data), true));
    stream.addEventListener('rows', event => take(parsed(event.data), false));
    stream.onerror = () => {
      document.documentElement.classList.add('off');
      if (stream?.readyState === 2) { stream = null; poll(0); }
    };
  };

  const end = () => {
    stream?.close();
    clearTimeout(timer);
    stream = timer = null;
  };

  document.addEventListener('visibilitychange', () => document.hidden ? end() : begin());
  addEventListener('pagehide', end);
  setInterval(tick, 1000);
  if (!document.hidden) begin();
})();
