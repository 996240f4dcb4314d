// Charts and tables of figures, drawn anew for each selection. What is clicked becomes a filter.

const SVG = 'http://www.w3.org/2000/svg';
const MOST_BARS = 24;

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

const shortened = (text, length) => {
  const characters = Array.from(text);
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : text;
};

const bdi = (text) => make('bdi', {}, shortened(text, 256));

// A drawn mark that is a button for mouse, keyboard and screen reader.
function mark(label, act, ...shapes) {
  const press = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    act();
  };
  return make('svg:g', { class: 'mark', role: 'button', tabindex: 0, 'aria-label': label, onclick: act, onkeydown: press },
    make('svg:title', {}, label), ...shapes);
}

// The sources with a count, the largest first; ties stand in the order of the facts.
function ordered(page, figures) {
  const counts = new Map(page.facts.layout.sources.map((code, at) => [code, figures.bySource[at]]));
  const found = page.facts.sources.map((source) => ({ ...source, count: counts.get(source.code) ?? 0 }));
  const present = found.filter((each) => each.count).sort((a, b) => b.count - a.count);
  const parts = shares(present.map((each) => each.count));
  return present.map((each, at) => ({ ...each, share: parts[at] }));
}

function drawMetric(page, figures) {
  const sources = ordered(page, figures);
  const swatch = (color) => make('svg:svg', { class: 'swatch', viewBox: '0 0 1 1', 'aria-hidden': 'true' },
    make('svg:rect', { width: 1, height: 1, fill: color }));
  const body = sources.map((each) => make('tr', {}, make('th', { scope: 'row' }, swatch(each.color), bdi(each.label)),
    page.figure(page.number(each.count)), page.figure(page.share(each.share))));
  const none = make('tr', {}, make('td', { colspan: 3, class: 'quiet' }, _("No assignments in this period.")));
  return make('div', { class: 'figures' },
    make('p', { class: 'metric' }, make('strong', {}, page.number(figures.total)), ' ', make('span', {}, _("assignments"))),
    make('table', { class: 'sources' },
      make('caption', { class: 'unseen' }, _("Assignments by source")),
      make('thead', {}, page.headings([_("Source"), _("Count"), _("Share")])),
      make('tbody', {}, ...(body.length ? body : [none])),
      make('tfoot', {}, make('tr', {}, make('th', { scope: 'row' }, _("Total")),
        page.figure(page.number(figures.total)), page.figure(page.share(figures.total ? 100 : null))))));
}

// Past the largest sources the rest is one, which is no filter.
function drawn(page, figures) {
  const sources = ordered(page, figures);
  const rest = sources.slice(MOST_BARS);
  if (rest.length < 2) return sources;
  const sum = (key) => rest.reduce((total, each) => total + each[key], 0);
  const label = _("%(count)s more sources", { count: page.number(rest.length) });
  return [...sources.slice(0, MOST_BARS), { label, color: '#6e6e6e', count: sum('count'), share: sum('share') }];
}

function drawBars(page, figures, width) {
  const sources = drawn(page, figures);
  const step = 30, labels = Math.min(190, width * 0.42), room = width - labels - 62;
  const most = Math.max(...sources.map((each) => each.count));
  const height = sources.length * step + 6;
  return make('svg:svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': _("Assignments by source") },
    ...sources.map((each, at) => {
      const y = at * step + 4, long = Math.max(1, (each.count / most) * room);
      const label = `${each.label}: ${page.number(each.count)}`;
      const shapes = [
        make('svg:rect', { x: 0, y: y - 2, width, height: step - 2, fill: 'transparent' }),
        make('svg:text', { x: labels - 8, y: y + 16, 'text-anchor': 'end', direction: 'ltr' }, shortened(each.label, Math.floor(labels / 7.4))),
        make('svg:rect', { class: 'paint', x: labels, y, width: long, height: 22, rx: 2, fill: each.color }),
        make('svg:text', { x: labels + long + 6, y: y + 16, direction: 'ltr' }, page.number(each.count)),
      ];
      return each.code === undefined
        ? make('svg:g', {}, make('svg:title', {}, label), ...shapes)
        : mark(label, () => page.toggle('source', each.code), ...shapes);
    }));
}

