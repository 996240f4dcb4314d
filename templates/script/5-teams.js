// The figures by team, drawn as those by person.

const teamName = (name) => (name === NO_TEAM ? _("No team") : name);

function drawTeams(page, { teams, knownSince }) {
  const { handOffs, balances, holdings, stations } = teams, named = balances.map((each) => ({ ...each, label: teamName(each.label) }));
  return [
    make('p', { class: 'note' }, _("People count in their current team for the whole period.")),
    make('h3', {}, _("Reassignment matrix")),
    drawMatrix(page, handOffs, handOffs.people.map((each) => teamName(teams.labels[each])), _("Assignments from each team (rows) to each team (columns)"), () => null),
    ...(balances.length ? [
      make('h3', {}, _("Contacts by team")),
      balanceTable(page, named, _("Contacts by team"), _("Team"), 'team'),
      make('p', { class: 'note' }, _("Contacts whose last known assignee is in this team, based on events since %(day)s. “Unexplained” are changes that no event reports but the next event implies.",
        { day: page.day(knownSince) })),
    ] : []),
    ...(holdings.length ? [
      make('h3', {}, _("Holding times by team")),
      wide(_("Holding times by team"), holdingTable(page, _("Team"), holdings.map((each) => [make('th', { scope: 'row' }, bdi(teamName(each.label))), each]), [])),
      make('p', { class: 'note' }, _("A team holds a contact until it leaves the team, whoever holds it there.")),
    ] : []),
    stations ? drawStations(page, stations) : '',
  ];
}

function drawStations(page, { counts, paths }) {
  const total = (numbers) => numbers.reduce((sum, each) => sum + each, 0);
  const line = (count, ...name) => make('tr', {}, make('th', { scope: 'row' }, ...name), page.figure(page.number(count)));
  const path = (each) => each.path.flatMap((name, at) => (at ? [` ${page.arrow} `, bdi(name)] : [bdi(name)]));
  const table = (heading, rows) => make('table', {}, make('thead', {}, page.headings([heading, _("Conversations")])), make('tbody', {}, ...rows));
  return make('div', { class: 'stations' },
    make('h3', {}, _("Teams per conversation")),
    make('p', {}, ngettext("%(count)s of %(all)s conversations was with more than one team.",
      "%(count)s of %(all)s conversations were with more than one team.", total(counts.slice(1)), { all: page.number(total(counts)) })),
    make('div', { class: 'columns' },
      table(_("Teams"), counts.map((count, at) => line(count, ["1", "2", "3", _("4 or more")][at]))),
      paths.length ? table(_("Team path"), paths.map((each) => line(each.count, ...path(each), each.isCut ? ` ${page.arrow} …` : ''))) : null));
}
