// The figures of a selection, counted as assets/report counts those of a report: docs/reference/definitions.md.

const HOUR = 3600, LISTED_MOST = 10, LISTED_STEPS = 12;

// Text in the order of its characters' numbers, as Python sorts it.
function compareText(a, b) {
  const left = Array.from(a), right = Array.from(b);
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = left[at].codePointAt(0) - right[at].codePointAt(0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

// A part of a whole in percent with one decimal, halves away from zero.
function percentOf(part, whole) {
  const tenths = Math.floor((2000 * Math.abs(part) + whole) / (2 * whole));
  return (part >= 0 ? tenths : -tenths) / 10;
}

const startOf = (facts, day) => facts.days[day].start;
const endOf = (facts, day) => facts.days[day + 1]?.start ?? facts.end;

// The instants at which the parts of a range begin: its days, or the hours of a single day.
function partsOf(facts, [first, last]) {
  if (last > first) return facts.days.slice(first, last + 1).map((day) => day.start);
  const found = [];
  for (let second = startOf(facts, first); second < endOf(facts, last); second += HOUR) found.push(second);
  return found;
}

const KEY_FIGURES = ['assignments', 'first_assignments', 'reassignments', 'unassignments', 'conversations', 'contacts', 'reassignment_rate', 'bounce_backs'];

// Key figures of rows, one value for each part of the time; `starts` are the first instants of the parts.
function keyFigures(log, rows, starts, returnHours) {
  const parts = starts.length, size = () => new Int32Array(parts);
  const found = Object.fromEntries([...KEY_FIGURES, 'assigned', 'reassigned'].map((name) => [name, size()]));
  const lastPart = new Int32Array(log.conversations.length).fill(NONE), steps = new Int32Array(log.conversations.length);
  const lastRow = new Int32Array(log.conversations.length).fill(NONE);
  const lastContact = new Int32Array(log.contactCount).fill(NONE);
  const limit = returnHours * HOUR * log.perSecond, person = log.who.ofPair;
  let part = 0;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at], previous = log.previous[row], assignee = log.assignee[row];
    while (part + 1 < parts && log.time[row] >= starts[part + 1] * log.perSecond) part++;
    found.assignments[part]++;
    found[assignee === NONE ? 'unassignments' : previous === NONE ? 'first_assignments' : 'reassignments'][part]++;
    const contact = log.contactOf[log.contact[row] + 1];
    if (contact !== NONE && lastContact[contact] !== part) { lastContact[contact] = part; found.contacts[part]++; }
    const conversation = log.conversation[row];
    if (conversation === NONE) continue;
    if (lastPart[conversation] !== part) { lastPart[conversation] = part; steps[conversation] = 0; found.conversations[part]++; }
    if (assignee !== NONE) {
      const step = ++steps[conversation];
      if (step === 1) found.assigned[part]++;
      else if (step === 2) found.reassigned[part]++;
    }
    const before = lastRow[conversation];
    lastRow[conversation] = row;
    if (before !== NONE && isReturn(log, person, before, row, limit)) found.bounce_backs[part]++;
  }
  found.reassignment_rate = Array.from(found.assigned, (count, at) => (count ? percentOf(found.reassigned[at], count) : null));
  return found;
}

// Whether a row returns its conversation to the person before last.
function isReturn(log, person, before, row, limit) {
  const from = person[log.previous[before] + 1], to = person[log.assignee[before] + 1];
  return from !== NONE && to !== NONE && person[log.previous[row] + 1] === to && person[log.assignee[row] + 1] === from
    && log.time[row] - log.time[before] <= limit;
}

