import { once } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { RPCServer } from 'ocpp-rpc';
import { OCPP16, OCPP20, OCPP21 } from 'typed-ocpp';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { simulate, startFleet } from './fleet.js';
import { startCsms } from './testing/csms.js';

/** Judges that know nothing of us: what the simulator says must be OCPP, or it proves nothing about a server. */
jest.setTimeout(30_000);
const START = Date.parse('2026-11-23T06:00:00Z');
const SPEED = Number.POSITIVE_INFINITY;
const HOUR = 3_600_000;

type Handler = { params: Record<string, unknown> };
const answers: Record<string, (params: Record<string, unknown>) => object> = {
  BootNotification: () => ({ status: 'Accepted', interval: 300, currentTime: new Date(START).toISOString() }),
  Heartbeat: () => ({ currentTime: new Date(START).toISOString() }),
  Authorize: ({ idTag }) =>
    idTag === undefined ? { idTokenInfo: { status: 'Accepted' } } : { idTagInfo: { status: 'Accepted' } },
  StartTransaction: () => ({ transactionId: 4711, idTagInfo: { status: 'Accepted' } }),
  StopTransaction: () => ({}),
  MeterValues: () => ({}),
  StatusNotification: () => ({}),
  TransactionEvent: () => ({}),
};

describe('ocpp-rpc in strict mode, as the server', () => {
  let server: RPCServer;
  afterEach(() => server.close({ force: true }));

  const judge = async (version: '1.6' | '2.0.1') => {
    const complaints: unknown[] = [];
    server = new RPCServer({ protocols: [`ocpp${version}`], strictMode: true });
    server.auth((accept) => accept({}));
    server.on('client', (client) => {
      client.on('strictValidationFailure', ({ error }: { error: Error }) =>
        complaints.push([error.message, JSON.stringify((error as { details?: unknown }).details)]),
      );
      client.on('badMessage', ({ error }: { error: Error }) => complaints.push(error.message));
      for (const [action, answer] of Object.entries(answers))
        client.handle(action, ({ params }: Handler) => answer(params));
      client.handle(({ method }: { method: string }) => {
        complaints.push(`an action nobody expected: ${method}`);
        return {};
      });
    });
    const { port } = (await server.listen(0)).address() as { port: number };
    return { url: `ws://127.0.0.1:${port}/ocpp`, complaints };
  };

  it('would complain', async () => {
    const { url, complaints } = await judge('1.6');
    const socket = new WebSocket(`${url}/CP-1`, 'ocpp1.6');
    await once(socket, 'open');
    for (const wrong of ['[2,"1","StatusNotification",{"connectorId":1}]', '[2,"2","MakeCoffee",{}]']) {
      socket.send(wrong);
      await once(socket, 'message');
    }
    expect(complaints).toHaveLength(2);
  });

  it.each(
    (['1.6', '2.0.1'] as const).flatMap((version) =>
      ['rush-hour', 'duplicate-storm', 'blackout', 'clock-skew', 'meter-reset'].map(
        (scenario) => [version, scenario] as const,
      ),
    ),
  )('finds nothing wrong with OCPP %s, %s', async (version, scenario) => {
    const { url, complaints } = await judge(version);
    const ledger = await simulate({
      url,
      chargers: 8,
      version,
      scenario,
      speed: SPEED,
      startAt: START,
      durationMs: HOUR,
    });
    expect(complaints).toEqual([]);
    expect(ledger.counts.callErrors).toBe(0);
    expect(ledger.counts.sessionsClosed).toBeGreaterThan(5);
    expect(ledger.counts.sessionsClosed).toBe(ledger.counts.sessionsStarted);
  });
});

