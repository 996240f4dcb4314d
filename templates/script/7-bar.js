// The filter bar: dates and frequency, the active filters as chips, and the picker that adds them.

const LISTED = 30;

// What can be chosen in a filter, the most frequent first: { value, label, note }.
function options(page, field) {
  const { log, facts, who } = page, start = rowAt(log, facts.days[0] ? facts.days.find((day) => day.date === facts.firstDay).start : 0);
  const tally = (codes, size) => {
    const found = new Int32Array(size + 1);
    for (let row = start; row < log.rows; row++) found[codes[row] + 1]++;
    return found;
  };
  const people = (codes, none, { keys, labels, ofPair } = who) => {
    const counts = tally(codes, log.people.ids.length), found = new Int32Array(keys.length);
    log.people.ids.forEach((_id, pair) => { found[ofPair[pair + 1]] += counts[pair + 1]; });
    const nobody = none && counts[0] ? [{ value: UNASSIGNED, label: _("Unassigned"), count: counts[0] }] : [];
    return [...nobody, ...keys.map((value, at) => ({ value, label: labels[at], count: found[at] })).filter((each) => each.count)];
  };
  const weekHours = () => {
    const found = new Int32Array(168);
    for (let row = start; row < log.rows; row++) found[log.weekHour[row]]++;
    return Array.from(found, (count, at) => ({ value: `${Math.floor(at / 24)}-${at % 24}`, label: hourName(page, `${Math.floor(at / 24)}-${at % 24}`), count }))
      .filter((each) => each.count);
  };
  const build = {
    previous: () => people(log.previous, true),
    hour: weekHours,
    source: () => {
      const counts = tally(log.source, facts.layout.sources.length);
      return facts.sources.map((each) => ({ value: each.code, label: each.label, count: counts[facts.layout.sources.indexOf(each.code) + 1] }));
    },
    assigned_to: () => people(log.assignee, true),
    team: () => people(log.assignee, false, log.byTeam.who).map((each) => ({ ...each, label: teamName(each.label) })),
    assigned_by: () => people(log.assignedBy, false),
    contact: () => {
      const counts = tally(log.contact, log.contacts.ids.length), found = new Map();
      log.contacts.ids.forEach((id, pair) => {
        const value = id ?? log.contacts.names[pair];
        const known = found.get(value);
        found.set(value, { value, label: log.contacts.labels[pair], note: id, count: (known?.count ?? 0) + counts[pair + 1] });
      });
      return [...found.values()];
    },
    conversation: () => {
      const counts = tally(log.conversation, log.conversations.length);
      return log.conversations.map((value, at) => ({ value, label: value, count: counts[at + 1] }));
    },
  };
  page.options[field] ??= build[field]().filter((each) => each.count).sort((a, b) => b.count - a.count);
  return page.options[field];
}

