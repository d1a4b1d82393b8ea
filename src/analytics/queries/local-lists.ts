import { z } from 'zod';
import { namedQuery } from './named-query.js';
import { chargePoint, limit } from './params.js';

export const localLists = namedQuery({
  name: 'local-lists',
  title: 'Local authorization lists: the version each charge point accepted last',
  params: z.strictObject({ charge_point_id: chargePoint, limit: limit(1_000, 10_000) }),
  columns: {
    charge_point_id: 'Charge point id',
    version: 'Version of the list it accepted last',
    update_type: 'Full or Differential',
    entries: 'Entries in that update',
    updated_at: 'When it accepted it, UTC',
    command_id: 'Command that sent it',
    actor: 'Who asked for it',
    reported_version: 'Version it named last (GetLocalListVersion)',
    reported_at: 'When it named it, UTC',
  },
});
