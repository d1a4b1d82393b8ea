import type { Payload } from './call.js';
import type { Device } from './dialect.js';

/** Between the reports of a job: a file of some megabytes, on a mobile line. */
const STEP_MS = 3_000;
/** The reply goes first. */
const FIRST_MS = 500;

/** A job the server asked for (an upload, an update): its reports, one after the other. */
export function report(
  device: Device,
  action: string,
  statuses: readonly string[],
  more: Payload = {},
): void {
  statuses.forEach((status, index) => {
    device.say(FIRST_MS + index * STEP_MS, action, () => ({ status, ...more }));
  });
}

export const UPLOAD = ['Uploading', 'Uploaded'] as const;
export const UPDATE = ['Downloading', 'Downloaded', 'Installing', 'Installed'] as const;
export const SIGNED_UPDATE = [
  'Downloading',
  'Downloaded',
  'SignatureVerified',
  'Installing',
  'Installed',
] as const;

/** Of a file that this charger would upload. */
export const fileName = ({ profile, shown }: Device, kind: string): string =>
  `${profile.chargePointId}-${kind}-${new Date(shown).toISOString().slice(0, 10)}.log`;