function filterBar(page) {
  const { facts } = page;
  const names = { source: _("Source"), assigned_to: _("Assigned To"), team: _("Team"), assigned_by: _("Assigned By User"), contact: _("Contact"), conversation: _("Conversation ID"),
    previous: _("Previous Assignee"), hour: _("Day and hour") };
  const frequencies = { '': _("Auto"), hour: _("Hour"), day: _("Day"), week: _("Week"), month: _("Month") };
  const [firstDay, lastDay] = [facts.firstDay, facts.days.at(-1)?.date];
  const labels = Object.fromEntries(FILTERS.map((field) => [field, new Map()]));

  const preset = make('select', { id: 'dates', onchange: () => {
    const chosen = facts.presets.find((each) => each.name === preset.value);
    if (chosen) page.set({ preset: chosen.name, from: chosen.from, to: chosen.to });
    else if (preset.value === '') page.set({ preset: '', from: firstDay, to: lastDay });
  } }, make('option', { value: '' }, facts.explorer || !facts.periodName ? `${page.shortDay(firstDay)} – ${page.shortDay(lastDay)}` : facts.periodName),
    ...facts.presets.map((each) => make('option', { value: each.name }, each.label)),
    make('option', { value: 'custom' }, _("Custom range")));
  const problem = make('p', { class: 'problem', role: 'alert', hidden: true });
  const day = (id, act) => make('input', { id, type: 'date', min: firstDay, max: lastDay, required: true, onchange: (event) => {
    const isKnown = isChoosable(facts, event.target.value);
    problem.hidden = isKnown;
    problem.textContent = isKnown ? '' : _("Choose a day from %(first)s to %(last)s.", { first: page.day(firstDay), last: page.day(lastDay) });
    event.target.setAttribute('aria-invalid', String(!isKnown));
    if (isKnown) act(event.target.value);
  } });
  const from = day('from', (value) => page.set({ from: value, to: page.state.to && page.state.to < value ? value : page.state.to }));
  const to = day('to', (value) => page.set({ to: value, from: page.state.from > value ? value : page.state.from }));
  const every = make('select', { id: 'every', onchange: () => page.set({ every: every.value }) },
    ...Object.entries(frequencies).map(([value, label]) => make('option', { value }, label)));

  const field = make('select', { id: 'field', 'aria-label': _("Filter"), onchange: () => { search.value = ''; list(); } },
    ...FILTERS.filter((each) => each !== 'team' || page.log.byTeam).map((each) => make('option', { value: each }, names[each])));
  const search = make('input', { id: 'search', type: 'search', 'aria-label': _("Search"), placeholder: _("Search"), autocomplete: 'off', oninput: () => list() });
  const choices = make('fieldset', {});
  const panel = make('div', { id: 'picker', hidden: true }, field, search, choices);
  const add = make('button', { type: 'button', id: 'add', 'aria-expanded': 'false', 'aria-controls': 'picker', onclick: () => open(panel.hidden) }, `+ ${_("Add filter")}`);
  const picker = make('div', { class: 'picker', onkeydown: (event) => { if (event.key === 'Escape') { open(false); add.focus(); } } }, add, panel);
  const clear = make('button', { type: 'button', id: 'clear', onclick: () => { page.set(page.cleared()); add.focus(); } }, _("Clear all"));
  const status = make('span', { class: 'status', role: 'status' });
  const chips = make('div', { class: 'row', id: 'chips' });

  function open(isOpen) {
    panel.hidden = !isOpen;
    add.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) { list(); search.focus(); }
  }

  function list() {
    const text = search.value.trim(), part = foldAccents(text);
    const matching = [];
    for (const each of options(page, field.value)) {
      if (matching.length > LISTED) break;
      if (!part || foldAccents(each.label).includes(part) || foldAccents(each.value).includes(part)) matching.push(each);
    }
    const contains = field.value === 'contact' && text ? [{ value: text, label: _("Name contains “%(text)s”", { text }) }] : [];
    const rows = [...contains, ...matching.slice(0, LISTED)].map((each) => {
      labels[field.value].set(each.value, each.label);
      const box = make('input', { type: 'checkbox', value: each.value, onchange: () => page.toggle(field.value, each.value) });
      box.checked = page.state[field.value].includes(each.value);
      const note = [each.note && each.note !== each.label ? each.note : '', each.count === undefined ? '' : page.number(each.count)];
      return make('label', {}, box, bdi(each.label), make('small', {}, note.filter(Boolean).join(' · ')));
    });
    const more = matching.length > LISTED ? _("Enter a search term to find more.") : rows.length ? '' : _("No matches.");
    choices.replaceChildren(make('legend', { class: 'unseen' }, names[field.value]), ...rows, more ? make('p', { class: 'note' }, more) : '');
  }

  function labelOf(name, value) {
    if (name === 'contact' && !labels.contact.has(value) && !page.log.contacts.ids.includes(value)) return _("Name contains “%(text)s”", { text: value });
    return labels[name].get(value) ?? options(page, name).find((each) => each.value === value)?.label ?? value;
  }

  function chip(name, value) {
    const text = `${names[name]}: ${labelOf(name, value)}`;
    return make('span', { class: 'filter-chip' }, bdi(text),
      make('button', { type: 'button', 'aria-label': _("Remove %(filter)s", { filter: text }), onclick: () => { page.toggle(name, value); add.focus(); } }, '×'));
  }

  function refresh(rows) {
    const { state } = page;
    const range = `${state.from || firstDay} ${state.to || lastDay}`;
    problem.hidden = true;
    const isWhole = range === `${firstDay} ${lastDay}`;
    preset.value = state.preset || (isWhole ? '' : 'custom');
    from.value = state.from || firstDay;
    to.value = state.to || lastDay;
    every.value = state.every;
    const [first, last] = dayRange(facts, state);
    every.querySelector('[value=hour]').disabled = last - first >= FEW_DAYS;
    const active = FILTERS.flatMap((name) => state[name].map((value) => chip(name, value)));
    chips.replaceChildren(...active);
    chips.hidden = !active.length;
    clear.disabled = writeState(page.cleared()) === writeState(state);
    for (const box of choices.querySelectorAll('input')) box.checked = state[field.value].includes(box.value);
    status.textContent = rows === undefined ? '' : ngettext("%(count)s assignment", "%(count)s assignments", rows);
  }

  const element = document.getElementById('filters');
  element.append(make('div', { class: 'row' },
    make('label', {}, _("Dates"), preset), make('label', {}, pgettext("date", "From"), from), make('label', {}, pgettext("date", "To"), to),
    make('label', {}, _("Group by"), every), picker, clear, status), problem, chips);
  element.hidden = false;
  document.addEventListener('click', (event) => { if (!panel.hidden && !event.composedPath().includes(picker)) open(false); });
  return { refresh };
}
