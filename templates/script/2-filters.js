// The filters: any value of one, all of them together; the same answers as assets/report/filters.py.
// A state is { from, to, every, source: [], assigned_to: [], ... } and lives in the address's fragment. The page
// has two filters more: the previous assignee, and the hour of the week ("2-14": Wednesday, 14 to 15).

const UNASSIGNED = 'Unassigned', NO_TEAM = 'No team';
const FILTERS = ['source', 'assigned_to', 'team', 'assigned_by', 'contact', 'conversation', 'previous', 'hour'];
const BREAKING = ['source', 'assigned_to', 'team', 'assigned_by', 'previous', 'hour']; // they take assignments out of conversations
const FREQUENCIES = ['hour', 'day', 'week', 'month'];

function emptyState() {
  return Object.fromEntries([...FILTERS.map((name) => [name, []]), ['preset', ''], ['from', ''], ['to', ''], ['every', ''], ['q', ''], ['hide', []]]);
}

function readState(fragment, facts) {
  const state = emptyState();
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  for (const name of [...FILTERS, 'hide']) state[name] = [...new Set(given.getAll(name).filter(Boolean))];
  if (!facts.layout.teams.length) state.team = [];
  const known = (name) => (isChoosable(facts, given.get(name)) ? given.get(name) : '');
  state.from = known('from');
  state.to = known('to');
  if (state.from > state.to && state.to) state.to = state.from;
  const preset = facts.presets.find((each) => each.name === given.get('preset'));
  if (preset) Object.assign(state, { preset: preset.name, from: preset.from, to: preset.to });
  shortenState(state, facts);
  if (FREQUENCIES.includes(given.get('every'))) state.every = given.get('every');
  state.q = given.get('q') ?? '';
  return state;
}

// The whole period of a report needs no dates in its address; an explorer's address without dates is its first range.
function shortenState(state, facts) {
  if (facts.explorer) return;
  if (state.from === facts.firstDay) state.from = '';
  if (state.to === facts.days.at(-1)?.date) state.to = '';
}

const isChoosable = (facts, date) => date >= facts.firstDay && facts.days.some((day) => day.date === date);

function writeState(state) {
  const given = new URLSearchParams();
  for (const name of ['preset', 'from', 'to', 'every', 'q']) if (state[name]) given.append(name, state[name]);
  for (const name of [...FILTERS, 'hide']) for (const value of state[name]) given.append(name, value);
  return given.toString();
}

const isFiltered = (state) => FILTERS.some((name) => state[name].length > 0);
const isCut = (state) => isFiltered(state) || Boolean(state.from || state.to);

// Text of any case as one text: ß is ss, and I, İ and ı are one letter. As in assets/report/folding.py.
function foldCase(text) {
  const lower = text.normalize('NFC').toLowerCase();
  return /[^\0-\x7f]/.test(lower) ? lower.replaceAll('i\u0307', 'i').replaceAll('ß', 'ss').replaceAll('ı', 'i').replaceAll('ς', 'σ') : lower;
}

// The same without accents and other marks: José is jose.
function foldAccents(text) {
  const folded = foldCase(text);
  return /[^\0-\x7f]/.test(folded) ? folded.normalize('NFD').replace(/\p{M}/gu, '') : folded;
}

function flags(count, test) {
  const found = new Uint8Array(count + 1); // at 0: none
  for (let at = 0; at < count; at++) found[at + 1] = test(at) ? 1 : 0;
  return found;
}

// One of the nine sources is meant by any spelling, another one by its words in any case.
function sourceFlags(facts, values) {
  const words = (text) => text.normalize('NFC').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_|_$/g, '');
  const spaced = (text) => foldCase(text.replaceAll('_', ' '));
  const codes = new Set(values.map((value) => facts.sourceCodes[words(value)] ?? value.normalize('NFC').trim()));
  const alike = new Set(values.map(spaced));
  return flags(facts.layout.sources.length, (at) => codes.has(facts.layout.sources[at]) || alike.has(spaced(facts.layout.sources[at])));
}

