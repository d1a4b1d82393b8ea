import { expect, test } from '@jest/globals';
import { brokerUrls, readSettings, streamAddress } from './config.js';

const of = (env: Record<string, string>) => streamAddress(readSettings(env));

test('the stream address: given, or derived from the AMQP address', () => {
  expect(of({ RABBITMQ_URL: 'amqps://me:p%40ss@broker:5673/v%2F1' })).toEqual({
    host: 'broker',
    port: 5551,
    username: 'me',
    password: 'p@ss',
    vhost: 'v/1',
    tls: true,
  });
  expect(of({ RABBITMQ_URL: 'amqp://a', RABBITMQ_STREAM_URL: 'rabbitmq-stream://b:7' })).toMatchObject({
    host: 'b',
    port: 7,
    vhost: '/',
    tls: false,
  });
});

test('several nodes of a cluster: the first, and where else it answers', () => {
  const { others, ...first } = of({ RABBITMQ_URL: 'amqp://me:you@a:1/v, amqp://me:you@b:2/v,amqp://c' });
  expect(first).toMatchObject({ host: 'a', port: 5552, vhost: 'v' });
  expect(others?.map(({ host, port }) => [host, port])).toEqual([
    ['b', 5552],
    ['c', 5552],
  ]);
  const streams = of({ RABBITMQ_STREAM_URL: 'rabbitmq-stream://a:1,rabbitmq-stream+tls://b:2' });
  expect([streams, ...(streams.others ?? [])].map(({ port, tls }) => [port, tls])).toEqual([
    [1, false],
    [2, true],
  ]);
});

test('a comma in a password parts nothing', () => {
  expect(brokerUrls('amqp://u:a,b@h/v,amqp://u:a,b@i/v')).toEqual(['amqp://u:a,b@h/v', 'amqp://u:a,b@i/v']);
});
