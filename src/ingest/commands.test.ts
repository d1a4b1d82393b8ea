/** The gateway's side of commands, over real sockets, with the queues in memory. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { aWhile, type TestCharger, type TestOptions, testIngest, until } from '../../test/support/ingest.js';
import { MemoryQueues } from '../../test/support/memory-queues.js';
import type { ChargingCommand } from '../domain/messages/commands.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function start(queues = new MemoryQueues(), options: TestOptions = {}) {
  const events = queues.eventPublisher();
  const ingest = await testIngest({
    commands: { events, receive: (handler) => queues.receive(handler) },
    ...options,
  });
  open.push(ingest);
  const sender = queues.sender();
  return {
    ...ingest,
    queues,
    locate: (id: string) => sender.locate(id),
    /** Connected, and reachable by commands. */
    async reachable(id: string, protocol = 'ocpp1.6') {
      const before = (await sender.locate(id))?.connection;
      const charger = await ingest.charger(id, [protocol]);
      await eventually(async () => {
        const now = (await sender.locate(id))?.connection;
        return now !== undefined && now !== before;
      });
      return charger;
    },
    async send(chargePointId: string, more: Partial<ChargingCommand> = {}): Promise<ChargingCommand> {
      const held = await sender.locate(chargePointId);
      const command: ChargingCommand = {
        id: randomUUID(),
        schema: 1,
        at: new Date().toISOString(),
        type: 'command',
        chargePointId,
        connection: held?.connection ?? 'none',
        protocol: held?.protocol ?? 'ocpp1.6',
        action: 'Reset',
        payload: { type: 'Soft' },
        deadline: new Date(Date.now() + 20_000).toISOString(),
        ...more,
      };
      await sender.publishChargingCommand(command);
      return command;
    },
  };
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 4_500; !(await condition()); await aWhile(5))
    if (Date.now() > end) throw new Error(`never came true: ${condition}`);
}

/** CALLs of ours that a charger has got. */
const calls = (charger: TestCharger): [number, string, string, object][] =>
  charger.inbox.map((text) => JSON.parse(text)).filter(([type]) => type === 2);
const reply = (charger: TestCharger, index: number, payload: object = { status: 'Accepted' }): void =>
  charger.send(JSON.stringify([3, calls(charger)[index]![1], payload]));

