// The page: unpacks the events, then redraws what follows the filters whenever the address's fragment changes.

const facts = JSON.parse(document.getElementById('facts').textContent);

// A message of the page's language; %(name)s are replaced by values.
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
const _ = (text, values = {}) => fill(facts.words[text], values);

// A short text that has several meanings, in its context.
const pgettext = (context, text) => facts.words[`${context}|${text}`];

const formats = {
  locale: `${facts.locale}-u-nu-latn`,
  number: new Intl.NumberFormat(`${facts.locale}-u-nu-latn`, { useGrouping: 'always' }),
  plural: new Intl.PluralRules(facts.locale),
};

// The message for a number, which chooses the plural form and fills %(count)s.
function ngettext(one, _many, count, values = {}) {
  const form = facts.pluralIndexes[formats.plural.select(count)];
  return fill(facts.words[one][form], { count: formats.number.format(count), ...values });
}

// What is counted for the whole report only, and steps aside while a part of it is shown.
const WHOLE_ONLY = facts.explorer ? [] : [...OF_OPENINGS, 'proof', 'quality', ...(facts.states.bar_chart === 'off' ? ['comparison'] : [])];
const DRAWN = ['metric', 'findings', 'bar_chart', 'pie_chart', 'trend', 'heat_map', 'chains', 'hand_offs', 'teams', 'log', ...(facts.explorer ? [...OF_OPENINGS, 'quality'] : [])];

