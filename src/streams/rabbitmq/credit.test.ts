import { expect, test } from '@jest/globals';
import { Credit } from './credit.js';

/** A broker that sends as long as it has credit. */
class Broker {
  sent = 0;
  constructor(private credit: number) {}
  write(frame: Buffer): void {
    this.credit += frame.readUInt16BE(9);
  }
  send(): boolean {
    if (this.credit === 0) return false;
    this.credit -= 1;
    this.sent += 1;
    return true;
  }
}

test.each([1, 2, 3, 10])(
  'with %p chunks of credit a reader that handles what comes never runs dry',
  (chunks) => {
    const broker = new Broker(chunks);
    const credit = new Credit(0, chunks);
    for (let n = 0; n < 100; n++) {
      expect(broker.send()).toBe(true);
      credit.handled(broker);
    }
    expect(broker.sent).toBe(100);
  },
);

test('one that handles nothing gets no more than was agreed', () => {
  const broker = new Broker(10);
  while (broker.send());
  expect(broker.sent).toBe(10);
});

test('a new connection begins with its own credit: nothing is given back on it for chunks of the old one', () => {
  const credit = new Credit(0, 10);
  const [old, young] = [new Broker(10), new Broker(0)];
  for (let n = 0; n < 4; n++) credit.handled(old);
  for (let n = 0; n < 4; n++) credit.handled(young);
  expect(young.send()).toBe(false);
  credit.handled(young);
  for (let n = 0; n < 5; n++) expect(young.send()).toBe(true);
  expect(young.send()).toBe(false);
});
