/**
 * The landing page: joins a room, keeps what the snapshot and the changes after it say, shows it. Nothing is asked
 * for again and again. The protocol is that of src/api/live/README.md.
 */
import { io } from '/socket.io/socket.io.esm.min.js';
import { emptyState, take, takeSnapshot } from './live-state.js';
import { createLogin, roomOf } from './login.js';

const SHOWN = 100;
const PAINT_MS = 250;
const RETRY_MS = [500, 2_000, 5_000];

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const wanted = query.get('room');
let room = wanted ?? 'operator';
/** A token that somebody brought along, for this tab only: it goes when the tab is closed. */
const brought = {
  get: () => sessionStorage.getItem('token'),
  set: (token) => sessionStorage.setItem('token', token),
  drop: () => sessionStorage.removeItem('token'),
};
const login = createLogin({
  fetch: (...given) => fetch(...given),
  now: Date.now,
  later: (work, ms) => setTimeout(work, Math.min(ms, 2 ** 31 - 1)),
  never: (timer) => clearTimeout(timer),
  locks: navigator.locks,
  changed: showLogin,
});
/** The access token of the present connection: with the next one it is made again. */
let shownToken;

let state = emptyState();
/** A snapshot has come: what is shown is something that was so. */
let known = false;
let place;
let live = false;
let failures = 0;

const socket = io({
  transports: ['websocket'],
  auth: async (give) => {
    shownToken = await login.token();
    const token = shownToken ?? brought.get();
    give(token ? { token } : {});
  },
});

/** Back into the room: with what was missed if that is still known, else with a snapshot. */
async function join() {
  if (room === undefined) {
    place = undefined;
    tellState();
    return;
  }
  try {
    const answer = await socket
      .timeout(20_000)
      .emitWithAck(
        place ? 'resume' : 'subscribe',
        place ? { room, epoch: place.epoch, seq: place.seq } : { room },
      );
    if (!answer.ok) throw new Error(answer.detail);
    failures = 0;
    if (answer.snapshot) {
      state = takeSnapshot(answer.snapshot);
      known = true;
    }
    place = { epoch: answer.epoch, seq: answer.seq };
    live = answer.live;
    tellState();
    paintSoon();
  } catch (error) {
    if (!socket.connected) return;
    tell(`The room ${room} cannot be had: ${error.message}`, true);
    setTimeout(() => socket.connected && join(), RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  }
}

socket.on('connect', join);
socket.on('change', (change) => {
  if (place === undefined || change.epoch !== place.epoch || change.seq !== place.seq + 1) return;
  place.seq = change.seq;
  take(state, change.notification);
  paintSoon();
});
socket.on('stale', (stale) => {
  if (stale.room !== room) return;
  place = undefined;
  // Not all browsers at once.
  setTimeout(() => socket.connected && join(), Math.random() * RETRY_MS[0]);
});
socket.on('feed', (feed) => {
  live = feed.live;
  tellState();
});
socket.on('bye', (bye) => {
  tell(`The server closes this connection: ${bye.detail}`, true);
  // What the server closes on purpose is not opened again by the library.
  setTimeout(() => socket.connected || socket.connect(), RETRY_MS[1]);
});
socket.on('disconnect', () => tellState());
socket.on('connect_error', async (error) => {
  const code = error.data?.code ?? '';
  const unknown = code === 'UNAUTHENTICATED' || code.startsWith('TOKEN_');
  if (!unknown) {
    tell(`No connection: ${error.data?.detail ?? error.message}`, true);
    if (!socket.active) setTimeout(() => socket.connect(), RETRY_MS[2]);
    return;
  }
  const was = shownToken;
  if (was === undefined && brought.get()) {
    brought.drop();
    showProblem('This token opens nothing (any more).');
  }
  if (was === undefined ? await login.resume() : await login.refused()) return reconnect();
  if (login.state.phase === 'unknown') {
    // Who was here cannot be asked now.
    setTimeout(() => socket.connect(), RETRY_MS[2]);
    return;
  }
  forget();
  openDoor();
});

/** With the token that there is now; what is shown stays until the room answers. */
function reconnect() {
  socket.disconnect().connect();
}

/** Who has gone leaves nothing on the screen. */
function forget() {
  state = emptyState();
  known = false;
  place = undefined;
  paint();
}

let lastToken;
/** The connection was another person's: it is closed, and to be made anew. */
let left = false;
/** Hears of each change of who is logged in. */
async function showLogin({ phase, me, problem, busy, waitUntil }) {
  showProblem(problem ?? '');
  const button = byId('login-submit');
  button.textContent = busy ? 'Logging in…' : 'Log in';
  // Not `disabled`: what has the focus would lose it.
  button.setAttribute('aria-disabled', String(busy || Date.now() < waitUntil));
  byId('account').hidden = phase !== 'in';
  if (phase === 'in') {
    byId('who').textContent = me?.name ?? me?.email ?? me?.id ?? 'somebody';
    byId('role').textContent = me === undefined ? '' : `(${me.role})`;
    room = wanted ?? roomOf(me);
    closeDoor();
    const token = await login.token();
    // The server ends a connection with the token it began with.
    if (left || (token !== lastToken && shownToken !== undefined && socket.connected)) reconnect();
    left = false;
    lastToken = token;
  } else if (phase === 'unknown' && shownToken !== undefined && !left) {
    left = true;
    socket.disconnect();
    forget();
  } else if (phase === 'out' && shownToken !== undefined) {
    shownToken = undefined;
    socket.disconnect();
    forget();
    openDoor();
  }
}

function showProblem(text) {
  const line = byId('login-problem');
  if (line.textContent !== text) line.textContent = text;
}

function openDoor() {
  tell('Who are you? Nobody is shown anything without logging in.', true);
  if (!byId('door').hidden) return;
  byId('door').hidden = false;
  byId('email').focus();
}
function closeDoor() {
  if (byId('door').hidden) return;
  const hadFocus = byId('door').contains(document.activeElement);
  byId('door').hidden = true;
  byId('password').value = '';
  if (hadFocus) byId('account').focus();
}

byId('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  brought.drop();
  if (await login.login(byId('email').value.trim(), byId('password').value)) reconnect();
  else if (!byId('door').hidden) byId('password').select();
});
byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  brought.set(byId('token').value.trim());
  byId('token').value = '';
  showProblem('');
  closeDoor();
  socket.connect();
});
byId('logout').addEventListener('click', () => void login.logout());

