// The figures by team: those of persons, counted from a log with teams in their place.

// The log with teams in the place of persons; null where there are no teams.
function withTeams(log, names, teamOf) {
  if (!names.length) return null;
  const ofPair = log.who.ofPair.map((person) => (person === NONE ? NONE : teamOf[person]));
  return { ...log, who: { labels: names, keys: names, ofPair }, kinds: names.map(() => null) };
}

// How many teams the conversations were with, and the commonest paths of several teams; `log` is one of teams.
function findStations(log, rows) {
  const { ofPair, keys } = log.who, noTeam = keys.length - 1, visited = new Map(), found = new Map(), counts = [0, 0, 0, 0];
  const visit = (path, pair) => {
    const team = ofPair[pair + 1];
    if (team !== NONE && team !== noTeam && path.at(-1) !== team) path.push(team);
  };
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at], conversation = log.conversation[row];
    if (conversation === NONE) continue;
    if (!visited.has(conversation)) {
      visited.set(conversation, []);
      visit(visited.get(conversation), log.previous[row]);
    }
    visit(visited.get(conversation), log.assignee[row]);
  }
  for (const path of visited.values()) {
    if (path.length) counts[Math.min(new Set(path).size, counts.length) - 1]++;
    if (path.length < 2) continue;
    const shown = path.slice(0, LISTED_STEPS), isCut = path.length > LISTED_STEPS, key = `${shown} ${isCut}`;
    if (!found.has(key)) found.set(key, { path: shown.map((team) => keys[team]), isCut, count: 0 });
    found.get(key).count++;
  }
  return { counts, paths: [...found.values()].sort((a, b) => b.count - a.count).slice(0, LISTED_MOST) };
}

// The figures by team, counted as those by person.
function countTeams(log, facts, range, rows, openings, hasBalances, keepsChains) {
  const { labels } = log.who, persons = { labels, compare: (a, b) => compareText(labels[a], labels[b]) };
  return {
    labels,
    handOffs: findHandOffs(log, rows, persons),
    balances: hasBalances ? countBalances(log, rows, openings, persons) : [],
    holdings: hasBalances ? describeHolders(log, facts, intervalsOf(log, facts, range, rows, openings, true), persons) : [],
    stations: keepsChains ? findStations(log, rows) : null,
  };
}
