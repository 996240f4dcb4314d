// Key findings by the rules of assets/report/findings.py, in the sentences of assets/render/findings.py.

const MIN_EVENTS = 30, MIN_CHANGE_PCT = 10, MIN_SHIFT_POINTS = 5, MIN_GONE_PCT = 5, MIN_SHARE_PCT = 40, MIN_BOUNCED = 4, MAX_SOURCES = 3, SLOW = 2;

// The findings of what was counted: { text, set } or { text, anchor }; `set` is the change of the state that shows its rows.
function findFindings(page, counted, isProvisional) {
  const found = [...changes(page, counted, isProvisional), ...topSource(page, counted)];
  if (counted.total >= MIN_EVENTS) found.push(...busyTimes(page, counted), ...peopleFindings(page, counted));
  return [...found, ...holdingFindings(page, counted), ...chainFindings(page, counted)];
}

function changes(page, counted, isProvisional) {
  const { comparison } = counted;
  if (isProvisional || !comparison?.total || comparison.notes.some((note) => note !== 'lengths_differ')) return [];
  const found = [...changeOfTotal(page, counted), ...shift(page, counted)];
  for (const each of comparison.sources.filter((source) => !source.before).slice(0, MAX_SOURCES)) {
    found.push({ set: { source: [each.code] }, text: ngettext("New source: %(source)s, with %(count)s assignment (none in the previous period).",
      "New source: %(source)s, with %(count)s assignments (none in the previous period).", each.count, { source: limited(each.label) }) });
  }
  const gone = comparison.sources.filter((source) => !source.count && 100 * source.before >= MIN_GONE_PCT * comparison.total);
  for (const each of gone.slice(0, MAX_SOURCES)) {
    found.push({ anchor: 'comparison', text: ngettext("No assignments by %(source)s (%(count)s in the previous period).",
      "No assignments by %(source)s (%(count)s in the previous period).", each.before, { source: limited(each.label) }) });
  }
  return found;
}

function changeOfTotal(page, { comparison, total, range }) {
  const days = range[1] - range[0] + 1, daysBefore = comparison.range[1] - comparison.range[0] + 1;
  const current = total * daysBefore, previous = comparison.total * days;
  if (100 * Math.abs(current - previous) < MIN_CHANGE_PCT * previous) return [];
  const change = page.change(percentOf(current - previous, previous));
  if (days === daysBefore) {
    return [{ anchor: 'comparison', text: _("Assignments: %(now)s, %(change)s vs. previous period (%(before)s).",
      { change, now: page.number(total), before: page.number(comparison.total) }) }];
  }
  const perDay = (count, length) => page.decimal(percentOf(count, 100 * length));
  return [{ anchor: 'comparison', text: _("Assignments per day: %(now)s, %(change)s vs. previous period (%(before)s).",
    { change, now: perDay(total, days), before: perDay(comparison.total, daysBefore) }) }];
}

// The source whose share changed most; ties go to the larger count.
function shift(page, { comparison, total, sources }) {
  const size = (source) => Math.abs(source.count * comparison.total - source.before * total);
  const present = comparison.sources.filter((source) => source.count);
  if (!present.length) return [];
  const byLabel = (a, b) => page.sourceOrder(a.code) - page.sourceOrder(b.code);
  const [source] = present.slice().sort((a, b) => size(b) - size(a) || b.count - a.count || byLabel(a, b));
  if (100 * size(source) < MIN_SHIFT_POINTS * total * comparison.total) return [];
  const ordered = comparison.sources.slice().sort((a, b) => b.before - a.before || byLabel(a, b));
  const earlier = shares(ordered.map((each) => each.before))[ordered.findIndex((each) => each.code === source.code)];
  const share = sources.find((each) => each.code === source.code).share;
  return [{ set: { source: [source.code] }, text: _("The share of %(source)s changed from %(earlier_share)s to %(share)s.",
    { source: limited(source.label), share: page.share(share ?? 0), earlier_share: page.share(earlier ?? 0) }) }];
}

function topSource(page, { total, sources }) {
  if (total < MIN_EVENTS || sources.length < 2) return [];
  const [top] = sources;
  return [{ set: { source: [top.code] }, text: ngettext("%(source)s was the top source: %(count)s assignment (%(share)s).",
    "%(source)s was the top source: %(count)s assignments (%(share)s).", top.count, { source: limited(top.label), share: page.share(top.share ?? 0) }) }];
}