// The key figures with those of the previous period: { name, value, previous, change, trend }.
function compareKeyFigures(log, facts, current, previous, keepsChains) {
  const whole = keyFigures(log, current.rows, [0], facts.returnHours), parts = keyFigures(log, current.rows, partsOf(facts, current.range), facts.returnHours);
  const before = previous && keyFigures(log, previous.rows, [0], facts.returnHours);
  return KEY_FIGURES.map((name) => {
    const isOfChains = name === 'reassignment_rate' || name === 'bounce_backs';
    if (isOfChains && !keepsChains) return { name, value: null, previous: null, change: null, trend: [], parts: [0, 0] };
    const value = whole[name][0], earlier = before ? before[name][0] : null;
    let change = null;
    if (value !== null && earlier !== null) {
      if (name === 'reassignment_rate') change = Math.round((value - earlier) * 10) / 10;
      else if (earlier) change = percentOf(value - earlier, earlier);
    }
    const ratio = name === 'reassignment_rate' ? [100 * whole.reassigned[0], whole.assigned[0]] : [value, 1];
    return { name, value, previous: earlier, change, trend: Array.from(parts[name]), parts: ratio };
  });
}

// Whether the quotient of two whole numbers meets a goal, whose bounds are such quotients; null where there is none.
function meetsGoal({ atMost, atLeast }, [part, whole]) {
  if (!whole) return null;
  return (!atMost || part * atMost[1] <= atMost[0] * whole) && (!atLeast || part * atLeast[1] >= atLeast[0] * whole);
}

// The persons of some rows: their labels, as the server tells them apart, and their order of appearance.
function personsOf(log, rows, openings) {
  const { who, people } = log, pairs = people.ids.length, size = rows.length;
  const lastRow = new Int32Array(pairs).fill(NONE), firstKey = new Float64Array(pairs).fill(Infinity);
  const isAssigned = new Uint8Array(who.keys.length);
  for (let at = 0; at < size; at++) {
    const row = rows[at], previous = log.previous[row], assignee = log.assignee[row], by = log.assignedBy[row];
    if (previous !== NONE && at < firstKey[previous]) firstKey[previous] = at;
    if (assignee !== NONE) { lastRow[assignee] = at; isAssigned[who.ofPair[assignee + 1]] = 1; if (size + at < firstKey[assignee]) firstKey[assignee] = size + at; }
    if (by !== NONE) { if (at > lastRow[by]) lastRow[by] = at; if (2 * size + at < firstKey[by]) firstKey[by] = 2 * size + at; }
  }
  const names = lastNames(log, lastRow, firstKey);
  const rank = Array(who.keys.length).fill(Infinity);
  for (let pair = 0; pair < pairs; pair++) rank[who.ofPair[pair + 1]] = Math.min(rank[who.ofPair[pair + 1]], firstKey[pair]);
  const all = [...names], openingRow = new Int32Array(pairs).fill(NONE), openingKey = new Float64Array(pairs).fill(Infinity);
  openings.forEach((row, at) => {
    const pair = log.assignee[row];
    if (pair === NONE) return;
    openingRow[pair] = at;
    if (at < openingKey[pair]) openingKey[pair] = at;
  });
  lastNames(log, openingRow, openingKey).forEach((name, person) => { all[person] ??= name; });
  const times = new Map();
  for (const name of all) if (name !== undefined) times.set(name, (times.get(name) ?? 0) + 1);
  const labels = all.map((name, person) => (name !== undefined && times.get(name) > 1 && who.ids[person] !== null ? `${name} (${who.ids[person]})` : name));
  return { labels, rank, isAssigned, compare: (a, b) => compareText(labels[a], labels[b]) || rank[a] - rank[b] };
}

// The last name of each person among the pairs that were seen.
function lastNames(log, lastRow, firstKey) {
  const { who, people } = log, best = Array(who.keys.length).fill(NONE);
  const later = (a, b) => Boolean(people.names[a]) - Boolean(people.names[b]) || lastRow[a] - lastRow[b] || firstKey[a] - firstKey[b];
  for (let pair = 0; pair < people.ids.length; pair++) {
    if (firstKey[pair] === Infinity) continue;
    const person = who.ofPair[pair + 1];
    if (best[person] === NONE || later(pair, best[person]) > 0) best[person] = pair;
  }
  return best.map((pair) => (pair === NONE ? undefined : people.labels[pair]));
}

