// Search and filters of the archive's pages. Rows say what they are in data attributes; what is chosen
// stands in the address, and goes along to the page of a workspace.
'use strict';

const form = document.querySelector('form');
const rows = [...document.querySelectorAll('tbody tr')];
const said = form.querySelector('output');
const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

function chosen() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
}

function suits(row, wanted) {
  const words = (wanted.get('text') ?? '').toLowerCase().split(/\s+/);
  return words.every((word) => texts.get(row).includes(word))
    && (!wanted.has('report') || row.dataset.report === wanted.get('report'))
    && (!wanted.has('from') || row.dataset.date >= wanted.get('from'))
    && (!wanted.has('to') || row.dataset.date <= wanted.get('to'))
    && (!wanted.has('state') || row.dataset.state.split(' ').includes(wanted.get('state')));
}

function show() {
  const wanted = chosen();
  for (const row of rows) row.hidden = !suits(row, wanted);
  const count = rows.filter((row) => !row.hidden).length;
  said.value = `${count} of ${rows.length}`;
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
