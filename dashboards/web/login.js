// @ts-nocheck: plain JavaScript for browsers, whose shapes are those of src/api/routes/auth.ts
/**
 * Who is logged in on this page. The access token is in memory alone; the refresh token is in a cookie that no script can
 * read, and goes nowhere but back to the server. So what runs on the page by mistake has minutes, not days. Without a page:
 * tests use it as it is.
 *
 *   unknown --login or resume--> in --refresh, shortly before the token ends--> in, or unknown until it is known who
 *      \-- refused --> out <--refused, logout--/
 *
 * While the server cannot be reached nobody is logged out: it is tried again. The cookie is all tabs', so a refresh may bring
 * the token of somebody else, who has logged in in another tab: then all that is shown of the former one goes first.
 */
const EARLIEST_MS = 60_000;
/** Of a token that ends sooner nothing is begun any more. */
const USABLE_MS = 5_000;
const AGAIN_MS = [1_000, 2_000, 5_000, 15_000];
/** Tabs share the cookie, and a refresh token that comes twice ends the login, but for some seconds. */
const LOCK = 'wattstream-login';

/**
 * `surroundings`: fetch, now() in epoch ms, later(work, ms) and never(timer), locks (navigator.locks; absent where the page
 * did not come over TLS or from this machine). `changed` hears of every change of `state`.
 */
