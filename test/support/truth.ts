/** The tables beside what the simulated chargers know. */
import type { Ledger } from '../../src/simulator/ledger.js';
import type { TestDatabase } from '../clickhouse.js';

export interface SessionAnswer {
  readonly charge_point_id: string;
  readonly transaction_id: string;
  readonly status: string;
  readonly energy_wh: number | null;
  readonly held: boolean;
  readonly anomalies: readonly string[];
  readonly quarters_wh: number | null;
}

export const sessionsOf = (database: TestDatabase, prefix: string): Promise<SessionAnswer[]> =>
  database.select<SessionAnswer>(`
    SELECT charge_point_id, transaction_id, status, toFloat64(energy_wh) AS energy_wh, held, anomalies,
      toFloat64(q.wh) AS quarters_wh
    FROM sessions AS s
    LEFT JOIN (SELECT session_id, sum(energy_wh) AS wh FROM energy_15m GROUP BY session_id) AS q USING (session_id)
    WHERE startsWith(charge_point_id, '${prefix}')`);

/** One line per session on which the tables and the charger do not agree; sessions nobody charged included. */
export async function differences(database: TestDatabase, ledger: Ledger, prefix: string): Promise<string[]> {
  const rows = await sessionsOf(database, prefix);
  const byId = new Map(rows.map((row) => [`${row.charge_point_id} ${row.transaction_id}`, row]));
  const lines: string[] = [];
  for (const session of ledger.sessionList()) {
    const name = `${session.chargePointId} ${session.transactionId}`;
    const row = byId.get(name);
    byId.delete(name);
    if (row === undefined) lines.push(`${name}: not in the tables`);
    else if (session.closed && row.status !== 'completed') lines.push(`${name}: ended, but is ${row.status}`);
    else if (session.closed && row.energy_wh !== session.energyWh) {
      lines.push(`${name}: delivered ${session.energyWh} Wh, tables say ${row.energy_wh} (${row.anomalies})`);
    } else if (row.energy_wh !== null && Math.abs((row.quarters_wh ?? 0) - row.energy_wh) > 1e-6) {
      lines.push(`${name}: ${row.energy_wh} Wh, but its quarter hours sum to ${row.quarters_wh}`);
    }
  }
  for (const name of byId.keys()) lines.push(`${name}: in the tables, but no charger had it`);
  return lines;
}