// The conversations assigned most, and the bounce-backs.
function findChains(log, rows, persons, returnHours) {
  const size = log.conversations.length, person = log.who.ofPair, limit = returnHours * HOUR * log.perSecond;
  const counts = new Int32Array(size), lastRow = new Int32Array(size).fill(NONE), order = [], pairs = new Map();
  let returns = 0;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at], conversation = log.conversation[row];
    if (conversation === NONE) continue;
    const before = lastRow[conversation];
    if (before === NONE) order.push(conversation);
    else if (isReturn(log, person, before, row, limit)) {
      returns++;
      const key = person[log.previous[before] + 1] * log.who.keys.length + person[log.assignee[before] + 1];
      pairs.set(key, (pairs.get(key) ?? 0) + 1);
    }
    lastRow[conversation] = row;
    if (log.assignee[row] !== NONE) counts[conversation]++;
  }
  const most = mostAssigned(order, counts);
  const paths = new Map(most.map((conversation) => [conversation, []]));
  for (let at = 0; at < rows.length; at++) paths.get(log.conversation[rows[at]])?.push(rows[at]);
  const people = log.who.keys.length;
  return {
    assigned: order.filter((each) => counts[each] > 0).length,
    reassigned: order.filter((each) => counts[each] > 1).length,
    most: most.map((conversation) => describeChain(log, persons, conversation, counts[conversation], paths.get(conversation))),
    returns,
    pairs: [...pairs].map(([key, count]) => ({ first: Math.floor(key / people), second: key % people, count }))
      .sort((a, b) => b.count - a.count || persons.rank[a.first] - persons.rank[b.first] || persons.rank[a.second] - persons.rank[b.second])
      .slice(0, LISTED_MOST)
      .map((each) => ({ first: persons.labels[each.first], second: persons.labels[each.second], count: each.count })),
  };
}

// The ten conversations with the largest counts above 1; ties in their order.
function mostAssigned(order, counts) {
  const several = order.filter((each) => counts[each] > 1);
  const ranked = several.map((each) => counts[each]).sort((a, b) => b - a);
  const least = ranked[LISTED_MOST - 1] ?? 0;
  return several.filter((each) => counts[each] >= least).sort((a, b) => counts[b] - counts[a]).slice(0, LISTED_MOST);
}

function describeChain(log, persons, conversation, count, rows) {
  const label = (pair) => (pair === NONE ? null : persons.labels[log.who.ofPair[pair + 1]]);
  const path = [log.previous[rows[0]], ...rows.slice(0, LISTED_STEPS).map((row) => log.assignee[row])].map(label);
  return {
    conversation: log.conversations[conversation],
    contact: log.contacts.labels[log.contact[rows[0]]] ?? '',
    count,
    path: path[0] === null ? path.slice(1) : path,
    isCut: rows.length > LISTED_STEPS,
  };
}

// The reassignment matrix of the persons with the most assignments from and to them, all others, and nobody.
function findHandOffs(log, rows, persons) {
  const people = log.who.keys.length, person = log.who.ofPair, activity = new Int32Array(people + 1);
  const place = (pair) => (person[pair + 1] === NONE ? people : person[pair + 1]);
  for (let at = 0; at < rows.length; at++) {
    activity[place(log.previous[rows[at]])]++;
    activity[place(log.assignee[rows[at]])]++;
  }
  const order = [...Array(people).keys()].filter((each) => activity[each]).sort((a, b) => activity[b] - activity[a] || persons.compare(a, b));
  const shown = order.slice(0, LISTED_MOST), size = shown.length + 2;
  const line = Int32Array.from({ length: people + 1 }, (_none, each) => (each === people ? size - 1 : size - 2));
  shown.forEach((each, at) => { line[each] = at; });
  const cells = Array.from({ length: size }, () => Array(size).fill(0));
  for (let at = 0; at < rows.length; at++) cells[line[place(log.previous[rows[at]])]][line[place(log.assignee[rows[at]])]]++;
  return { people: shown, cells };
}

// The last row of each subject before a row, in the order of the log; only those of known days.
function openingsBefore(log, start, knownFrom) {
  const last = new Int32Array(log.subjectCount).fill(NONE), found = [];
  for (let row = knownFrom; row < start; row++) last[log.subject[row]] = row;
  for (let row = knownFrom; row < start; row++) if (last[log.subject[row]] === row) found.push(row);
  return found;
}

