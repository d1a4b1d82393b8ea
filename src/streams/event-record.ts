/**
 * A record of an event stream out of the AMQP 1.0 message that RabbitMQ makes of what was published over AMQP 0.9.1:
 * `x-routing-key` in the message annotations; `message-id`, `creation-time` (whole seconds) and `group-id` (the 0.9.1
 * `app-id`) in the properties; the body in data sections.
 */
import { AmqpReader, type Scalar } from './amqp.js';
import type { EventRecord } from './ports.js';

const MESSAGE_ANNOTATIONS = 0x72;
const PROPERTIES = 0x73;
const DATA = 0x75;
const AMQP_VALUE = 0x77;

/** Places in the properties list (part 3, section 3.2.4). */
const MESSAGE_ID = 0;
const CREATION_TIME = 9;
const GROUP_ID = 10;

/** Never throws: of a message that is not ours, or is damaged, whatever can be read is handed on. */
export function decodeEvent(offset: number, bytes: Buffer, start = 0, end = bytes.length): EventRecord {
  const found = { routingKey: '', id: '', app: '', publishedAt: 0, body: '' };
  try {
    const reader = new AmqpReader(bytes, start, end);
    while (!reader.done) {
      switch (reader.section()) {
        case MESSAGE_ANNOTATIONS:
          for (let left = reader.enter(); left > 1; left -= 2) {
            const key = reader.scalar();
            const value = reader.scalar();
            if (key === 'x-routing-key') found.routingKey = text(value);
          }
          break;
        case PROPERTIES: {
          const count = reader.enter();
          for (let place = 0; place < count; place++) {
            const value = reader.scalar();
            if (place === MESSAGE_ID) found.id = text(value);
            else if (place === CREATION_TIME && typeof value === 'number') found.publishedAt = value;
            else if (place === GROUP_ID) found.app = text(value);
          }
          break;
        }
        case DATA:
          found.body += reader.binary();
          break;
        case AMQP_VALUE: {
          const value = reader.scalar();
          if (typeof value === 'string') found.body += value;
          break;
        }
        default:
          reader.skip();
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { offset, ...found };
}

const text = (value: Scalar): string => (value === undefined ? '' : String(value));
