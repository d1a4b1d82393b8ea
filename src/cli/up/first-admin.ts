import { readSettings } from '../../platform/config.js';
import { messageOf } from '../../platform/errors.js';
import { firstAdminText, LOST_FIRST_PASSWORD, makeFirstAdminAtLast } from '../../registry/first-admin.js';
import { withRegistry } from '../registry.js';
import type { Terminal } from './role.js';

/**
 * Where there has never been an account: makes an admin, and tells the password on this terminal and nowhere else. Never
 * rejects; what runs already goes on without it.
 */
export async function firstAdmin(
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  let told = false;
  try {
    if (!readSettings(env).WATTSTREAM_FIRST_ADMIN) return;
    const made = await withRegistry(
      env,
      (store, settings) =>
        makeFirstAdminAtLast(store, settings.WATTSTREAM_ADMIN_EMAIL, {
          signal,
          onFailure: ({ message }) => {
            if (!told) terminal.warn(`the first admin could not be made; trying again: ${message}`);
            told = true;
          },
        }),
      signal,
    );
    if (made !== undefined) terminal.line(firstAdminText(made).trimEnd());
  } catch (error) {
    if (!signal.aborted)
      terminal.warn(`the first admin could not be made: ${messageOf(error)}. ${LOST_FIRST_PASSWORD}`);
  }
}
