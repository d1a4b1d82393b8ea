import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { redact } from './redact.js';

const secret = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';

test.each([
  ['1.6 ChangeConfiguration', `[2,"i","ChangeConfiguration",{"key":"AuthorizationKey","value":"${secret}"}]`],
  ['in any order', `[2,"i","ChangeConfiguration",{"value":"${secret}","key":"AuthorizationKey"}]`],
  ['in any case', `[2,"i","ChangeConfiguration",{"key":"authorizationkey","value":"${secret}"}]`],
  [
    '1.6 GetConfiguration answer',
    `[3,"i",{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"${secret}"}]}]`,
  ],
  [
    '2.x SetVariables',
    `[2,"i","SetVariables",{"setVariableData":[{"attributeValue":"${secret}","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}]`,
  ],
  [
    '2.x GetVariables answer',
    `[3,"i",{"getVariableResult":[{"attributeStatus":"Accepted","attributeValue":"${secret}","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}]`,
  ],
  [
    '2.x NotifyReport',
    `[2,"i","NotifyReport",{"reportData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"},"variableAttribute":[{"type":"Actual","value":"${secret}"}]}]}]`,
  ],
  [
    '2.x NotifyEvent',
    `[2,"i","NotifyEvent",{"eventData":[{"actualValue":"${secret}","variable":{"name":"BasicAuthPassword"}}]}]`,
  ],
  [
    '2.x SetNetworkProfile',
    `[2,"i","SetNetworkProfile",{"connectionData":{"basicAuthPassword":"${secret}","apn":{"apnPassword":"${secret}","simPin":1234567}, "vpn":{"key":"${secret}","password":"${secret}"}}}]`,
  ],
  [
    'credentials in an address',
    `[2,"i","GetDiagnostics",{"location":"ftp://charger:${secret}@files.example/x"}]`,
  ],
  [
    'a vendor in DataTransfer',
    `[2,"i","DataTransfer",{"vendorId":"V","data":"{\\"password\\":\\"${secret}\\"}"}]`,
  ],
  ['escaped', `[2,"i","ChangeConfiguration",{"key":"AuthorizationKey","value":"\\u0061${secret}\\""}]`],
])('%s', (_name, text) => {
  const redacted = redact(text);
  expect(redacted).not.toContain(secret);
  expect(redacted).not.toContain('1234567');
  expect(redacted).toContain('***');
  expect(JSON.parse(redacted)[1]).toBe('i');
});

test('everything but the secret stays byte for byte, spaces and all', () => {
  const text = `[ 2 ,"i",\n"ChangeConfiguration", {"key" : "AuthorizationKey",\t"value": "${secret}" , "x":1.50e1,"y":"\\u00e9"} ]`;
  expect(redact(text)).toBe(text.replace(`"${secret}"`, '"***"'));
});

test.each([
  '[2,"i","Heartbeat",{}]',
  '[2,"i","ChangeConfiguration",{"key":"HeartbeatInterval","value":"300"}]',
  '[3,"i",{"configurationKey":[{"key":"AuthorizationKey","readonly":false}],"unknownKey":["x"]}]',
  '[2,"i","GetConfiguration",{"key":["AuthorizationKey"]}]',
  '[2,"i","UpdateFirmware",{"location":"https://files.example:8080/a@b"}]',
  '[2,"i","StatusNotification",{"info":"password wrong","connectorId":1}]',
  '[2,"i","GetVariables",{"getVariableData":[{"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}]',
])('%s holds no secret', (text) => {
  expect(redact(text)).toBe(text);
});

test('a neighbour of a secret is no secret', () => {
  const text =
    '[3,"i",{"configurationKey":[{"key":"AuthorizationKey","value":"s"},{"key":"MeterType","value":"m"}]}]';
  expect(redact(text)).toBe(text.replace('"s"', '"***"'));
});

test('whatever JSON surrounds it: the secret goes, all else stays, and twice is as once', () => {
  fc.assert(
    fc.property(fc.json(), fc.json(), (before, after) => {
      const text = `[2,"i","DataTransfer",{"a":${before},"password":"${secret}","b":${after}}]`;
      const redacted = redact(text);
      expect(redacted).toContain(`"password":"***"`);
      expect(redacted).not.toContain(secret);
      expect(redact(redacted)).toBe(redacted);
    }),
  );
});

test('nesting as deep as a frame can hold does not stop it', () => {
  const deep = `${'['.repeat(100_000)}{"password":"${secret}"}${']'.repeat(100_000)}`;
  expect(redact(deep)).not.toContain(secret);
});
