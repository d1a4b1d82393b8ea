/** Every action a charging station may send: OCPP 2.0.1 Part 2, section 1 (Messages). */
import { tableOf } from '../action.js';
import { authorize } from './authorize.js';
import { bootNotification } from './boot-notification.js';
import { clearedChargingLimit } from './cleared-charging-limit.js';
import { dataTransfer } from './data-transfer.js';
import { firmwareStatusNotification } from './firmware-status-notification.js';
import { get15118EVCertificate } from './get-15118-ev-certificate.js';
import { getCertificateStatus } from './get-certificate-status.js';
import { heartbeat } from './heartbeat.js';
import { logStatusNotification } from './log-status-notification.js';
import { meterValues } from './meter-values.js';
import { notifyChargingLimit } from './notify-charging-limit.js';
import { notifyCustomerInformation } from './notify-customer-information.js';
import { notifyDisplayMessages } from './notify-display-messages.js';
import { notifyEVChargingNeeds } from './notify-ev-charging-needs.js';
import { notifyEVChargingSchedule } from './notify-ev-charging-schedule.js';
import { notifyEvent } from './notify-event.js';
import { notifyMonitoringReport } from './notify-monitoring-report.js';
import { notifyReport } from './notify-report.js';
import { publishFirmwareStatusNotification } from './publish-firmware-status-notification.js';
import { reportChargingProfiles } from './report-charging-profiles.js';
import { reservationStatusUpdate } from './reservation-status-update.js';
import { securityEventNotification } from './security-event-notification.js';
import { signCertificate } from './sign-certificate.js';
import { statusNotification } from './status-notification.js';
import { transactionEvent } from './transaction-event.js';

export const actions201 = tableOf(
  authorize,
  bootNotification,
  clearedChargingLimit,
  dataTransfer,
  firmwareStatusNotification,
  get15118EVCertificate,
  getCertificateStatus,
  heartbeat,
  logStatusNotification,
  meterValues,
  notifyChargingLimit,
  notifyCustomerInformation,
  notifyDisplayMessages,
  notifyEVChargingNeeds,
  notifyEVChargingSchedule,
  notifyEvent,
  notifyMonitoringReport,
  notifyReport,
  publishFirmwareStatusNotification,
  reportChargingProfiles,
  reservationStatusUpdate,
  securityEventNotification,
  signCertificate,
  statusNotification,
  transactionEvent,
);