// A person is meant by the id, or by any name that the person has had.
function personFlags(log, values) {
  const wanted = values.map(foldCase);
  const isMeant = log.who.spellings.map((each) => wanted.some((value) => each.has(value)));
  return flags(log.people.ids.length, (at) => isMeant[log.who.ofPair[at + 1]]);
}

// A team is meant in any case, people in none by its name.
function teamFlags(log, values) {
  const wanted = values.map(foldCase), { keys, ofPair } = log.byTeam.who;
  const isMeant = keys.map((name) => wanted.includes(foldCase(name)));
  return flags(log.people.ids.length, (at) => isMeant[ofPair[at + 1]]);
}

function contactFlags(log, values) {
  const parts = values.map(foldAccents), wanted = new Set(values);
  return flags(log.contacts.ids.length, (at) => {
    const name = log.foldedNames[at];
    return wanted.has(log.contacts.ids[at]) || (name !== null && parts.some((part) => name.includes(part)));
  });
}

const isNobody = (value) => foldCase(value) === foldCase(UNASSIGNED);

// Returns for each active filter the column it looks at and which of its codes pass.
function tests(log, facts, state) {
  const found = [];
  if (state.source.length) found.push([log.source, sourceFlags(facts, state.source)]);
  if (state.assigned_to.length) {
    const passes = personFlags(log, state.assigned_to.filter((value) => !isNobody(value)));
    passes[0] = state.assigned_to.some(isNobody) ? 1 : 0;
    found.push([log.assignee, passes]);
  }
  if (state.team.length && log.byTeam) found.push([log.assignee, teamFlags(log, state.team)]);
  if (state.previous.length) {
    const passes = personFlags(log, state.previous.filter((value) => !isNobody(value)));
    passes[0] = state.previous.some(isNobody) ? 1 : 0;
    found.push([log.previous, passes]);
  }
  if (state.hour.length) {
    const wanted = new Set(state.hour);
    found.push([log.weekHour, flags(168, (at) => wanted.has(`${Math.floor(at / 24)}-${at % 24}`))]);
  }
  if (state.assigned_by.length) found.push([log.assignedBy, personFlags(log, state.assigned_by)]);
  if (state.contact.length) found.push([log.contact, contactFlags(log, state.contact)]);
  if (state.conversation.length) {
    const wanted = new Set(state.conversation);
    found.push([log.conversation, flags(log.conversations.length, (at) => wanted.has(log.conversations[at]))]);
  }
  return found;
}

// The first row at or after a second.
function rowAt(log, second) {
  let low = 0, high = log.rows;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (log.time[middle] < second * log.perSecond) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The first and the last day of a state, as places in the facts.
function dayRange(facts, state) {
  const at = (date) => facts.days.findIndex((day) => day.date === date);
  return [at(state.from || facts.firstDay), state.to ? at(state.to) : facts.days.length - 1];
}

// Keeps in place those of the first `size` rows whose code passes; returns how many they are.
function keep(rows, size, column, passes) {
  let kept = 0;
  for (let at = 0; at < size; at++) {
    rows[kept] = rows[at];
    kept += passes[column[rows[at]] + 1];
  }
  return kept;
}

// Returns the rows of a range of days that pass the tests, in the log's order; `until` ends it earlier.
function select(log, facts, [first, last], passed, until = null) {
  const start = rowAt(log, facts.days[first].start);
  const end = until !== null ? rowAt(log, until) : last + 1 < facts.days.length ? rowAt(log, facts.days[last + 1].start) : log.rows;
  const rows = new Int32Array(end - start);
  for (let at = 0; at < rows.length; at++) rows[at] = start + at;
  let size = rows.length;
  for (const [column, passes] of passed) size = keep(rows, size, column, passes);
  return rows.subarray(0, size);
}

// Shares in percent that add up to 100.0: the largest remainders get the missing tenths.
function shares(counts) {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (!total) return counts.map(() => null);
  const tenths = counts.map((each) => Math.floor((each * 1000) / total));
  const missing = 1000 - tenths.reduce((sum, each) => sum + each, 0);
  const order = counts.map((each, at) => [-((each * 1000) % total), at]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  for (const [, at] of order.slice(0, missing)) tenths[at]++;
  return tenths.map((tenth) => tenth / 10);
}