function makePage(log) {
  const { locale, number } = formats;
  const percent = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const tenths = new Intl.NumberFormat(locale, { useGrouping: 'always', minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const decimal = new Intl.NumberFormat(locale, { useGrouping: 'always', maximumFractionDigits: 3 });
  const order = new Map(facts.sources.map((each, at) => [each.code, at]));
  const dated = (options) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
    return (date) => format.format(new Date(`${date}T00:00:00Z`));
  };
  const isRightToLeft = document.documentElement.dir === 'rtl';
  const withPlus = (value, text) => `${isRightToLeft ? '\u200e' : ''}${value > 0 ? '+' : ''}${text}`;
  const share = (value) => (value === null ? '-' : percent.format(value / 100));
  return {
    facts,
    log,
    who: log.who,
    state: emptyState(),
    ranks: {},
    options: {},
    isRightToLeft,
    arrow: isRightToLeft ? '←' : '→',
    number: (value) => number.format(value),
    decimal: (value) => decimal.format(value),
    tenths: (value) => tenths.format(value),
    share,
    signed: (value) => withPlus(value, decimal.format(value)),
    change: (value) => withPlus(value, share(value)),
    sourceOrder: (code) => order.get(code),
    day: dated({ weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' }),
    shortDay: dated({ month: 'short', day: 'numeric' }),
    month: dated({ year: 'numeric', month: 'short' }),
    figure: (text) => make('td', { class: 'figure' }, text),
    headings: ([name, ...figures]) => make('tr', {}, make('th', { scope: 'col' }, name),
      ...figures.map((each) => make('th', { scope: 'col', class: 'figure' }, each))),
    // The state without any filter: an explorer opens with its last seven days.
    cleared: () => ({ ...emptyState(), ...firstRange() }),
    set(changes) {
      const isByHand = ('from' in changes || 'to' in changes) && !('preset' in changes);
      const next = { ...this.state, ...changes, ...(isByHand ? { preset: '' } : {}) };
      shortenState(next, facts);
      const fragment = writeState(next);
      if (fragment !== writeState(this.state)) {
        if (fragment) location.hash = fragment;
        else { history.pushState(null, '', location.pathname + location.search); this.update(); }
      }
    },
    // Remembers what changes no figure in the address, without a step in the reader's history.
    keep(changes) {
      this.state = { ...this.state, ...changes };
      history.replaceState(null, '', `${location.pathname}${location.search}#${writeState(this.state)}`);
    },
    toggle(field, value) {
      const values = this.state[field];
      this.set({ [field]: values.includes(value) ? values.filter((each) => each !== value) : [...values, value] });
    },
    chain(conversation) {
      this.table?.sortByTime();
      const { preset, from, to } = facts.explorer ? this.state : emptyState();
      this.set({ ...emptyState(), preset, from, to, conversation: [conversation] });
    },
  };
}

function firstRange() {
  const week = facts.explorer && facts.presets.find((each) => each.name === 'last_7_days');
  return week ? { preset: week.name, from: week.from, to: week.to } : {};
}

const body = (component) => document.querySelector(`#${component} > .body`);

// Shows what is drawn, or the message of the component's state; `draw` gives the nodes.
function show(component, state, draw) {
  const place = body(component);
  if (!place) return;
  place.classList.add('live');
  if (state === 'shown') place.replaceChildren(...draw(Math.max(280, place.clientWidth)));
  else place.replaceChildren(make('p', { class: 'message' }, state === 'no_data' ? _("The selected filter(s) have no applicable data") : ''));
}

function hide(names) {
  for (const component of [...DRAWN, ...WHOLE_ONLY]) {
    const place = document.getElementById(component);
    if (place) place.hidden = names.includes(component);
  }
}

// Names in one line the components that cannot follow the filters, and takes them away.
function setAside(names) {
  hide(names);
  const present = names.filter((component) => document.getElementById(component) && facts.states[component] === 'shown');
  const line = document.getElementById('set-aside'), list = present.map((name) => facts.titles[name]).join(pgettext("list separator", ", "));
  line.hidden = !present.length;
  line.textContent = present.length ? _("The selected filter(s) are not applicable here: %(components)s.", { components: list }) : '';
}

const FOCUSABLE = 'a[href], button, input, select, summary, [tabindex]';

// Draws; the focus stays at its place in a component that is drawn again, so that a keyboard goes on from there.
function keepingFocus(draw) {
  const focused = document.activeElement, place = focused?.closest('.live');
  const at = place ? [...place.querySelectorAll(FOCUSABLE)].indexOf(focused) : NONE;
  draw();
  if (at === NONE || document.activeElement === focused) return;
  const left = place.querySelectorAll(FOCUSABLE);
  left[Math.min(at, left.length - 1)]?.focus({ preventScroll: true });
}

function redraw(page, isNew = true) {
  const { log, state } = page;
  if (isNew) {
    performance.mark('asked');
    page.counted = countAll(log, facts, state);
    page.notes = notesIn(facts, page.counted.range);
    page.hasFractions = log.perSecond > 1 && page.counted.rows.some((row) => log.time[row] % log.perSecond);
    performance.measure('answered', 'asked');
  }
  const { counted } = page, { rows } = counted, isWhole = !facts.explorer && !isCut(state);
  if (facts.explorer) showPeriod(page, counted);
  if (page.hasNoData) {
    showNoData(page);
    return;
  }
  const hasRows = rows.length > 0, isEmpty = !hasRows && (isCut(state) || Boolean(facts.explorer));
  const found = (component) => (isEmpty && isFiltered(state) ? 'no_data' : facts.states[component]);
  const empty = () => [make('p', { class: 'message' }, _("No assignments in this period."))];
  const reasons = facts.explorer ? page.reasons : [];
  // What no filter has changed stays as the report has it: it knows the previous period.
  const original = (component) => { if (isWhole) body(component)?.replaceChildren(...page.originals[component]); return isWhole; };
  if (!original('metric')) show('metric', found('metric'), () => [drawKeyFigures(page, counted), ...drawGoals(page, counted)]);
  if (!original('findings')) show('findings', found('findings'), () => [drawFindings(page, findFindings(page, counted, reasons.length > 0))]);
  show('bar_chart', found('bar_chart'), () => (hasRows || counted.comparison?.total ? [drawSources(page, isWhole ? page.whole(counted) : counted)] : empty())
    .concat(isWhole ? page.originals.comparison : make('div', { id: 'comparison' }, ...drawComparison(page, counted))));
  show('pie_chart', found('pie_chart'), () => (hasRows ? [drawRing(page, counted)] : empty()));
  show('trend', found('trend'), (width) => {
    const parts = buckets(page, isWhole ? page.whole(counted) : counted);
    const hasPrevious = parts.some((each) => each.before !== undefined), goals = goalLines(page, counted);
    return [drawTrend(page, parts, goals, width), ...(hasPrevious || goals.length ? [trendKey(page, hasPrevious, goals)] : []), listNotes(page), trendTable(page, parts)];
  });
  show('heat_map', found('heat_map'), () => (hasRows ? [drawHeatMap(page, counted)] : empty()));
  if (!original('chains') && counted.chains) show('chains', found('chains'), () => drawChains(page, counted));
  if (facts.states.hand_offs === 'shown') show('hand_offs', found('hand_offs'), () => (hasRows ? [drawHandOffs(page, isWhole ? page.whole(counted) : counted)] : empty()));
  if (facts.states.teams === 'shown' && !original('teams')) show('teams', found('teams'), () => (hasRows ? drawTeams(page, counted) : empty()));
  if (facts.explorer && counted.balances) show('assignees', found('assignees'), () => drawBalances(page, counted));
  if (facts.explorer && counted.ownership && facts.states.ownership !== 'off') show('ownership', found('ownership'), (width) => drawOwnership(page, counted, width));
  if (facts.explorer && counted.people && facts.states.people !== 'off') show('people', found('people'), () => drawPeople(page, counted));
  if (facts.explorer) show('quality', found('quality'), () => [drawQuality(page, counted.range)]);
  show('log', found('log'), () => [page.note, page.table.element]);
  if (isNew && found('log') === 'shown') page.table.show(rows);
  const unfilteredOnly = facts.explorer && isFiltered(state) ? [...OF_OPENINGS, 'quality'] : [];
  setAside([...(counted.chains || isWhole ? [] : ['chains']), ...(isWhole ? [] : WHOLE_ONLY), ...unfilteredOnly]);
  page.bar.refresh(rows.length);
}

// A range that is provisional and has no accepted event: a 0 would be wrong.
function showNoData(page) {
  setAside([]);
  hide(DRAWN.filter((each) => each !== 'metric' && each !== 'quality'));
  show('metric', 'shown', () => [make('p', { class: 'no-data' }, make('strong', {}, _("No data")))]);
  show('quality', facts.states.quality, () => [drawQuality(page, page.counted.range)]);
  page.bar.refresh();
}

// The head of an explorer says which days are shown, up to when, and why they may still change.
function showPeriod(page, counted) {
  const [first, last] = counted.range, { days } = facts;
  const text = first === last ? page.day(days[first].date) : `${page.day(days[first].date)} – ${page.day(days[last].date)}`;
  const { wall } = clock(page.log, facts, facts.asOf * page.log.perSecond);
  const isRunning = facts.asOf < endOf(facts, last);
  document.querySelector('.period').textContent = isRunning ? _("%(period)s until %(day)s, %(time)s",
    { period: text, day: page.shortDay(wall.slice(0, 10)), time: wall.slice(11, 16) }) : text;
  page.reasons = findReasons(page, counted);
  page.hasNoData = page.reasons.length > 0 && !facts.explorer.accepted.slice(first, last + 1).some(Boolean);
  const banner = document.querySelector('.provisional') ?? make('div', { class: 'provisional', role: 'note' });
  if (!banner.isConnected) document.querySelector('header').append(banner);
  banner.hidden = !page.reasons.length;
  banner.replaceChildren(make('strong', {}, _("Provisional.")), ...page.reasons.map((reason) => make('span', {}, ` ${reason}`)));
}

async function start() {
  const log = unpack(await inflate(document.getElementById('events').textContent), facts);
  const page = makePage(log);
  page.note = body('log').querySelector('.files') ?? '';
  page.table = logTable(page);
  page.bar = filterBar(page);
  page.originals = Object.fromEntries(['metric', 'findings', 'chains', 'teams'].map((name) => [name, [...(body(name)?.childNodes ?? [])]]));
  page.originals.comparison = document.getElementById('comparison') ?? '';
  // What the server knows of the whole report and the page cannot count: the previous period, and persons before it.
  page.whole = (counted) => ({ ...counted, comparison: facts.comparison, persons: { ...counted.persons, labels: log.who.labels } });
  const isState = () => location.hash.includes('=') || location.hash.length < 2;
  const read = () => (location.hash.length < 2 ? page.cleared() : readState(location.hash, facts));
  page.update = () => {
    if (!isState()) return;
    page.state = read();
    keepingFocus(() => redraw(page));
  };
  // A link of the page to some rows leads to them; the filter bar leaves the reader where they are.
  document.addEventListener('click', (event) => {
    const address = event.target.closest('a[href^="#"]')?.getAttribute('href');
    if (address?.includes('=')) setTimeout(() => document.getElementById('log').scrollIntoView());
    else if (address) goTo(event, address.slice(1));
  });
  addEventListener('hashchange', page.update);
  let width = innerWidth;
  addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; keepingFocus(() => redraw(page, false)); } });
  page.state = isState() ? read() : page.cleared();
  document.querySelectorAll('table.sortable').forEach((table) => makeSortable(page, table));
  redraw(page);
  if (location.hash.length > 1 && !isState()) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  followSections();
  showTips();
  // The links to other reports lead on from the archive only, not from a file that was mailed.
  document.querySelector('.presets').hidden = !/\/v\d+\/[^/]+$/.test(location.pathname);
  document.documentElement.dataset.ready = 'true';
  // The first look at each text costs the most: take it before the reader asks.
  setTimeout(() => tests(log, facts, Object.fromEntries(FILTERS.map((name) => [name, [' ']]))));
}

