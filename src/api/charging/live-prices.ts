/** Prices as live views tell them. */
import type { SessionPrices } from '../live/costs.js';
import type { SessionPricer } from './pricer.js';
import { costOf, isFinalRow } from './view.js';

export const livePrices = (pricer: Pick<SessionPricer, 'price'>): SessionPrices => ({
  async price(wanted) {
    const priced = await pricer.price(wanted);
    return priced.map(({ row, pricing }) => {
      const { sessionId, chargePointId, stationId, accountId, version, energyWh, lastSeenAt } = row;
      const told = { sessionId, chargePointId, stationId, accountId, version, energyWh, lastSeenAt };
      return { ...told, ...costOf(pricing, isFinalRow(row)) };
    });
  },
});