// The contacts of each person: at start + assigned - removed + unexplained = at end.
function countBalances(log, rows, openings, persons) {
  const people = log.who.keys.length, person = log.who.ofPair, count = () => new Int32Array(people);
  const [opening, received, released, unseen, closing] = [count(), count(), count(), count(), count()];
  const holder = new Int32Array(log.subjectCount).fill(NONE);
  const add = (figures, who, by) => { if (who !== NONE) figures[who] += by; };
  for (const row of openings) {
    holder[log.subject[row]] = person[log.assignee[row] + 1];
    add(opening, holder[log.subject[row]], 1);
  }
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at], subject = log.subject[row], from = person[log.previous[row] + 1], to = person[log.assignee[row] + 1];
    if (holder[subject] !== from) { add(unseen, from, 1); add(unseen, holder[subject], -1); }
    add(released, from, 1);
    add(received, to, 1);
    holder[subject] = to;
  }
  for (const who of holder) add(closing, who, 1);
  return [...Array(people).keys()].filter((each) => opening[each] || received[each] || released[each] || unseen[each])
    .map((each) => ({ person: each, label: persons.labels[each], key: log.who.keys[each], kind: log.kinds[each],
      opening: opening[each], received: received[each], released: released[each], unseen: unseen[each], closing: closing[each] }))
    .sort((a, b) => b.closing - a.closing || b.received - a.received || compareText(a.label, b.label));
}

// The sources with a count, the largest first; ties stand in the order of the facts.
function countSources(log, facts, rows) {
  const counts = new Int32Array(log.sourceCount);
  for (let at = 0; at < rows.length; at++) counts[log.source[rows[at]]]++;
  const places = new Map(facts.layout.sources.map((code, at) => [code, at]));
  const found = facts.sources.map((source) => ({ ...source, count: counts[places.get(source.code)] }));
  const present = found.filter((each) => each.count).sort((a, b) => b.count - a.count);
  const parts = shares(present.map((each) => each.count));
  return present.map((each, at) => ({ ...each, share: parts[at] }));
}

function countDays(log, facts, [first, last], rows) {
  const found = new Int32Array(last - first + 1);
  for (let at = 0; at < rows.length; at++) found[log.day[rows[at]] - first]++;
  return found;
}

function countWeekHours(log, rows) {
  const found = new Int32Array(168);
  for (let at = 0; at < rows.length; at++) found[log.weekHour[rows[at]]]++;
  return found;
}

// The previous period of a range: { range, days, until, isLoaded }; without a range where the page does not have its days.
function previousOf(facts, [first, last], name) {
  const date = (day) => facts.days[day]?.date ?? daysBefore(facts.days[0].date, -day), dayOf = (text) => facts.days.findIndex((day) => day.date === text);
  const preset = facts.presets.find((each) => each.name === name);
  const dates = preset ? [preset.before, preset.until] : [date(2 * first - last - 1), date(first - 1)];
  const range = dates.map(dayOf);
  if (range.includes(NONE)) return { range: null, dates, until: null, isLoaded: false };
  const cut = Math.max(0, endOf(facts, last) - facts.asOf), end = endOf(facts, range[1]);
  const until = Math.max(startOf(facts, range[0]), end - cut);
  const isLoaded = facts.days.slice(range[0], range[1] + 1).every((day) => day.loaded || day.start >= until);
  return { range, dates, until: until < end ? until : null, isLoaded };
}

function daysBefore(date, count) {
  return new Date(Date.parse(`${date}T00:00:00Z`) - count * 86_400_000).toISOString().slice(0, 10);
}

