/**
 * How many decimals an amount of a currency has when it is paid: the minor units of ISO 4217. A table rather than
 * `Intl`, whose answers follow local habits of cash (and its release) instead of the standard.
 */
const MINOR_UNITS: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

const decimals = new Map(
  Object.entries(MINOR_UNITS).flatMap(([units, codes]) =>
    codes.split(' ').map((code) => [code, Number(units)] as const),
  ),
);

/** @param currency ISO 4217 code; codes not in the table have two decimals */
export const minorUnits = (currency: string): number => decimals.get(currency) ?? 2;
