// The tables and charts of ownership and of people.

const FEW_ASSIGNMENTS = 30, HELD_TICKS = 10, LISTED_PEOPLE = 500;

// A time in its two largest units; working time has no days, because a day of work is not 24 hours.
function duration(page, seconds, isWork = false) {
  if (seconds === null) return '-';
  const text = (number) => page.number(number);
  const whole = Math.floor(seconds + 0.5), minutes = Math.floor(seconds / 60 + 0.5), hours = Math.floor(seconds / 3600 + 0.5);
  if (whole < 60) return _("%(seconds)s s", { seconds: text(whole) });
  if (minutes < 60) return _("%(minutes)s min", { minutes: text(minutes) });
  if (minutes < 1440 || isWork) {
    const values = { hours: text(Math.floor(minutes / 60)), minutes: text(minutes % 60) };
    return minutes % 60 ? _("%(hours)s h %(minutes)s min", values) : _("%(hours)s h", values);
  }
  const values = { days: text(Math.floor(hours / 24)), hours: text(hours % 24) };
  return hours % 24 ? _("%(days)s d %(hours)s h", values) : _("%(days)s d", values);
}

// A table that scrolls by itself where it is wider than the page.
const wide = (label, table) => make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': label }, table);

function omittedNote(count) {
  const left = count - LISTED_PEOPLE;
  return left > 0 ? [ngettext("%(count)s more is in report.json and log.xlsx.", "%(count)s more are in report.json and log.xlsx.", left)] : [];
}

function drawOwnership(page, { ownership, knownSince, range }, width) {
  const { assignees, holding, unassigned } = ownership;
  return [
    wide(page.facts.titles.ownership, holdingTable(page, _("Assignee"), assignees.slice(0, LISTED_PEOPLE).map((each) => [personHead(page, each), each]),
      [[_("All assignees"), holding], [_("Unassigned, until assigned"), unassigned]])),
    ...ownershipNotes(page, ownership, knownSince).map((text) => make('p', { class: 'note' }, text)),
    ...drawHeld(page, ownership.held, range, width),
    ...drawWaits(page, ownership.byHour, width),
    ...(ownership.perConversation.some(Boolean) ? [make('h3', {}, _("Assignees per conversation")), spreadTable(page, ownership.perConversation)] : []),
  ];
}

// The holdings of some owners, each with its head, and lines below them.
function holdingTable(page, heading, rows, totals) {
  const times = (clock, worked) => make('td', { class: 'figure' }, duration(page, clock), worked === undefined || worked === null ? null : make('small', {}, duration(page, worked, true)));
  const cells = (each) => {
    const work = each.working ?? {}, age = each.workingAge ?? {};
    return [page.figure(page.number(each.endedCount)), times(each.median, work.median), times(each.p90, work.p90), times(each.longest, work.longest),
      make('td', { class: 'figure group' }, page.number(each.heldCount)), times(each.age.median, age.median), times(each.age.longest, age.longest),
      make('td', { class: 'figure group' }, each.load === null ? '-' : page.tenths(each.load)), page.figure(page.number(each.peak))];
  };
  const group = (text, columns, isFirst) => make('th', { scope: 'colgroup', colspan: columns, class: isFirst ? null : 'group' }, text);
  const head = (text, isGroup) => make('th', { scope: 'col', class: isGroup ? 'figure group' : 'figure' }, text);
  return make('table', { class: 'ownership' },
    make('colgroup', {}, make('col')), ...[4, 3, 2].map((span) => make('colgroup', { span })),
    make('thead', {},
      make('tr', {}, make('td'), group(_("Ended in this period"), 4, true), group(_("Open at the end"), 3), group(_("Contacts at a time"), 2)),
      make('tr', {}, make('th', { scope: 'col' }, heading), head(_("Count")), head(_("Median")), head(_("90th percentile")), head(_("Longest")),
        head(_("Count"), true), head(_("Median age")), head(_("Oldest")), head(_("Average"), true), head(_("Most")))),
    make('tbody', {}, ...rows.map(([first, each]) => make('tr', {}, first, ...cells(each)))),
    totals.length ? make('tfoot', {}, ...totals.map(([text, each]) => make('tr', {}, make('th', { scope: 'row' }, text), ...cells(each)))) : null);
}

function personHead(page, { person, label }, mark = '') {
  const kind = kindOf(page, person);
  return make('th', { scope: 'row' }, rowsButton(() => page.set({ assigned_to: [page.who.keys[person]] }), bdi(label)), kind ? make('small', {}, ` ${kind}`) : '', mark);
}

