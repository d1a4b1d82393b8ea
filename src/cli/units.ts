/** Numbers and times as people read them; programs get Wh, W, seconds and ISO 8601 (--json, --csv). */

type Maybe = number | null | undefined;

const known = (value: Maybe): value is number => value !== null && value !== undefined;

export const kWh = (wh: Maybe): string => (known(wh) ? (wh / 1_000).toFixed(3) : '?');
export const kW = (w: Maybe): string => (known(w) ? (w / 1_000).toFixed(1) : '');
export const percent = (value: Maybe): string => (known(value) ? `${Math.round(value)} %` : '');
export const count = (value: Maybe): string => (known(value) ? String(value) : '');

/** `2026-11-23 10:00:05`: UTC, as the column's title says. */
export const utc = (iso: string | null | undefined): string =>
  iso ? iso.slice(0, 19).replace('T', ' ').replace('Z', '') : '';

/** `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`. */
export function lasting(seconds: Maybe): string {
  if (!known(seconds)) return '';
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400)
    return `${Math.floor(s / 3_600)} h ${String(Math.floor((s % 3_600) / 60)).padStart(2, '0')} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
}

/** `850 ms`, `1.2 s`, then as `lasting`. */
export function tookMs(ms: Maybe): string {
  if (!known(ms)) return '';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : lasting(ms / 1_000);
}

/** `2`, `EVSE 1/2`, `EVSE 1`. */
export const outlet = ({ evse_id, connector_id }: { evse_id?: Maybe; connector_id?: Maybe }): string => {
  const connector = known(connector_id) ? String(connector_id) : '';
  if (!known(evse_id) || evse_id === 0) return connector;
  return connector === '' ? `EVSE ${evse_id}` : `EVSE ${evse_id}/${connector}`;
};
