// Charts and tables of figures, redrawn for each selection. A click on a figure sets a filter.

const SVG = 'http://www.w3.org/2000/svg';
const MOST_SLICES = 24, MOST_SOURCES = 3000;

// An element of HTML, or of SVG where its name says so ("svg:rect"); attributes of no value are left out.
function make(name, attributes = {}, ...children) {
  const [space, local] = name.includes(':') ? name.split(':') : ['', name];
  const element = space ? document.createElementNS(SVG, local) : document.createElement(local);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Characters with the marks and joiners that belong to them count as one.
const shortened = (text, length) => {
  const characters = text.match(/.[\p{M}\u200c\u200d]*/gsu) ?? [];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : text;
};

// A text of a stranger: at most 256 characters, and 8 marks and joiners in a row. As in assets/render/untrusted_text.py.
const MARKS = /[\p{M}\u200c\u200d]{9,}/gu;
const limited = (text) => shortened(text.slice(0, 8192).replace(MARKS, (run) => Array.from(run).slice(0, 8).join('')), 256);

const bdi = (text) => make('bdi', {}, limited(text));

// A drawn mark that is a button for mouse, keyboard and screen reader.
function mark(label, act, ...shapes) {
  const press = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    act();
  };
  return make('svg:g', { class: 'mark', role: 'button', tabindex: 0, 'aria-label': label, 'data-tip': label, onclick: act, onkeydown: press }, ...shapes);
}

// A colored square for a source.
const swatch = (color) => make('svg:svg', { class: 'swatch', viewBox: '0 0 1 1', 'aria-hidden': 'true' }, make('svg:rect', { width: 1, height: 1, fill: color }));

// A button that looks like text and leads to the rows of what it names.
const rowsButton = (act, ...children) => make('button', { type: 'button', class: 'plain', onclick: act }, ...children);

const KEY_FILTERS = { first_assignments: { previous: [UNASSIGNED] }, unassignments: { assigned_to: [UNASSIGNED] } };

function drawKeyFigures(page, counted) {
  const value = (name, number) => (number === null ? '-' : name === 'reassignment_rate' ? page.share(number) : page.number(number));
  return make('ul', { class: 'keys' }, ...counted.keys.map(({ name, value: now, previous, change, trend, parts }) => {
    const label = page.facts.figureNames[name], filter = KEY_FILTERS[name];
    const text = change === null ? '' : name === 'reassignment_rate' ? _("%(change)s points", { change: page.signed(change) }) : page.change(change);
    return make('li', {},
      make('span', { class: 'name' }, filter ? rowsButton(() => page.set(filter), label) : label),
      make('strong', { class: value(name, now).length > 10 ? 'long' : null }, value(name, now)),
      make('span', { class: 'was' }, text && make('span', { class: 'change' }, text), ' ',
        previous === null ? '' : make('small', {}, _("previous: %(value)s", { value: value(name, previous) }))),
      ...goalsOf(page, name).map((goal) => drawGoal(goal, parts)), drawSparkline(trend));
  }));
}

// The goals of a figure; rows that are filtered are not what a goal is about.
const goalsOf = (page, figure) => (isFiltered(page.state) ? [] : page.facts.goals.filter((goal) => goal.figure === figure));

function drawGoal(goal, parts) {
  const isMet = meetsGoal(goal, parts);
  const status = isMet === null ? _("nothing to count") : isMet ? pgettext("goal", "met") : pgettext("goal", "missed");
  return make('span', { class: isMet === false ? 'goal missed' : 'goal' }, `${goal.text} `, make('b', {}, status));
}

// The goals that are about no key figure.
function drawGoals(page, { total, range: [first, last] }) {
  const days = last - first + 1, found = goalsOf(page, 'assignments_per_day');
  return found.map((goal) => make('p', { class: 'goals' }, `${goal.name}: `, make('strong', {}, page.decimal(percentOf(total, 100 * days))), ' ', drawGoal(goal, [total, days])));
}

