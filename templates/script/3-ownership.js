// Who held the contacts of a range, and for how long, counted as assets/report/{ownership,people}.py do.

const FEW_DURATIONS = 5, HELD_LINES = 6, NO_DURATIONS = { median: null, p90: null, longest: null };

// The intervals of a range, one list of each kind of value; owners are persons, then nobody, unknown, and not yet assigned.
// With `joins`, one that is followed by the same owner goes on.
function intervalsOf(log, facts, range, rows, openings, joins = false) {
  const person = log.who.ofPair, people = log.who.keys.length, nobody = people, unknown = people + 1, notYet = people + 2, absent = -1;
  const start = startOf(facts, range[0]) * log.perSecond, end = Math.min(endOf(facts, range[1]), facts.asOf) * log.perSecond;
  const ownerOf = (pair) => (person[pair + 1] === NONE ? nobody : person[pair + 1]);
  const holder = new Int32Array(log.subjectCount).fill(absent), since = new Float64Array(log.subjectCount);
  const found = { start, end, nobody, unknown, notYet, owner: [], since: [], until: [], taker: [], begun: [], open: [], subjects: 0, unseen: 0 };
  const add = (owner, from, until, taker, begun, open) => {
    found.owner.push(owner); found.since.push(from); found.until.push(until); found.taker.push(taker); found.begun.push(begun); found.open.push(open);
  };
  for (const row of openings) { holder[log.subject[row]] = ownerOf(log.assignee[row]); since[log.subject[row]] = log.time[row]; }
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at], subject = log.subject[row], time = log.time[row], taker = ownerOf(log.assignee[row]), previous = ownerOf(log.previous[row]);
    if (joins && holder[subject] === taker) continue;
    if (holder[subject] === absent) add(log.unstated?.[row] ? unknown : previous === nobody ? notYet : previous, start, time, taker, false, false);
    else {
      if (holder[subject] !== previous) found.unseen++;
      add(holder[subject], since[subject], time, taker, true, false);
    }
    holder[subject] = taker;
    since[subject] = time;
  }
  holder.forEach((owner, subject) => { if (owner !== absent) { found.subjects++; add(owner, since[subject], end, unknown, true, true); } });
  found.isWait = (at) => found.begun[at] && !found.open[at] && found.owner[at] === nobody && found.taker[at] !== nobody;
  found.isHeld = (at) => found.begun[at] && !found.open[at] && found.owner[at] < people;
  return found;
}

// The percentile at some tenths of the way from the smallest to the largest, in seconds with three decimals.
function percentile(inOrder, tenths, perSecond) {
  const at = (inOrder.length - 1) * tenths, below = Math.floor(at / 10), rest = at % 10;
  return toSeconds(inOrder[below] * (10 - rest) + inOrder[Math.min(below + 1, inOrder.length - 1)] * rest, 10 * perSecond);
}

const toSeconds = (amount, perSecond) => Math.floor((amount * 2000 + perSecond) / (2 * perSecond)) / 1000;

function describeDurations(durations, perSecond) {
  if (!durations.length) return NO_DURATIONS;
  const inOrder = Float64Array.from(durations).sort(), isFew = inOrder.length < FEW_DURATIONS;
  return { median: isFew ? null : percentile(inOrder, 5, perSecond), p90: isFew ? null : percentile(inOrder, 9, perSecond), longest: toSeconds(inOrder.at(-1), perSecond) };
}

// The figures of owners; `group` gives the owner's place among `count`, `working` the working time between two times.
function describeOwners(log, intervals, group, count, isCounted, working) {
  const lists = () => Array.from({ length: count }, () => []);
  const [ended, ages, endedWork, ageWork] = [lists(), lists(), lists(), lists()];
  const held = new Float64Array(count), peaks = peakLoads(intervals, group, count), length = intervals.end - intervals.start;
  intervals.owner.forEach((owner, at) => {
    const place = group(owner), since = intervals.since[at], until = intervals.until[at];
    held[place] += until - Math.max(since, intervals.start);
    const into = intervals.open[at] ? [ages, ageWork] : isCounted(at) ? [ended, endedWork] : null;
    if (!into) return;
    into[0][place].push(until - since);
    if (working) into[1][place].push(working(since, until));
  });
  const described = (durations) => describeDurations(durations, log.perSecond);
  return ended.map((durations, at) => ({
    endedCount: durations.length,
    ...described(durations),
    working: working ? described(endedWork[at]) : null,
    heldCount: ages[at].length,
    age: described(ages[at]),
    workingAge: working ? described(ageWork[at]) : null,
    load: length ? Math.floor((held[at] * 20 + length) / (2 * length)) / 10 : null,
    peak: peaks[at],
    held: held[at],
  }));
}