// The place of the largest number, or -1 where two are the largest.
function onlyLargest(numbers) {
  const most = Math.max(...numbers), at = numbers.indexOf(most);
  return numbers.indexOf(most, at + 1) === NONE ? at : NONE;
}

function busyTimes(page, { days, range, total, weekHours }) {
  const found = [];
  if (days.length < 2) return found;
  const day = onlyLargest(days);
  if (day !== NONE) {
    const { date } = page.facts.days[range[0] + day];
    found.push({ set: { from: date, to: date }, text: ngettext("The busiest day was %(day)s: %(count)s assignment (%(share)s).",
      "The busiest day was %(day)s: %(count)s assignments (%(share)s).", days[day], { day: page.day(date), share: page.share(percentOf(days[day], total)) }) });
  }
  const hour = page.facts.states.heat_map === 'off' ? NONE : onlyLargest(weekHours);
  if (hour !== NONE) {
    found.push({ anchor: 'heat_map', text: ngettext("The busiest hour was %(weekday)s, %(from)s to %(to)s: %(count)s assignment.",
      "The busiest hour was %(weekday)s, %(from)s to %(to)s: %(count)s assignments.", weekHours[hour],
      { weekday: page.facts.longWeekdays[Math.floor(hour / 24)], from: clockHour(hour % 24), to: clockHour((hour % 24) + 1) }) });
  }
  return found;
}

function peopleFindings(page, { total, handOffs, persons }) {
  if (page.facts.states.hand_offs === 'off') return [];
  const found = [], received = handOffs.cells[0].map((_none, column) => handOffs.cells.reduce((sum, row) => sum + row[column], 0));
  const { people } = handOffs;
  const [top] = [...people.keys()].sort((a, b) => received[b] - received[a] || compareText(persons.labels[people[a]], persons.labels[people[b]]) || a - b);
  if (top !== undefined && 100 * received[top] >= MIN_SHARE_PCT * total) {
    found.push({ set: { assigned_to: [page.who.keys[people[top]]] }, text: ngettext("%(assignee)s received %(count)s assignment (%(share)s).",
      "%(assignee)s received %(count)s assignments (%(share)s).", received[top],
      { assignee: limited(persons.labels[people[top]]), share: page.share(percentOf(received[top], total)) }) });
  }
  const unassigned = received.at(-1);
  if (unassigned) {
    found.push({ set: { assigned_to: [UNASSIGNED] }, text: ngettext("%(count)s assignment (%(share)s) was an unassignment.",
      "%(count)s assignments (%(share)s) were unassignments.", unassigned, { share: page.share(percentOf(unassigned, total)) }) });
  }
  return found;
}

const clockHour = (hour) => `${String(hour).padStart(2, '0')}:00`;

// The median waiting time, with the slowest hour of the week, and who holds most at the end.
function holdingFindings(page, { ownership }) {
  if (!ownership || page.facts.states.ownership === 'off') return [];
  const found = [], { unassigned, slowest, holding, assignees } = ownership, { median } = unassigned;
  if (median !== null && unassigned.endedCount >= MIN_EVENTS) {
    const isSlow = slowest?.median && slowest.median >= SLOW * median, values = { duration: duration(page, median) };
    found.push({ anchor: 'ownership', text: isSlow
      ? _("Half of the contacts that were unassigned waited more than %(duration)s; half of those unassigned on %(weekday)s between %(from)s and %(to)s waited more than %(slowest_duration)s.",
        { ...values, weekday: page.facts.longWeekdays[Math.floor(slowest.hour / 24)], from: clockHour(slowest.hour % 24), to: clockHour((slowest.hour % 24) + 1), slowest_duration: duration(page, slowest.median) })
      : _("Half of the contacts that were unassigned waited more than %(duration)s.", values) });
  }
  const [top] = assignees.slice().sort((a, b) => b.heldCount - a.heldCount || compareText(a.label, b.label)), held = holding.heldCount;
  if (top && held >= MIN_EVENTS && 100 * top.heldCount >= MIN_SHARE_PCT * held) {
    found.push({ anchor: 'ownership', text: ngettext("%(assignee)s holds %(count)s contact (%(share)s of those with an assignee).",
      "%(assignee)s holds %(count)s contacts (%(share)s of those with an assignee).", top.heldCount,
      { assignee: limited(top.label), share: page.share(percentOf(top.heldCount, held)) }) });
  }
  return found;
}

