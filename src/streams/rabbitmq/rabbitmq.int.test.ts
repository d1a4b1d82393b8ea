import { createTestStreams } from '../../../test/rabbitmq.js';
import { type LogUnderTest, logContract, PARTITIONS } from '../streams.contract.js';
import { createRabbitInspector } from './inspector.js';
import { createRabbitPublisher } from './publisher.js';
import { createRabbitReader } from './reader.js';

const backoff = { firstMs: 20, maxMs: 200 };

logContract('RabbitMQ', async (): Promise<LogUnderTest> => {
  const streams = await createTestStreams(PARTITIONS);
  const { address, prefix, partitions, proxy } = streams;
  return {
    async publisher(limits) {
      const publisher = createRabbitPublisher({
        address,
        prefix,
        partitions,
        gateway: 'test',
        stallMs: 400,
        backoff,
        ...limits,
      });
      if (publisher.state !== 'flowing')
        await new Promise<void>((resolve) => {
          const stop = publisher.onState((state) => {
            if (state !== 'flowing') return;
            stop();
            resolve();
          });
        });
      return publisher;
    },
    reader: (group) => createRabbitReader({ address, prefix, partitions, group, backoff }),
    inspector: () => createRabbitInspector({ address, prefix, partitions }),
    hold: async () => proxy.freeze(),
    resume: async () => proxy.thaw(),
    drop: async () => proxy.cut(),
    async recreate() {
      await streams.remove();
      await streams.declare();
    },
    close: () => streams.close(),
  };
});
