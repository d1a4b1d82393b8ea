/** The same document for people: one page, no script, nothing from elsewhere. Pure. */
import type { AsyncApi } from './document.js';

const escaped = (text: unknown): string =>
  String(text ?? '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
/** `code` as it is used in descriptions. */
const prose = (text: unknown): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
const json = (value: unknown): string => `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`;
const anchor = (name: string): string => escaped(name.replace(/[^\w-]/g, '-'));

export function eventsPage({ info, channels, components }: AsyncApi): string {
  const all = Object.entries(channels).map(([key, channel]) => ({
    key,
    channel,
    messages: Object.keys(channel.messages as object).map((name) => components.messages[name] ?? {}),
  }));
  const contents = all
    .map(
      ({ key, channel, messages }) =>
        `<li><a href="#${anchor(key)}">${escaped(channel.title)}</a>: ${messages
          .map(({ name }) => `<a href="#${anchor(`${key}-${name}`)}">${escaped(name)}</a>`)
          .join(', ')}</li>`,
    )
    .join('\n');
  const sections = all
    .map(
      ({ key, channel, messages }) => `<section>
<h2 id="${anchor(key)}">${escaped(channel.title)}</h2>
<p><code>${escaped(channel.address)}</code></p>
<p>${prose(channel.description)}</p>
${messages
  .map(
    (message) => `<h3 id="${anchor(`${key}-${message.name}`)}">${escaped(message.name)}</h3>
<p>${prose(message.summary)}</p>
${message.headers === undefined ? '' : headersOf(message.headers as { properties: Record<string, { description: string }> })}
${json((message.examples as { payload: unknown }[])[0]?.payload)}
<details><summary>Schema</summary>${json(message.payload)}</details>`,
  )
  .join('\n')}
</section>`,
    )
    .join('\n');
  const named = Object.entries(components.schemas)
    .map(([name, schema]) => `<h3 id="schema-${anchor(name)}">${escaped(name)}</h3>\n${json(schema)}`)
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><h1>${escaped(info.title)}</h1><p>${prose(info.description)}</p></header>
<main>
<p>For programs: <a href="/docs/events.json">events.json</a> (AsyncAPI 3.0). What is asked and answered over HTTP: <a href="/docs">the API</a>.</p>
<ul>
${contents}
</ul>
${sections}
<section><h2 id="schemas">Schemas by name</h2>
${named}
</section>
</main>
</body>
</html>
`;
}

const headersOf = ({ properties }: { properties: Record<string, { description: string }> }): string =>
  `<dl class="plain">${Object.entries(properties)
    .map(([name, { description }]) => `<dt><code>${escaped(name)}</code></dt><dd>${prose(description)}</dd>`)
    .join('')}</dl>`;
