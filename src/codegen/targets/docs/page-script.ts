/** What the page does by itself: search, the references of one table on the map, light and dark. It reads without it, too. */
export const PAGE_SCRIPT = `
'use strict';
(() => {
  const find = (id) => document.getElementById(id);
  const input = find('_q');
  const found = find('_found');
  const sections = [...document.querySelectorAll('section.t')];
  const others = ['_top', '_map', '_others'].map(find).filter((part) => part !== null);
  const entries = [...find('_nav').children];
  let index;
  const readIndex = () => sections.map((section, i) => ({
    section,
    entry: entries[i],
    name: entries[i].textContent.toLowerCase(),
    text: section.textContent.toLowerCase(),
    score: 0,
    rows: [...section.querySelectorAll('tbody tr')].map((row) => ({
      row,
      link: row.querySelector('th a'),
      name: (row.querySelector('th a') ?? row.cells[0]).textContent.toLowerCase(),
      text: row.textContent.toLowerCase(),
    })),
  }));
  const MOST_COLUMNS = 6;
  let first;
  const search = () => {
    const query = input.value.trim().toLowerCase();
    const words = query === '' ? [] : query.startsWith('owner:') ? [query] : query.split(/\\s+/);
    if (words.length > 0) index ??= readIndex();
    first = undefined;
    let count = 0;
    let best = -1;
    for (const one of index ?? []) {
      const { section, entry, name, text, rows } = one;
      one.score = 0;
      entry.querySelector('ul')?.remove();
      const fits = words.every((word) => text.includes(word));
      section.hidden = !fits;
      entry.hidden = !fits;
      const hits = [];
      for (const column of rows) {
        const has = (word) => column.text.includes(word);
        const isHit = fits && words.some(has) && words.every((word) => has(word) || name.includes(word));
        column.row.classList.toggle('hit', isHit);
        if (isHit && column.link !== null && words.some((word) => column.name.includes(word))) hits.push(column);
      }
      if (!fits) continue;
      count++;
      if (words.length === 0) continue;
      const isName = words.every((word) => name.includes(word));
      one.score = words.reduce((sum, word) => sum + (name === word ? 4 : name.includes(word) ? 2 : 0), hits.length > 0 ? 1 : 0);
      if (one.score > best) {
        best = one.score;
        first = !isName && hits.length > 0 ? hits[0].link : entry.querySelector('a');
      }
      if (hits.length === 0) continue;
      const list = document.createElement('ul');
      for (const { link } of hits.slice(0, MOST_COLUMNS)) {
        const copy = document.createElement('a');
        copy.href = link.getAttribute('href');
        copy.textContent = link.textContent;
        list.appendChild(document.createElement('li')).append(copy);
      }
      entry.append(list);
    }
    // The best first; of equal ones, and without a search, as the model has them.
    if (index !== undefined) find('_nav').append(...index.toSorted((a, b) => b.score - a.score).map(({ entry }) => entry));
    for (const part of others) part.hidden = words.length > 0;
    found.textContent = words.length === 0 ? '' : count === 0 ? 'nothing found' : count === 1 ? '1 table' : count + ' tables';
  };
  const ask = (text) => {
    input.value = text;
    search();
  };
  input.addEventListener('input', search);
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') ask('');
    if (event.key === 'Enter' && first !== undefined) first.click();
  });
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
  for (const button of document.querySelectorAll('button[data-q]')) {
    button.addEventListener('click', () => {
      ask(button.dataset.q);
      input.focus();
    });
  }

  // A link to what the search has hidden ends the search.
  const goTo = () => {
    const target = find(decodeURIComponent(location.hash.slice(1)));
    for (const link of find('_nav').querySelectorAll('[aria-current]')) link.removeAttribute('aria-current');
    if (target === null) return;
    const section = target.closest('section');
    if (section?.hidden || target.hidden) {
      ask('');
      target.scrollIntoView();
    }
    const link = entries[sections.indexOf(section)]?.querySelector('a');
    link?.setAttribute('aria-current', 'true');
    link?.scrollIntoView({ block: 'nearest' });
  };
  addEventListener('hashchange', goTo);

  const map = document.querySelector('.map svg');
  if (map !== null) {
    const boxes = [...map.querySelectorAll('a')];
    const edges = [...map.querySelectorAll('.edges path')].map((path) => ({ path, ends: path.dataset.e.split(' ') }));
    const pick = (box) => {
      map.classList.toggle('picked', box !== null);
      const near = new Set(box === null ? [] : [box.dataset.n]);
      for (const { path, ends } of edges) {
        const isOn = box !== null && ends.includes(box.dataset.n);
        path.classList.toggle('on', isOn);
        if (isOn) for (const end of ends) near.add(end);
      }
      for (const one of boxes) one.classList.toggle('on', near.has(one.dataset.n));
    };
    const boxOf = (event) => event.target.closest('a');
    map.addEventListener('pointerover', (event) => pick(boxOf(event)));
    map.addEventListener('pointerleave', () => pick(null));
    map.addEventListener('focusin', (event) => pick(boxOf(event)));
    map.addEventListener('focusout', () => pick(null));
  }

  const theme = find('_theme');
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (matchMedia('(prefers-color-scheme:dark)').matches ? 'dark' : 'light')) === 'dark';
  const showTheme = () => {
    theme.textContent = isDark() ? 'Light' : 'Dark';
  };
  theme.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    showTheme();
  });
  showTheme();
  theme.hidden = false;
  find('_search').hidden = false;
  goTo();
})();
`.trim();
