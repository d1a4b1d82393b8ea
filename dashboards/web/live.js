/** Fills the landing page from the same questions that anybody can ask under /api/analytics/queries. */
const EVERY_MS = 3_000;
const SHOWN = 100;

const byId = (id) => document.getElementById(id);

async function ask(question, params = {}) {
  const response = await fetch(`/api/analytics/queries/${question}?${new URLSearchParams(params)}`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(10_000),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? response.statusText);
  return body.rows;
}

const count = (value) => Number(value ?? 0).toLocaleString('en');
const kWh = (wh) => (wh === null ? 'unknown' : `${(wh / 1_000).toFixed(wh < 100_000 ? 2 : 1)} kWh`);
const kW = (w) => (w === null ? '' : `${(w / 1_000).toFixed(1)} kW`);
const percent = (value) => (value === null ? '' : `${Math.round(value)} %`);
const lasting = (seconds) => {
  const [h, m] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  return h > 0
    ? `${h} h ${String(m).padStart(2, '0')} min`
    : `${m} min ${String(seconds % 60).padStart(2, '0')} s`;
};
const outlet = ({ evse_id, connector_id }) =>
  [evse_id === null ? '' : `EVSE ${evse_id}`, connector_id === null ? '' : `${connector_id}`]
    .filter(Boolean)
    .join(' / ');

/** Chargers choose many of these texts: always text, never markup. */
function cell(text, className = '') {
  const td = document.createElement('td');
  td.textContent = text;
  td.className = className;
  return td;
}

function sessionRow(session) {
  const tr = document.createElement('tr');
  tr.append(
    cell(session.charge_point_id),
    cell(outlet(session)),
    cell(session.started_at.slice(0, 19).replace('T', ' ')),
    cell(lasting(session.duration_s), 'number'),
    cell(kWh(session.energy_wh), 'number'),
    cell(kW(session.max_power_w), 'number'),
    cell(percent(session.soc_end), 'number'),
    cell(session.protocol),
  );
  return tr;
}

function show([overview], sessions) {
  for (const dd of document.querySelectorAll('[data-figure]')) {
    const figure = dd.dataset.figure;
    dd.textContent = figure.endsWith('_wh') ? kWh(overview[figure] ?? 0) : count(overview[figure]);
  }
  const rows = sessions.slice(0, SHOWN).map(sessionRow);
  if (rows.length === 0) {
    const tr = document.createElement('tr');
    const none = cell('No session is going on.');
    none.colSpan = 8;
    tr.append(none);
    rows.push(tr);
  }
  byId('sessions').replaceChildren(...rows);
  const hidden = Number(overview.active_sessions) - Math.min(sessions.length, SHOWN);
  byId('more').textContent = hidden > 0 ? `and ${count(hidden)} more` : '';
}

/** Only a change of words is announced to screen readers, so the time of the answer is not part of them. */
function tell(text, failing) {
  const state = byId('state');
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle('failing', failing);
}

async function refresh() {
  try {
    show(...(await Promise.all([ask('overview'), ask('live-sessions', { limit: SHOWN })])));
    tell(`Asked anew every ${EVERY_MS / 1_000} seconds.`, false);
  } catch (error) {
    tell(`These figures are old: ${error.message}`, true);
  }
}

// One request at a time, and none while nobody looks.
for (;;) {
  if (!document.hidden) await refresh();
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
