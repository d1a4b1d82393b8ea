/** The catalogue as an AsyncAPI 3.0 document. Pure. */
import { z } from 'zod';
import { CATALOGUE, type ChannelOf, type Message } from './catalogue.js';

type Json = Record<string, unknown>;

export interface AsyncApi {
  readonly asyncapi: '3.0.0';
  readonly info: Json;
  readonly defaultContentType: string;
  readonly servers: Json;
  readonly channels: Record<string, Json>;
  readonly operations: Record<string, Json>;
  readonly components: { readonly messages: Record<string, Json>; readonly schemas: Record<string, Json> };
}

/** Component names have no other characters (AsyncAPI 3.0, Components Object). */
const keyOf = (name: string): string => name.replace(/[^\w.-]/g, '_');
const ref = (where: string): Json => ({ $ref: `#/${where}` });

export function asyncApi(): AsyncApi {
  const schemas: Record<string, Json> = {};
  const messages: Record<string, Json> = {};
  const channels: Record<string, Json> = {};
  const operations: Record<string, Json> = {};
  for (const channel of CATALOGUE) {
    for (const message of channel.messages) messages[keyOf(message.name)] = messageOf(message, schemas);
    channels[channel.name] = channelOf(channel);
    operations[`${channel.action}.${channel.name}`] = {
      action: channel.action,
      channel: ref(`channels/${channel.name}`),
      summary: channel.title,
      messages: channel.messages.map(({ name }) => ref(`channels/${channel.name}/messages/${keyOf(name)}`)),
    };
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'wattstream events',
      version: '1',
      description:
        'What is said when something happens: on the exchanges of RabbitMQ, to live connections, to webhooks. Times are UTC (ISO 8601, milliseconds), energy is in Wh, power in W. The same message has the same id however often it comes.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      broker: { host: 'rabbitmq:5672', protocol: 'amqp', description: 'RABBITMQ_URL' },
      api: { host: 'localhost:8080', protocol: 'ws', description: 'Where this document comes from' },
      receiver: { host: 'example.org', protocol: 'https', description: 'A subscription of yours' },
    },
    channels,
    operations,
    components: { messages, schemas },
  };
}

const channelOf = ({ title, address, description, server, messages }: ChannelOf): Json => ({
  address,
  title,
  description,
  servers: [ref(`servers/${server}`)],
  messages: Object.fromEntries(
    messages.map(({ name }) => [keyOf(name), ref(`components/messages/${keyOf(name)}`)]),
  ),
});

function messageOf(message: Message, schemas: Record<string, Json>): Json {
  const { name, summary, shape, example, type, headers } = message;
  const payload = schemaOf(shape, schemas);
  // One of several types of the same shape: the shape as it is, and which one it is.
  const narrowed =
    type === undefined ? payload : { allOf: [payload, { properties: { type: { const: type } } }] };
  return {
    name,
    title: name,
    summary,
    payload: narrowed,
    ...(headers === undefined
      ? {}
      : {
          headers: {
            type: 'object',
            required: Object.keys(headers),
            properties: Object.fromEntries(
              Object.entries(headers).map(([header, description]) => [
                header,
                { type: 'string', description },
              ]),
            ),
          },
        }),
    examples: [{ name, payload: example }],
  };
}

/** Shapes with a name of their own stand among the components once. */
function schemaOf(shape: z.ZodType, schemas: Record<string, Json>): Json {
  const made = z.toJSONSchema(shape, {
    target: 'draft-7',
    // As a reader should take them: what we add later is no fault.
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Half a page of pattern says less than the format it repeats.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  }) as Json & { definitions?: Record<string, Json> };
  const { $schema: _, definitions = {}, ...schema } = made;
  for (const [name, definition] of Object.entries(definitions)) schemas[name] = moved(definition) as Json;
  return moved(schema) as Json;
}

/** References from their place in the shape's own document to their place in this one. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace('#/definitions/', '#/components/schemas/')
        : moved(inner),
    ]),
  );
}