function drawSparkline(trend) {
  const most = Math.max(0, ...trend);
  if (trend.length < 2 || !most) return null;
  const points = trend.map((value, at) => `${((100 * at) / (trend.length - 1)).toFixed(2)},${(20 - (19 * (value ?? 0)) / most).toFixed(2)}`);
  return make('svg:svg', { class: 'spark', viewBox: '0 0 100 20', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    make('svg:polygon', { points: `0,20 ${points.join(' ')} 100,20` }));
}

// The table of sources: a bar with a line for the previous count, count, share and change.
function drawSources(page, counted) {
  const { comparison, total } = counted, isCompared = comparison !== null && comparison.total !== null;
  const rows = isCompared ? comparison.sources : counted.sources;
  const longest = rows.reduce((most, each) => Math.max(most, each.count, each.before ?? 0), 1);
  const cells = (...texts) => texts.map((text, at) => make('td', { class: at === 2 ? 'figure previous' : 'figure' }, text));
  const heads = [_("Count"), _("Share"), ...(isCompared ? [_("Previous"), _("Change")] : [])];
  const line = (each) => make('tr', {},
    make('th', { scope: 'row' }, each.code === undefined ? make('span', {}, swatch(each.color), bdi(each.label))
      : rowsButton(() => page.toggle('source', each.code), swatch(each.color), bdi(each.label))),
    make('td', { class: 'bar' }, drawBar(page, each, longest)),
    ...cells(page.number(each.count), page.share(each.share), ...(isCompared ? [page.number(each.before), page.signed(each.count - each.before)] : [])));
  return make('table', { class: 'by-source' },
    make('caption', { class: 'unseen' }, _("Assignments by source")),
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, _("Source")), make('td', { class: 'bar' }),
      ...heads.map((text, at) => make('th', { scope: 'col', class: at === 2 ? 'figure previous' : 'figure' }, text)))),
    make('tbody', {}, ...largest(page, rows, MOST_SOURCES).map(line)),
    make('tfoot', {}, make('tr', {}, make('th', { scope: 'row' }, _("Total")), make('td', { class: 'bar' }),
      ...cells(page.number(total), page.share(total ? 100 : null), ...(isCompared ? [page.number(comparison.total), page.signed(total - comparison.total)] : [])))));
}

function drawBar(page, source, longest) {
  const length = Math.min(100, (100 * source.count) / longest), mark = source.before === undefined ? null : Math.min(99.2, (100 * source.before) / longest);
  const x = (from, width) => (page.isRightToLeft ? 100 - from - width : from);
  return make('svg:svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    make('svg:rect', { class: 'paint', x: x(0, length), width: length, height: 10, fill: source.color }),
    mark === null ? null : make('svg:rect', { class: 'tick', x: x(mark, 0.8), width: 0.8, height: 10 }));
}

// With what the selection is compared.
function drawComparison(page, { comparison }) {
  if (!comparison) return [];
  const { facts } = page, [first, last] = comparison.dates;
  const period = first === last ? page.day(first) : `${page.day(first)} – ${page.day(last)}`;
  if (!comparison.range) return [make('p', { class: 'note' }, _("The previous period, %(period)s, is not in this page.", { period }))];
  const notes = {
    not_whole: _("Data for this period is incomplete; changes include what is missing."),
    lengths_differ: _("The two periods have different numbers of days."),
    few: _("One of the periods has fewer than 30 assignments; changes may be random."),
  };
  let compared = period;
  if (comparison.until !== null) {
    const { wall } = clock(page.log, facts, comparison.until * page.log.perSecond), time = wall.slice(11, 16), date = wall.slice(0, 10);
    compared = first === last && date === first ? _("%(period)s until %(time)s", { period, time })
      : _("%(period)s until %(day)s, %(time)s", { period, day: page.shortDay(date), time });
  }
  const text = comparison.total === null ? _("Data for the previous period, %(period)s, is incomplete.", { period })
    : `${facts.titles.comparison}: ${compared}. ${_("A line in a bar marks the previous count.")}`;
  return [text, ...comparison.notes.map((note) => notes[note])].filter(Boolean).map((each) => make('p', { class: 'note' }, each));
}