// How the selection compares with the previous period; null where it is compared with nothing.
function compare(log, facts, selection, previous) {
  const { range, sources, days } = selection;
  if (!previous.range) return { ...previous, total: null, change: null, sources: [], days: [], notes: ['not_here'] };
  const lengths = range[1] - range[0] !== previous.range[1] - previous.range[0] ? ['lengths_differ'] : [];
  if (!previous.isLoaded) return { ...previous, total: null, change: null, sources: [], days: [], notes: ['not_loaded', ...lengths] };
  const total = previous.rows.length, before = countSources(log, facts, previous.rows);
  const isComplete = facts.days.slice(range[0], range[1] + 1).every((day) => day.loaded || day.start >= facts.asOf);
  const counts = new Map(before.map((each) => [each.code, each.count]));
  const current = sources.map((each) => ({ ...each, before: counts.get(each.code) ?? 0 }));
  const gone = before.filter((each) => !sources.some((source) => source.code === each.code));
  const few = Math.min(selection.rows.length, total) < 30;
  return {
    ...previous,
    total,
    change: total && isComplete ? percentOf(selection.rows.length - total, total) : null,
    sources: [...current, ...gone.map((each) => ({ ...each, before: each.count, count: 0, share: 0 }))],
    days: Array.from(countDays(log, facts, previous.range, previous.rows)).slice(0, previous.until === null ? undefined
      : facts.days.slice(previous.range[0], previous.range[1] + 1).filter((day) => day.start < previous.until).length),
    notes: [...(isComplete ? [] : ['not_whole']), ...(few ? ['few'] : []), ...lengths],
  };
}

// The components that need to know who held what when the range began.
const OF_OPENINGS = ['assignees', 'ownership', 'people'];

// Everything that the page shows of a state.
function countAll(log, facts, state) {
  const range = dayRange(facts, state), passes = tests(log, facts, state), rows = select(log, facts, range, passes);
  const isExplorer = Boolean(facts.explorer), isFilteredNow = isFiltered(state) || facts.hasFilters;
  const keepsChains = facts.keepsChains && !BREAKING.some((name) => state[name].length);
  const selection = { range, rows, total: rows.length, sources: countSources(log, facts, rows), days: countDays(log, facts, range, rows) };
  let comparison = null, previous = isExplorer && facts.states.comparison === 'shown' ? previousOf(facts, range, state.preset) : null;
  if (previous) {
    previous = { ...previous, rows: previous.range && select(log, facts, previous.range, passes, previous.until) };
    comparison = compare(log, facts, selection, previous);
  }
  const isCompared = comparison && comparison.total !== null && !comparison.notes.includes('not_whole');
  const hasOpenings = isExplorer && !isFilteredNow && [...OF_OPENINGS, 'teams'].some((name) => facts.states[name] !== 'off');
  const openings = hasOpenings ? openingsOf(log, facts, range) : { rows: [], knownSince: '' };
  const persons = personsOf(log, rows, openings.rows);
  const ownership = hasOpenings ? countOwnership(log, facts, selection, openings.rows, persons) : null;
  return {
    ...selection,
    comparison,
    keys: compareKeyFigures(log, facts, selection, isCompared ? previous : null, keepsChains),
    weekHours: countWeekHours(log, rows),
    persons,
    chains: keepsChains ? findChains(log, rows, persons, facts.returnHours) : null,
    handOffs: findHandOffs(log, rows, persons),
    balances: hasOpenings ? countBalances(log, rows, openings.rows, persons) : null,
    ownership,
    people: ownership && countPeople(log, facts, ownership, rows, isCompared ? previous.rows : null, persons),
    teams: facts.states.teams !== 'off' ? countTeams(log.byTeam, facts, range, rows, openings.rows, hasOpenings, keepsChains) : null,
    lacking: openings.lacking ?? [],
    knownSince: openings.knownSince,
  };
}

// Who held what when a range began, and since when that is known: since the last day before it that is missing.
function openingsOf(log, facts, [first]) {
  const { firstDay, firstLoaded, lacking: before } = facts.explorer;
  const missing = facts.days.slice(0, first).filter((day) => !day.loaded && day.date >= firstDay).map((day) => day.date);
  const lacking = [...before, ...missing];
  const since = missing.length ? facts.days.findIndex((day) => day.date === missing.at(-1)) + 1 : NONE;
  return {
    rows: openingsBefore(log, rowAt(log, startOf(facts, first)), since === NONE ? 0 : rowAt(log, startOf(facts, since))),
    lacking,
    knownSince: since !== NONE ? facts.days[since].date : before.length ? daysBefore(before.at(-1), -1) : firstLoaded,
  };
}