// The most intervals of each owner at one instant.
function peakLoads(intervals, group, count) {
  const changes = [];
  intervals.owner.forEach((owner, at) => {
    changes.push([Math.max(intervals.since[at], intervals.start), group(owner), 1]);
    if (!intervals.open[at]) changes.push([intervals.until[at], group(owner), -1]);
  });
  changes.sort((a, b) => a[0] - b[0]);
  const level = new Int32Array(count), peaks = new Int32Array(count);
  for (let at = 0; at < changes.length;) {
    const [time] = changes[at], touched = [];
    for (; at < changes.length && changes[at][0] === time; at++) { level[changes[at][1]] += changes[at][2]; touched.push(changes[at][1]); }
    for (const place of touched) peaks[place] = Math.max(peaks[place], level[place]);
  }
  return peaks;
}

// Conversations with 1, 2, 3, and 4 or more assignees.
function countAssignees(log, rows) {
  const people = log.who.keys.length, pairs = new Set(), sizes = new Map(), found = [0, 0, 0, 0];
  for (let at = 0; at < rows.length; at++) {
    const conversation = log.conversation[rows[at]], assignee = log.assignee[rows[at]];
    if (conversation === NONE || assignee === NONE) continue;
    const key = conversation * people + log.who.ofPair[assignee + 1];
    if (pairs.has(key)) continue;
    pairs.add(key);
    sizes.set(conversation, (sizes.get(conversation) ?? 0) + 1);
  }
  for (const size of sizes.values()) found[Math.min(size, 4) - 1]++;
  return found;
}

// How many each of the busiest, all others and nobody held at the end of each part: { person, counts }.
function heldOverTime(log, facts, intervals, range, owners, persons) {
  const starts = partsOf(facts, range).map((second) => second * log.perSecond).filter((time, at) => !at || time < intervals.end);
  const busiest = [...owners.keys()].slice(0, -3).filter((each) => owners[each].held)
    .sort((a, b) => owners[b].held - owners[a].held || compareText(persons.labels[a], persons.labels[b])).slice(0, HELD_LINES);
  const others = busiest.length, line = new Map([...busiest.map((each, at) => [each, at]), [intervals.nobody, others + 1], [intervals.unknown, others + 2], [intervals.notYet, others + 2]]);
  const changes = Array.from({ length: others + 3 }, () => new Int32Array(starts.length + 1));
  const partOf = (time) => { let low = 0, high = starts.length; while (high - low > 1) { const middle = (low + high) >> 1; if (starts[middle] <= time) low = middle; else high = middle; } return low; };
  intervals.owner.forEach((owner, at) => {
    const counts = changes[line.get(owner) ?? others];
    counts[partOf(Math.max(intervals.since[at], intervals.start))]++;
    if (!intervals.open[at]) counts[partOf(intervals.until[at])]--;
  });
  const lines = changes.slice(0, -1).map((counts) => { let sum = 0; return Array.from(counts.slice(0, starts.length), (change) => (sum += change)); });
  return lines.map((counts, at) => ({ person: busiest[at] ?? null, isNobody: at > others, counts }));
}

// The waiting times by the hour of the week in which they began, and the slowest hour.
function waitsByHour(log, facts, intervals) {
  const week = Array.from({ length: 168 }, () => []), day = Array.from({ length: 24 }, () => []);
  intervals.owner.forEach((_owner, at) => {
    if (!intervals.isWait(at)) return;
    const hour = hourOfWeek(facts, Math.floor(intervals.since[at] / log.perSecond));
    week[hour].push(intervals.until[at] - intervals.since[at]);
    day[hour % 24].push(intervals.until[at] - intervals.since[at]);
  });
  const medians = week.map((durations) => describeDurations(durations, log.perSecond).median), most = Math.max(...medians.map((each) => each ?? NONE));
  return {
    byHour: day.map((durations) => ({ count: durations.length, median: describeDurations(durations, log.perSecond).median })),
    slowest: most === NONE ? null : { hour: medians.indexOf(most), median: most },
  };
}

function hourOfWeek(facts, second) {
  let zone = 0;
  while (zone + 1 < facts.offsets.length && facts.offsets[zone + 1][0] <= second) zone++;
  return (Math.floor((second + facts.offsets[zone][1]) / HOUR) + 72) % 168;
}

const workingOf = (log, facts) => (facts.explorer.working ? workingTime(log, facts.explorer.working) : null);

function describeAll(log, facts, intervals) {
  return describeOwners(log, intervals, (owner) => owner, log.who.keys.length + 3, (at) => intervals.isWait(at) || intervals.isHeld(at), workingOf(log, facts));
}

