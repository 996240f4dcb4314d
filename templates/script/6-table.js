// The log table: sorted, paged, with the columns one wants; rows can be copied, chained and exported.

const PAGE_SIZES = [25, 50, 100, 500];
const COLUMNS = ['time', 'conversation', 'contact_id', 'contact', 'previous', 'assignee', 'source', 'assigned_by'];

// What a cell says in the page's language. A file has the names as given, as log.csv does: read again, "Bob (7)" would be a new person.
function cellReader(page, people = page.log.shownPeople) {
  const { log, facts } = page;
  const labels = new Map(facts.sources.map((each) => [each.code, each.label]));
  const sources = facts.layout.sources.map((code) => labels.get(code) ?? code);
  return {
    time: (row) => {
      const { wall, offset } = clock(log, facts, log.time[row]);
      return (page.hasFractions ? wall : wall.slice(0, 19)) + offset;
    },
    conversation: (row) => log.conversations[log.conversation[row]] ?? '',
    contact_id: (row) => log.contacts.ids[log.contact[row]] ?? '',
    contact: (row) => log.contacts.names[log.contact[row]] ?? '',
    previous: (row) => people[log.previous[row]] ?? '-',
    assignee: (row) => people[log.assignee[row]] ?? _("Unassigned"),
    source: (row) => sources[log.source[row]],
    assigned_by: (row) => people[log.assignedBy[row]] ?? '-',
  };
}

// For each column the codes of the rows and what each code reads as.
function sortable(page, column) {
  const { log, facts } = page;
  const labels = new Map(facts.sources.map((each) => [each.code, each.label]));
  return {
    conversation: [log.conversation, log.conversations],
    contact_id: [log.contact, log.contacts.ids],
    contact: [log.contact, log.contacts.names],
    previous: [log.previous, log.shownPeople],
    assignee: [log.assignee, log.shownPeople],
    source: [log.source, facts.layout.sources.map((code) => labels.get(code) ?? code)],
    assigned_by: [log.assignedBy, log.shownPeople],
  }[column];
}

function ranks(page, texts) {
  const compare = new Intl.Collator(page.facts.locale, { numeric: true }).compare;
  const order = [...texts.keys()].sort((a, b) => compare(texts[a] ?? '', texts[b] ?? ''));
  const found = new Int32Array(texts.length + 1); // at 0: none, the lowest
  order.forEach((code, at) => {
    const before = order[at - 1];
    const isSame = at > 0 && compare(texts[before] ?? '', texts[code] ?? '') === 0;
    found[code + 1] = isSame ? found[before + 1] : at + 1;
  });
  return found;
}

// Sorts rows by counting: equal ones keep the order of the log.
function sorted(page, rows, column, isDescending) {
  if (column === 'time') return isDescending ? rows.slice().reverse() : rows;
  const [codes, texts] = sortable(page, column);
  page.ranks[column] ??= ranks(page, texts);
  const rank = page.ranks[column], top = texts.length + 1;
  const key = (row) => (isDescending ? top - rank[codes[row] + 1] : rank[codes[row] + 1]);
  const places = new Int32Array(top + 2);
  for (const row of rows) places[key(row) + 1]++;
  for (let at = 1; at < places.length; at++) places[at] += places[at - 1];
  const found = new Int32Array(rows.length);
  for (const row of rows) found[places[key(row)]++] = row;
  return found;
}

// The rows of which a text has the words that are searched for, in any case and without accents.
function found(page, rows, text) {
  const part = foldAccents(text);
  if (!part) return rows;
  const { log, facts } = page, has = (each) => each !== null && each !== undefined && foldAccents(each).includes(part);
  const labels = new Map(facts.sources.map((each) => [each.code, each.label]));
  const contacts = flags(log.contacts.ids.length, (at) => has(log.contacts.ids[at]) || has(log.contacts.names[at]));
  const conversations = flags(log.conversations.length, (at) => has(log.conversations[at]));
  const sources = flags(log.sourceCount, (at) => has(labels.get(facts.layout.sources[at])));
  const people = flags(log.people.ids.length, (at) => has(log.people.labels[at]) || has(log.shownPeople[at]));
  const nobody = people.slice();
  nobody[0] = has(_("Unassigned")) ? 1 : 0;
  return rows.filter((row) => conversations[log.conversation[row] + 1] || contacts[log.contact[row] + 1] || sources[log.source[row] + 1]
    || people[log.previous[row] + 1] || nobody[log.assignee[row] + 1] || people[log.assignedBy[row] + 1]);
}

const PROTECTED = /^(?:[\t\n\f\r \u200b\ufeff\u00a0\u3000]*[=+\-@\uff1d\uff0b\uff0d\uff20|%\t\r\n]|0\d+$|\d{16,}$|\d+(?:\.\d+)?[eE][+\-]?\d+$|\d+(?:[.,:\/\-]\d+)+$)/u;

// A cell that a spreadsheet would run as a formula, or change, gets a zero-width space before it: spreadsheet_cells.py.
const harmless = (text) => (text !== '-' && PROTECTED.test(text) ? `\u200b${text}` : text);

function csvOf(page, rows, columns) {
  const read = cellReader(page, page.log.people.labels);
  const quoted = (cell) => '"' + harmless(cell).replaceAll('"', '""') + '"';
  const line = (cells) => cells.map(quoted).join(',') + '\r\n';
  const parts = [page.facts.csvBom ? '\ufeff' : '', line(columns.map((column) => page.facts.header[COLUMNS.indexOf(column)]))];
  for (const row of rows) parts.push(line(columns.map((column) => read[column](row))));
  return new Blob(parts, { type: 'text/csv;charset=utf-8' });
}

