import { keyBooksContract } from '../key-books.contract.js';
import { MemoryKeyBooks } from './key-books.js';

keyBooksContract('in memory', async () => ({ books: new MemoryKeyBooks(), close: async () => {} }));