function ownershipNotes(page, { assignees, holding, unknown, intervals }, knownSince) {
  const found = [...omittedNote(assignees.length), _("Based on events since %(day)s. An interval begins with an event and ends with the next one of the same contact or conversation; what is open at the end is never counted as ended.",
    { day: page.day(knownSince) })];
  if (holding.working) found.push(_("The small figures are working time."));
  if (unknown) found.push(_("Before their first event it is not known who held some of them: %(duration)s in all.", { duration: duration(page, unknown) }));
  if (intervals.unseen) {
    found.push(ngettext("%(count)s interval ended with another previous assignee than the last known one: it changed without an event, and the interval may be too long.",
      "%(count)s intervals ended with another previous assignee than the last known one: it changed without an event, and they may be too long.", intervals.unseen));
  }
  return found;
}

function spreadTable(page, counts) {
  return make('table', { class: 'spread' },
    make('thead', {}, page.headings([_("Assignees"), '1', '2', '3', _("4 or more")])),
    make('tbody', {}, make('tr', {}, make('th', { scope: 'row' }, _("Conversations")), ...counts.map((count) => page.figure(page.number(count))))));
}

// The names of the days of a range, or of the ends of a single day's hours.
function partNames(page, range) {
  const { facts, log } = page;
  if (range[1] > range[0]) return facts.days.slice(range[0], range[1] + 1).map((day) => page.shortDay(day.date));
  return partsOf(facts, range).map((second) => clock(log, facts, (second + HOUR) * log.perSecond).wall.slice(11, 16));
}

function drawHeld(page, lines, range, width) {
  const { facts } = page, shown = lines.filter((line) => line.counts.some(Boolean)), size = lines[0].counts.length;
  if (!shown.length || size < 2) return [];
  const height = 220, left = 46, floor = height - 24, room = floor - 14, names = partNames(page, range);
  const name = (line) => (line.isNobody ? _("Unassigned") : line.person === null ? _("Others") : page.counted.persons.labels[line.person]);
  const color = (line, at) => (line.isNobody ? facts.unassignedColor : line.person === null ? facts.restColor : facts.peopleColors[at]);
  const sums = Array.from({ length: size }, (_none, at) => shown.reduce((sum, line) => sum + line.counts[at], 0)), most = Math.max(1, ...sums);
  const x = (at) => (left + (at * (width - left - 4)) / (size - 1)).toFixed(1), y = (value) => (floor - (value / most) * room).toFixed(1);
  const below = new Array(size).fill(0), every = Math.ceil(size / Math.min(HELD_TICKS, Math.max(2, Math.floor(width / 90))));
  const areas = shown.map((line, at) => {
    const lower = below.slice();
    line.counts.forEach((count, part) => { below[part] += count; });
    const points = [...below.map((value, part) => `${x(part)},${y(value)}`), ...lower.map((value, part) => `${x(part)},${y(value)}`).reverse()];
    return make('svg:polygon', { class: 'paint', points: points.join(' '), fill: color(line, at), 'data-tip': `${limited(name(line))}: ${page.number(line.counts.at(-1))}` });
  });
  const grid = niceSteps(most).map((value) => make('svg:g', {}, make('svg:line', { class: 'grid', x1: left, x2: width, y1: y(value), y2: y(value) }),
    make('svg:text', { class: 'quiet', x: left - 6, y: Number(y(value)) + 4, 'text-anchor': 'end', direction: 'ltr' }, page.number(value))));
  const ticks = Array.from({ length: size }, (_none, at) => (at % every ? null
    : make('svg:text', { class: 'quiet', x: x(at), y: height - 6, 'text-anchor': at === size - 1 ? 'end' : at ? 'middle' : 'start', direction: 'ltr' }, names[at])));
  const ends = shown.map((line) => `${limited(name(line))} ${page.number(line.counts.at(-1))}`).join(pgettext("list separator", ", "));
  return [make('h3', {}, _("Contacts held over time")), make('figure', {},
    make('svg:svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${_("Contacts held at the end")}: ${ends}` }, ...grid, ...areas, ...ticks),
    make('ul', { class: 'legend' }, ...shown.map((line, at) => make('li', {}, swatch(color(line, at)), bdi(name(line))))))];
}

function drawWaits(page, hours, width) {
  const most = Math.max(0, ...hours.map((each) => each.median ?? 0));
  if (!most) return [];
  const height = 170, left = 64, floor = height - 24, room = floor - 14, step = (width - left - 4) / 24, gap = Math.min(step * 0.2, 10);
  const unit = [86_400, 3600, 60].find((each) => most >= 2 * each) ?? 1, y = (seconds) => floor - (seconds / most) * room;
  const grid = niceSteps(most / unit).map((value) => make('svg:g', {}, make('svg:line', { class: 'grid', x1: left, x2: width, y1: y(value * unit), y2: y(value * unit) }),
    make('svg:text', { class: 'quiet', x: left - 6, y: y(value * unit) + 4, 'text-anchor': 'end', direction: 'ltr' }, duration(page, value * unit))));
  const bars = hours.map(({ median, count }, hour) => {
    const x = left + hour * step, label = `${String(hour).padStart(2, '0')}:00: ${duration(page, median)} (${page.number(count)})`;
    return make('svg:g', { 'data-tip': label, 'aria-label': label, role: 'img' }, make('svg:rect', { x, y: floor - room, width: step, height: room, fill: 'transparent' }),
      make('svg:rect', { x: x + gap / 2, y: y(median ?? 0), width: step - gap, height: floor - y(median ?? 0), fill: 'var(--total)' }));
  });
  const every = width < 600 ? 3 : 1;
  const ticks = hours.map((_none, hour) => (hour % every ? null
    : make('svg:text', { class: 'quiet', x: left + (hour + 0.5) * step, y: height - 6, 'text-anchor': 'middle', direction: 'ltr' }, String(hour))));
  return [make('h3', {}, _("Median waiting time by hour of the day")), make('figure', {},
    make('svg:svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': _("Median waiting time by hour of the day") }, ...grid, ...bars, ...ticks))];
}

