import { run } from '../processes.mjs';
import { Problem } from '../say.mjs';

/** Apart from the project of `docker compose up`, so that neither sees the other's data. */
const PROJECT = ['docker', 'compose', '-p', 'wattstream-dev'];
const USER = process.env.WATTSTREAM_RABBITMQ_USER || 'wattstream';
const PASSWORD = process.env.WATTSTREAM_RABBITMQ_PASSWORD || 'wattstream';
const ENV = {
  ...process.env,
  WATTSTREAM_RABBITMQ_USER: USER,
  WATTSTREAM_RABBITMQ_PASSWORD: PASSWORD,
  // What a stream client is told to connect to must be true on the host here, not in the compose network.
  WATTSTREAM_STREAM_HOST: 'localhost',
};

/**
 * The compose file's rabbitmq, on its standard ports. A container outlives a `kill -9` of its starter; the
 * next start finds and uses it.
 * @param {{ folder: string }} options where docker-compose.yml is
 */
export async function startInDocker({ folder }) {
  const options = { cwd: folder, env: ENV };
  const before = await run([...PROJECT, 'ps', '-q', '--status', 'running', 'rabbitmq'], options);
  const wasRunning = before.code === 0 && before.stdout.trim() !== '';
  const started = await run([...PROJECT, 'up', '-d', '--wait', 'rabbitmq'], options);
  if (started.code !== 0) {
    throw new Problem(
      `docker compose could not start rabbitmq:\n  ${started.stderr.trim().split('\n').slice(-5).join('\n  ')}`,
      'Are ports 5672, 5552 or 15672 taken? A RabbitMQ that runs already is used through RABBITMQ_URL.',
    );
  }
  const credentials = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}`;
  return {
    amqpUrl: `amqp://${credentials}@127.0.0.1:5672`,
    streamUrl: `rabbitmq-stream://${credentials}@127.0.0.1:5552`,
    managementUrl: 'http://127.0.0.1:15672',
    async stop() {
      if (!wasRunning) await run([...PROJECT, 'stop', 'rabbitmq'], options);
    },
  };
}

/** @param {{ folder: string }} options */
export const removeDockerData = ({ folder }) => run([...PROJECT, 'down', '-v'], { cwd: folder, env: ENV });