describe('to the charger and back', () => {
  test('sent is in the log before the frame is on the socket; the answer becomes a step once it is kept', async () => {
    const { queues, publisher, reachable, send } = await start();
    const cp = await reachable('CP');
    const command = await send('CP');
    await until(() => calls(cp).length === 1);
    expect(calls(cp)[0]).toEqual([2, command.id, 'Reset', { type: 'Soft' }]);
    expect(queues.stepsOf(command.id)).toEqual(['sent']);
    publisher.hold();
    reply(cp, 0);
    await until(() => publisher.unconfirmed === 1);
    await aWhile();
    expect(queues.stepsOf(command.id)).toEqual(['sent']);
    publisher.flow();
    await until(() => queues.stepsOf(command.id).length === 2);
    expect(queues.events.at(-1)).toMatchObject({
      type: 'command.accepted',
      gateway: 'gw-test',
      connection: command.connection,
      status: 'Accepted',
      response: { status: 'Accepted' },
    });
    expect(publisher.handed.map(({ subject, direction }) => [subject, direction]).slice(1)).toEqual([
      ['Reset', 'out'],
      ['CallResult', 'in'],
    ]);
  });

  test('not written before the log of events has `sent`, though the frame is kept', async () => {
    const { queues, publisher, reachable, send } = await start();
    const cp = await reachable('CP');
    const command = await send('CP');
    queues.away();
    await until(() => publisher.handed.length === 2);
    await aWhile();
    expect(calls(cp)).toEqual([]);
    // The charger is served meanwhile.
    await cp.answer(cp.call('Heartbeat'));
    queues.back();
    await until(() => calls(cp).length === 1);
    expect(queues.stepsOf(command.id)).toEqual(['sent']);
  });

  test('rejected, failed, and an answer that hurts its schema', async () => {
    const { queues, reachable, send } = await start();
    const cp = await reachable('CP');
    const rejected = await send('CP');
    await until(() => calls(cp).length === 1);
    reply(cp, 0, { status: 'Rejected' });
    await until(() => queues.stepsOf(rejected.id).includes('rejected'));
    const failed = await send('CP');
    await until(() => calls(cp).length === 2);
    cp.send(JSON.stringify([4, failed.id, 'NotSupported', 'no', { url: 'ftp://me:secret@host' }]));
    await until(() => queues.stepsOf(failed.id).includes('failed'));
    expect(queues.events.at(-1)).toMatchObject({
      code: 'NotSupported',
      description: 'no',
      details: { url: 'ftp://me:***@host' },
    });
    const hurt = await send('CP');
    await until(() => calls(cp).length === 3);
    reply(cp, 2, { status: 'Accepted', colour: 'red' });
    await until(() => queues.stepsOf(hurt.id).includes('accepted'));
    expect(queues.events.at(-1)).toMatchObject({ complaint: expect.stringContaining('colour') });
  });

  test('the charger gets the secret; neither the frames nor the events do', async () => {
    const { queues, publisher, reachable, send } = await start();
    const cp = await reachable('CP');
    await send('CP', {
      action: 'ChangeConfiguration',
      payload: { key: 'AuthorizationKey', value: 'opensesame' },
    });
    await until(() => calls(cp).length === 1);
    expect(calls(cp)[0]![3]).toEqual({ key: 'AuthorizationKey', value: 'opensesame' });
    reply(cp, 0);
    await until(() => queues.log.length === 2);
    const asked = await send('CP', { action: 'GetConfiguration', payload: {} });
    await until(() => calls(cp).length === 2);
    reply(cp, 1, { configurationKey: [{ key: 'AuthorizationKey', readonly: false, value: 'opensesame' }] });
    await until(() => queues.stepsOf(asked.id).length === 2);
    expect(JSON.stringify([publisher.handed, queues.log])).not.toContain('opensesame');
  });

  test('one outstanding: the others wait their turn, in order', async () => {
    const { queues, reachable, send } = await start();
    const cp = await reachable('CP');
    const sent: ChargingCommand[] = [];
    for (let i = 0; i < 5; i++) sent.push(await send('CP'));
    for (let i = 0; i < 5; i++) {
      await until(() => calls(cp).length === i + 1);
      await aWhile(10);
      expect(calls(cp)).toHaveLength(i + 1);
      expect(queues.stepsOf(sent[i + 1]?.id ?? 'none')).toEqual([]);
      reply(cp, i);
    }
    expect(calls(cp).map(([, id]) => id)).toEqual(sent.map(({ id }) => id));
    await until(() => queues.stepsOf(sent[4]!.id).includes('accepted'));
  });
});

describe('at most once', () => {
  test('a command that comes twice is sent once', async () => {
    const { queues, reachable, send, metric } = await start();
    const cp = await reachable('CP');
    const command = await send('CP');
    await send('CP', command);
    await until(() => calls(cp).length === 1);
    reply(cp, 0);
    await until(() => queues.stepsOf(command.id).includes('accepted'));
    await send('CP', command);
    await aWhile();
    expect(calls(cp)).toHaveLength(1);
    expect(await metric('wattstream_ingest_commands_total{outcome="repeated"}')).toBe(2);
  });

  test('a command for a connection that is gone is not given to the one that replaced it', async () => {
    const { queues, reachable, send, locate } = await start();
    await reachable('CP');
    const old = (await locate('CP'))!.connection;
    const cp = await reachable('CP');
    const command = await send('CP', { connection: old });
    await until(() => queues.stepsOf(command.id).length === 1);
    expect(queues.stepsOf(command.id)).toEqual(['offline']);
    expect(calls(cp)).toEqual([]);
  });

  test('past its deadline it is not written', async () => {
    const { queues, reachable, send } = await start();
    const cp = await reachable('CP');
    const command = await send('CP', { deadline: new Date(Date.now() - 1).toISOString() });
    await until(() => queues.stepsOf(command.id).length === 1);
    expect(queues.events.at(-1)).toMatchObject({ type: 'command.timed-out', delivery: 'not-delivered' });
    expect(calls(cp)).toEqual([]);
  });

  test('silence is delivery-unknown; what waited behind it until its own deadline was not delivered', async () => {
    const { queues, reachable, send } = await start();
    const cp = await reachable('CP');
    const within = (ms: number) => ({ deadline: new Date(Date.now() + ms).toISOString() });
    const silent = await send('CP', within(2_000));
    await until(() => calls(cp).length === 1);
    const behind = await send('CP', within(300));
    await until(() => queues.stepsOf(silent.id).includes('timed-out'));
    expect(queues.events.filter(({ type }) => type === 'command.timed-out')).toMatchObject([
      { commandId: behind.id, delivery: 'not-delivered' },
      { commandId: silent.id, delivery: 'delivery-unknown' },
    ]);
    // An answer after that is nobody's.
    reply(cp, 0);
    await cp.answer(cp.call('Heartbeat'));
    expect(queues.stepsOf(silent.id)).toEqual(['sent', 'timed-out']);
  });

  test('the charger goes: written is delivery-unknown, waiting is offline, both at once', async () => {
    const { queues, reachable, send } = await start();
    const cp = await reachable('CP');
    const written = await send('CP');
    const waiting = await send('CP');
    await until(() => calls(cp).length === 1);
    cp.socket.terminate();
    await until(() => queues.stepsOf(waiting.id).length === 1);
    expect(queues.stepsOf(waiting.id)).toEqual(['offline']);
    expect(queues.stepsOf(written.id)).toEqual(['sent', 'timed-out']);
    expect(queues.events.find(({ type }) => type === 'command.timed-out')).toMatchObject({
      delivery: 'delivery-unknown',
    });
  });

  test('a frame too large to be kept is not sent, and says so', async () => {
    const { GatedPublisher } = await import('../../test/support/gated-publisher.js');
    const queues = new MemoryQueues();
    const { reachable, send } = await start(queues, {
      publisher: new GatedPublisher({ maxRecordBytes: 500 }),
    } as TestOptions);
    const cp = await reachable('CP');
    const command = await send('CP', {
      action: 'DataTransfer',
      payload: { vendorId: 'v', data: 'x'.repeat(900) },
    });
    await until(() => queues.stepsOf(command.id).includes('failed'));
    expect(queues.events.at(-1)).toMatchObject({ code: 'RECORD_TOO_LARGE' });
    expect(calls(cp)).toEqual([]);
  });
});

