/**
 * Decimal numbers as text into exact integer thousandths. Chargers send kWh with float noise
 * ("0.45000999999999997"); arithmetic on the digits keeps everything they meant and adds nothing.
 */
const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
/** Longer than any number a meter can say. */
const MAX_LENGTH = 80;

/**
 * `text` x 10^`exponent` in thousandths, rounded half away from zero: toMilli('0.15006999999999998', 3) is
 * 150070. NaN when the text is no decimal number, or the result is beyond 2^53 - 1.
 */
export function toMilli(text: string, exponent = 0): number {
  const trimmed = text.trim();
  if (trimmed.length > MAX_LENGTH || !Number.isInteger(exponent)) return Number.NaN;
  const parts = SHAPE.exec(trimmed);
  if (parts === null) return Number.NaN;
  const whole = parts[2] as string;
  const fraction = parts[3] ?? '';
  if (whole === '' && fraction === '') return Number.NaN;
  const magnitude = shifted(whole, fraction, 3 + exponent + (parts[4] === undefined ? 0 : Number(parts[4])));
  if (!(magnitude <= Number.MAX_SAFE_INTEGER)) return Number.NaN;
  return parts[1] === '-' && magnitude !== 0 ? -magnitude : magnitude;
}

/** `whole.fraction` x 10^`places`, rounded half up (of a magnitude: away from zero). */
function shifted(whole: string, fraction: string, places: number): number {
  const digits = whole + fraction;
  const point = whole.length + places;
  if (point >= digits.length) {
    if (Number(digits) === 0) return 0;
    return point - digits.length > 20 ? Number.NaN : Number(digits + '0'.repeat(point - digits.length));
  }
  if (point < 0) return 0;
  const kept = point === 0 ? 0 : Number(digits.slice(0, point));
  return (digits.charCodeAt(point) as number) >= 0x35 ? kept + 1 : kept;
}
