/** An outside address that is told what happens. */
import { z } from 'zod';
import { id, text } from './shape.js';

export const webhook = z
  .object({
    id,
    url: z.url({ protocol: /^https?$/ }).max(2_000),
    patterns: z
      .array(
        z
          .string()
          .max(100)
          .regex(/^([\w-]+|[*#])(\.([\w-]+|[*#]))*$/, 'as session.*, command.# or charger.offline'),
      )
      .min(1)
      .describe('Types of notifications: * is one word, # any number of them'),
    station: id.optional().describe('Only what concerns this station'),
    enabled: z.boolean().default(true),
    description: text(255).optional(),
    secret: z.string().min(1).max(1_000).describe('What calls are signed with, as whoever signs keeps it'),
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.infer<typeof webhook>;