describe('who can be reached', () => {
  test('a charger is bound after its handshake and unbound when it leaves', async () => {
    const { reachable, locate, metric } = await start();
    const cp = await reachable('CP', 'ocpp2.0.1');
    expect(await locate('CP')).toMatchObject({ gateway: 'gw-test', protocol: 'ocpp2.0.1' });
    expect(await metric('wattstream_ingest_bindings')).toBe(1);
    cp.socket.terminate();
    await eventually(async () => (await metric('wattstream_ingest_bindings')) === 0);
    expect(await locate('CP')).toBeUndefined();
  });

  test('chargers are served while the broker of commands is away, and reachable when it is back', async () => {
    const queues = new MemoryQueues();
    queues.away();
    const { charger, locate } = await start(queues);
    const cp = await charger('CP');
    await cp.answer(cp.call('Heartbeat'));
    queues.back();
    await eventually(async () => (await locate('CP')) !== undefined);
  });

  test('a charger that moves to another gateway leaves no ghost at the old one, and keeps the new one', async () => {
    const queues = new MemoryQueues();
    const [east, west] = [await start(queues), await start(queues, { gatewayId: 'west' })];
    const ghost = await east.reachable('CP');
    await aWhile(5);
    const cp = await west.reachable('CP');
    expect(await ghost.closed).toMatchObject({ code: 4001 });
    await eventually(async () => (await east.locate('CP'))?.gateway === 'west');
    await cp.answer(cp.call('Heartbeat'));
    expect(west.gateway.size).toBe(1);
    expect(await east.metric('wattstream_ingest_ghosts_total{outcome="closed"}')).toBe(1);
  });

  test('an announcement that comes late does not end the newer connection', async () => {
    const { reachable, queues, gateway } = await start();
    const cp = await reachable('CP');
    queues.receive({ command() {}, locate: () => undefined, held() {} }).announce({
      chargePointId: 'CP',
      gateway: 'elsewhere',
      connection: 'old',
      protocol: 'ocpp1.6',
      since: new Date(Date.now() - 60_000).toISOString(),
    });
    await cp.answer(cp.call('Heartbeat'));
    expect(gateway.size).toBe(1);
  });

  test('a stop takes no more commands, and says of each that waited that it was not sent', async () => {
    const ingest = await start();
    const { queues, reachable, send, locate } = ingest;
    const cp = await reachable('CP');
    const written = await send('CP');
    const waiting = await send('CP');
    await until(() => calls(cp).length === 1);
    await ingest.stop();
    expect(await locate('CP')).toBeUndefined();
    await until(() => queues.stepsOf(waiting.id).length === 1);
    expect(queues.stepsOf(waiting.id)).toEqual(['offline']);
    expect(queues.stepsOf(written.id)).toEqual(['sent', 'timed-out']);
  });
});