function slice(from, to) {
  const point = (turn, radius) => {
    const angle = (turn - 0.25) * 2 * Math.PI;
    return `${(100 + radius * Math.cos(angle)).toFixed(3)} ${(100 + radius * Math.sin(angle)).toFixed(3)}`;
  };
  const end = Math.min(to, from + 0.99999), large = end - from > 0.5 ? 1 : 0;
  return `M${point(from, 96)}A96 96 0 ${large} 1 ${point(end, 96)}L${point(end, 60)}A60 60 0 ${large} 0 ${point(from, 60)}Z`;
}

function drawRing(page, figures) {
  const sources = drawn(page, figures);
  const wording = (each) => `${each.label}: ${page.number(each.count)} (${page.share(each.share)})`;
  let turn = 0;
  const slices = sources.map((each) => {
    const from = turn;
    turn += each.count / figures.total;
    const path = make('svg:path', { class: each.code === undefined ? 'paint' : 'paint mark', d: slice(from, turn), fill: each.color,
      onclick: each.code === undefined ? () => {} : () => page.toggle('source', each.code) });
    path.append(make('svg:title', {}, wording(each)));
    return path;
  });
  const total = make('svg:text', { x: 100, y: 108, 'text-anchor': 'middle', 'font-size': 24, 'font-weight': 600, direction: 'ltr' }, page.number(figures.total));
  const legend = sources.map((each) => {
    const swatch = make('svg:svg', { class: 'swatch', viewBox: '0 0 1 1', 'aria-hidden': 'true' }, make('svg:rect', { width: 1, height: 1, fill: each.color }));
    const parts = [swatch, bdi(each.label), ` ${page.number(each.count)} (${page.share(each.share)})`];
    return make('li', {}, each.code === undefined
      ? make('span', {}, ...parts)
      : make('button', { type: 'button', onclick: () => page.toggle('source', each.code), 'aria-pressed': String(page.state.source.includes(each.code)) }, ...parts));
  });
  return make('div', { class: 'ring' },
    make('svg:svg', { class: 'chart', viewBox: '0 0 200 200', role: 'img', 'aria-label': `${_("Share of each source")}: ${sources.map(wording).join(', ')}` }, ...slices, total),
    make('ul', { class: 'legend' }, ...legend));
}

// The days of the selection as buckets of the asked frequency: { label, first, last, count, loaded }.
function buckets(page, figures, rows) {
  const { facts } = page;
  const [first, last] = dayRange(facts, page.state);
  const days = facts.days.slice(first, last + 1).map((day, at) => ({ ...day, count: figures.byDay[first + at] }));
  const every = frequency(page, days.length);
  if (every === 'hour') return hours(page, days, first, rows);
  const key = { day: (date) => date, week: monday, month: (date) => date.slice(0, 7) }[every];
  const found = new Map();
  for (const day of days) {
    const bucket = found.get(key(day.date)) ?? { first: day.date, count: 0, loaded: true };
    found.set(key(day.date), { ...bucket, last: day.date, count: bucket.count + day.count, loaded: bucket.loaded && day.loaded });
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

function monday(date) {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
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

function drawTrend(page, found, width) {
  const height = 190, left = 46, floor = height - 24, room = floor - 14;
  const most = Math.max(1, ...found.map((each) => each.count));
  const step = (width - left - 4) / found.length, gap = Math.min(step * 0.2, 10);
  const every = Math.ceil(found.length / Math.max(2, Math.floor(width / 90)));
  const lines = niceSteps(most).map((value) => {
    const y = floor - (value / most) * room;
    return [make('svg:line', { class: 'grid', x1: left, x2: width, y1: y, y2: y }),
      make('svg:text', { class: 'quiet', x: left - 6, y: y + 4, 'text-anchor': 'end', direction: 'ltr' }, page.number(value))];
  });
  const hatch = make('svg:pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    make('svg:line', { x1: 0, x2: 0, y1: 0, y2: 6, stroke: '#8c96a0', 'stroke-width': 3 }));
  return make('svg:svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': _("Over time") },
    make('svg:defs', {}, hatch), ...lines.flat(),
    ...found.map((each, at) => {
      const x = left + at * step, high = (each.count / most) * room;
      const shown = each.loaded || each.count ? page.number(each.count) : _("not loaded");
      const bar = each.loaded || each.count
        ? make('svg:rect', { x: x + gap / 2, y: floor - high, width: Math.max(0.5, Math.min(step - gap, 60)), height: high, fill: 'var(--bar)' })
        : make('svg:rect', { class: 'unloaded', x, y: floor - room, width: Math.max(0.5, step), height: room });
      const area = make('svg:rect', { x, y: floor - room, width: step, height: room, fill: 'transparent' });
      return mark(`${each.long}: ${shown}`, () => page.set({ from: each.first, to: each.last }), area, bar);
    }),
    ...found.map((each, at) => at % every ? null
      : make('svg:text', { class: 'quiet', x: left + at * step + Math.min(step, 60) / 2, y: height - 6, 'text-anchor': at ? 'middle' : 'start', direction: 'ltr' }, each.label)));
}

// Round numbers up to the largest, at most five.
function niceSteps(most) {
  const raw = most / 4, unit = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].find((each) => each * unit >= raw) * unit);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_none, at) => at * step);
}