// Past the largest sources the rest is one, which is no filter.
function largest(page, sources, most) {
  const rest = sources.slice(most);
  if (rest.length < 2) return sources;
  const sum = (key) => rest.reduce((total, each) => total + (each[key] ?? 0), 0);
  const label = ngettext("%(count)s more source", "%(count)s more sources", rest.length);
  const before = rest[0].before === undefined ? undefined : sum('before');
  return [...sources.slice(0, most), { label, color: page.facts.restColor, count: sum('count'), share: sum('share'), before }];
}

function slice(from, to) {
  const point = (turn, radius) => {
    const angle = (turn - 0.25) * 2 * Math.PI;
    return `${(100 + radius * Math.cos(angle)).toFixed(3)} ${(100 + radius * Math.sin(angle)).toFixed(3)}`;
  };
  const end = Math.min(to, from + 0.99999), large = end - from > 0.5 ? 1 : 0;
  return `M${point(from, 96)}A96 96 0 ${large} 1 ${point(end, 96)}L${point(end, 60)}A60 60 0 ${large} 0 ${point(from, 60)}Z`;
}

function drawRing(page, counted) {
  const sources = largest(page, counted.sources, MOST_SLICES);
  const wording = (each) => `${each.label}: ${page.number(each.count)} (${page.share(each.share)})`;
  let turn = 0;
  const slices = sources.map((each) => {
    const from = turn;
    turn += each.count / counted.total;
    return make('svg:path', { class: each.code === undefined ? 'paint' : 'paint mark', d: slice(from, turn), fill: each.color, 'data-tip': wording(each),
      onclick: each.code === undefined ? () => {} : () => page.toggle('source', each.code) });
  });
  const total = make('svg:text', { x: 100, y: 108, 'text-anchor': 'middle', 'font-size': 24, 'font-weight': 600, direction: 'ltr' }, page.number(counted.total));
  const legend = page.facts.states.bar_chart === 'shown' ? [] : sources.map((each) => {
    const parts = [swatch(each.color), bdi(each.label), ` ${page.number(each.count)} (${page.share(each.share)})`];
    return make('li', {}, each.code === undefined ? make('span', {}, ...parts) : rowsButton(() => page.toggle('source', each.code), ...parts));
  });
  return make('div', { class: 'ring' },
    make('svg:svg', { class: 'chart', viewBox: '0 0 200 200', role: 'img', 'aria-label': `${_("Share by source")}: ${sources.map(wording).join(pgettext("list separator", ", "))}` }, ...slices, total),
    legend.length ? make('ul', { class: 'legend' }, ...legend) : null);
}

// The days of the selection as buckets of the asked frequency: { label, first, last, count, loaded, before }.
function buckets(page, counted) {
  const { facts } = page;
  const [first, last] = counted.range, before = counted.comparison?.days ?? [];
  const days = facts.days.slice(first, last + 1).map((day, at) => ({ ...day, count: counted.days[at], before: before[at] }));
  const every = frequency(page, days.length);
  if (every === 'hour') return hours(page, days, first, counted.rows);
  const key = { day: (date) => date, week: (date) => weekOf(page, date), month: (date) => date.slice(0, 7) }[every];
  const found = new Map();
  for (const day of days) {
    const bucket = found.get(key(day.date)) ?? { first: day.date, count: 0, loaded: true };
    const earlier = day.before === undefined ? bucket.before : (bucket.before ?? 0) + day.before;
    found.set(key(day.date), { ...bucket, last: day.date, count: bucket.count + day.count, loaded: bucket.loaded && day.loaded, before: earlier });
  }
  const write = every === 'month' ? page.month : page.shortDay;
  return [...found.values()].map((each) => ({ ...each, label: write(each.first),
    long: each.first === each.last ? page.day(each.first) : `${page.day(each.first)} – ${page.day(each.last)}` }));
}

const FEW_DAYS = 2, MANY_DAYS = 92, VERY_MANY_DAYS = 730;

