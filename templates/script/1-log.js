// The events of the page, unpacked: columns of small numbers over dictionaries of texts.
// How they are packed is told in assets/render/html/log_codec.py.

const NONE = -1;

async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Reads the blocks one after the other: [count, bytes each], numbered texts [count, bytes each, prefix],
// or joined texts [count, 0, bytes in all].
function readBlocks(bytes, shapes) {
  const blocks = {};
  let at = 0;
  for (const [name, [count, width, rest]] of Object.entries(shapes)) {
    if (width) {
      const numbers = width > 3 ? new Float64Array(count) : new Int32Array(count);
      for (let plane = 0, unit = 1; plane < width; plane++, unit *= 256)
        for (let row = 0; row < count; row++) numbers[row] += bytes[at++] * unit;
      blocks[name] = rest === undefined ? numbers : numbered(numbers, rest);
    } else {
      blocks[name] = count ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(at, at + rest)).split('\0') : [];
      at += rest;
    }
  }
  return blocks;
}

function numbered(steps, prefix) {
  let number = 0;
  return Array.from(steps, (step) => prefix + (number += step % 2 ? -(step + 1) / 2 : step / 2));
}

function readPairs(blocks, name) {
  let id = 0, named = 0;
  const ids = [], names = [];
  for (const has of blocks[`${name}.has`]) {
    ids.push(has & 1 ? blocks[`${name}.ids`][id++] : null);
    names.push(has & 2 ? blocks[`${name}.names`][named++] : null);
  }
  return { ids, names, labels: ids.map((each, at) => names[at] || each || '') };
}

// Persons as the report tells them apart: their labels and filter values, and whose pair is whose.
function persons(blocks, pairs, named, others) {
  const ofPair = blocks['people.person'], keys = [];
  pairs.ids.forEach((id, at) => { keys[ofPair[at]] = id ?? keys[ofPair[at]] ?? pairs.names[at]; });
  const ids = [];
  pairs.ids.forEach((id, at) => { ids[ofPair[at]] = id ?? ids[ofPair[at]] ?? null; });
  const told = new Map(Object.entries(named));
  const labels = Array.from(blocks['people.label'], (pair, at) => told.get(keys[at]) ?? pairs.labels[pair]);
  const spellings = keys.map(() => new Set());
  pairs.ids.forEach((id, at) => { for (const each of [id, pairs.names[at]]) if (each) spellings[ofPair[at]].add(foldCase(each)); });
  const names = new Map(Object.entries(others)); // that the report's rows do not have
  ids.forEach((id, person) => { for (const each of names.get(id) ?? []) spellings[person].add(foldCase(each)); });
  return { labels, keys, ids, spellings, ofPair: Int32Array.from([NONE, ...ofPair]) };
}

// Turns "how many newer codes were seen" back into codes; 0 is none, 1 a new one.
function recencyReader() {
  let newest = NONE;
  return (number) => (number === 0 ? NONE : number === 1 ? ++newest : newest - number + 2);
}

function unpack(bytes, facts) {
  const layout = facts.layout;
  const blocks = readBlocks(bytes, layout.blocks);
  const rows = layout.rows;
  const log = {
    rows,
    perSecond: layout.unit === 'ms' ? 1000 : 1,
    time: new Float64Array(rows),
    day: new Int32Array(rows),
    weekHour: new Uint8Array(rows),
    source: blocks.source,
    unstated: blocks.unstated,
    conversation: new Int32Array(rows),
    contact: new Int32Array(rows),
    previous: new Int32Array(rows),
    assignee: blocks.assignee,
    assignedBy: blocks.assigned_by,
    conversations: blocks.conversations,
    contacts: readPairs(blocks, 'contacts'),
    people: readPairs(blocks, 'people'),
    subject: new Int32Array(rows),
    subjectCount: 0,
    sourceCount: layout.sources.length,
    kinds: layout.kinds,
  };
  const conversationOf = recencyReader(), contactOf = recencyReader(), subjectOf = recencyReader();
  const lastContact = new Int32Array(log.conversations.length + 1).fill(NONE);
  const lastAssignee = new Int32Array(log.contacts.ids.length + 1).fill(NONE);
  const lastSubject = new Int32Array(log.conversations.length + 1).fill(NONE);
  let time = layout.start, day = NONE, zone = 0;
  for (let row = 0; row < rows; row++) {
    time += blocks.time[row];
    log.time[row] = time;
    const second = Math.floor(time / log.perSecond);
    while (day + 1 < facts.days.length && facts.days[day + 1].start <= second) day++;
    while (zone + 1 < facts.offsets.length && facts.offsets[zone + 1][0] <= second) zone++;
    log.day[row] = day;
    log.weekHour[row] = (Math.floor((second + facts.offsets[zone][1]) / 3600) + 72) % 168; // 1970 began on a Thursday
    const conversation = (log.conversation[row] = conversationOf(blocks.conversation[row]));
    const step = blocks.contact[row];
    const contact = (log.contact[row] = step ? contactOf(step - 1) : lastContact[conversation + 1]);
    lastContact[conversation + 1] = contact;
    if (blocks.subject) {
      const number = blocks.subject[row];
      log.subject[row] = lastSubject[conversation + 1] = number ? subjectOf(number - 1) : lastSubject[conversation + 1];
      log.subjectCount = Math.max(log.subjectCount, log.subject[row] + 1);
    }
    const assignee = --log.assignee[row];
    log.assignedBy[row]--;
    log.previous[row] = blocks.previous[row] ? blocks.previous[row] - 2 : lastAssignee[contact + 1];
    lastAssignee[contact + 1] = assignee;
  }
  const contacts = new Map();
  const contactKeys = log.contacts.ids.map((id, at) => id ?? log.contacts.names[at]);
  for (const key of contactKeys) if (!contacts.has(key)) contacts.set(key, contacts.size);
  log.contactOf = Int32Array.from([NONE, ...contactKeys.map((key) => contacts.get(key))]);
  log.contactCount = contacts.size;
  log.who = persons(blocks, log.people, layout.labels, layout.names);
  log.byTeam = withTeams(log, layout.teams, blocks['people.team']);
  log.shownPeople = log.people.ids.map((id, pair) => log.who.labels[log.who.ofPair[pair + 1]]);
  log.foldedNames = log.contacts.names.map((name) => (name === null ? null : foldAccents(name)));
  return log;
}

// The zone's wall clock at a time of the log: "2024-11-03 01:30:00" and "-05:00".
function clock(log, facts, time) {
  const second = Math.floor(time / log.perSecond);
  let zone = 0;
  while (zone + 1 < facts.offsets.length && facts.offsets[zone + 1][0] <= second) zone++;
  const offset = facts.offsets[zone][1];
  const wall = new Date((second + offset) * 1000 + (log.perSecond === 1000 ? time - second * 1000 : 0));
  const text = wall.toISOString().replace('T', ' ');
  const two = (number) => String(number).padStart(2, '0');
  const size = Math.abs(offset), odd = size % 60;
  const sign = offset < 0 ? '-' : '+';
  return {
    wall: log.perSecond === 1000 ? text.slice(0, 23) : text.slice(0, 19),
    offset: `${sign}${two(Math.floor(size / 3600))}:${two(Math.floor(size / 60) % 60)}${odd ? `:${two(odd)}` : ''}`,
  };
}