function save(blob, name) {
  const link = make('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = make('textarea', { class: 'unseen' });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
}

function logTable(page) {
  const view = { sort: 'time', isDescending: true, page: 0, size: 50 };
  const read = cellReader(page);
  const name = (column) => page.facts.header[COLUMNS.indexOf(column)];
  const status = make('span', { class: 'status', role: 'status' });
  const table = make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': _("Contact Assignments Log") });
  const shown = () => COLUMNS.filter((column) => !page.state.hide.includes(column));
  let rows = new Int32Array(), order = rows;

  const button = (label, act, attributes = {}) => make('button', { type: 'button', onclick: act, ...attributes }, label);
  const go = (number) => { view.page = number; draw(); };
  const pages = () => Math.max(1, Math.ceil(order.length / view.size));
  const first = button('⏮', () => go(0), { 'aria-label': _("First page") });
  const before = button('◀', () => go(view.page - 1), { 'aria-label': _("Previous page") });
  const after = button('▶', () => go(view.page + 1), { 'aria-label': _("Next page") });
  const last = button('⏭', () => go(pages() - 1), { 'aria-label': _("Last page") });
  const size = make('select', { 'aria-label': _("Rows per page"), onchange: () => { view.size = Number(size.value); go(0); } },
    ...PAGE_SIZES.map((each) => make('option', { value: each, selected: each === view.size }, String(each))));
  const search = make('input', { type: 'search', class: 'search', 'aria-label': _("Search the log"), placeholder: _("Search the log"), autocomplete: 'off',
    oninput: () => { page.keep({ q: search.value.trim() }); view.page = 0; arrange(); } });
  const boxes = COLUMNS.map((column) => make('input', { type: 'checkbox', name: column, onchange: () => {
    page.keep({ hide: COLUMNS.filter((_name, at) => !boxes[at].checked) });
    draw();
  } }));
  const file = `${page.facts.workspace}_${page.facts.report}_${page.facts.reportDate}.csv`;
  const tools = make('div', { class: 'tools' }, search, first, before, after, last, size,
    make('details', { class: 'choose' }, make('summary', {}, _("Columns")), make('div', {}, ...boxes.map((box, at) => make('label', {}, box, name(COLUMNS[at]))))),
    button(_("Export CSV"), () => save(csvOf(page, exported(), shown()), file)), status);

  // A file has the order of the log, unless the reader chose another.
  const exported = () => (view.sort === 'time' && view.isDescending ? order.slice().reverse() : order);

  function sortBy(column) {
    view.isDescending = view.sort === column ? !view.isDescending : column === 'time';
    view.sort = column;
    view.page = 0;
    arrange();
    table.querySelector(`button[name="${column}"]`)?.focus();
  }

  function heading(column) {
    const isSorted = view.sort === column;
    const arrow = isSorted ? (view.isDescending ? ' ▼' : ' ▲') : '';
    return make('th', { scope: 'col', class: `c${COLUMNS.indexOf(column) + 1}`, 'aria-sort': isSorted ? (view.isDescending ? 'descending' : 'ascending') : null },
      button(name(column) + arrow, () => sortBy(column), { name: column, 'aria-label': name(column) }));
  }

  // The mark of a day with a note, in its first row; `before` is the row above.
  function noteMark(row, before) {
    const day = page.log.day[row], { date } = page.facts.days[day];
    const notes = before === undefined || page.log.day[before] !== day ? notesOn(page, date, date) : [];
    return notes.length ? make('small', { tabindex: 0, role: 'note', 'aria-label': noteTexts(notes), 'data-tip': noteTexts(notes) }, '†') : '';
  }

  function cell(column, row, before) {
    const text = read[column](row);
    if (column !== 'time') return make('td', {}, bdi(text));
    const at = text.search(/[+-]\d\d:\d\d(:\d\d)?$/);
    return make('td', {}, make('span', { dir: 'ltr' }, text.slice(0, at), make('small', {}, text.slice(at)), noteMark(row, before)));
  }

  function line(row, before) {
    const copy = async (event) => {
      await copyText(shown().map((column) => harmless(read[column](row).replace(/[\t\r\n]+/g, ' '))).join('\t'));
      event.target.textContent = _("Copied");
    };
    const conversation = read.conversation(row);
    return make('tr', {}, ...shown().map((column) => cell(column, row, before)), make('td', { class: 'acts' },
      button(_("Copy"), copy), ' ',
      button(_("View conversation"), () => page.chain(conversation), { disabled: !conversation })));
  }

  function draw() {
    view.page = Math.min(Math.max(view.page, 0), pages() - 1);
    const start = view.page * view.size, end = Math.min(start + view.size, order.length);
    table.replaceChildren(make('table', { class: 'log' },
      make('thead', {}, make('tr', {}, ...shown().map(heading), make('th', { scope: 'col', class: 'c9' }, make('span', { class: 'unseen' }, _("Row"))))),
      make('tbody', {}, ...Array.from(order.subarray(start, end), (row, at) => line(row, at ? order[start + at - 1] : undefined)))));
    first.disabled = before.disabled = view.page === 0;
    after.disabled = last.disabled = view.page >= pages() - 1;
    status.textContent = _("Rows %(first)s–%(last)s of %(total)s", { first: page.number(Math.min(start + 1, end)), last: page.number(end), total: page.number(order.length) });
  }

  function arrange() {
    order = sorted(page, found(page, rows, page.state.q), view.sort, view.isDescending);
    draw();
  }

  return {
    element: make('div', {}, tools, table),
    show: (next) => {
      rows = next;
      view.page = 0;
      if (search.value.trim() !== page.state.q) search.value = page.state.q;
      boxes.forEach((box, at) => { box.checked = !page.state.hide.includes(COLUMNS[at]); });
      arrange();
    },
    sortByTime: () => { view.sort = 'time'; view.isDescending = false; },
  };
}
