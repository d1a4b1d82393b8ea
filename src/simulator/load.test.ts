import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { OCPP16, OCPP20 } from 'typed-ocpp';
import { z } from 'zod';
import { ACTIONS_OF, bootText, renderLoad } from './load/frames.js';
import { runLoad } from './load.js';
import { Stage, until } from './testing/stage.js';

jest.setTimeout(30_000);
const stage = new Stage();
afterEach(() => stage.close());
const SHORT = { seconds: 0.4, warmupSeconds: 0.1 };

describe('load frames', () => {
  it.each(['1.6', '2.0.1'] as const)(
    'are valid OCPP %s, or a server would be measured refusing them',
    (version) => {
      const schemas = (version === '1.6' ? OCPP16 : OCPP20).schemas as unknown as Record<string, object>;
      const spliced = {
        messageId: 'x1',
        timestamp: '2026-11-23T06:00:00.000Z',
        transactionId: version === '1.6' ? '5' : '"t-5"',
        count: 3,
      };
      const texts = ACTIONS_OF[version].map((action) => renderLoad(action, spliced));
      for (const text of [...texts, bootText(version, 'x1')]) {
        const [type, id, action, payload] = JSON.parse(text) as [number, string, string, object];
        const { $id: _, ...schema } = schemas[`${action}Request`] as { $id?: string };
        const $schema = 'http://json-schema.org/draft-07/schema#';
        const verdict = z.fromJSONSchema({ ...schema, $schema } as never).safeParse(payload);
        expect([type, id, verdict.error]).toEqual([2, 'x1', undefined]);
      }
    },
  );

  it('have the sizes of the field: MeterValues and TransactionEvent about 1 kB', () => {
    const spliced = {
      messageId: 'abc',
      timestamp: '2026-11-23T06:00:00.000Z',
      transactionId: '123456',
      count: 77,
    };
    for (const action of ['MeterValues', 'TransactionEvent'] as const) {
      expect(renderLoad(action, spliced).length).toBeGreaterThan(850);
      expect(renderLoad(action, spliced).length).toBeLessThan(1_100);
    }
  });
});

describe('a load run', () => {
  it('counts what was answered, no more: the server saw as many', async () => {
    const { url, received } = await stage.serve();
    const report = await runLoad({ url, connections: 5, seconds: 0.5, warmupSeconds: 0 });
    const calls = received.filter(({ action }) => action !== 'BootNotification');
    expect(report.answered).toBeGreaterThan(100);
    expect(report.answered).toBeLessThanOrEqual(calls.length);
    expect(calls.length - report.answered).toBeLessThan(300);
    expect(report.answeredPerSecond).toBeCloseTo(report.answered / report.seconds, 6);
    expect(Object.values(report.byAction).reduce((sum, count) => sum + count, 0)).toBe(report.answered);
    expect(report.latencyMs.count).toBe(report.answered);
    expect(report.bytesSent).toBeGreaterThan(report.answered * 500);
  });

  it.each([1, 3])('keeps %p CALLs outstanding per connection, and never more', async (pipelining) => {
    const open = new Map<string, number>();
    let most = 0;
    const { url } = await stage.serve({
      delayMs: () => 3,
      answer: ({ chargePointId, action }) => {
        if (action === 'BootNotification') return undefined;
        const now = (open.get(chargePointId) ?? 0) + 1;
        open.set(chargePointId, now);
        most = Math.max(most, now);
        setTimeout(() => open.set(chargePointId, open.get(chargePointId)! - 1), 2);
        return undefined;
      },
    });
    await runLoad({ url, connections: 4, pipelining, ...SHORT });
    expect(most).toBe(pipelining);
  });

  it('measures the latency there is', async () => {
    const { url } = await stage.serve({ delayMs: () => 20 });
    const { latencyMs } = await runLoad({ url, connections: 4, ...SHORT });
    expect(latencyMs.p50).toBeGreaterThanOrEqual(19);
    expect(latencyMs.p50).toBeLessThan(500);
    expect(latencyMs.max).toBeGreaterThanOrEqual(latencyMs.p99);
  });

  it('keeps to a rate, and counts a CALL that had to wait from when it was due', async () => {
    const fast = await stage.serve();
    const calm = await runLoad({ url: fast.url, connections: 10, rate: 200, seconds: 1, warmupSeconds: 0.2 });
    expect(calm.answeredPerSecond).toBeGreaterThan(120);
    expect(calm.answeredPerSecond).toBeLessThan(260);
    // 50 ms per answer allow 20 a second; 40 are due: whoever measures from sending sees 50 ms for ever.
    const slow = await stage.serve({ delayMs: () => 50 });
    const late = await runLoad({ url: slow.url, connections: 1, rate: 40, seconds: 1.5, warmupSeconds: 0 });
    expect(late.latencyMs.max).toBeGreaterThan(300);
  });

  it('stops transactions under the id their start was answered with', async () => {
    const { url, received } = await stage.serve({
      answer: ({ action }) =>
        action === 'StartTransaction'
          ? { transactionId: 31_337, idTagInfo: { status: 'Accepted' } }
          : undefined,
    });
    await runLoad({ url, connections: 2, mix: { StartTransaction: 1, StopTransaction: 1 }, ...SHORT });
    const ids = received
      .filter(({ action }) => action === 'StopTransaction')
      .map(({ payload }) => payload.transactionId);
    expect(ids).toContain(31_337);
    expect(new Set(ids).size).toBeLessThanOrEqual(2);
  });

  it('tells CALLERRORs from answers', async () => {
    const { url } = await stage.serve({
      answer: ({ action }) => (action === 'Heartbeat' ? { callError: 'InternalError' } : undefined),
    });
    const report = await runLoad({
      url,
      connections: 2,
      mix: { Heartbeat: 1, StatusNotification: 1 },
      ...SHORT,
    });
    expect(report.callErrors).toBeGreaterThan(10);
    expect(report.answered).toBeGreaterThan(10);
    expect(Object.keys(report.byAction)).toEqual(['StatusNotification']);
  });

  it('comes back after the line was cut', async () => {
    const csms = await stage.serve();
    const running = runLoad({ url: csms.url, connections: 5, seconds: 5, warmupSeconds: 0 });
    await until(() => csms.online().length === 5);
    csms.drop();
    const report = await running;
    expect(report.lost).toBe(5);
    expect(
      csms.received.filter(({ connection, action }) => connection === 2 && action !== 'BootNotification')
        .length,
    ).toBeGreaterThan(5);
  });

  it('refuses what it cannot do, by name', async () => {
    const { url } = await stage.serve({ refuse: () => 401 });
    await expect(runLoad({ url, connections: 2, ...SHORT })).rejects.toMatchObject({
      code: 'LOAD_NOT_CONNECTED',
    });
    await expect(runLoad({ url, connections: 2, ...SHORT, mix: {} })).rejects.toMatchObject({
      code: 'LOAD_MIX_INVALID',
    });
    await expect(
      runLoad({ url, connections: 2, ...SHORT, version: '2.0.1', mix: { MeterValues: 1 } }),
    ).rejects.toMatchObject({ code: 'LOAD_MIX_INVALID' });
  });

  it('can be aborted', async () => {
    const { url } = await stage.serve();
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await expect(runLoad({ url, connections: 2, seconds: 60, signal: abort.signal })).rejects.toThrow(
      /abort/i,
    );
  });
});
