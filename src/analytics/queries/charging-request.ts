import { z } from 'zod';
import { namedQuery } from './named-query.js';

export const chargingRequest = namedQuery({
  name: 'charging-request',
  title: "A customer's request to start or stop, as it was published, in the order of the log",
  params: z.strictObject({ request_id: z.uuid().describe('Id of the request; also that of its command') }),
  columns: { payload: 'The message as it was published, JSON (secrets redacted)' },
});
