// Search and filters of the archive's pages. Rows say what they are in data attributes; what is chosen
// stands in the address, and goes along to the page of a workspace.
'use strict';

const form = document.querySelector('form');
const rows = [...document.querySelectorAll('tbody tr')];
const output = form.querySelector('output');
const nothing = document.querySelector('.nothing');
const texts = new Map(rows.map((row) => [row, `${row.textContent} ${row.dataset.date}`.toLowerCase()]));
const numbers = new Intl.NumberFormat(document.documentElement.lang, { numberingSystem: 'latn' });

function chosen() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
}

function matches(row, wanted) {
  const words = (wanted.get('text') ?? '').toLowerCase().split(/\s+/);
  return words.every((word) => texts.get(row).includes(word))
    && (!wanted.has('report') || row.dataset.report === wanted.get('report'))
    && (!wanted.has('from') || row.dataset.date >= wanted.get('from'))
    && (!wanted.has('to') || row.dataset.date <= wanted.get('to'))
    && (!wanted.has('status') || row.dataset.status.split(' ').includes(wanted.get('status')));
}

function show() {
  const wanted = chosen();
  for (const row of rows) row.hidden = !matches(row, wanted);
  const count = rows.filter((row) => !row.hidden).length;
  output.value = output.dataset.text
    .replace('%(shown)s', numbers.format(count)).replace('%(total)s', numbers.format(rows.length));
  nothing.hidden = count > 0;
  for (const link of document.querySelectorAll('a.workspace')) link.hash = wanted;
}

function read() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const field of form.elements) if (field.name) field.value = wanted.get(field.name) ?? '';
  show();
}

form.addEventListener('input', () => {
  history.replaceState(null, '', `#${chosen()}`);
  show();
});
form.addEventListener('submit', (event) => event.preventDefault());
addEventListener('hashchange', read);
form.hidden = false;
read();
