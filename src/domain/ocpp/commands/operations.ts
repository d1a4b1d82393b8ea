/** The friendly operations: one row each, and a route each (POST /api/charger/<name>). */
import * as configuration from './configuration.js';
import * as files from './files-and-certificates.js';
import * as localList from './local-list.js';
import type { Operation } from './operation.js';
import * as smartCharging from './smart-charging.js';
import * as transactions from './transactions.js';

export const OPERATIONS: readonly Operation[] = [
  transactions.remoteStart,
  transactions.remoteStop,
  configuration.changeConfiguration,
  configuration.reset,
  configuration.getConfiguration,
  transactions.unlockConnector,
  configuration.changeAvailability,
  configuration.clearCache,
  configuration.triggerMessage,
  configuration.dataTransfer,
  files.getDiagnostics,
  files.getLog,
  files.updateFirmware,
  transactions.reserveNow,
  transactions.cancelReservation,
  smartCharging.setChargingProfile,
  smartCharging.clearChargingProfile,
  smartCharging.getCompositeSchedule,
  smartCharging.getChargingProfiles,
  localList.sendLocalList,
  localList.getLocalListVersion,
  configuration.getVariables,
  configuration.setVariables,
  configuration.getBaseReport,
  transactions.getTransactionStatus,
  transactions.costUpdated,
  files.installCertificate,
  files.deleteCertificate,
  files.getInstalledCertificateIds,
  files.certificateSigned,
] as readonly Operation[];

const BY_NAME = new Map(OPERATIONS.map((operation) => [operation.name, operation]));
export const operationOf = (name: string): Operation | undefined => BY_NAME.get(name);