function frequency(page, count) {
  const asked = page.state.every;
  if (asked && (asked !== 'hour' || count <= FEW_DAYS)) return asked;
  return count === 1 ? 'hour' : count > VERY_MANY_DAYS ? 'month' : count > MANY_DAYS ? 'week' : 'day';
}

// The first day of a date's week.
function weekOf(page, date) {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6 - page.facts.weekStart + 7) % 7));
  return at.toISOString().slice(0, 10);
}

// Hours are counted from the first instant of a day, so that a day of 25 hours has 25; those after `asOf` have not begun.
function hours(page, days, first, rows) {
  const { facts, log } = page;
  const found = [], begins = [];
  days.forEach((day, at) => {
    begins[first + at] = found.length;
    const end = facts.days[first + at + 1]?.start ?? facts.end;
    for (let second = day.start; second < end; second += 3600) {
      const { wall, offset } = clock(log, facts, second * log.perSecond);
      found.push({ label: wall.slice(11, 16), long: `${wall.slice(0, 16)} ${offset}`, first: day.date, last: day.date, count: 0, loaded: day.loaded && second < facts.asOf });
    }
  });
  for (const row of rows) {
    const day = log.day[row];
    found[begins[day] + Math.floor((log.time[row] / log.perSecond - facts.days[day].start) / 3600)].count++;
  }
  return found;
}

const NOTES_TOP = 18, NOTE_WIDTH = 24;

// The notes on days of a range, numbered: { number, first, last, days, text }.
function notesIn(facts, [first, last]) {
  const from = facts.days[first].date, to = facts.days[last].date;
  return facts.notes.filter((each) => each.first <= to && each.last >= from).map((each, at) => ({ ...each, number: at + 1 }));
}

const notesOn = (page, first, last) => page.notes.filter((each) => each.first <= last && each.last >= first);
const noteTexts = (notes) => notes.map((each) => limited(each.text)).join(' · ');

const listNotes = (page) => (page.notes.length ? make('ul', { class: 'day-notes', 'aria-label': _("Notes on days") },
  ...page.notes.map((each) => make('li', {}, make('b', {}, String(each.number)), ` ${each.days}: `, bdi(each.text)))) : '');

// A line over the days of each note, and its number above; numbers that would touch are one.
function drawNotes(page, found, left, right) {
  const labels = [], lines = [];
  for (const { number, first, last } of page.notes) {
    const from = found.findIndex((each) => each.last >= first), to = found.findLastIndex((each) => each.first <= last);
    lines.push(make('svg:line', { class: 'note-line', x1: left(from), x2: right(to), y1: NOTES_TOP, y2: NOTES_TOP }));
    const label = labels.at(-1), x = (left(from) + right(from)) / 2;
    if (label && x - label.x < NOTE_WIDTH) label.last = number;
    else labels.push({ x, first: number, last: number });
  }
  return make('svg:g', { 'aria-hidden': 'true' }, ...lines, ...labels.map((each) =>
    make('svg:text', { x: each.x, y: NOTES_TOP - 4, 'text-anchor': 'middle', direction: 'ltr' }, each.first === each.last ? String(each.first) : `${each.first}–${each.last}`)));
}

// The bounds of goals on the assignments of a day, where the bars are days.
const goalLines = (page, counted) => (frequency(page, counted.days.length) === 'day' ? goalsOf(page, 'assignments_per_day') : [])
  .flatMap((goal) => [goal.atLeast, goal.atMost].filter(Boolean).map(([part, whole]) => part / whole));