// Leads to a section; the address keeps the filters.
function goTo(event, id) {
  const section = document.getElementById(id);
  if (!section) return;
  event.preventDefault();
  section.scrollIntoView();
  section.tabIndex = -1;
  section.focus({ preventScroll: true });
}

// What a mark stands for, beside it: for a mouse, a finger and the keyboard alike.
function showTips() {
  const tip = make('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });
  document.body.append(tip);
  const follow = (event) => {
    const shown = event.target.closest?.('[data-tip]');
    tip.hidden = !shown;
    if (!shown) return;
    tip.textContent = shown.getAttribute('data-tip');
    const box = shown.getBoundingClientRect(), middle = box.left + box.width / 2 - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(4, Math.min(middle, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${box.top > 40 ? box.top - tip.offsetHeight - 6 : box.bottom + 6}px`;
  };
  for (const type of ['pointerover', 'pointerdown', 'focusin']) document.addEventListener(type, follow);
  for (const type of ['focusout', 'scroll']) document.addEventListener(type, () => { tip.hidden = true; });
}

// Marks in the list of sections the one that is read.
function followSections() {
  const links = new Map([...document.querySelectorAll('#sections a')].map((link) => [document.querySelector(link.getAttribute('href')), link]));
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      for (const link of links.values()) link.removeAttribute('aria-current');
      links.get(entry.target)?.setAttribute('aria-current', 'true');
    }
  }, { rootMargin: '-20% 0px -70%' });
  for (const section of links.keys()) if (section) observer.observe(section);
}

start();
