/** What is older than memory, asked of the tables by their named questions. */
import type { Queries } from '../../analytics/ports.js';
import { PROTOCOLS } from '../../domain/ocpp/record.js';
import type { CommandHistory } from './ports.js';

/** Commands themselves, and versions of local lists, are not asked for yet: there is no table of them. */
export const historyFrom = (queries: Pick<Queries, 'ask'>): CommandHistory => ({
  find: async () => undefined,
  listVersion: async () => undefined,
  async protocol(chargePointId) {
    const { rows } = await queries.ask('chargers', { charge_point_id: chargePointId });
    return PROTOCOLS.find((protocol) => protocol === rows[0]?.protocol);
  },
});