function drawTrend(page, found, goals, width) {
  const height = 190, left = 46, floor = height - 24, room = floor - 14 - (page.notes.length ? 12 : 0);
  const most = Math.max(1, ...goals, ...found.map((each) => Math.max(each.count, each.before ?? 0)));
  const step = (width - left - 4) / found.length, gap = Math.min(step * 0.2, 10);
  const every = Math.ceil(found.length / Math.max(2, Math.floor(width / 90)));
  const lines = niceSteps(most).map((value) => {
    const y = floor - (value / most) * room;
    return [make('svg:line', { class: 'grid', x1: left, x2: width, y1: y, y2: y }),
      make('svg:text', { class: 'quiet', x: left - 6, y: y + 4, 'text-anchor': 'end', direction: 'ltr' }, page.number(value))];
  });
  const hatch = make('svg:pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    make('svg:line', { x1: 0, x2: 0, y1: 0, y2: 6, stroke: '#8c96a0', 'stroke-width': 3 }));
  return make('svg:svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': _("Assignments over time") },
    make('svg:defs', {}, hatch), ...lines.flat(),
    ...found.map((each, at) => {
      const x = left + at * step, high = (each.count / most) * room;
      const shown = each.loaded || each.count ? page.number(each.count) : _("not loaded");
      const earlier = each.before === undefined ? '' : ` (${_("previous: %(value)s", { value: page.number(each.before) })})`;
      const bar = each.loaded || each.count
        ? make('svg:rect', { x: x + gap / 2, y: floor - high, width: Math.max(0.5, Math.min(step - gap, 60)), height: high, fill: 'var(--total)' })
        : make('svg:rect', { class: 'unloaded', x, y: floor - room, width: Math.max(0.5, step), height: room });
      const area = make('svg:rect', { x, y: floor - room, width: step, height: room, fill: 'transparent' });
      const notes = notesOn(page, each.first, each.last);
      return mark(`${each.long}: ${shown}${earlier}${notes.length ? ` · ${noteTexts(notes)}` : ''}`, () => page.set({ from: each.first, to: each.last }), area, bar);
    }),
    drawNotes(page, found, (at) => left + at * step + gap / 2, (at) => left + at * step + gap / 2 + Math.min(step - gap, 60)),
    ...goals.map((value) => make('svg:line', { class: 'goal-line', x1: left, x2: width, y1: floor - (value / most) * room, y2: floor - (value / most) * room })),
    drawPreviousLine(found, (at) => left + at * step + Math.min(step, 60) / 2, (count) => floor - (count / most) * room),
    ...found.map((each, at) => at % every ? null
      : make('svg:text', { class: 'quiet', x: left + at * step + Math.min(step, 60) / 2, y: height - 6, 'text-anchor': at ? 'middle' : 'start', direction: 'ltr' }, each.label)));
}

// The counts of the previous period as a faint line over the bars.
function drawPreviousLine(found, x, y) {
  const points = found.flatMap((each, at) => (each.before === undefined ? [] : [`${x(at)},${y(each.before)}`]));
  return points.length > 1 ? make('svg:polyline', { class: 'previous-line', points: points.join(' '), fill: 'none' }) : null;
}

// Round numbers up to the largest, at most five.
function niceSteps(most) {
  const raw = most / 4, unit = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].find((each) => each * unit >= raw) * unit);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_none, at) => at * step);
}

function trendTable(page, found) {
  const hasBefore = found.some((each) => each.before !== undefined);
  return make('details', {}, make('summary', {}, _("Show data")),
    make('table', {}, make('thead', {}, page.headings([_("Period"), _("Assignments"), ...(hasBefore ? [_("Previous")] : [])])),
      make('tbody', {}, ...found.map((each) => make('tr', {}, make('th', { scope: 'row' }, each.long),
        page.figure(each.loaded || each.count ? page.number(each.count) : _("not loaded")),
        hasBefore ? page.figure(each.before === undefined ? '' : page.number(each.before)) : null)))));
}

const trendKey = (page, hasPrevious, goals) => make('p', { class: 'note key' },
  ...(hasPrevious ? [make('i', { class: 'previous-key' }), ` ${page.facts.previousName} `] : []),
  ...(goals.length ? [make('i', { class: 'goal-key' }), ` ${goalsOf(page, 'assignments_per_day').map((goal) => goal.text).join(pgettext("list separator", ", "))}`] : []));

const shade = (count, most) => (count ? Math.ceil((count * 8) / most) : 0);

