'use strict';
(() => {
  const tools = document.getElementById('tools');
  const cases = [...document.querySelectorAll('details.case')];
  const rules = [...document.querySelectorAll('ul.rules > li')];
  const areas = [...document.querySelectorAll('section.area')];
  const texts = new Map();
  const textOf = (one) => {
    if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
    return texts.get(one);
  };
  const wanted = new Set();
  const make = (name, text, more) => Object.assign(document.createElement(name), { textContent: text }, more);

  const search = make('input', '', { type: 'search', placeholder: 'Search cases and requirements' });
  search.setAttribute('aria-label', 'Search cases and requirements');
  const count = make('output', '');
  const all = make('button', 'Open all', { type: 'button' });
  tools.append(search, all, count);
  tools.hidden = false;

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (one) =>
      (wanted.size === 0 || wanted.has(one.dataset.verdict)) && words.every((word) => textOf(one).includes(word));
    for (const one of [...cases, ...rules]) one.hidden = !fits(one);
    for (const area of areas) area.hidden = !area.querySelector('details.case:not([hidden])');
    const shown = cases.filter((one) => !one.hidden).length;
    count.textContent = shown === cases.length ? '' : `${shown} of ${cases.length} cases`;
  };
  search.addEventListener('input', apply);
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });

  for (const total of document.querySelectorAll('ul.totals > li')) {
    const button = make('button', '', { type: 'button', title: 'Show only these' });
    button.append(...total.childNodes);
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      const verdict = total.dataset.verdict;
      const on = !wanted.delete(verdict);
      if (on) wanted.add(verdict);
      button.setAttribute('aria-pressed', String(on));
      apply();
    });
    total.append(button);
  }

  all.addEventListener('click', () => {
    const shown = cases.filter((one) => !one.hidden);
    const open = shown.some((one) => !one.open);
    for (const one of shown) one.open = open;
    all.textContent = open ? 'Close all' : 'Open all';
  });

  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    if (target.hidden) {
      search.value = '';
      wanted.clear();
      for (const button of document.querySelectorAll('ul.totals button')) button.setAttribute('aria-pressed', 'false');
      apply();
    }
    if (target.tagName === 'DETAILS') target.open = true;
    target.scrollIntoView();
  };
  addEventListener('hashchange', reveal);
  reveal();

  if (navigator.clipboard) {
    for (const line of document.querySelectorAll('p.rerun')) {
      const button = make('button', 'Copy', { type: 'button' });
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(line.querySelector('code').textContent);
        button.textContent = 'Copied';
      });
      line.append(' ', button);
    }
  }

  const closed = [];
  addEventListener('beforeprint', () => {
    for (const one of document.querySelectorAll('details:not([open])')) {
      const isCase = one.classList.contains('case');
      if (!isCase || ['fail', 'warn', 'inconclusive'].includes(one.dataset.verdict)) {
        one.open = true;
        closed.push(one);
      }
    }
  });
  addEventListener('afterprint', () => {
    for (const one of closed.splice(0)) one.open = false;
  });
})();