function chainFindings(page, { chains }) {
  if (!chains?.most.length || page.facts.states.chains === 'off') return [];
  const found = [], [most, next] = chains.most;
  if (most.count >= MIN_BOUNCED && most.count > (next?.count ?? 0)) {
    found.push({ set: { conversation: [most.conversation] }, text: ngettext("Conversation %(conversation)s was assigned %(count)s time, more often than any other.",
      "Conversation %(conversation)s was assigned %(count)s times, more often than any other.", most.count, { conversation: limited(most.conversation) }) });
  }
  if (chains.returns) {
    found.push({ anchor: 'chains', text: ngettext("A conversation was handed straight back %(count)s time within %(hours)s hours.",
      "Conversations were handed straight back %(count)s times within %(hours)s hours.", chains.returns, { hours: page.number(page.facts.returnHours) }) });
  }
  return found;
}

// Why the chosen range of an explorer is provisional, in sentences; docs/reference/definitions.md has the reasons.
function findReasons(page, counted) {
  const { facts } = page, [first, last] = counted.range, found = [];
  const days = facts.days.slice(first, last + 1), missing = days.filter((day) => !day.loaded);
  const list = (dates) => [...dates.slice(0, 12), ...(dates.length > 12 ? ['…'] : [])].join(pgettext("list separator", ", "));
  if (missing.length) {
    found.push(ngettext("%(count)s of %(days)s days is not loaded: %(list)s.", "%(count)s of %(days)s days are not loaded: %(list)s.",
      missing.length, { days: page.number(days.length), list: list(missing.map((day) => day.date)) }));
  }
  if (counted.lacking.length) {
    found.push(ngettext("%(count)s day before the period is not loaded (%(first)s to %(last)s): contacts by assignee are known only since then.",
      "%(count)s days before the period are not loaded (%(first)s to %(last)s): contacts by assignee are known only since then.",
      counted.lacking.length, { first: counted.lacking[0], last: counted.lacking.at(-1) }));
  }
  const problems = facts.explorer.problems.filter(([, , , of]) => of.some((day) => day >= first && day <= last));
  const texts = (code) => [...new Set(problems.filter((each) => each[0] === code).map((each) => each[1]))].sort(compareText);
  const unreadable = texts('input_unreadable'), empty = texts('input_gave_nothing');
  if (unreadable.length) {
    found.push(ngettext("%(count)s input could not be read: %(first)s", "%(count)s inputs could not be read, the first: %(first)s",
      unreadable.length, { first: limited(unreadable[0]) }));
  }
  if (empty.length) {
    found.push(ngettext("%(count)s input gave no accepted row: %(first)s", "%(count)s inputs gave no accepted row, the first: %(first)s",
      empty.length, { first: limited(empty[0]) }));
  }
  const { read, rejected } = qualityOf(facts, counted.range), limit = facts.explorer.maxRejectedPct;
  if (100 * rejected > limit * read) {
    found.push(ngettext("%(count)s of %(read)s rows was rejected; the limit is %(limit)s.", "%(count)s of %(read)s rows were rejected; the limit is %(limit)s.",
      rejected, { read: page.number(read), limit: page.share(limit) }));
  }
  const stalled = facts.explorer.stalled[facts.days[last].date];
  return stalled ? [...found, stalled] : found;
}

// The quality of a range of days: the sum of its days; of inputs, the number of different ones.
function qualityOf(facts, [first, last]) {
  const names = Object.keys(facts.explorer.qualityNames);
  const sums = names.map((_none, at) => facts.explorer.quality.slice(first, last + 1).reduce((sum, day) => sum + day[at], 0));
  const origins = new Set(facts.explorer.problems.filter(([, , , days]) => days.some((day) => day >= first && day <= last)).map((each) => each[2]));
  return { ...Object.fromEntries(names.map((name, at) => [name, sums[at]])), unreadable: origins.size };
}