// A cell of a shaded table, which leads to its rows.
const shadedCell = (page, count, most, label, changes) => make('td', { class: `h${shade(count, most)}` },
  count ? make('button', { type: 'button', class: 'cell', 'aria-label': `${label}: ${page.number(count)}`, 'data-tip': `${label}: ${page.number(count)}`, onclick: () => page.set(changes) }, page.number(count)) : '');

function drawHeatMap(page, { weekHours }) {
  const most = Math.max(...weekHours);
  const row = (name, day) => make('tr', {}, make('th', { scope: 'row' }, name), ...Array.from({ length: 24 }, (_none, hour) =>
    shadedCell(page, weekHours[day * 24 + hour], most, hourName(page, `${day}-${hour}`), { hour: [`${day}-${hour}`] })));
  return make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': _("Activity by day and hour") }, make('table', { class: 'heat' },
    make('caption', { class: 'unseen' }, _("Assignments by weekday and hour")),
    make('thead', {}, make('tr', {}, ...[_("Day"), ...Array(24).keys()].map((name) => make('th', { scope: 'col' }, String(name))))),
    make('tbody', {}, ...page.facts.weekdays.map(row))));
}

// An hour of the week in words: "Wed 14:00".
function hourName(page, value) {
  const [day, hour] = value.split('-');
  return `${page.facts.weekdays[day] ?? ''} ${String(hour).padStart(2, '0')}:00`;
}

function kindName(page, kind) {
  return !kind || kind === 'person' ? '' : page.facts.kinds[kind] ?? kind;
}

const kindOf = (page, person) => kindName(page, page.log.kinds[person]);

function drawHandOffs(page, { handOffs, persons }) {
  const { people } = handOffs, others = people.length;
  const kind = (each) => (persons.isAssigned[each] ? kindOf(page, each) : ''); // rows state it of whom they assign to
  const names = people.map((each) => (kind(each) ? `${persons.labels[each]} (${kind(each)})` : persons.labels[each]));
  const key = (each) => (each < others ? page.who.keys[people[each]] : each > others ? UNASSIGNED : null);
  const changes = (from, to) => (key(from) === null || key(to) === null ? null : { previous: [key(from)], assigned_to: [key(to)] });
  return drawMatrix(page, handOffs, names, _("Assignments from each assignee (rows) to each assignee (columns)"), changes);
}

// A matrix, whose cells lead to their rows where `changes` gives the filters; the others are left out where they are 0.
function drawMatrix(page, { cells }, people, caption, changes) {
  const names = [...people, _("Others"), _("Unassigned")], others = people.length, most = Math.max(...cells.flat());
  const hasOthers = cells[others].some(Boolean) || cells.some((row) => row[others]);
  const shown = [...cells.keys()].filter((each) => each !== others || hasOthers);
  const cell = (from, to) => {
    const count = cells[from][to], filters = changes(from, to);
    if (!filters) return make('td', { class: `h${shade(count, most)}` }, count ? page.number(count) : '');
    return shadedCell(page, count, most, `${names[from]} ${page.arrow} ${names[to]}`, filters);
  };
  return make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': _("Reassignment matrix") }, make('table', { class: 'matrix' },
    make('caption', { class: 'unseen' }, caption),
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, _("From \\ To")), ...shown.map((each) => make('th', { scope: 'col' }, bdi(names[each]))))),
    make('tbody', {}, ...shown.map((from) => make('tr', {}, make('th', { scope: 'row' }, bdi(names[from])), ...shown.map((to) => cell(from, to)))))));
}

function drawFindings(page, findings) {
  if (!findings.length) return make('p', { class: 'quiet' }, _("No significant changes."));
  return make('ul', { class: 'findings' }, ...findings.map(({ text, set, anchor }) => make('li', {},
    make('a', { href: set ? `#${writeState({ ...page.state, ...set })}` : `#${anchor}` }, text))));
}

