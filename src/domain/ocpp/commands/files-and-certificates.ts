import { z } from 'zod';
import { call, instant, jobShape, operation, requestId, wrong } from './operation.js';

const location = z.string().min(1).max(512).describe('An address the charger writes to or reads from');
const spanShape = { from: instant.optional(), to: instant.optional() };

/** 1.6 section 5.9; 2.x use case N01. */
export const getDiagnostics = operation({
  name: 'get-diagnostics',
  summary: 'Have a charger upload its diagnostics',
  shape: { location, ...spanShape, ...jobShape, requestId },
  example: { location: 'ftp://files.example.com/diagnostics/' },
  in16: (body) =>
    call('GetDiagnostics', {
      location: body.location,
      retries: body.retries,
      retryInterval: body.retryIntervalSeconds,
      startTime: body.from,
      stopTime: body.to,
    }),
  in2x: (body) => log({ ...body, logType: 'DiagnosticsLog' }),
});

interface LogBody {
  readonly location: string;
  readonly logType: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly retries?: number | undefined;
  readonly retryIntervalSeconds?: number | undefined;
  readonly requestId?: number | undefined;
}
const log = ({ location, logType, from, to, retries, retryIntervalSeconds, requestId }: LogBody) =>
  call('GetLog', {
    log: { remoteLocation: location, oldestTimestamp: from, latestTimestamp: to },
    logType,
    requestId,
    retries,
    retryInterval: retryIntervalSeconds,
  });

/** 1.6 security whitepaper, 5.6; 2.x use case N01. */
export const getLog = operation({
  name: 'get-log',
  summary: 'Have a charger upload a log',
  shape: {
    location,
    logType: z.enum(['DiagnosticsLog', 'SecurityLog', 'DataCollectorLog']).default('DiagnosticsLog'),
    ...spanShape,
    ...jobShape,
    requestId,
  },
  example: { location: 'https://files.example.com/logs/', logType: 'SecurityLog' },
  in16: log,
  in2x: log,
});

/** 1.6 section 5.19, with a signature security whitepaper, 5.9; 2.x use cases L01, L02. */
export const updateFirmware = operation({
  name: 'update-firmware',
  summary: 'Have a charger fetch and install firmware',
  shape: {
    location,
    retrieveAt: instant.optional().describe('At once when left out'),
    installAt: instant.optional(),
    signingCertificate: z.string().max(5_500).optional().describe('PEM; with `signature`'),
    signature: z.string().max(800).optional().describe('Base64'),
    ...jobShape,
    requestId,
  },
  example: { location: 'https://files.example.com/firmware-4.2.bin' },
  in16: (body, { now }) => {
    const signed = body.signingCertificate !== undefined && body.signature !== undefined;
    if (!signed && body.installAt !== undefined)
      return wrong(
        'installAt',
        'OCPP 1.6 has it for signed firmware only: give signingCertificate and signature',
      );
    return signed
      ? call('SignedUpdateFirmware', firmware(body, now))
      : call('UpdateFirmware', {
          location: body.location,
          retries: body.retries,
          retrieveDate: body.retrieveAt ?? now,
          retryInterval: body.retryIntervalSeconds,
        });
  },
  in2x: (body, { now }) => call('UpdateFirmware', firmware(body, now)),
});

interface FirmwareBody {
  readonly location: string;
  readonly retrieveAt?: string | undefined;
  readonly installAt?: string | undefined;
  readonly signingCertificate?: string | undefined;
  readonly signature?: string | undefined;
  readonly retries?: number | undefined;
  readonly retryIntervalSeconds?: number | undefined;
  readonly requestId?: number | undefined;
}
const firmware = (body: FirmwareBody, now: string): object => ({
  requestId: body.requestId,
  retries: body.retries,
  retryInterval: body.retryIntervalSeconds,
  firmware: {
    location: body.location,
    retrieveDateTime: body.retrieveAt ?? now,
    installDateTime: body.installAt,
    signingCertificate: body.signingCertificate,
    signature: body.signature,
  },
});

/** One certificate, two names: 1.6 says CentralSystem, 2.x CSMS. */
const type16 = (type: string): string =>
  type === 'CSMSRootCertificate' ? 'CentralSystemRootCertificate' : type;
const type2x = (type: string): string =>
  type === 'CentralSystemRootCertificate' ? 'CSMSRootCertificate' : type;
const certificateType = z
  .string()
  .min(1)
  .max(40)
  .describe(
    'CSMSRootCertificate (1.6: CentralSystemRootCertificate), ManufacturerRootCertificate, 2.x also V2G and MO',
  );

/** 1.6 security whitepaper, 5.7; 2.x use case M05. */
export const installCertificate = operation({
  name: 'install-certificate',
  summary: 'Install a root certificate',
  shape: { certificateType, certificate: z.string().min(1).max(10_000).describe('PEM') },
  example: { certificateType: 'CSMSRootCertificate', certificate: '-----BEGIN CERTIFICATE-----\n...' },
  in16: (body) =>
    call('InstallCertificate', {
      certificateType: type16(body.certificateType),
      certificate: body.certificate,
    }),
  in2x: (body) =>
    call('InstallCertificate', {
      certificateType: type2x(body.certificateType),
      certificate: body.certificate,
    }),
});

/** 1.6 security whitepaper, 5.3; 2.x use case M04. */
export const deleteCertificate = operation({
  name: 'delete-certificate',
  summary: 'Delete an installed certificate',
  shape: {
    certificateHashData: z.strictObject({
      hashAlgorithm: z.enum(['SHA256', 'SHA384', 'SHA512']),
      issuerNameHash: z.string().max(128),
      issuerKeyHash: z.string().max(128),
      serialNumber: z.string().max(40),
    }),
  },
  example: {
    certificateHashData: {
      hashAlgorithm: 'SHA256',
      issuerNameHash: 'a1b2',
      issuerKeyHash: 'c3d4',
      serialNumber: '01',
    },
  },
  in16: (body) => call('DeleteCertificate', body),
  in2x: (body) => call('DeleteCertificate', body),
});

/** 1.6 security whitepaper, 5.5; 2.x use case M03. */
export const getInstalledCertificateIds = operation({
  name: 'get-installed-certificate-ids',
  summary: 'Ask which certificates are installed',
  shape: { certificateTypes: z.array(certificateType).max(10).optional().describe('1.6: exactly one') },
  example: { certificateTypes: ['CSMSRootCertificate'] },
  in16: ({ certificateTypes = [] }) => {
    const [type, ...others] = certificateTypes;
    return type === undefined || others.length > 0
      ? wrong('certificateTypes', 'must name exactly one: this charger speaks OCPP 1.6')
      : call('GetInstalledCertificateIds', { certificateType: type16(type) });
  },
  in2x: ({ certificateTypes }) =>
    call('GetInstalledCertificateIds', {
      certificateType: certificateTypes?.length ? certificateTypes.map(type2x) : undefined,
    }),
});

/** 1.6 security whitepaper, 5.2; 2.x use case A02. */
export const certificateSigned = operation({
  name: 'certificate-signed',
  summary: 'Give a charger the certificate it asked to be signed',
  shape: {
    certificateChain: z.string().min(1).max(10_000).describe('PEM'),
    certificateType: z.enum(['ChargingStationCertificate', 'V2GCertificate', 'V2G20Certificate']).optional(),
  },
  example: { certificateChain: '-----BEGIN CERTIFICATE-----\n...' },
  in16: ({ certificateChain }) => call('CertificateSigned', { certificateChain }),
  in2x: ({ certificateChain, certificateType }) =>
    call('CertificateSigned', { certificateChain, certificateType }),
});
