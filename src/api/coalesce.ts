/**
 * Equal questions that are asked while the first of them is still being answered share its answer: fifty open
 * dashboards cost the tables what one does. Nothing is kept beyond that, so no answer is older than its asking.
 */
import type { Queries, QueryAnswer } from '../analytics/ports.js';

export function coalesced(queries: Queries): Queries {
  const underWay = new Map<string, Promise<QueryAnswer>>();
  return {
    list: () => queries.list(),
    ping: () => queries.ping(),
    ask(name, params) {
      const key = JSON.stringify([name, Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))]);
      const shared = underWay.get(key);
      if (shared !== undefined) return shared;
      const answer = queries.ask(name, params).finally(() => underWay.delete(key));
      underWay.set(key, answer);
      return answer;
    },
  };
}