function drawChains(page, { chains }) {
  const step = (text) => (text === null ? make('bdi', { class: 'quiet' }, _("Unassigned")) : bdi(text));
  const path = (each) => each.path.flatMap((text, at) => (at ? [` ${page.arrow} `, step(text)] : [step(text)]));
  const line = (each) => make('tr', {},
    make('th', { scope: 'row' }, make('a', { href: `#${writeState({ ...page.state, conversation: [each.conversation] })}` }, bdi(each.conversation))),
    make('td', {}, bdi(each.contact)), page.figure(page.number(each.count)), make('td', {}, ...path(each), each.isCut ? ` ${page.arrow} …` : ''));
  return [
    make('p', {}, ngettext("%(count)s of %(all)s assigned conversations was assigned more than once.",
      "%(count)s of %(all)s assigned conversations were assigned more than once.", chains.reassigned, { all: page.number(chains.assigned) })),
    chains.most.length ? make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': _("Most reassigned conversations") }, make('table', { class: 'chains' },
      make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, _("Conversation")), make('th', { scope: 'col' }, _("Contact")),
        make('th', { scope: 'col', class: 'figure' }, _("Assignments")), make('th', { scope: 'col' }, _("Assignment path")))),
      make('tbody', {}, ...chains.most.map(line)))) : '',
    ...(chains.pairs.length ? drawReturns(page, chains) : []),
  ];
}

function drawReturns(page, chains) {
  return [
    make('h3', {}, _("Bounce-backs")),
    make('p', {}, ngettext("%(count)s assignment returned a conversation to the previous assignee within %(hours)s hours.",
      "%(count)s assignments returned a conversation to the previous assignee within %(hours)s hours.", chains.returns, { hours: page.number(page.facts.returnHours) })),
    make('table', { class: 'returns' }, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, _("Returned to")), make('th', { scope: 'col' }, _("Via")),
      make('th', { scope: 'col', class: 'figure' }, _("Count")))),
      make('tbody', {}, ...chains.pairs.map((each) => make('tr', {}, make('th', { scope: 'row' }, bdi(each.first)), make('td', {}, bdi(each.second)), page.figure(page.number(each.count)))))),
  ];
}

function drawBalances(page, { balances, knownSince }) {
  if (!balances.length) return [make('p', { class: 'message' }, _("No assignments in this period."))];
  return [
    balanceTable(page, balances.slice(0, LISTED_PEOPLE), _("Contacts by assignee"), _("Assignee"), 'assigned_to'),
    ...omittedNote(balances.length).map((text) => make('p', { class: 'note' }, text)),
    make('p', { class: 'note' }, _("Contacts whose last known assignee is this one, based on events since %(day)s. “Unexplained” are changes that no event reports but the next event implies.",
      { day: page.day(knownSince) })),
  ];
}

// Balances, each of which leads to the rows of its filter.
function balanceTable(page, balances, label, heading, field) {
  const heads = [_("At start"), `+ ${pgettext("contacts", "Assigned")}`, `− ${pgettext("contacts", "Removed")}`, `± ${pgettext("contacts", "Unexplained")}`, `= ${_("At end")}`];
  const line = (each) => make('tr', {},
    make('th', { scope: 'row' }, rowsButton(() => page.set({ [field]: [each.key] }), bdi(each.label)), kindName(page, each.kind) ? make('small', {}, ` ${kindName(page, each.kind)}`) : ''),
    ...[each.opening, each.received, each.released].map((count) => page.figure(page.number(count))), page.figure(page.signed(each.unseen)), page.figure(page.number(each.closing)));
  return make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': label }, make('table', { class: 'assignees' },
    make('thead', {}, page.headings([heading, ...heads])), make('tbody', {}, ...balances.map(line))));
}

function drawQuality(page, range) {
  const figures = qualityOf(page.facts, range), names = page.facts.explorer.qualityNames;
  return make('table', {}, make('thead', {}, page.headings([_("Rows"), _("Count")])),
    make('tbody', {}, ...Object.entries(names).map(([name, label]) => make('tr', {}, make('th', { scope: 'row' }, label), page.figure(page.number(figures[name]))))));
}