export function createLogin({ fetch, now, later, never, locks, changed }) {
  /** phase: unknown | out | in; me: as GET /api/auth/me; problem: words for people, or undefined. */
  const state = { phase: 'unknown', me: undefined, problem: undefined, busy: false, waitUntil: 0 };
  let held;
  let timer;
  let failures = 0;
  let refreshing;
  let epoch = 0;

  const tell = (more) => {
    Object.assign(state, more);
    changed(state);
  };
  const post = (path, body, headers = {}) =>
    fetch(`/api/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      // Goes on when the page is loaded again meanwhile, so that the next cookie arrives.
      keepalive: true,
    });
  /** Whatever changes the cookie: one tab at a time. */
  const alone = (work) => (locks ? locks.request(LOCK, work) : work());

  function out(problem) {
    epoch += 1;
    held = undefined;
    never(timer);
    tell({ phase: 'out', me: undefined, problem });
  }

  async function take(response) {
    const mine = ++epoch;
    const { accessToken, expiresIn } = await response.json();
    const endsAt = now() + expiresIn * 1_000;
    held = { accessToken, endsAt };
    failures = 0;
    refreshAt(endsAt - Math.min(EARLIEST_MS, expiresIn * 200));
    if (state.me !== undefined && state.me.id !== subjectOf(accessToken))
      tell({ phase: 'unknown', me: undefined, problem: undefined });
    let { me } = state;
    if (me === undefined) {
      const answer = await fetch('/api/auth/me', {
        headers: { authorization: `Bearer ${accessToken}` },
        cache: 'no-store',
      }).catch(() => undefined);
      if (answer?.ok) me = await answer.json();
    }
    if (mine === epoch) tell({ phase: 'in', me, problem: undefined });
  }

  function refreshAt(time) {
    never(timer);
    timer = later(() => void refresh(), Math.max(0, time - now()));
  }

  /** The next token by the cookie. `quiet`: that nobody is logged in yet is no news. */
  function refresh({ quiet = false } = {}) {
    refreshing ??= alone(() => refreshNow(quiet)).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function refreshNow(quiet) {
    const before = epoch;
    let response;
    try {
      response = await post('refresh', { cookie: true });
    } catch {
      response = undefined;
    }
    // Somebody logged in or out meanwhile.
    if (before !== epoch) return;
    if (response?.ok) return take(response);
    if (response !== undefined && response.status < 500 && response.status !== 429) {
      const { code } = await problemOf(response);
      out(quiet && code !== 'TOKEN_REUSED' ? undefined : (WORDS[code] ?? WORDS.TOKEN_INVALID));
      return;
    }
    const wait = AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)];
    if (state.phase === 'in') refreshAt(now() + wait);
    else tell({ problem: response === undefined ? WORDS.offline : WORDS.unready });
  }

  return {
    state,
    /** A token that holds for a while yet; undefined: nobody is logged in, or the server is away. */
    async token() {
      if (held !== undefined && held.endsAt - now() > USABLE_MS) return held.accessToken;
      if (held !== undefined) await refresh();
      return held !== undefined && held.endsAt > now() ? held.accessToken : undefined;
    },
    /** Whether somebody is logged in here from before: another tab, or this page before it was loaded again. */
    async resume() {
      await refresh({ quiet: true });
      return state.phase === 'in';
    },
    /** The server has refused the token. */
    async refused() {
      held = undefined;
      await refresh();
      return state.phase === 'in';
    },
    async login(email, password) {
      if (state.busy || now() < state.waitUntil) return false;
      tell({ busy: true, problem: undefined });
      try {
        const response = await alone(() => post('login', { email, password, cookie: true }));
        if (response.ok) {
          await take(response);
          return true;
        }
        const problem = await problemOf(response);
        const seconds = Number(response.headers.get('retry-after')) || 0;
        if (response.status === 429) {
          const waitUntil = now() + Math.max(1, seconds) * 1_000;
          tell({ problem: `${WORDS.TOO_MANY} ${waitWords(Math.max(1, seconds), waitUntil)}`, waitUntil });
          later(
            () => state.waitUntil === waitUntil && tell({ problem: WORDS.now, waitUntil: 0 }),
            waitUntil - now(),
          );
        } else
          tell({ problem: WORDS[problem.code] ?? (response.status >= 500 ? WORDS.unready : problem.detail) });
      } catch {
        tell({ problem: WORDS.offline });
      } finally {
        tell({ busy: false });
      }
      return false;
    },
    /** Here it is over at once; whether the server has heard of it is told. */
    async logout() {
      out(undefined);
      try {
        const response = await alone(() => post('logout', { cookie: true }));
        if (response.ok || response.status === 401) return;
      } catch {}
      tell({ problem: WORDS.notOut });
    },
  };
}

/** Whose an access token is; the server judges whether it is one. */
function subjectOf(accessToken) {
  try {
    return JSON.parse(atob(accessToken.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).sub;
  } catch {
    return undefined;
  }
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

const ENDED =
  'Your login is over: it lasts for some days, or until you log out or the password is changed. Log in again.';
const WORDS = {
  LOGIN_FAILED:
    'E-mail address or password is wrong. Whoever has lost the password asks an admin for another one.',
  TOO_MANY: 'Too many attempts.',
  now: 'You can try again now.',
  TOKEN_INVALID: ENDED,
  TOKEN_EXPIRED: ENDED,
  TOKEN_REUSED:
    'Your login was ended to be safe: it looks as if it was used in two places. A connection that broke can look so too. Log in again; if it happens again, change your password.',
  NOT_FOUND: 'Nobody logs in here with a password. Use a token.',
  offline: 'The server cannot be reached. Are you offline?',
  unready: 'The server is not ready. Try again in a moment.',
  notOut:
    'You are logged out on this page alone: the server could not be told. Load the page again in a moment, and log out once more.',
};

/** '12 seconds (until 10:31:05)'. */
function waitWords(seconds, until) {
  const length =
    seconds === 1 ? '1 second' : seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  const clock = new Date(until).toLocaleTimeString('en-GB');
  return `Try again in ${length} (at ${clock}).`;
}

/** Where somebody belongs who asked for no room; undefined: nowhere, there is nothing live for them. */
export function roomOf(me) {
  if (me === undefined) return 'operator';
  if (me.role === 'customer') return `user:${me.accountId}`;
  if (me.role === 'analyst') return undefined;
  if (me.stations === null) return 'operator';
  return me.stations.length > 0 ? `station:${me.stations[0]}` : undefined;
}
