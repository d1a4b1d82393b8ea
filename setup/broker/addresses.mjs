/**
 * Settings that may name several nodes of one cluster: whole addresses, separated by commas. A comma within an
 * address (a password's) parts nothing. (src/platform/config.ts reads them likewise; what runs before the build
 * cannot import it.)
 * @param {string} setting
 */
export const urlsIn = (setting) =>
  setting
    .split(/,(?=\s*[a-z][a-z+-]*:\/\/)/i)
    .map((url) => url.trim())
    .filter((url) => url !== '');

/**
 * @param {string} setting
 * @param {(url: string) => string} change
 */
export const eachUrl = (setting, change) => urlsIn(setting).map(change).join(',');