// The holders with their labels: most ended intervals, then open ones, then by label.
function nameHoldings(intervals, owners, persons) {
  const present = new Set(intervals.owner);
  return [...owners.keys()].slice(0, -3).filter((each) => present.has(each)).map((each) => ({ person: each, label: persons.labels[each], ...owners[each] }))
    .sort((a, b) => b.endedCount - a.endedCount || b.heldCount - a.heldCount || compareText(a.label, b.label));
}

const describeHolders = (log, facts, intervals, persons) => nameHoldings(intervals, describeAll(log, facts, intervals), persons);

function countOwnership(log, facts, { range, rows }, openings, persons) {
  const intervals = intervalsOf(log, facts, range, rows, openings), people = log.who.keys.length;
  const owners = describeAll(log, facts, intervals), working = workingOf(log, facts);
  const [holding] = describeOwners(log, intervals, (owner) => (owner < people ? 0 : 1), 2, intervals.isHeld, working);
  return {
    intervals,
    owners,
    holding,
    unassigned: owners[intervals.nobody],
    unknown: toSeconds(owners[intervals.unknown].held, log.perSecond),
    assignees: nameHoldings(intervals, owners, persons),
    perConversation: countAssignees(log, rows),
    held: heldOverTime(log, facts, intervals, range, owners, persons),
    ...waitsByHour(log, facts, intervals),
  };
}

// The working time between two times, from the spans [begin, end] of seconds in order.
function workingTime(log, spans) {
  const sums = [0];
  for (const [begin, end] of spans) sums.push(sums.at(-1) + (end - begin) * log.perSecond);
  const until = (time) => {
    let low = 0, high = spans.length;
    while (low < high) { const middle = (low + high) >> 1; if (spans[middle][0] * log.perSecond <= time) low = middle + 1; else high = middle; }
    return low ? sums[low - 1] + Math.min(time, spans[low - 1][1] * log.perSecond) - spans[low - 1][0] * log.perSecond : 0;
  };
  return (since, end) => until(end) - until(since);
}

// One line for each person; `before` are the rows of the previous period, null if it is not known.
function countPeople(log, facts, ownership, rows, before, persons) {
  const people = log.who.keys.length, person = log.who.ofPair, count = () => new Int32Array(people), { intervals, owners } = ownership;
  const [first, received, passedOn, unassigned, returned, earlier] = [count(), count(), count(), count(), count(), count()];
  for (let at = 0; at < rows.length; at++) {
    const from = person[log.previous[rows[at]] + 1], to = person[log.assignee[rows[at]] + 1];
    if (to !== NONE) (from === NONE ? first : received)[to]++;
    if (from !== NONE) (to === NONE ? unassigned : passedOn)[from]++;
  }
  for (const [to, times] of countReturns(log, rows, facts.returnHours)) returned[to] = times;
  if (before) for (const row of before) { const to = person[log.assignee[row] + 1]; if (to !== NONE) earlier[to]++; }
  const waits = Array.from({ length: people }, () => []);
  intervals.owner.forEach((_owner, at) => { if (intervals.isWait(at) && intervals.taker[at] < people) waits[intervals.taker[at]].push(intervals.until[at] - intervals.since[at]); });
  return [...Array(people).keys()].map((each) => {
    const assigned = first[each] + received[each], holding = owners[each];
    return {
      person: each,
      label: persons.labels[each],
      assigned,
      change_pct: before && earlier[each] ? percentOf(assigned - earlier[each], earlier[each]) : null,
      first_assignments: first[each],
      received: received[each],
      passed_on: passedOn[each],
      unassigned: unassigned[each],
      returned: returned[each],
      waiting_median: describeDurations(waits[each], log.perSecond).median,
      holding_median: holding.median,
      holding_p90: holding.p90,
      held_count: holding.heldCount,
    };
  }).filter((each) => each.assigned || each.passed_on || each.unassigned || each.held_count);
}

// The number of bounce-backs to each person.
function countReturns(log, rows, returnHours) {
  const lastRow = new Int32Array(log.conversations.length).fill(NONE), found = new Map(), limit = returnHours * HOUR * log.perSecond;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at], conversation = log.conversation[row];
    if (conversation === NONE) continue;
    const before = lastRow[conversation];
    if (before !== NONE && isReturn(log, log.who.ofPair, before, row, limit)) {
      const to = log.who.ofPair[log.previous[before] + 1];
      found.set(to, (found.get(to) ?? 0) + 1);
    }
    lastRow[conversation] = row;
  }
  return found;
}
