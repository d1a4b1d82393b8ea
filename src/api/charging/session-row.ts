/** As `account-sessions` has it, in camelCase. */
export interface SessionRow {
  readonly sessionId: string;
  readonly chargePointId: string;
  readonly connectorId: number | null;
  readonly evseId: number | null;
  readonly transactionId: string;
  readonly authStatus: string;
  readonly stationId: string;
  readonly accountId: string;
  readonly tariff: string;
  readonly status: string;
  readonly held: boolean;
  readonly startedAt: string;
  readonly stoppedAt: string | null;
  readonly lastSeenAt: string;
  readonly meterStartWh: number | null;
  readonly meterStopWh: number | null;
  readonly energyWh: number | null;
  readonly estimated: boolean;
  readonly maxPowerW: number | null;
  readonly socEnd: number | null;
  readonly stopReason: string;
  readonly anomalies: readonly string[];
  readonly protocol: string;
  readonly version: number;
  readonly cursor: string;
}
