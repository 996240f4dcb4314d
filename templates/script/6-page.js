// The page: unpacks the events, then redraws what follows the filters whenever the address's fragment changes.

const facts = JSON.parse(document.getElementById('facts').textContent);

// A message of the page's language; %(name)s are replaced by values.
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
const _ = (text, values = {}) => fill(facts.words[text], values);

// A short text that has several meanings, in its context.
const pgettext = (context, text) => facts.words[`${context}|${text}`];

const formats = {
  locale: `${facts.language}-u-nu-latn`,
  number: new Intl.NumberFormat(`${facts.language}-u-nu-latn`, { useGrouping: 'always' }),
  plural: new Intl.PluralRules(facts.language),
};

// The message for a number, which chooses the plural form and fills %(count)s.
function ngettext(one, _many, count, values = {}) {
  const form = facts.pluralIndexes[formats.plural.select(count)];
  return fill(facts.words[one][form], { count: formats.number.format(count), ...values });
}

const FIXED = ['findings', 'comparison', 'chains', 'assignees', 'proof', 'quality']; // of the whole report only

function makePage(log) {
  const { locale, number } = formats;
  const percent = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const dated = (options) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
    return (date) => format.format(new Date(`${date}T00:00:00Z`));
  };
  return {
    facts,
    log,
    who: log.who,
    state: emptyState(),
    ranks: {},
    options: {},
    arrow: document.documentElement.dir === 'rtl' ? '←' : '→',
    number: (value) => number.format(value),
    share: (value) => (value === null ? '-' : percent.format(value / 100)),
    day: dated({ weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' }),
    shortDay: dated({ month: 'short', day: 'numeric' }),
    month: dated({ year: 'numeric', month: 'short' }),
    figure: (text) => make('td', { class: 'figure' }, text),
    headings: ([name, ...figures]) => make('tr', {}, make('th', { scope: 'col' }, name),
      ...figures.map((each) => make('th', { scope: 'col', class: 'figure' }, each))),
    set(changes) {
      const next = { ...this.state, ...changes };
      const [first, last] = [facts.days[0]?.date, facts.days.at(-1)?.date];
      if (next.from === first) next.from = '';
      if (next.to === last) next.to = '';
      const fragment = writeState(next);
      if (fragment !== writeState(this.state)) {
        if (fragment) location.hash = fragment;
        else { history.pushState(null, '', location.pathname + location.search); this.update(); }
      }
    },
    toggle(field, value) {
      const values = this.state[field];
      this.set({ [field]: values.includes(value) ? values.filter((each) => each !== value) : [...values, value] });
    },
    chain(conversation) {
      this.table?.sortByTime();
      this.set({ ...emptyState(), conversation: [conversation] });
    },
  };
}

function body(component) {
  return document.querySelector(`#${component} > .body`);
}

// Shows what is drawn, or the message of the component's state; `draw` gives the nodes.
function show(component, state, draw) {
  const place = body(component);
  if (!place) return;
  place.classList.add('live');
  if (state === 'shown') place.replaceChildren(...draw(Math.max(280, place.clientWidth)));
  else place.replaceChildren(make('p', { class: 'message' }, message(state)));
}

function message(state) {
  return state === 'no_data' ? _("The selected filter(s) have no applicable data") : _("The selected filter(s) are not applicable here");
}

// What is counted for the whole report only steps aside while a part of it is shown.
function setAside(component, isCut) {
  const place = body(component);
  if (!place || facts.states[component] !== 'shown') return;
  place.hidden = isCut;
  place.parentElement.querySelector(':scope > .aside')?.remove();
  if (isCut) place.after(make('p', { class: 'message aside' }, message('not_applicable')));
}

const FOCUSABLE = 'a[href], button, input, select, summary, [tabindex]';

// Draws; the focus stays at its place in a component that is drawn anew, so that a keyboard goes on from there.
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
  performance.mark('asked');
  const rows = select(log, facts, state);
  const figures = count(log, facts, rows);
  performance.measure('answered', 'asked');
  const found = (component) => (isCut(state) && !rows.length ? 'no_data' : facts.states[component]);
  const empty = () => [make('p', { class: 'message' }, _("No assignments in this period."))];
  show('metric', found('metric'), () => [drawMetric(page, figures)]);
  show('bar_chart', found('bar_chart'), (width) => (rows.length ? [drawBars(page, figures, width)] : empty()));
  show('pie_chart', found('pie_chart'), () => (rows.length ? [drawRing(page, figures)] : empty()));
  show('trend', found('trend'), (width) => {
    const parts = buckets(page, figures, rows);
    return [drawTrend(page, parts, width), trendTable(page, parts)];
  });
  show('heat_map', found('heat_map'), () => [drawHeatMap(page, figures)]);
  show('hand_offs', found('hand_offs'), () => [drawHandOffs(page, rows)]);
  show('log', found('log'), () => [page.note, page.table.element]);
  if (isNew && found('log') === 'shown') page.table.show(rows);
  for (const component of FIXED) setAside(component, isCut(state));
  page.bar.refresh(rows.length);
}

async function start() {
  const log = unpack(await inflate(document.getElementById('events').textContent), facts);
  const page = makePage(log);
  page.note = body('log').querySelector('.files') ?? '';
  page.table = logTable(page);
  page.bar = filterBar(page);
  const isState = () => location.hash.includes('=') || location.hash.length < 2;
  page.update = () => {
    if (!isState()) return;
    page.state = readState(location.hash, facts);
    keepingFocus(() => redraw(page));
  };
  // A link of the page to some rows leads to them; the filter bar leaves the reader where they are.
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link?.getAttribute('href').includes('=')) setTimeout(() => document.getElementById('log').scrollIntoView());
  });
  addEventListener('hashchange', page.update);
  let width = innerWidth;
  addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; keepingFocus(() => redraw(page, false)); } });
  page.state = isState() ? readState(location.hash, facts) : page.state;
  redraw(page);
  document.documentElement.dataset.ready = 'true';
  // The first look at each text costs the most: take it before the reader asks.
  setTimeout(() => tests(log, facts, Object.fromEntries(FILTERS.map((name) => [name, [' ']]))));
}

start();
