/**
 * A receipt on a page. The fonts are those that every PDF reader has (no files of ours), which know the letters of
 * Western Europe and €; any other letter is shown without its accent, or as '?': the JSON has it as it is.
 *
 * Nothing in it depends on when it is made: its dates are the receipt's.
 */
import PDFDocument from 'pdfkit';
import type { Receipt } from '../../domain/customers/receipt.js';

const MARGIN = 56;
const WIDTH = 595.28 - 2 * MARGIN;
const BOTTOM = 841.89 - MARGIN;
const GREY = '#555555';

const UNITS: Readonly<Record<Receipt['lines'][number]['dimension'], readonly [string, string]>> = {
  ENERGY: ['Energy', 'kWh'],
  TIME: ['Charging time', 'h'],
  PARKING_TIME: ['Parking without charging', 'h'],
  RESERVATION_TIME: ['Reserved time', 'h'],
  FLAT: ['Fee', ''],
};

interface Column {
  readonly at: number;
  readonly width: number;
  readonly align: 'left' | 'right';
}
const columns = (...widths: readonly number[]): Column[] => {
  let at = MARGIN;
  return widths.map((share, index) => {
    const column: Column = { at, width: share * WIDTH, align: index === 0 ? 'left' : 'right' };
    at += column.width;
    return column;
  });
};

export function receiptPdf(receipt: Receipt): Promise<Buffer> {
  const { number, date, session, currency, supplier, customer } = receipt;
  const doc = new PDFDocument({
    size: 'A4',
    margin: MARGIN,
    info: {
      Title: `Receipt ${number}`,
      Author: printable(supplier.name),
      CreationDate: new Date(session.stoppedAt),
      ModDate: new Date(session.stoppedAt),
    },
    lang: 'en',
  });
  const chunks: Buffer[] = [];
  const whole = new Promise<Buffer>((resolve, reject) => {
    doc.on('data', (chunk: Buffer) => chunks.push(chunk));
    doc.on('end', () => resolve(Buffer.concat(chunks)));
    doc.on('error', reject);
  });

  const row = (of: readonly Column[], texts: readonly string[], font = 'Helvetica'): void => {
    doc.font(font).fontSize(9);
    const shown = texts.map(printable);
    const height = Math.max(
      ...shown.map((text, index) => doc.heightOfString(text, { width: (of[index] as Column).width })),
    );
    if (doc.y + height > BOTTOM) doc.addPage();
    const { y } = doc;
    for (const [index, text] of shown.entries()) {
      const { at, width, align } = of[index] as Column;
      doc.text(text, at, y, { width, align });
    }
    doc.x = MARGIN;
    doc.y = y + height + 4;
  };
  const rule = (): void => {
    doc
      .moveTo(MARGIN, doc.y)
      .lineTo(MARGIN + WIDTH, doc.y)
      .lineWidth(0.5)
      .strokeColor(GREY)
      .stroke();
    doc.y += 5;
  };
  const heading = (text: string): void => {
    doc.y += 10;
    if (doc.y + 40 > BOTTOM) doc.addPage();
    doc.font('Helvetica-Bold').fontSize(11).fillColor('black').text(printable(text), MARGIN, doc.y);
    doc.y += 3;
  };

  doc.font('Helvetica-Bold').fontSize(18).text('Receipt', MARGIN, MARGIN);
  doc.y += 6;
  const pair = columns(0.3, 0.7).map((column): Column => ({ ...column, align: 'left' }));
  const facts: [string, string | null][] = [
    ['Number', number],
    ['Date', date],
    ['Corrects', receipt.corrects],
    ['Supplier', supplier.name],
    ['', supplier.address],
    ['VAT number', supplier.vatId],
    ['Customer', [customer.name, customer.accountId].filter(Boolean).join(', account ')],
  ];
  for (const [name, value] of facts) if (value !== null) row(pair, [name, value]);

  heading('Charging session');
  const { station } = session;
  const where = [station.name, station.address, station.city, station.country].filter(Boolean).join(', ');
  for (const [name, value] of [
    ['EVSE', session.evseId],
    ['Place', where || station.id],
    ['Start', `${spaced(session.startedAt)} (${session.timeZone})`],
    ['End', `${spaced(session.stoppedAt)} (${session.timeZone})`],
    ['Energy', `${session.energyKWh} kWh${session.estimated ? ', computed from power' : ''}`],
    ['Tariff', receipt.tariff],
    ['Session', session.sessionId],
  ] as const)
    row(pair, [name, value]);

  heading('Prices');
  const lines = columns(0.34, 0.18, 0.16, 0.1, 0.22);
  const money = currency === 'EUR' ? '€' : currency;
  row(lines, ['', 'Quantity', `Price, ${money}`, 'VAT', `Without VAT, ${money}`], 'Helvetica-Bold');
  rule();
  for (const { dimension, quantity, price, vat, exclVat } of receipt.lines) {
    const [what, unit] = UNITS[dimension];
    row(lines, [
      what,
      `${quantity} ${unit}`.trimEnd(),
      priced(price),
      vat === null ? '-' : `${vat} %`,
      exclVat,
    ]);
  }
  rule();
  const sums = columns(0.78, 0.22);
  row(sums, ['Total without VAT', `${receipt.total.exclVat} ${money}`]);
  for (const { rate, basis, amount } of receipt.vat)
    row(sums, [
      rate === null ? 'No VAT applies' : `VAT ${rate} % of ${basis} ${money}`,
      `${amount} ${money}`,
    ]);
  row(sums, ['Total', `${receipt.total.inclVat} ${money}`], 'Helvetica-Bold');

  heading('How it was computed');
  doc.fillColor(GREY);
  for (const line of receipt.explanation) {
    doc.font('Helvetica').fontSize(7.5);
    const indent = line.startsWith('  ') ? 12 : 0;
    const text = printable(line.trimStart());
    const width = WIDTH - indent;
    if (doc.y + doc.heightOfString(text, { width }) > BOTTOM) doc.addPage();
    doc.text(text, MARGIN + indent, doc.y, { width });
  }
  doc.end();
  return whole;
}

/** At least two decimals, as prices are written. */
const priced = (price: string): string => (/^-?\d+(\.\d?)?$/.test(price) ? Number(price).toFixed(2) : price);

const spaced = (instant: string): string => instant.replace('T', ' ').replace(/([+-]\d\d:\d\d)$/, ' $1');

/** What Windows-1252 has beyond Latin 1 and people use. */
const BEYOND = '€‚„…‰Š‹ŒŽ‘’“”•–—™š›œžŸ';
/** Letters that do not come apart into a letter and its accent. */
const ALIKE: Readonly<Record<string, string>> = { ł: 'l', Ł: 'L', đ: 'd', Đ: 'D', ı: 'i', '−': '-' };

function printable(text: string): string {
  return [...text.normalize('NFC')]
    .map((letter) => {
      const isPrintable = (one: string): boolean =>
        /^[\x20-\x7e\xa0-\xff]$/.test(one) || BEYOND.includes(one);
      if (isPrintable(letter)) return letter;
      const bare = ALIKE[letter] ?? letter.normalize('NFD')[0] ?? '?';
      return isPrintable(bare) ? bare : '?';
    })
    .join('');
}