describe('the official schemas', () => {
  const schemas = { '1.6': OCPP16.schemas, '2.0.1': OCPP20.schemas, '2.1': OCPP21.schemas };
  const compiled = new Map<string, z.ZodType>();
  const complaint = (version: keyof typeof schemas, name: string, payload: unknown): string | undefined => {
    let schema = compiled.get(version + name);
    if (schema === undefined) {
      const source = (schemas[version] as unknown as Record<string, object | undefined>)[name];
      if (source === undefined) return `there is no ${name} in OCPP ${version}`;
      const { $id: _, ...rest } = source as { $id?: string };
      schema = z.fromJSONSchema({
        ...rest,
        $schema: 'http://json-schema.org/draft-07/schema#',
      } as never) as z.ZodType;
      compiled.set(version + name, schema);
    }
    const verdict = schema.safeParse(payload);
    return verdict.success ? undefined : `${name}: ${verdict.error.message} in ${JSON.stringify(payload)}`;
  };

  it('would complain', () => {
    expect(complaint('2.1', 'TransactionEventRequest', { eventType: 'Started' })).toBeDefined();
    expect(complaint('1.6', 'HeartbeatRequest', { extra: 1 })).toBeDefined();
  });

  it.each(['duplicate-storm', 'offline-queue', 'steady'])('hold for OCPP 2.1 too (%s)', async (scenario) => {
    const csms = await startCsms();
    try {
      await simulate({
        url: csms.url,
        chargers: 12,
        version: '2.1',
        scenario,
        speed: SPEED,
        startAt: START,
        durationMs: HOUR,
      });
      const wrong = csms.received.flatMap(
        ({ action, payload }) => complaint('2.1', `${action}Request`, payload) ?? [],
      );
      expect(csms.of('SIM-0001', 'TransactionEvent').length).toBeGreaterThan(5);
      expect(wrong).toEqual([]);
    } finally {
      await csms.close();
    }
  });

  it.each(['1.6', '2.0.1', '2.1'] as const)(
    'hold for the replies to commands of OCPP %s',
    async (version) => {
      const csms = await startCsms();
      const fleet = startFleet({ url: csms.url, chargers: 1, version, scenario: 'steady', startAt: START });
      try {
        while (fleet.ledger.counts.sessionsStarted === 0)
          await new Promise((resolve) => setTimeout(resolve, 10));
        const evse = { id: 1, connectorId: 1 };
        const variable = { component: { name: 'OCPPCommCtrlr' }, variable: { name: 'HeartbeatInterval' } };
        const commands: [string, Record<string, unknown>][] =
          version === '1.6'
            ? [
                ['GetConfiguration', {}],
                ['GetConfiguration', { key: ['HeartbeatInterval', 'AuthorizationKey', 'Nonsense'] }],
                ['ChangeConfiguration', { key: 'HeartbeatInterval', value: '60' }],
                ['ChangeConfiguration', { key: 'HeartbeatInterval', value: 'soon' }],
                ['ChangeConfiguration', { key: 'Nonsense', value: '1' }],
                ['TriggerMessage', { requestedMessage: 'MeterValues', connectorId: 1 }],
                ['TriggerMessage', { requestedMessage: 'FirmwareStatusNotification' }],
                ['RemoteStopTransaction', { transactionId: 123_456 }],
                ['RemoteStartTransaction', { connectorId: 9, idTag: 'X' }],
                ['ChangeAvailability', { connectorId: 0, type: 'Inoperative' }],
                ['ChangeAvailability', { connectorId: 7, type: 'Operative' }],
                ['UnlockConnector', { connectorId: 9 }],
                ['ClearCache', {}],
                ['DataTransfer', { vendorId: 'who' }],
                ['GetLocalListVersion', {}],
                ['SendLocalList', { listVersion: 1, updateType: 'Full' }],
                [
                  'ReserveNow',
                  { connectorId: 1, expiryDate: '2026-11-23T10:00:00Z', idTag: 'X', reservationId: 1 },
                ],
                ['CancelReservation', { reservationId: 1 }],
                ['ClearChargingProfile', {}],
                ['GetCompositeSchedule', { connectorId: 1, duration: 60 }],
                ['GetDiagnostics', { location: 'ftp://x' }],
                ['UpdateFirmware', { location: 'ftp://x', retrieveDate: '2026-11-23T10:00:00Z' }],
                ['GetLog', { logType: 'SecurityLog', requestId: 1, log: { remoteLocation: 'ftp://x' } }],
                ['ExtendedTriggerMessage', { requestedMessage: 'LogStatusNotification' }],
                [
                  'SignedUpdateFirmware',
                  {
                    requestId: 2,
                    firmware: {
                      location: 'ftp://x',
                      retrieveDateTime: '2026-11-23T10:00:00Z',
                      signingCertificate: 'PEM',
                      signature: 'c2ln',
                    },
                  },
                ],
                ['GetInstalledCertificateIds', { certificateType: 'ManufacturerRootCertificate' }],
                [
                  'InstallCertificate',
                  { certificateType: 'ManufacturerRootCertificate', certificate: 'PEM' },
                ],
                ['GetInstalledCertificateIds', { certificateType: 'ManufacturerRootCertificate' }],
                ['CertificateSigned', { certificateChain: 'PEM' }],
                [
                  'SetChargingProfile',
                  {
                    connectorId: 1,
                    csChargingProfiles: {
                      chargingProfileId: 1,
                      stackLevel: 0,
                      chargingProfilePurpose: 'TxDefaultProfile',
                      chargingProfileKind: 'Relative',
                      chargingSchedule: {
                        chargingRateUnit: 'A',
                        chargingSchedulePeriod: [{ startPeriod: 0, limit: 6.5 }],
                      },
                    },
                  },
                ],
                ['GetCompositeSchedule', { connectorId: 1, duration: 60 }],
                ['ClearChargingProfile', { id: 1 }],
                [
                  'SendLocalList',
                  {
                    listVersion: 2,
                    updateType: 'Differential',
                    localAuthorizationList: [
                      { idTag: 'A', idTagInfo: { status: 'Accepted' } },
                      { idTag: 'B' },
                    ],
                  },
                ],
              ]
            : [
                [
                  'GetVariables',
                  { getVariableData: [variable, { component: { name: 'No' }, variable: { name: 'No' } }] },
                ],
                [
                  'SetVariables',
                  {
                    setVariableData: [
                      { ...variable, attributeValue: '60' },
                      { ...variable, attributeValue: 'x' },
                    ],
                  },
                ],
                ['TriggerMessage', { requestedMessage: 'TransactionEvent', evse }],
                ['TriggerMessage', { requestedMessage: 'LogStatusNotification' }],
                ['RequestStopTransaction', { transactionId: 'none' }],
                [
                  'RequestStartTransaction',
                  { evseId: 9, remoteStartId: 1, idToken: { idToken: 'X', type: 'Central' } },
                ],
                ['ChangeAvailability', { operationalStatus: 'Inoperative' }],
                ['UnlockConnector', { evseId: 1, connectorId: 1 }],
                ['UnlockConnector', { evseId: 9, connectorId: 1 }],
                ['GetTransactionStatus', { transactionId: 'none' }],
                ['GetTransactionStatus', {}],
                ['ClearCache', {}],
                ['DataTransfer', { vendorId: 'who' }],
                ['GetLocalListVersion', {}],
                ['GetBaseReport', { requestId: 1, reportBase: 'FullInventory' }],
                ['GetChargingProfiles', { requestId: 1, chargingProfile: {} }],
                ['ClearChargingProfile', {}],
                ['GetCompositeSchedule', { duration: 60, evseId: 1 }],
                ['GetInstalledCertificateIds', {}],
                ['CostUpdated', { totalCost: 1, transactionId: 'none' }],
                ['CancelReservation', { reservationId: 1 }],
                ['GetLog', { logType: 'DiagnosticsLog', requestId: 1, log: { remoteLocation: 'ftp://x' } }],
                [
                  'UpdateFirmware',
                  {
                    requestId: 2,
                    firmware: { location: 'ftp://x', retrieveDateTime: '2026-11-23T10:00:00Z' },
                  },
                ],
                [
                  'SetChargingProfile',
                  {
                    evseId: 1,
                    chargingProfile: {
                      id: 1,
                      stackLevel: 0,
                      chargingProfilePurpose: 'TxDefaultProfile',
                      chargingProfileKind: 'Relative',
                      chargingSchedule: [
                        {
                          id: 1,
                          chargingRateUnit: 'A',
                          chargingSchedulePeriod: [{ startPeriod: 0, limit: 6.5 }],
                        },
                      ],
                    },
                  },
                ],
                ['GetChargingProfiles', { requestId: 3, chargingProfile: {} }],
                ['GetCompositeSchedule', { duration: 60, evseId: 1 }],
                ['ClearChargingProfile', { chargingProfileId: 1 }],
                [
                  'SendLocalList',
                  {
                    versionNumber: 1,
                    updateType: 'Full',
                    localAuthorizationList: [
                      { idToken: { idToken: 'A', type: 'ISO14443' }, idTokenInfo: { status: 'Accepted' } },
                    ],
                  },
                ],
                ['InstallCertificate', { certificateType: 'CSMSRootCertificate', certificate: 'PEM' }],
                ['GetInstalledCertificateIds', { certificateType: ['CSMSRootCertificate'] }],
                ['SetMonitoringBase', { monitoringBase: 'All' }],
                ['SetMonitoringLevel', { severity: 3 }],
                [
                  'SetVariableMonitoring',
                  { setMonitoringData: [{ ...variable, value: 1, type: 'Delta', severity: 3 }] },
                ],
                ['ClearVariableMonitoring', { id: [1] }],
                ['GetMonitoringReport', { requestId: 4 }],
                ['GetReport', { requestId: 5 }],
                [
                  'SetDisplayMessage',
                  { message: { id: 1, priority: 'InFront', message: { format: 'ASCII', content: 'Hello' } } },
                ],
                ['GetDisplayMessages', { requestId: 6 }],
                ['ClearDisplayMessage', { id: 1 }],
                ['CustomerInformation', { requestId: 7, report: true, clear: false }],
                ['UnpublishFirmware', { checksum: 'c' }],
                ...(version === '2.1'
                  ? ([
                      ['UsePriorityCharging', { transactionId: 'none', activate: true }],
                      ['ClearTariffs', {}],
                      ['GetTariffs', { evseId: 0 }],
                      ['GetPeriodicEventStream', {}],
                      ['AFRRSignal', { timestamp: '2026-11-23T10:00:00Z', signal: 1 }],
                      ['NotifyWebPaymentStarted', { evseId: 1, timeout: 60 }],
                    ] as [string, Record<string, unknown>][])
                  : []),
              ];
        const wrong: unknown[] = [];
        for (const [action, payload] of commands) {
          wrong.push(...[complaint(version, `${action}Request`, payload)].filter(Boolean));
          const reply = await csms.call('SIM-0001', action, payload);
          wrong.push(
            ...[reply[0] === 3 ? complaint(version, `${action}Response`, reply[2]) : reply].filter(Boolean),
          );
        }
        expect(wrong).toEqual([]);
        expect((await csms.call('SIM-0001', 'MakeCoffee', {}))[2]).toBe('NotImplemented');
        // A payload that makes no sense is refused, and the charger goes on.
        const needsFields = version === '1.6' ? 'RemoteStopTransaction' : 'GetVariables';
        expect((await csms.call('SIM-0001', needsFields, {}))[0]).toBeGreaterThanOrEqual(3);
        expect(fleet.ledger.commands.length).toBe(commands.length + 2);
        // What the commands set off is OCPP too.
        const set = version === '1.6' ? 'DiagnosticsStatusNotification' : 'NotifyCustomerInformation';
        while (!csms.received.some(({ action }) => action === set))
          await new Promise((resolve) => setTimeout(resolve, 10));
        for (const { action, payload } of csms.received)
          expect(complaint(version, `${action}Request`, payload)).toBeUndefined();
      } finally {
        await fleet.stop();
        await csms.close();
      }
    },
  );
});