function trendTable(page, found) {
  return make('details', {}, make('summary', {}, _("Figures")),
    make('table', {}, make('thead', {}, page.headings([_("Period"), _("Assignments")])),
      make('tbody', {}, ...found.map((each) => make('tr', {}, make('th', { scope: 'row' }, each.long),
        page.figure(each.loaded || each.count ? page.number(each.count) : _("not loaded")))))));
}

const shade = (count, most) => (count ? Math.ceil((count * 8) / most) : 0);

function drawHeatMap(page, figures) {
  const most = Math.max(...figures.byWeekHour);
  const row = (name, day) => make('tr', {}, make('th', { scope: 'row' }, name), ...Array.from({ length: 24 }, (_none, hour) => {
    const count = figures.byWeekHour[day * 24 + hour];
    return make('td', { class: `h${shade(count, most)}` }, count ? String(count) : '');
  }));
  return make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': _("Hours of the week") }, make('table', { class: 'heat' },
    make('caption', { class: 'unseen' }, _("Assignments per weekday and hour of the clock")),
    make('thead', {}, make('tr', {}, ...[_("Day"), ...Array(24).keys()].map((name) => make('th', { scope: 'col' }, String(name))))),
    make('tbody', {}, ...page.facts.weekdays.map(row))));
}

function drawHandOffs(page, rows) {
  const { log, who, facts } = page;
  const size = facts.handOffs.length + 2; // the people, the others, nobody
  const place = Int32Array.from(who.keys, (key) => (facts.handOffs.includes(key) ? facts.handOffs.indexOf(key) : size - 2));
  const counts = new Int32Array(size * size);
  const at = (pair) => (who.ofPair[pair + 1] === NONE ? size - 1 : place[who.ofPair[pair + 1]]);
  const placeOf = Int32Array.from({ length: log.people.ids.length + 1 }, (_none, pair) => at(pair - 1));
  for (let row = 0; row < rows.length; row++) counts[placeOf[log.previous[rows[row]] + 1] * size + placeOf[log.assignee[rows[row]] + 1]]++;
  const most = Math.max(...counts);
  const hasOthers = counts.some((each, cell) => each && (cell % size === size - 2 || Math.floor(cell / size) === size - 2));
  const shown = Array.from({ length: size }, (_none, each) => each).filter((each) => each !== size - 2 || hasOthers);
  const names = [...facts.handOffNames, _("Others")];
  return make('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': _("Who hands over to whom") }, make('table', { class: 'matrix' },
    make('caption', { class: 'unseen' }, _("Assignments from each person (rows) to each person (columns)")),
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, `${_("From")} ${page.arrow} ${_("to")}`),
      ...shown.map((each) => make('th', { scope: 'col' }, bdi([...names, _("Unassigned")][each]))))),
    make('tbody', {}, ...shown.map((from) => make('tr', {}, make('th', { scope: 'row' }, bdi([...names, _("Nobody")][from])),
      ...shown.map((to) => {
        const count = counts[from * size + to];
        return make('td', { class: `h${shade(count, most)}` }, count ? page.number(count) : '');
      }))))));
}
