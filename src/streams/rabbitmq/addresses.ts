/** Which of several nodes to connect to. */
import type { BrokerAddress } from '../../platform/config.js';

export const addressesOf = ({ others = [], ...first }: BrokerAddress): BrokerAddress[] => [first, ...others];

export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