function tellState() {
  if (!byId('door').hidden) return;
  if (room === undefined)
    tell('There is nothing live for you here. The questions below can be asked.', false);
  else if (!socket.connected) tell('These figures are old: the connection is gone; trying again.', true);
  else if (!place) tell('Asking…', false);
  else if (!live) tell('These figures may be old: no news reach the server at present.', true);
  else tell(room === 'operator' ? 'Live.' : `Live: ${room}.`, false);
}

/** Only a change of words is announced to screen readers. */
function tell(text, failing) {
  const line = byId('state');
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle('failing', failing);
}

const count = (value) => Number(value).toLocaleString('en');
const kWh = (wh) => (wh === null ? 'unknown' : `${(wh / 1_000).toFixed(wh < 100_000 ? 2 : 1)} kWh`);
const kW = (w) => (w === null ? '' : `${(w / 1_000).toFixed(1)} kW`);
const percent = (value) => (value === null ? '' : `${Math.round(value)} %`);
const time = (instant) => instant.slice(0, 19).replace('T', ' ');
const lasting = (since) => {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1_000));
  const [h, m] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  return h > 0
    ? `${h} h ${String(m).padStart(2, '0')} min`
    : `${m} min ${String(seconds % 60).padStart(2, '0')} s`;
};
const outlet = ({ evseId, connectorId }) =>
  [evseId && evseId !== connectorId ? `EVSE ${evseId}` : '', connectorId === null ? '' : `${connectorId}`]
    .filter(Boolean)
    .join(' / ');
const price = (cost) => (cost === null ? '' : `${cost.inclVat ?? cost.exclVat} ${cost.currency}`);

/** Chargers choose many of these texts: always text, never markup. */
function cell(text, className = '') {
  const td = document.createElement('td');
  td.textContent = text;
  td.className = className;
  return td;
}
function row(...cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}
function fill(id, rows, columns, none) {
  if (rows.length === 0) {
    const td = cell(none);
    td.colSpan = columns;
    rows = [row(td)];
  }
  byId(id).replaceChildren(...rows);
}

let painting = false;
function paintSoon() {
  if (painting) return;
  painting = true;
  setTimeout(() => {
    painting = false;
    if (!document.hidden) paint();
  }, PAINT_MS);
}
document.addEventListener('visibilitychange', () => document.hidden || paint());
// What lasts goes on while nothing is announced.
setInterval(() => document.hidden || paint(), 1_000);

function paint() {
  const sessions = [...state.sessions.values()].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  const chargers = [...state.chargers.values()].sort((a, b) => (a.chargePointId < b.chargePointId ? -1 : 1));
  const sum = (of) => sessions.reduce((total, session) => total + (of(session) ?? 0), 0);
  const figures = {
    connected: count(chargers.filter(({ online }) => online).length),
    active: count(sessions.length),
    power: kW(sum(({ powerW }) => powerW)),
    energy: kWh(sum(({ energyWh }) => energyWh)),
    running: count(state.commands.size),
  };
  for (const dd of document.querySelectorAll('[data-figure]'))
    dd.textContent = known ? figures[dd.dataset.figure] : '–';

  const sessionRows = sessions
    .slice(0, SHOWN)
    .map((session) =>
      row(
        cell(session.chargePointId),
        cell(outlet(session)),
        cell(time(session.startedAt)),
        cell(lasting(session.startedAt), 'number'),
        cell(kWh(session.energyWh), 'number'),
        cell(kW(session.powerW), 'number'),
        cell(percent(session.socPercent), 'number'),
        cell(price(session.cost), 'number'),
      ),
    );
  fill('sessions', sessionRows, 8, known ? 'No session is going on.' : 'Nothing is known yet.');
  const more = sessions.length - sessionRows.length;
  byId('more').textContent = more > 0 || state.truncated ? `and ${more > 0 ? count(more) : 'some'} more` : '';

  const connectorsOf = new Map();
  for (const connector of state.connectors.values()) {
    const list = connectorsOf.get(connector.chargePointId) ?? [];
    list.push(connector);
    connectorsOf.set(connector.chargePointId, list);
  }
  const chargerRows = chargers.slice(0, SHOWN).map((charger) =>
    row(
      cell(charger.chargePointId),
      cell(charger.online ? 'online' : 'offline', charger.online ? 'good' : 'bad'),
      cell(time(charger.since)),
      cell(
        (connectorsOf.get(charger.chargePointId) ?? [])
          .filter(({ evseId, connectorId }) => evseId !== 0 || connectorId !== 0)
          .sort((a, b) => a.evseId - b.evseId || a.connectorId - b.connectorId)
          .map((connector) => `${outlet(connector)} ${connector.status}`)
          .join(', '),
      ),
      cell(charger.protocol),
      cell(charger.stationId ?? ''),
    ),
  );
  fill('chargers', chargerRows, 6, known ? 'No charger has ever connected.' : 'Nothing is known yet.');
}
