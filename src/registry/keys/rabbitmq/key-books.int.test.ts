import { createTestQueues } from '../../../../test/queues.js';
import { silentLogger } from '../../../platform/logger.js';
import { keyBooksContract } from '../key-books.contract.js';
import { createRabbitKeyBooks } from './key-books.js';

keyBooksContract('on RabbitMQ', async () => {
  const queues = await createTestQueues();
  const books = createRabbitKeyBooks({
    address: queues.address,
    connection: queues.connect(),
    prefix: queues.prefix,
    log: silentLogger,
  });
  return {
    books,
    async close() {
      await Promise.all([1, 2].map((book) => books.remove(book)));
      await books.close();
      await queues.close();
    },
  };
});