function drawPeople(page, { people }) {
  const { facts } = page;
  if (!people.length) return [make('p', { class: 'message' }, _("No assignments in this period."))];
  const columns = Object.entries(facts.peopleColumns), few = _("Fewer than 30 assignments: differences may be random.");
  const text = (column, value) => {
    if (column === 'change_pct') return value === null ? '-' : page.change(value);
    return /_(median|p90)$/.test(column) ? duration(page, value) : page.number(value);
  };
  const place = (each) => -(each[facts.leaderboard] ?? -Infinity);
  const ordered = people.slice().sort((a, b) => place(a) - place(b) || compareText(a.label, b.label)).slice(0, LISTED_PEOPLE);
  const line = (each) => make('tr', {}, page.figure(String(ordered.findIndex((other) => place(other) === place(each)) + 1)),
    personHead(page, each, each.assigned < FEW_ASSIGNMENTS ? make('span', {}, ' ', make('abbr', { title: few }, '†')) : ''),
    ...columns.map(([name]) => make('td', { class: 'figure', 'data-value': each[name] ?? '' }, text(name, each[name]))));
  const table = make('table', { class: 'people sortable' },
    make('thead', {}, make('tr', {}, make('th', { scope: 'col', class: 'figure' }, _("Rank")), make('th', { scope: 'col' }, _("Assignee")),
      ...columns.map(([name, title]) => make('th', { scope: 'col', class: 'figure', 'data-column': name, 'aria-sort': name === facts.leaderboard ? 'descending' : null }, title)))),
    make('tbody', {}, ...ordered.map(line)));
  makeSortable(page, table);
  const notes = [...omittedNote(people.length), ...(people.some((each) => each.assigned < FEW_ASSIGNMENTS) ? [`† ${few}`] : [])];
  return [wide(facts.titles.people, table), ...notes.map((note) => make('p', { class: 'note' }, note))];
}

// Lets the reader sort a table by any column of figures, and ranks its lines by that column.
function makeSortable(page, table) {
  const [body] = table.tBodies, heads = [...table.querySelectorAll('[data-column]')];
  heads.forEach((head) => {
    const sort = () => {
      const isUp = head.getAttribute('aria-sort') === 'descending', at = head.cellIndex;
      const value = (row) => { const text = row.cells[at].dataset.value; return text === '' ? null : Number(text); };
      const rows = [...body.rows].sort((a, b) => {
        const left = value(a), right = value(b);
        return left === null || right === null ? (left === null) - (right === null) : isUp ? left - right : right - left;
      });
      rows.forEach((row, index) => {
        const above = rows[index - 1];
        row.cells[0].textContent = above && value(above) === value(row) ? above.cells[0].textContent : String(index + 1);
      });
      body.append(...rows);
      heads.forEach((each) => each.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
    };
    head.replaceChildren(make('button', { type: 'button', class: 'plain', onclick: sort }, ...head.childNodes));
  });
}
